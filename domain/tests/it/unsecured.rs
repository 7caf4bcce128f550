//! Orders that were certain and whose authorisation ended before anything left: they wait for
//! another payment, for a time, and nothing leaves meanwhile.

use chrono::{DateTime, Utc};
use domain::command::order::Command as Orders;
use domain::command::payment::{ACTION_HOLD, Command};
use domain::order::{
    CancelReason, Cancelled, HOLD_PROLONGED_MAX, HoldProlonged, PAY_AGAIN_WITHIN, ParcelOutcome,
    Secured, Status, Unsecured,
};
use domain::payment::{
    DisputeStage, Expired, Operation, Report, Requested, Uncollected, Verdict, Voided,
};
use domain::stock::Released;
use domain::{Command as Any, Event, order};

use kit::*;

use crate::payment::{ended, refund_by_hand, taken};
use crate::told::{dispute, order};

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

/// Payment 1 took 20.50 of 50.50, and let the rest go.
fn taken_in_part() -> Shop {
    let shop = authorized().done(capture(1, Some(eur("20.50")))).done(record(1, 2, was_captured()));
    shop.done(lapse(1))
}

fn uncollect(payment: u128) -> Any {
    to_payment(payment, Command::Uncollect { reason: note("they do not open"), at: hour(2) })
}

/// What was taken, or given back, is not what is still to come.
#[test]
fn what_another_payment_took_before_does_not_keep_it_waiting_for_ever() {
    let cash = taken_in_part().done(pay_on_delivery(2, 1));
    assert!(!order(&cash).unsecured);
    let shop = cash.clone().done(uncollect(2));
    assert!(order(&shop).unsecured);
    shop.when(expire(until() - chrono::TimeDelta::minutes(1))).then_refused("order_not_due");
    assert_eq!(order(&shop.done(expire(until()))).status, Status::Cancelled);
    let reason = note("another way");
    let given_up = to_payment(2, Command::Abort { reason, at: hour(2) });
    assert!(order(&cash.done(given_up)).unsecured);
    let card = taken_in_part().done(pay_by_card(2, 1)).done(record(2, 1, was_authorized()));
    assert!(order(&card.done(lapse(2))).unsecured);
    // Where the bank took it back, too, and where it was given back by hand.
    let lost = captured().done(report(1, dispute("50.50", DisputeStage::Lost)));
    for shop in [lost, captured().done(refund_by_hand(None))] {
        let cash = shop.done(pay_on_delivery(2, 1));
        assert!(!order(&cash).unsecured);
        assert!(order(&cash.done(uncollect(2))).unsecured);
    }
}

/// Stripe takes once, and lets the rest go with that.
#[test]
fn what_is_taken_once_and_in_part_leaves_it_waiting_for_the_rest() {
    let once = placed().done(pay_once(1, 1)).done(record(1, 1, was_authorized()));
    let asked = once.clone().done(capture(1, Some(eur("20.50"))));
    asked.when(record(1, 2, was_captured())).then([taken("20.50", 2, true), unsecured(hour(0))]);
    let reference = token("ch_1");
    let told = report(1, Report::Captured { amount: eur("20.50"), reference });
    for shop in [asked.done(record(1, 2, was_captured())), once.done(told)] {
        assert!(order(&shop).unsecured);
        let shop = shop.done(pay_by_card(2, 1)).done(record(2, 1, was_authorized()));
        assert!(!order(&shop).unsecured);
    }
}

#[test]
fn what_is_back_before_the_rest_has_left_waits_as_what_never_left() {
    let sent = sent(authorized()).done(lapse(1)).done(fail(1));
    assert!(!order(&sent).unsecured);
    let back = sent.clone().done(send_again(1, "depot"));
    assert_eq!(order(&back).reserved_until, Some(until()));
    assert!(order(&back).unsecured);
    back.clone().done(pay_on_delivery(2, 1)).done(plan(2, 1, &[])).done(pack(2)).done(ship(2));
    assert_eq!(order(&back.done(expire(until()))).status, Status::Cancelled);
    // The rest of an order of which a parcel came back or was lost, or of which that never came.
    let part = authorized().done(plan(1, 1, &[(TOTE, 1)])).done(pack(1)).done(ship(1));
    let part = part.done(lapse(1));
    let gone = [fail(1), deliver(1)].map(|told| part.clone().done(told).done(lose(1)));
    for shop in gone.into_iter().chain([part.clone().done(fail(1)).done(give_back(1))]) {
        assert!(order(&shop).unsecured);
        assert_eq!(order(&shop.done(expire(until()))).status, Status::Cancelled);
    }
    // Who was at their bank meanwhile has that time too.
    let url = "https://bank.example/confirm".parse().expect("a URL");
    let verdict = Verdict::ActionRequired { reference: Some(token("begun_2")), url };
    let paying = sent.done(pay_by_card(2, 1));
    let waiting = paying.clone().done(send_again(1, "depot"));
    assert!(!order(&waiting).unsecured, "the gateway may say yes");
    assert!(order(&waiting.done(record(2, 1, verdict.clone()))).unsecured);
    let at_bank = paying.done(record(2, 1, verdict)).done(send_again(1, "depot"));
    assert!(order(&at_bank).unsecured);
    let secured = at_bank.done(report(2, told_authorized()));
    assert!(!order(&secured).unsecured);
}

fn told_authorized() -> Report {
    Report::Authorized { reference: token("auth_2"), expires_at: hour(168) }
}

/// While the gateway is asked to give it back it may say no.
#[test]
fn what_goes_back_before_anything_left_leaves_it_waiting() {
    let asked = captured().done(refund(1, None));
    assert!(!order(&asked).unsecured);
    let refused = asked.clone().done(record(1, 3, declined()));
    assert!(!order(&refused).unsecured);
    let back = asked.done(record(1, 3, was_refunded()));
    assert!(order(&back).unsecured);
    let lost = captured().done(report(1, dispute("50.50", DisputeStage::Lost)));
    assert!(order(&lost).unsecured);
    let won = lost.done(report(1, dispute("50.50", DisputeStage::Won)));
    assert!(!order(&won).unsecured);
    // A part that was given back is goodwill, and nobody is asked for it.
    let part = captured().done(refund_by_hand(Some("50.49")));
    assert!(!order(&part).unsecured);
    let by_hand = captured().done(refund_by_hand(None));
    assert!(order(&by_hand).unsecured);
    let reason = note("the transfer came back");
    let corrected = Command::CorrectRefund { amount: eur("0.00"), reason, at: hour(2) };
    assert!(!order(&by_hand.done(to_payment(1, corrected))).unsecured);
}

/// A refund that was told to be done came back to the shop: nobody is to pay again.
#[test]
fn what_comes_back_to_the_shop_secures_it() {
    let reference = || token("re_1");
    let told = Report::Refunded { amount: eur("50.50"), reference: reference() };
    let shop = captured().done(report(1, told));
    assert!(order(&shop).unsecured);
    let (request, amount, reason) = (None, eur("50.50"), note("the card is closed"));
    let failed = Report::RefundFailed { request, amount, reference: reference(), reason };
    assert!(!order(&shop.done(report(1, failed))).unsecured);
}
