//! A parcel of which only some is taken at the door.

use domain::command::fulfilment::Command;
use domain::fulfilment::{Delivered, PartlyDelivered, ReturnedToSender};
use domain::order::{Completed, FulfilmentClosed, ParcelOutcome, UnitsDelivered, UnitsLeft};
use domain::payment::{Collected, Operation, Requested, Uncollected};
use domain::{Refusal, fulfilment, stock};

use kit::*;

use crate::told::sent_with;

fn handed(lines: &[(&str, u32)]) -> Fact {
    of_parcel(1, PartlyDelivered { order_id: order_id(1), lines: of(lines) })
}

fn handed_over(lines: &[(&str, u32)], regained: Option<&str>) -> Fact {
    let (fulfilment_id, lines) = (parcel_id(1), of(lines));
    let (found, regained) = (regained.is_some(), regained.map(eur));
    of_order(1, UnitsDelivered { fulfilment_id, lines, found, regained })
}

fn closed(outcome: ParcelOutcome, lines: &[(&str, u32)], less: Option<&str>) -> Fact {
    let (fulfilment_id, lines, amount) = (parcel_id(1), of(lines), less.map(eur));
    let (again, found, regained) = (vec![], false, None);
    of_order(1, FulfilmentClosed { fulfilment_id, outcome, lines, again, amount, found, regained })
}

fn came_back(text: &str, count: u32) -> Fact {
    let (order_id, fulfilment_id) = (order_id(1), parcel_id(1));
    let source = stock::Source::Parcel { order_id, fulfilment_id, again: false };
    let (location, quantity) = (place("returns"), units(count));
    of_stock(
        text,
        stock::Received { location, sellable: false, quantity, source, of_another: false },
    )
}

#[test]
fn what_was_taken_is_paid_and_the_rest_comes_back() {
    let shop = sent(on_delivery());
    shop.when(hand_over(1, &[(TOTE, 1)]))
        .then([handed(&[(TOTE, 1)]), handed_over(&[(TOTE, 1)], None)]);
    let shop = shop.done(hand_over(1, &[(TOTE, 1)]));

    // The courier has asked for one tote, not for all.
    let collected = Collected { order_id: order_id(1), amount: eur("20.00") };
    let collect =
        || to_payment(1, domain::command::payment::Command::Collect { amount: None, at: hour(0) });
    let facts = shop.decide(&collect()).expect("money");
    assert_eq!(facts, [of_payment(1, collected)]);

    let shop = shop.done(collect());
    let lines = arrivals(&[(PURSE, 1, Some("returns")), (TOTE, 1, Some("returns"))]);
    let back = ReturnedToSender { order_id: order_id(1), lines, send_again: false };
    let returned = of_parcel(1, back);
    let rest = [(PURSE, 1), (TOTE, 1)];
    shop.when(give_back(1)).then([
        came_back(PURSE, 1),
        came_back(TOTE, 1),
        returned,
        closed(ParcelOutcome::Returned, &rest, Some("30.50")),
        of_order(1, Completed {}),
        // No more is to be collected.
        of_payment(1, Uncollected { order_id: order_id(1), reason: None }),
    ]);
}

#[test]
fn what_was_paid_and_not_taken_is_paid_back() {
    let shop = sent(captured()).done(hand_over(1, &[(TOTE, 2)]));
    let shop = shop.done(fail(1));
    let (order_id, operation, amount) = (order_id(1), Operation::Refund, eur("10.50"));
    let back = Requested { order_id, operation, amount, request: 3, reason: None };
    let facts = shop.decide(&give_back(1)).expect("its end");
    assert_eq!(facts.last(), Some(&of_payment(1, back.clone())));
    let facts = shop.decide(&lose(1)).expect("its end");
    assert_eq!(facts.last(), Some(&of_payment(1, back)));
}

#[test]
fn the_rest_is_taken_another_day() {
    let shop = sent(captured()).done(hand_over(1, &[(TOTE, 2)]));
    let facts = [
        of_parcel(1, Delivered { order_id: order_id(1) }),
        closed(ParcelOutcome::Delivered, &[(PURSE, 1)], None),
        of_order(1, Completed {}),
    ];
    shop.when(deliver(1)).then(facts.clone());
    // All that is left is all of it.
    shop.when(hand_over(1, &[(PURSE, 1)])).then(facts);
    let rest = shop.done(deliver(1));
    rest.when(deliver(1)).then_nothing();
    rest.when(hand_over(1, &[(PURSE, 1)])).then_nothing();
}

#[test]
fn all_named_is_all_of_it() {
    let shop = sent(captured());
    let all = shop.decide(&deliver(1)).expect("its end");
    shop.when(hand_over(1, &[(TOTE, 1), (PURSE, 1), (TOTE, 1)])).then(all);
}

#[test]
fn no_more_is_taken_than_is_in_it() {
    let shop = sent(captured()).done(hand_over(1, &[(TOTE, 1)]));
    let left = |text: &str, wanted, left| UnitsLeft { sku: sku(text), wanted, left };
    let refused = shop.decide(&hand_over(1, &[(PURSE, 2), (TOTE, 2), ("PURSE-9", 1)]));
    let short = vec![left("PURSE-9", 1, 0), left(PURSE, 2, 1), left(TOTE, 2, 1)];
    assert_eq!(refused, Err(Refusal::Fulfilment(fulfilment::Error::NotInIt(short))));
}

#[test]
fn a_lost_parcel_turns_up_and_is_taken_in_part() {
    let shop = sent_with(captured(), 1, &[(TOTE, 2)]).done(lose(1));
    shop.when(hand_over(1, &[(TOTE, 1)]))
        .then([handed(&[(TOTE, 1)]), handed_over(&[(TOTE, 1)], Some("20.00"))]);
    let shop = shop.done(hand_over(1, &[(TOTE, 1)]));
    // Its rest is back, or is handed over too, or is lost again; the order hears of it.
    for end in [give_back(1), deliver(1), lose(1)] {
        let shop = shop.clone().done(end);
        shop.done(plan(2, 1, &[])).done(pack(2)).done(ship(2)).done(deliver(2));
    }
}

#[test]
fn a_parcel_that_has_not_left_is_not_taken() {
    let shop = authorized().done(plan(1, 1, &[])).done(pack(1));
    shop.when(hand_over(1, &[(TOTE, 1)])).then_refused("fulfilment_wrong_state");
    let off = to_parcel(1, Command::Cancel);
    shop.done(off).when(hand_over(1, &[(TOTE, 1)])).then_refused("fulfilment_wrong_state");
}

fn collect(amount: Option<&str>) -> domain::Command {
    let amount = amount.map(eur);
    to_payment(1, domain::command::payment::Command::Collect { amount, at: hour(0) })
}

fn courier_has(amount: &str) -> Fact {
    of_payment(1, Collected { order_id: order_id(1), amount: eur(amount) })
}

/// The courier's list comes in after the goods did.
#[test]
fn cash_is_booked_though_the_goods_are_back() {
    let all = [(PURSE, 1), (TOTE, 2)];
    let shop = sent(on_delivery()).done(deliver(1)).done(request_return(1, 1, &all));
    let shop = shop.done(approve(1)).done(take_back(1, &all));
    shop.when(collect(Some("50.50"))).then([courier_has("50.50")]);
    let shop = shop.done(collect(Some("50.50")));
    let by_hand = domain::command::payment::Command::Refund {
        amount: None,
        reason: None,
        by_hand: true,
        at: hour(0),
    };
    shop.done(to_payment(1, by_hand));
}

#[test]
fn cash_is_booked_though_some_is_back() {
    let shop = sent(on_delivery()).done(deliver(1)).done(request_return(1, 1, &[(PURSE, 1)]));
    let shop = shop.done(approve(1)).done(take_back(1, &[(PURSE, 1)]));
    // Without a word it is what is due today.
    let facts = shop.decide(&collect(None)).expect("money");
    assert_eq!(facts.first(), Some(&courier_has("40.00")));
    shop.when(collect(Some("50.50"))).then([courier_has("50.50")]);
}

#[test]
fn a_transfer_that_comes_after_the_end_is_booked() {
    let shop = placed().done(pay_elsewhere(1, 1)).done(cancel(1));
    shop.when(collect(None)).then_refused("order_cancelled");
    shop.when(collect(Some("50.50"))).then([courier_has("50.50")]);
}
