//! Orders that were certain and whose authorisation ended before anything left: they wait for
//! another payment, for a time, and nothing leaves meanwhile.

use chrono::{DateTime, Utc};
use domain::command::order::Command as Orders;
use domain::command::payment::{ACTION_HOLD, Command};
use domain::order::{
    CancelReason, Cancelled, HOLD_PROLONGED_MAX, HoldProlonged, PAY_AGAIN_WITHIN, ParcelOutcome,
    Secured, Status, Unsecured,
};
use domain::payment::{Expired, Operation, Report, Requested, Uncollected, Verdict, Voided};
use domain::stock::Released;
use domain::{Command as Any, Event, order};

use kit::*;

use crate::payment::ended;
use crate::told::order;

/// Order 1 waits for another payment than its first, which ended then.
pub fn unsecured(at: DateTime<Utc>) -> Fact {
    let reserved_until = at + PAY_AGAIN_WITHIN;
    of_order(1, Unsecured { payment_id: payment_id(1), reserved_until })
}

fn secured_by(payment: u128) -> Fact {
    of_order(1, Secured { payment_id: Some(payment_id(payment)) })
}

/// Its payment lapsed after two hours.
fn lapsed() -> Shop {
    authorized().done(lapse(1))
}

fn until() -> DateTime<Utc> {
    hour(2) + PAY_AGAIN_WITHIN
}

fn expire(at: DateTime<Utc>) -> Any {
    to_order(1, Orders::Expire { at })
}

/// The order off because nobody paid it again, and its units on sale.
fn called_off() -> [Fact; 3] {
    let of = |count| Released {
        order_id: order_id(1),
        parts: parts(&[("depot", count)]),
        committed: true,
    };
    let (reason, was_confirmed, total, units) = (CancelReason::Expired, true, eur("50.50"), 3);
    [
        of_order(1, Cancelled { reason, was_confirmed, total, units }),
        of_stock(TOTE, of(2)),
        of_stock(PURSE, of(1)),
    ]
}

#[test]
fn a_lapsed_authorisation_leaves_the_order_for_another_payment() {
    let expired = of_payment(1, Expired { order_id: order_id(1) });
    authorized().when(lapse(1)).then([expired, ended(1), unsecured(hour(2))]);
    let shop = lapsed();
    shop.when(lapse(1)).then_nothing();
    assert_eq!(order(&shop).status, Status::Confirmed);
    let start = shop.decide(&pay_by_card(2, 1)).expect("it may be paid");
    let due = start.iter().find_map(|(_, event)| match event {
        Event::Payment(domain::payment::Event::Created(created)) => Some(created.amount),
        _ => None,
    });
    assert_eq!(due, Some(eur("50.50")));
}

#[test]
fn what_was_taken_in_part_leaves_the_order_for_a_payment_of_the_rest() {
    let part = authorized().done(capture(1, Some(eur("20.50")))).done(record(1, 2, was_captured()));
    let expired = of_payment(1, Expired { order_id: order_id(1) });
    part.when(lapse(1)).then([expired, unsecured(hour(2))]);
    let shop = part.done(lapse(1));
    assert!(order(&shop).unsecured);
    let again = shop.clone().done(pay_by_card(2, 1)).done(record(2, 1, was_authorized()));
    assert!(!order(&again).unsecured);
    assert_eq!(order(&again).payments.len(), 2);
    // Nobody pays the rest: it is off, and what was taken goes back.
    let off = shop.decide(&expire(until())).expect("it is off");
    let is_refund = |event: &Event| {
        matches!(event, Event::Payment(domain::payment::Event::Requested(asked))
            if asked.operation == Operation::Refund && asked.amount == eur("20.50"))
    };
    assert!(off.iter().any(|(_, event)| is_refund(event)), "{off:?}");
    assert!(order(&shop.done(expire(until()))).status == Status::Cancelled);
}

#[test]
fn what_is_let_go_in_the_dashboard_does_so_too() {
    let voided = of_payment(1, Voided { order_id: order_id(1), request: None });
    authorized().when(report(1, Report::Voided)).then([voided, ended(1), unsecured(hour(0))]);
}

#[test]
fn nothing_leaves_until_it_is_paid_again() {
    let packed = authorized().done(plan(1, 1, &[])).done(pack(1)).done(lapse(1));
    packed.when(ship(1)).then_refused("order_not_secured");
    let paying = packed.clone().done(pay_by_card(2, 1));
    paying.when(ship(1)).then_refused("order_not_secured");
    let facts = paying.decide(&record(2, 1, was_authorized())).expect("an answer");
    assert_eq!(facts.last(), Some(&secured_by(2)), "it was certain, and its units committed");
    let paid = paying.done(record(2, 1, was_authorized()));
    paid.when(expire(until())).then_nothing();
    paid.done(ship(1)).done(deliver(1)).done(capture(2, None));

    let cash = packed.decide(&pay_on_delivery(2, 1)).expect("it may be paid");
    assert_eq!(cash.last(), Some(&secured_by(2)));
    packed.clone().done(pay_on_delivery(2, 1)).done(ship(1)).done(deliver(1));
    // Taken at the gateway all the same, as some allow.
    let reference = token("ch_1");
    let taken = report(1, Report::Captured { amount: eur("50.50"), reference });
    let facts = packed.decide(&taken).expect("it is told");
    assert_eq!(facts.last(), Some(&secured_by(1)));
    packed.done(taken).done(ship(1));
}

#[test]
fn a_payment_that_fails_then_is_followed_by_another() {
    let shop = lapsed().done(pay_by_card(2, 1)).done(record(2, 1, declined()));
    assert_eq!(order(&shop).reserved_until, Some(until()), "it has no longer for that");
    let shop = shop.done(pay_by_card(3, 1)).done(record(3, 1, was_authorized()));
    assert!(!order(&shop).unsecured);
    // The next one may lapse as well.
    let shop = shop.done(lapse(3));
    assert!(order(&shop).unsecured);
    shop.done(pay_on_delivery(4, 1));
}

#[test]
fn it_is_off_when_nobody_paid_again_in_time() {
    let shop = lapsed();
    shop.when(expire(until() - chrono::TimeDelta::minutes(1))).then_refused("order_not_due");
    shop.when(expire(until())).then(called_off());
    // What is packed for it is called off too, and a late yes brings it back.
    let packed = authorized().done(plan(1, 1, &[])).done(pack(1)).done(lapse(1));
    let off = packed.done(expire(until()));
    let parcels = order(&off).fulfilments;
    let closed = order::Stage::Closed(ParcelOutcome::Cancelled);
    assert!(parcels.values().all(|parcel| parcel.stage == closed), "{parcels:?}");
    off.when(pay_by_card(2, 1)).then_refused("order_cancelled");
    let paying = lapsed().done(pay_by_card(2, 1));
    let off = paying.done(expire(until() + HOLD_PROLONGED_MAX));
    let back = off.done(record(2, 1, was_authorized()));
    assert_eq!((order(&back).status, order(&back).unsecured), (Status::Confirmed, false));
    // And the shopper who does not want it any more, or something else, is not kept.
    lapsed().done(cancel(1)).done(reopen(1));
}

#[test]
fn a_gateway_and_a_bank_are_waited_for_as_at_first() {
    let paying = lapsed().done(pay_by_card(2, 1));
    paying.when(expire(until())).then_refused("payment_request_in_flight");
    paying.clone().done(expire(until() + HOLD_PROLONGED_MAX));
    let url = "https://bank.example/confirm".parse().expect("a URL");
    let verdict = Verdict::ActionRequired { reference: Some(token("begun_2")), url };
    let at = until() - chrono::TimeDelta::minutes(1);
    let facts = paying
        .decide(&to_payment(2, Command::Record { request: 1, verdict, at }))
        .expect("an answer");
    let held = HoldProlonged { reserved_until: at + ACTION_HOLD };
    assert_eq!(facts.last(), Some(&of_order(1, held)));
}

#[test]
fn what_was_taken_before_may_be_enough_by_then() {
    let reference = token("ch_1");
    let told = Report::Captured { amount: eur("10.50"), reference };
    let shop = lapsed().done(report(1, told));
    let facts = shop.decide(&cancel_units(1, &[(TOTE, 2)])).expect("it is called off");
    assert!(facts.contains(&of_order(1, Secured { payment_id: None })), "at once: {facts:?}");
    let shop = shop.done(cancel_units(1, &[(TOTE, 2)]));
    assert_eq!(order(&shop).owed(), Some(eur("10.50")));
    shop.when(expire(until())).then_nothing();
}

#[test]
fn what_has_left_in_part_waits_without_an_end() {
    let shop = authorized().done(plan(1, 1, &[(TOTE, 2)])).done(pack(1)).done(ship(1));
    let shop = shop.done(lapse(1));
    assert!(!order(&shop).unsecured);
    shop.when(expire(until())).then_nothing();
    shop.done(pay_by_card(2, 1));
}

fn abort() -> Any {
    to_payment(1, Command::Abort { reason: note("another way"), at: hour(2) })
}

/// Who chose cash is not bound to it, nor to a card that was set aside.
#[test]
fn a_shopper_changes_their_mind_about_how_to_pay() {
    let reason = Some(note("another way"));
    let given_up = of_payment(1, Uncollected { order_id: order_id(1), reason: reason.clone() });
    on_delivery().when(abort()).then([given_up, ended(1), unsecured(hour(2))]);
    let shop = on_delivery().done(abort());
    shop.when(abort()).then_nothing();
    let shop = shop.done(pay_by_card(2, 1)).done(record(2, 1, was_authorized()));
    assert!(!order(&shop).unsecured);
    let (order_id, amount) = (order_id(1), eur("50.50"));
    let void = Requested { order_id, operation: Operation::Void, amount, request: 2, reason };
    authorized().when(abort()).then([of_payment(1, void)]);
    let shop = authorized().done(abort()).done(record(1, 2, Verdict::Voided));
    assert!(order(&shop).unsecured);
    shop.done(pay_on_delivery(2, 1));
    // What is on its way is paid as was said.
    sent(on_delivery()).when(abort()).then_refused("order_already_shipped");
}

/// Nor are its units kept for ever where the courier is told not to collect.
#[test]
fn an_order_that_nobody_collects_for_falls_due() {
    let uncollect = Command::Uncollect { reason: note("they do not open"), at: hour(2) };
    let shop = on_delivery().done(to_payment(1, uncollect));
    assert!(order(&shop).unsecured);
    shop.when(expire(until())).then(called_off());
}
