//! One example of every event, with every field filled.

use domain::order::{CancelReason, Outcome, PaymentMethod};
use domain::payment::Operation;
use domain::product::{Details, Media};
use domain::{Event, cart, fulfilment, order, payment, product, sku, stock};

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
    all.extend(of_parcels().map(Event::from));
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

fn of_products() -> [product::Event; 6] {
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
            options: [(label("Colour"), label("Brown"))].into(),
            prices: vec![eur("19.99"), money("3300", "JPY"), money("6.125", "KWD")],
            barcode: Some(label("4006381333931")),
        }
        .into(),
        product::VariantRemoved { sku: sku(TOTE) }.into(),
        product::Published {}.into(),
        product::Archived {}.into(),
    ]
}

fn of_skus() -> [sku::Event; 2] {
    let product_id = product_id(1);
    [sku::Assigned { product_id }.into(), sku::Released { product_id }.into()]
}

fn of_stocks() -> [stock::Event; 6] {
    let order_id = order_id(1);
    let parts = || parts(&[("depot", 2), ("shop", 1)]);
    let (location, quantity) = (place("depot"), units(5));
    let source = stock::Source::Delivery { reference: Some(note("delivery note 7")) };
    let adjusted = stock::Adjusted { location: place("depot"), delta: -3, reason: note("broken") };
    let fulfilment_id = parcel_id(1);
    [
        stock::Received { location, quantity, source }.into(),
        adjusted.into(),
        stock::Reserved { order_id, parts: parts(), until: hour(1) }.into(),
        stock::Committed { order_id, parts: parts() }.into(),
        stock::Released { order_id, parts: parts(), committed: true }.into(),
        stock::Shipped { order_id, fulfilment_id, parts: parts() }.into(),
    ]
}

fn of_carts() -> [cart::Event; 6] {
    let (quantity, unit_price) = (units(2), eur("19.99"));
    let created = cart::Created { currency: currency("EUR"), customer_id: Some(customer_id(1)) };
    let (product_id, title) = (product_id(1), label("Tote"));
    [
        created.into(),
        cart::LineAdded { sku: sku(TOTE), product_id, title, quantity, unit_price }.into(),
        cart::LineChanged { sku: sku(TOTE), quantity, unit_price }.into(),
        cart::LineRemoved { sku: sku(TOTE) }.into(),
        cart::CheckedOut { order_id: order_id(1) }.into(),
        cart::Abandoned {}.into(),
    ]
}

fn of_orders() -> [order::Event; 7] {
    let (payment_id, fulfilment_id) = (payment_id(1), parcel_id(1));
    let (total, units) = (eur("39.98"), 2);
    let line = order::Line {
        sku: sku(TOTE),
        product_id: product_id(1),
        title: label("Tote"),
        quantity: kit::units(2),
        unit_price: eur("19.99"),
        total,
    };
    let placed = order::Placed {
        cart_id: cart_id(1),
        customer_id: Some(customer_id(1)),
        lines: vec![line],
        total,
        reserved_until: hour(1),
    };
    let lines = of(&[(TOTE, 2)]);
    let reason = CancelReason::Requested(note("changed my mind"));
    [
        placed.into(),
        order::PaymentStarted { payment_id, method: PaymentMethod::Card }.into(),
        order::Confirmed { payment_id, total, units }.into(),
        order::FulfilmentPlanned { fulfilment_id, lines }.into(),
        order::FulfilmentClosed { fulfilment_id, outcome: Outcome::Delivered }.into(),
        order::Completed {}.into(),
        order::Cancelled { reason, was_confirmed: true, total, units }.into(),
    ]
}

fn of_payments() -> [payment::Event; 15] {
    let (order_id, amount) = (order_id(1), eur("39.98"));
    let (method, operation, request) = (PaymentMethod::Card, Operation::Authorize, 1);
    let url = "https://bank.example/confirm".parse().expect("a URL");
    let reason = || note("insufficient funds");
    let reference = token("auth_1");
    let expires_at = hour(168);
    [
        payment::Created { order_id, method, amount, token: Some(token("tok_1")) }.into(),
        payment::Requested { order_id, operation, amount, request }.into(),
        payment::ActionRequired { order_id, url }.into(),
        payment::Authorized { order_id, amount, reference, expires_at }.into(),
        payment::Captured { order_id, amount }.into(),
        payment::Voided { order_id }.into(),
        payment::Expired { order_id }.into(),
        payment::Refunded { order_id, amount }.into(),
        payment::Failed { order_id, reason: reason() }.into(),
        payment::RequestFailed { order_id, operation, reason: reason() }.into(),
        payment::OutcomeUnknown { order_id, operation, request }.into(),
        payment::CollectionDue { order_id, amount }.into(),
        payment::Collected { order_id, amount }.into(),
        payment::Remitted { order_id, amount }.into(),
        payment::Uncollected { order_id }.into(),
    ]
}

fn of_parcels() -> [fulfilment::Event; 7] {
    let order_id = order_id(1);
    let (carrier, tracking) = (Some(label("DHL")), Some(label("JJD0001")));
    [
        fulfilment::Created { order_id, lines: of(&[(TOTE, 2)]) }.into(),
        fulfilment::Packed { order_id }.into(),
        fulfilment::Shipped { order_id, carrier, tracking }.into(),
        fulfilment::Delivered { order_id }.into(),
        fulfilment::DeliveryFailed { order_id, reason: note("nobody at home") }.into(),
        fulfilment::ReturnedToSender { order_id }.into(),
        fulfilment::Cancelled { order_id }.into(),
    ]
}
