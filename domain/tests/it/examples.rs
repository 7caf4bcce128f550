//! One example of every event, with every field filled.

use domain::order::{CancelReason, ParcelOutcome, PaymentMethod};
use domain::payment::Operation;
use domain::product::{Details, Media};
use domain::{Event, cart, fulfilment, order, payment, product, return_, sku, stock};

use kit::*;

/// All of them.
pub fn all() -> Vec<Event> {
    let mut all: Vec<Event> = Vec::new();
    all.extend(of_products().map(Event::from));
    all.extend(of_skus().map(Event::from));
    all.extend(of_stocks().map(Event::from));
    all.extend(of_carts().map(Event::from));
    all.extend(of_orders().map(Event::from));
    all.extend(of_payments().map(Event::from));
    all.extend(of_corrected_payments().map(Event::from));
    all.extend(of_parcels().map(Event::from));
    all.extend(of_returns().map(Event::from));
    all.extend(crate::location::examples().map(Event::from));
    all
}

fn full_details() -> Details {
    Details {
        title: label("Tote Äpfel"),
        description: Some("<p>Two\nlines</p>".parse().expect("a text")),
        brand: Some(label("Acme")),
        category: vec![label("Bags"), label("Totes")],
        attributes: [(label("material"), label("leather"))].into(),
        media: vec![Media {
            url: "https://shop.example/tote.jpg".parse().expect("a URL"),
            alt: Some(label("A brown tote")),
        }],
    }
}

fn of_products() -> [product::Event; 9] {
    let details = full_details();
    [
        product::Created { details: details.clone() }.into(),
        product::Changed {
            title: Some(label("Bag")),
            description: Some(None),
            brand: Some(Some(label("Acme"))),
            category: Some(details.category),
            attributes: Some(details.attributes),
            media: Some(details.media),
        }
        .into(),
        product::VariantSet {
            sku: sku(TOTE),
            title: Some(label("Brown")),
            options: options(&[("Size", "M"), ("Colour", "Brown")]),
            prices: vec![eur("19.99"), money("3300", "JPY"), money("6.125", "KWD")],
            barcode: Some(label("4006381333931")),
        }
        .into(),
        product::PricesSet { sku: sku(TOTE), prices: vec![eur("17.99")] }.into(),
        product::Published {}.into(),
        product::Unpublished {}.into(),
        product::Archived { skus: product::SkusOfArchived::Free }.into(),
        product::Restored {}.into(),
        product::VariantRemoved { sku: sku(TOTE) }.into(),
    ]
}

fn of_skus() -> [sku::Event; 2] {
    let product_id = product_id(1);
    [sku::Assigned { product_id }.into(), sku::Released { product_id }.into()]
}

fn of_stocks() -> [stock::Event; 12] {
    let order_id = order_id(1);
    let parts = || parts(&[("depot", 2), ("shop", 1)]);
    let (location, quantity) = (place("depot"), units(5));
    let source = stock::Source::Delivery { reference: Some(note("delivery note 7")) };
    let fulfilment_id = parcel_id(1);
    let (reason, sellable) = (Some(note("for the weekend")), true);
    let short = || vec![stock::Short { order_id, quantity: units(2) }];
    let at = |code, sellable| stock::Shelf { location: place(code), sellable };
    let (from, to) = (at("depot", true), at("shop", true));
    let transferred = stock::Transferred { from, to, quantity, reason, short: short() };
    let (reason, location_of) = (Some(note("stocktaking")), || place("depot"));
    let (on_hand, expected) = (4, 5);
    let counted = stock::Counted { location, sellable, on_hand, expected, reason, short: short() };
    let (delta, reason) = (-3, note("broken"));
    let location = location_of();
    let adjusted = stock::Adjusted { location, sellable, delta, reason, short: short() };
    [
        stock::Received { location: location_of(), sellable, quantity, source, of_another: false }
            .into(),
        transferred.into(),
        counted.into(),
        adjusted.into(),
        stock::Reserved { order_id, parts: parts(), until: hour(1) }.into(),
        stock::Committed { order_id, parts: parts() }.into(),
        stock::Released { order_id, parts: parts(), committed: true }.into(),
        stock::Shipped { order_id, fulfilment_id, parts: parts(), held: parts() }.into(),
        stock::PolicySet { backorder_max: 20 }.into(),
        stock::ThresholdSet { threshold: Some(5) }.into(),
        stock::Low { available: 4, threshold: 5 }.into(),
        stock::ReceiptCorrected {
            location: location_of(),
            sellable,
            quantity,
            source: stock::Source::Return { order_id, return_id: return_id(1) },
            of_another: true,
            short: short(),
        }
        .into(),
    ]
}

fn of_carts() -> [cart::Event; 9] {
    let (quantity, unit_price) = (units(2), eur("19.99"));
    let (customer, guest_id) = (Some(customer_id(1)), Some(guest_id(1)));
    let created = cart::Created { currency: currency("EUR"), customer_id: customer, guest_id };
    let (product_id, title) = (product_id(1), label("Tote"));
    let options = options(&[("Size", "M"), ("Colour", "Brown")]);
    let added = cart::LineAdded {
        sku: sku(TOTE),
        product_id,
        title: title.clone(),
        variant_title: Some(label("Brown, M")),
        options: options.clone(),
        quantity,
        unit_price,
    };
    let changed = cart::LineChanged {
        sku: sku(TOTE),
        product_id: kit::product_id(2),
        title,
        variant_title: Some(label("Brown, M")),
        options,
        quantity: units(3),
        unit_price: eur("17.99"),
        unit_price_before: Some(unit_price),
    };
    [
        created.into(),
        cart::Assigned { customer_id: customer_id(2) }.into(),
        cart::Merged { into: cart_id(2) }.into(),
        added.into(),
        changed.into(),
        cart::LineRemoved { sku: sku(TOTE) }.into(),
        cart::CheckedOut { order_id: order_id(1) }.into(),
        cart::Reopened { order_id: order_id(1) }.into(),
        cart::Abandoned { expired: true }.into(),
    ]
}

fn of_orders() -> [order::Event; 25] {
    let (payment_id, fulfilment_id, return_id) = (payment_id(1), parcel_id(1), return_id(1));
    let (total, amount, units) = (eur("39.98"), eur("19.99"), 2);
    let address_id = domain::AddressId(uuid::Uuid::from_u128(8));
    let line = order::Line {
        sku: sku(TOTE),
        product_id: product_id(1),
        title: label("Tote"),
        variant_title: Some(label("Brown, M")),
        options: domain::options::Options::default(),
        quantity: kit::units(2),
        unit_price: amount,
        total,
    };
    let placed = order::Placed {
        cart_id: Some(cart_id(1)),
        customer_id: Some(customer_id(1)),
        guest_id: Some(guest_id(1)),
        address_id: Some(address_id),
        lines: vec![line],
        total,
        reserved_until: hour(1),
        recorded: true,
    };
    let lines = || of(&[(TOTE, 2)]);
    let (outcome, was_confirmed) = (ParcelOutcome::Lost, true);
    let reason = CancelReason::Requested(note("changed my mind"));
    let broken = note("broken");
    let closed = order::FulfilmentClosed {
        fulfilment_id,
        outcome,
        lines: lines(),
        again: lines(),
        amount: Some(amount),
        found: true,
        regained: Some(amount),
    };
    [
        placed.into(),
        order::Assigned { customer_id: customer_id(2) }.into(),
        order::PaymentStarted { payment_id, method: PaymentMethod::Card }.into(),
        order::PaymentEnded { payment_id }.into(),
        order::HoldProlonged { reserved_until: hour(2) }.into(),
        order::Confirmed { payment_id: Some(payment_id), total, units, prepaid: Some(amount) }
            .into(),
        order::Unsecured { payment_id, reserved_until: hour(2) }.into(),
        order::Secured { payment_id: Some(payment_id) }.into(),
        order::AddressChanged { address_id }.into(),
        order::FulfilmentPlanned { fulfilment_id, lines: lines() }.into(),
        order::FulfilmentShipped { fulfilment_id, lines: lines() }.into(),
        order::UnitsDelivered {
            fulfilment_id,
            lines: lines(),
            found: true,
            regained: Some(amount),
        }
        .into(),
        closed.into(),
        order::UnitsCancelled { lines: lines(), reason: broken, amount, was_confirmed }.into(),
        order::ReturnOpened { return_id, lines: lines() }.into(),
        order::UnitsReturned { return_id, lines: lines(), amount, withheld: Some(amount) }.into(),
        return_corrected(),
        order::ReturnClosed { return_id, lines: lines() }.into(),
        order::Completed {}.into(),
        order::Cancelled { reason, was_confirmed, total, units }.into(),
        order::Reinstated {}.into(),
        order::DeliveryCorrected { fulfilment_id, lines: lines() }.into(),
        order::Overpaid { payment_id, amount }.into(),
        order::OverpaidCorrected { payment_id, amount }.into(),
        order::NoteAdded { note: note("called, will pick it up on Friday") }.into(),
    ]
}

fn return_corrected() -> order::Event {
    let (lines, amount) = (of(&[(TOTE, 2)]), Some(eur("19.99")));
    order::ReturnCorrected {
        return_id: return_id(1),
        not_back: lines.clone(),
        back: lines,
        amount,
        regained: amount,
        withheld_before: amount,
        withheld: amount,
        closed: true,
    }
    .into()
}

fn of_payments() -> [payment::Event; 20] {
    let (order_id, amount) = (order_id(1), eur("39.98"));
    let (method, operation, request) = (PaymentMethod::Card, Operation::Authorize, 1);
    let url = || "https://bank.example/confirm".parse().expect("a URL");
    let why = || note("insufficient funds");
    let (name, expires_at) = (|| token("auth_1"), hour(168));
    let (reference, reason) = (Some(name()), Some(why()));
    let created = payment::Created {
        order_id,
        customer_id: Some(customer_id(1)),
        guest_id: Some(guest_id(1)),
        method,
        gateway: Some(gateway("sandbox")),
        amount,
        capture: payment::CapturePolicy::AtShipment,
        once: true,
        token: Some(token("tok_1")),
        return_url: Some(url()),
    };
    let (fee, last) = (Some(eur("0.35")), true);
    let capture = reference.clone();
    let captured = payment::Captured { order_id, request, amount, reference: capture, fee, last };
    let refunded = payment::Refunded {
        order_id,
        request: Some(request),
        amount,
        reference: reference.clone(),
        reason: reason.clone(),
    };
    let again = reason.clone();
    let stage = payment::DisputeStage::Opened;
    [
        created.into(),
        payment::Assigned { order_id, customer_id: customer_id(2) }.into(),
        payment::Requested { order_id, operation, amount, request, reason: again }.into(),
        payment::ActionRequired { order_id, request, reference, url: url() }.into(),
        payment::Authorized { order_id, request: None, amount, reference: name(), expires_at }
            .into(),
        captured.into(),
        payment::Voided { order_id, request: Some(request) }.into(),
        payment::Expired { order_id }.into(),
        refunded.into(),
        payment::Failed { order_id, reason: why() }.into(),
        payment::RequestFailed { order_id, operation, request, reason: why() }.into(),
        payment::OutcomeUnknown { order_id, operation, request }.into(),
        payment::Resolved { order_id, request, note: why() }.into(),
        payment::Reported { order_id, operation, amount, reference: name() }.into(),
        payment::Disputed { order_id, reference: name(), amount, stage }.into(),
        payment::CollectionDue { order_id, amount }.into(),
        payment::Collected { order_id, amount }.into(),
        payment::Remitted {
            order_id,
            amount,
            written_off: Some(payment::WriteOff { amount, reason: why() }),
        }
        .into(),
        payment::Restored {
            order_id,
            what: payment::Restoration::Refund,
            amount,
            reference: name(),
            reason: Some(why()),
        }
        .into(),
        payment::Uncollected { order_id, reason }.into(),
    ]
}

fn of_corrected_payments() -> [payment::Event; 3] {
    let (order_id, before, amount) = (order_id(1), eur("91.00"), eur("39.98"));
    let (written_off_before, written_off) = (eur("2.50"), eur("1.25"));
    let reason = || note("insufficient funds");
    let remitted = payment::RemittanceCorrected {
        order_id,
        before,
        amount,
        written_off_before,
        written_off,
        reason: reason(),
    };
    [
        payment::CollectionCorrected { order_id, before, amount, reason: reason() }.into(),
        remitted.into(),
        payment::RefundCorrected { order_id, before, amount, reason: reason() }.into(),
    ]
}

fn of_parcels() -> [fulfilment::Event; 10] {
    let order_id = order_id(1);
    let (carrier, tracking) = (Some(label("DHL")), Some(label("JJD0001")));
    let (lines, location) = (of(&[(TOTE, 2)]), Some(place("depot")));
    let back = arrivals(&[(TOTE, 1, Some("depot")), (TOTE, 1, None)]);
    let (by, number) = (carrier.clone(), tracking.clone());
    let at = location.clone();
    let left = fulfilment::Shipped { order_id, location: at, carrier: by, tracking: number }.into();
    [
        fulfilment::Created { order_id, lines: lines.clone(), location }.into(),
        fulfilment::Packed { order_id }.into(),
        left,
        fulfilment::TrackingSet { order_id, carrier, tracking }.into(),
        fulfilment::Delivered { order_id }.into(),
        fulfilment::PartlyDelivered { order_id, lines: lines.clone() }.into(),
        fulfilment::DeliveryFailed { order_id, reason: note("nobody at home") }.into(),
        fulfilment::ReturnedToSender { order_id, lines: back, send_again: true }.into(),
        fulfilment::Lost { order_id, reason: note("the van burnt out") }.into(),
        fulfilment::Cancelled { order_id }.into(),
    ]
}

fn of_returns() -> [return_::Event; 7] {
    use return_::{Arrival, Disposal};
    let order_id = order_id(1);
    let arrival = |disposal| Arrival { sku: sku(TOTE), quantity: units(1), disposal };
    let lines = vec![arrival(Disposal::Stored(place("depot"))), arrival(Disposal::WrittenOff)];
    let reason = || note("does not fit");
    let withheld = Some(return_::Withheld { amount: eur("5.00"), reason: note("worn") });
    [
        return_::Requested { order_id, lines: of(&[(TOTE, 2)]), reason: reason() }.into(),
        return_::Approved { order_id }.into(),
        return_::Rejected { order_id, reason: reason() }.into(),
        return_::Withdrawn { order_id }.into(),
        return_::Received { order_id, lines: lines.clone(), withheld }.into(),
        return_::ReceiptCorrected {
            order_id,
            before: lines.clone(),
            lines,
            withheld: Some(eur("2.00")),
            reason: reason(),
        }
        .into(),
        return_::Closed { order_id }.into(),
    ]
}
