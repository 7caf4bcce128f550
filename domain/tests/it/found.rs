//! What was lost turns up, and what is taken beyond the price: how much is owed then, and counted.

use domain::Event;
use domain::command::payment::Command;
use domain::order::Status;
use domain::payment::{CapturePolicy, Operation, Report};

use kit::*;

use super::payment::ask;
use super::told::{asks, order, sent_with, settle};

#[test]
fn a_lost_parcel_that_turns_up_is_delivered_or_comes_back() {
    let part =
        sent_with(captured(), 1, &[(TOTE, 2)]).done(lose(1)).done(record(1, 3, was_refunded()));
    let back = part.clone().done(give_back(1));
    assert_eq!(order(&back).owed(), Some(eur("10.50")));
    back.when(deliver(1)).then_refused("fulfilment_wrong_state");
    let there = part.done(deliver(1));
    assert_eq!(order(&there).owed(), Some(eur("50.50")), "the customer has it after all");
    // The rest is sent all the same, and what was given back may be paid again.
    sent_with(there.clone(), 2, &[]).done(deliver(2));
    let again = there.done(pay_by_card_as(2, 1, CapturePolicy::AtOnce));
    let taken = [(Operation::Capture, "40.00".to_owned())];
    assert_eq!(asks(&again, record(2, 1, was_authorized())), taken);
}

/// All of it was lost, so the order was off and its money given back; then the customer has it.
#[test]
fn a_lost_order_that_turns_up_was_sold() {
    let off = sent(captured()).done(lose(1));
    assert_eq!(order(&off).status, Status::Cancelled);
    off.clone().done(give_back(1));
    let off = off.done(record(1, 3, was_refunded()));
    let there = off.clone().done(deliver(1));
    assert_eq!(order(&there).status, Status::Completed);
    assert_eq!(order(&there).owed(), Some(eur("50.50")));
    assert_eq!(asks(&there, settle()), [], "what was given back is not taken again by itself");
    there.done(pay_by_card(2, 1)).done(record(2, 1, was_authorized()));

    // Some of it is handed over, the rest comes back.
    let part = off.done(hand_over(1, &[(TOTE, 1)]));
    assert_eq!(order(&part).status, Status::Completed);
    assert_eq!(order(&part).owed(), Some(eur("20.00")));
    assert_eq!(order(&part.done(give_back(1))).owed(), Some(eur("20.00")));

    // What was never sent of it stays off.
    let part = sent_with(captured(), 1, &[(TOTE, 2)]).done(lose(1)).done(cancel(1));
    assert_eq!(order(&part).status, Status::Cancelled);
    assert_eq!(order(&part.done(deliver(1))).owed(), Some(eur("40.00")));
}

#[test]
fn what_is_taken_beyond_the_price_is_told() {
    let told = |shop: &Shop, command| {
        let facts = shop.decide(&command).expect("accepted");
        facts.into_iter().find_map(|(_, event)| match event {
            Event::Order(domain::order::Event::Overpaid(it)) => {
                Some((it.payment_id, it.amount.amount().to_string()))
            }
            _ => None,
        })
    };
    let taken =
        |amount, name: &str| Report::Captured { amount: eur(amount), reference: token(name) };
    let beyond = |n, amount: &str| Some((payment_id(n), amount.to_owned()));
    // The first is given up and paid after all, beside the second.
    let left = paying().done(ask(Command::Abort { reason: note("another card"), at: hour(0) }));
    let shop = left.done(pay_by_card_as(2, 1, CapturePolicy::AtOnce));
    let shop = shop.done(record(2, 1, was_authorized()));
    assert_eq!(told(&shop, record(2, 2, was_captured())), None);
    let shop = shop.done(record(2, 2, was_captured()));
    assert_eq!(told(&shop, report(1, taken("50.50", "twice"))), beyond(1, "50.50"));
    // Nothing of an order that was never certain was sold.
    let off = paying().done(cancel(1));
    assert_eq!(told(&off, report(1, taken("50.50", "late"))), beyond(1, "50.50"));
    // Some of the price comes first, then the rest.
    let some = report(1, taken("20.00", "some"));
    assert_eq!(told(&paying(), some.clone()), beyond(1, "20.00"));
    let rest = paying().done(some).done(report(1, taken("30.50", "rest")));
    assert_eq!(order(&rest).sold, Some(eur("50.50")));
    assert_eq!(order(&rest).overpaid, Some(eur("0.00")));
    // What was lost, given back and paid again when it turned up.
    let again = sent(captured()).done(lose(1)).done(record(1, 3, was_refunded()));
    let again = again.done(deliver(1)).done(pay_by_card_as(2, 1, CapturePolicy::AtOnce));
    let again = again.done(record(2, 1, was_authorized()));
    assert_eq!(told(&again, record(2, 2, was_captured())), beyond(2, "50.50"));
}
