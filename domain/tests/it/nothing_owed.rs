//! Orders that owe nothing any more, as what is left of them is free or was taken: they wait for no
//! payment, and nothing stays set aside for them.

use chrono::{DateTime, Utc};
use domain::Command as Any;
use domain::command::payment::Command;
use domain::command::product as products;
use domain::order::{PaymentEnded, Secured, Status};
use domain::payment::{CapturePolicy, Operation, Stage, Uncollected, Verdict, Voided};

use kit::*;

use super::payment::{ask, asked, collect, ended};
use super::told::{asks, order, pay};
use super::unsecured::unsecured;

/// Order 1 of a tote, which is free, and a purse at 10.50 €.
fn with_a_gift() -> Shop {
    let free = to_product(1, products::Command::SetVariant(variant(TOTE, &[eur("0.00")])));
    let shop = empty_cart().done(free).done(add(1, TOTE, 1)).done(add(1, PURSE, 1));
    shop.done(check_out(1, 1))
}

fn by_card() -> Shop {
    with_a_gift().done(pay_by_card(1, 1)).done(record(1, 1, was_authorized()))
}

fn without_the_purse(shop: &Shop) -> Shop {
    shop.clone().done(cancel_units(1, &[(PURSE, 1)]))
}

fn abort(at: DateTime<Utc>) -> Any {
    to_payment(1, Command::Abort { reason: note("another way"), at })
}

fn voided() -> Fact {
    of_payment(1, Voided { order_id: order_id(1), request: Some(2) })
}

#[test]
fn what_is_set_aside_is_let_go_as_the_last_priced_line_goes() {
    let facts = by_card().decide(&cancel_units(1, &[(PURSE, 1)])).expect("it is called off");
    assert_eq!(facts.last(), Some(&asked(Operation::Void, "10.50", 2)));
    let shop = without_the_purse(&by_card());
    // It waits for no other payment, and what is left of it leaves.
    shop.when(record(1, 2, Verdict::Voided)).then([voided(), ended(1)]);
    let shop = shop.done(record(1, 2, Verdict::Voided));
    assert!(!order(&shop).unsecured);
    shop.when(pay_by_card(2, 1)).then_refused("order_paid");
    let shop = sent(shop).done(deliver(1));
    assert_eq!(order(&shop).status, Status::Completed);
}

#[test]
fn a_bank_that_answers_late_is_asked_to_let_go() {
    let shop = without_the_purse(&with_a_gift().done(pay_by_card(1, 1)));
    assert_eq!(order(&shop).status, Status::Confirmed);
    let facts = shop.decide(&record(1, 1, was_authorized())).expect("an answer");
    assert_eq!(facts.last(), Some(&asked(Operation::Void, "10.50", 2)));
    // Nor is a shopper kept at their bank for nothing.
    let url = "https://bank.example/confirm".parse().expect("a URL");
    let verdict = Verdict::ActionRequired { reference: Some(token("begun_1")), url };
    let away = with_a_gift().done(pay_by_card(1, 1)).done(record(1, 1, verdict));
    let shop = without_the_purse(&away);
    assert!(order(&shop).payments[&payment_id(1)].ended);
    let asked = pay(&shop, 1).in_flight.expect("the gateway is asked");
    assert_eq!(asked.operation, Operation::Void);
    let shop = shop.done(record(1, 2, Verdict::Voided));
    assert!(!order(&shop).unsecured);
}

#[test]
fn a_void_or_an_abort_that_comes_first_leaves_nothing_to_wait_for() {
    for first in [ask(Command::Void), abort(hour(2))] {
        let shop = by_card().done(first).done(record(1, 2, Verdict::Voided));
        assert!(order(&shop).unsecured);
        let facts = shop.decide(&cancel_units(1, &[(PURSE, 1)])).expect("it is called off");
        assert!(facts.contains(&of_order(1, Secured { payment_id: None })), "{facts:?}");
    }
    // Asked for before, and done after.
    let voiding = without_the_purse(&by_card().done(ask(Command::Void)));
    voiding.when(record(1, 2, Verdict::Voided)).then([voided(), ended(1)]);
    let lapsed = without_the_purse(&by_card()).done(record(1, 2, declined())).done(lapse(1));
    assert!(!order(&lapsed).unsecured);
}

#[test]
fn no_courier_is_to_collect_nothing() {
    let shop = with_a_gift().done(pay_on_delivery(1, 1));
    let facts = shop.decide(&cancel_units(1, &[(PURSE, 1)])).expect("it is called off");
    let (order_id, payment_id) = (order_id(1), payment_id(1));
    let given_up = of_payment(1, Uncollected { order_id, reason: None });
    assert!(facts.contains(&given_up), "{facts:?}");
    assert!(facts.contains(&of_order(1, PaymentEnded { payment_id })), "{facts:?}");
    let shop = without_the_purse(&shop);
    assert!(!order(&shop).unsecured);
    shop.when(abort(hour(2))).then_nothing();
    sent(shop).done(deliver(1));
}

#[test]
fn the_rest_of_what_is_set_aside_goes_with_the_last_that_is_taken() {
    let shop = placed().done(pay_by_card_as(1, 1, CapturePolicy::AtShipment));
    let shop = shop.done(record(1, 1, was_authorized())).done(cancel_units(1, &[(TOTE, 1)]));
    assert_eq!(pay(&shop, 1).in_flight, None, "of what is set aside no part is let go");
    let shop = sent(shop);
    assert_eq!(asks(&shop, record(1, 2, was_captured())), [(Operation::Void, "20.00".to_owned())]);
    let shop = shop.done(record(1, 2, was_captured())).done(record(1, 3, Verdict::Voided));
    assert_eq!(pay(&shop, 1).stage, Stage::Done);
    assert_eq!(pay(&shop, 1).terms.unwrap().kept(), eur("30.50"));
    // What comes back of it is given back as ever.
    let shop = shop.done(deliver(1)).done(request_return(1, 1, &[(PURSE, 1)])).done(approve(1));
    assert_eq!(asks(&shop, take_back(1, &[(PURSE, 1)])), [(Operation::Refund, "10.50".to_owned())]);
}

#[test]
fn what_was_taken_in_part_and_is_all_that_is_owed_lets_the_rest_go() {
    let part = authorized().done(capture(1, Some(eur("10.50")))).done(record(1, 2, was_captured()));
    let void = [(Operation::Void, "40.00".to_owned())];
    assert_eq!(asks(&part, cancel_units(1, &[(TOTE, 2)])), void);
    let refused = part.done(cancel_units(1, &[(TOTE, 2)])).done(record(1, 3, declined()));
    let again = to_order(1, domain::command::order::Command::Settle);
    assert_eq!(asks(&refused, again), void, "until it does it");
}

/// What was given back of it whole is no payment for what is still to leave.
#[test]
fn what_goodwill_gave_back_whole_is_paid_anew() {
    let shop = captured().done(refund(1, None)).done(record(1, 3, was_refunded()));
    let shop = shop.done(pay_by_card(2, 1));
    let shop = shop.done(record(2, 1, was_authorized()));
    assert_eq!((pay(&shop, 2).stage, pay(&shop, 2).in_flight), (Stage::Open, None));
    sent(shop);
}

#[test]
fn cash_that_was_collected_for_all_that_is_left_ends_the_collecting() {
    let shop = on_delivery().done(plan(1, 1, &[(TOTE, 2)])).done(pack(1)).done(ship(1));
    let shop = shop.done(deliver(1)).done(collect(None));
    let shop = shop.done(cancel_units(1, &[(PURSE, 1)]));
    assert_eq!(pay(&shop, 1).stage, Stage::Done);
    assert_eq!(order(&shop).status, Status::Completed);
}

#[test]
fn one_that_owes_waits_as_before() {
    let shop = by_card().done(abort(hour(2)));
    shop.when(record(1, 2, Verdict::Voided)).then([voided(), ended(1), unsecured(hour(0))]);
}
