//! Orders that were sold before they came to this log: as other books have them, and without a word
//! to stock until something of them comes back.

use domain::command::payment::Command;
use domain::order::{
    CancelReason, Cancelled, Completed, Confirmed, FulfilmentClosed, FulfilmentShipped, Line,
    ParcelOutcome, PaymentMethod, PaymentStarted, Placed, Status, UnitsCancelled,
};
use domain::payment::{CapturePolicy, Collected, CollectionDue, Created};
use domain::{Event, Options, StreamId, fulfilment, order};

use kit::*;

use super::payment::collect;
use super::told::order as order_of;

/// Three totes for ten, which no price of one comes to, and a purse.
const LINES: [(&str, u32, &str); 2] = [(TOTE, 3, "10.00"), (PURSE, 1, "9.00")];

fn line(text: &str, count: u32, unit_price: &str, total: &str) -> Line {
    Line {
        sku: sku(text),
        product_id: product_id(9),
        title: label("As it was called"),
        variant_title: None,
        options: Options::default(),
        quantity: units(count),
        unit_price: eur(unit_price),
        total: eur(total),
    }
}

fn recorded() -> Shop {
    catalogue().done(record_order(1, &LINES))
}

fn paid() -> Shop {
    recorded().done(pay_elsewhere(1, 1)).done(collect(None))
}

fn stocks(facts: &[Fact]) -> usize {
    facts.iter().filter(|(stream, _)| matches!(stream, StreamId::Stock(_))).count()
}

#[test]
fn it_is_placed_at_what_it_cost_and_nothing_else_happens() {
    let placed = |lines, total| Placed {
        cart_id: None,
        customer_id: None,
        guest_id: None,
        address_id: None,
        lines,
        total: eur(total),
        reserved_until: hour(0),
        recorded: true,
    };
    let lines = vec![line(TOTE, 3, "3.33", "10.00"), line(PURSE, 1, "9.00", "9.00")];
    // No catalogue is asked: what was sold then need not be for sale now.
    for shop in [catalogue(), given([])] {
        shop.when(record_order(1, &LINES)).then([of_order(1, placed(lines.clone(), "19.00"))]);
    }
    let twice = [(TOTE, 3, "10.00"), (PURSE, 1, "9.00"), (TOTE, 1, "4.00")];
    let lines = vec![line(TOTE, 4, "3.33", "14.00"), line(PURSE, 1, "9.00", "9.00")];
    given([]).when(record_order(1, &twice)).then([of_order(1, placed(lines, "23.00"))]);
}

#[test]
fn what_was_free_is_certain_at_once() {
    let shop = given([]).done(record_order(1, &[(TOTE, 1, "0.00")]));
    shop.when(pay_elsewhere(1, 1)).then_refused("order_paid");
    let planned = shop.done(plan(1, 1, &[])).done(pack(1)).done(ship(1));
    planned.when(cancel(1)).then_refused("order_already_shipped");
}

#[test]
fn what_no_order_can_be_is_refused() {
    recorded().when(record_order(1, &LINES)).then_refused("order_already_exists");
    placed().when(record_order(1, &LINES)).then_refused("order_already_exists");
    given([]).when(record_order(1, &[])).then_refused("total_out_of_bounds");
    let names: Vec<String> = (0..=order::RECORDED_LINES_MAX).map(|n| format!("SKU-{n}")).collect();
    let lines: Vec<_> = names.iter().map(|name| (name.as_str(), 1, "1.00")).collect();
    given([]).when(record_order(1, &lines)).then_refused("too_many_order_lines");
    let most = &lines[..order::RECORDED_LINES_MAX];
    assert!(given([]).decide(&record_order(1, most)).is_ok());
}

#[test]
fn it_is_paid_elsewhere_before_anything_leaves() {
    let (order_id, amount, method) = (order_id(1), eur("19.00"), PaymentMethod::External);
    let (payment_id, total, units) = (payment_id(1), amount, 4);
    let created = Created {
        order_id,
        customer_id: None,
        guest_id: None,
        method,
        gateway: None,
        amount,
        capture: CapturePolicy::ByHand,
        once: false,
        token: None,
        return_url: None,
    };
    let shop = recorded();
    shop.when(pay_elsewhere(1, 1)).then([
        of_payment(1, created),
        of_payment(1, CollectionDue { order_id, amount }),
        of_order(1, PaymentStarted { payment_id, method }),
        of_order(1, Confirmed { payment_id: Some(payment_id), total, units, prepaid: None }),
    ]);
    let shop = shop.done(pay_elsewhere(1, 1));
    shop.when(collect(None)).then([of_payment(1, Collected { order_id, amount })]);
    // Cash at the door is not taken before that.
    let cash = recorded().done(pay_on_delivery(1, 1));
    cash.when(collect(None)).then_refused("order_not_delivered");
}

#[test]
fn its_parcels_take_nothing_out_of_stock() {
    let packed = paid().done(plan(1, 1, &[])).done(pack(1));
    let (fulfilment_id, lines) = (parcel_id(1), of(&[(PURSE, 1), (TOTE, 3)]));
    packed.when(ship(1)).then([
        of_parcel(
            1,
            fulfilment::Shipped {
                order_id: order_id(1),
                location: None,
                carrier: Some(label("DHL")),
                tracking: None,
            },
        ),
        of_order(1, FulfilmentShipped { fulfilment_id, lines: lines.clone() }),
    ]);
    let outcome = ParcelOutcome::Delivered;
    packed.done(ship(1)).when(deliver(1)).then([
        of_parcel(1, fulfilment::Delivered { order_id: order_id(1) }),
        of_order(
            1,
            FulfilmentClosed {
                again: vec![],
                fulfilment_id,
                outcome,
                lines,
                amount: None,
                found: false,
                regained: None,
            },
        ),
        of_order(1, Completed {}),
    ]);
}

#[test]
fn nothing_of_it_goes_back_on_sale_that_never_left_it() {
    let (reason, total) = (CancelReason::Requested(note("changed my mind")), eur("19.00"));
    let off = Cancelled { reason, was_confirmed: false, total, units: 4 };
    recorded().when(cancel(1)).then([of_order(1, off)]);
    let facts = paid().decide(&cancel_units(1, &[(TOTE, 1)])).expect("it may shrink");
    assert!(matches!(
        facts[0].1,
        Event::Order(order::Event::UnitsCancelled(UnitsCancelled { .. }))
    ));
    assert_eq!(stocks(&facts), 0, "{facts:?}");
}

#[test]
fn its_time_is_not_up() {
    recorded().when(expire(1)).then([]);
}

/// Nor when its payment comes to nothing: other books know it, and nobody is written to.
#[test]
fn it_waits_for_its_money_as_long_as_it_takes() {
    let (amount, reason, at) = (eur("0.00"), || note("booked by mistake"), hour(2));
    let correct = Command::CorrectCollection { amount, reason: reason(), at };
    let uncollect = || to_payment(1, Command::Uncollect { reason: reason(), at });
    let unpaid = paid().done(to_payment(1, correct)).done(uncollect());
    let open = recorded().done(pay_elsewhere(1, 1)).done(uncollect());
    let card = recorded().done(pay_by_card(1, 1)).done(record(1, 1, was_authorized()));
    for shop in [unpaid, open, card.done(lapse(1))] {
        assert_eq!((order_of(&shop).status, order_of(&shop).unsecured), (Status::Confirmed, false));
        let far = domain::command::order::Command::Expire { at: hour(1_000) };
        shop.when(to_order(1, far)).then_nothing();
        let packed = shop.clone().done(plan(1, 1, &[])).done(pack(1));
        packed.when(ship(1)).then_refused("order_not_secured");
        shop.done(pay_elsewhere(2, 1));
    }
}

#[test]
fn what_comes_back_of_it_goes_into_stock() {
    let delivered = sent(paid()).done(deliver(1));
    let back = delivered.done(request_return(1, 1, &[(TOTE, 3)])).done(approve(1));
    let facts = back.decide(&take_back(1, &[(TOTE, 3)])).expect("it was sent back");
    assert_eq!(stocks(&facts), 1, "{facts:?}");
    // Not three times what one cost, but what the three did.
    let back = back.done(take_back(1, &[(TOTE, 3)]));
    back.when(refund(1, Some(eur("19.01")))).then_refused("amount_too_large");
    let facts = back.decide(&refund(1, Some(eur("10.00")))).expect("it was paid");
    assert_eq!(facts.len(), 1, "{facts:?}");
}
