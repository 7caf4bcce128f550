//! Returns of which something else arrived than was told, and that are put right.

use domain::command::stock as stocks;
use domain::order::{Error, ReturnCorrected, UnitsLeft};
use domain::payment::Operation;
use domain::return_::{ReceiptCorrected, Return, Status};
use domain::stock::{self, Source};
use domain::{Command, Money, State, StreamId};

use kit::*;

use super::told::{asks, order as order_of, settle};

/// Both totes of an order for 50.50 that was captured are back at the depot, or so it was told.
fn received() -> Shop {
    let delivered = sent(captured()).done(deliver(1));
    let approved = delivered.done(request_return(1, 1, &[(TOTE, 2)])).done(approve(1));
    approved.done(take_back(1, &[(TOTE, 2)]))
}

fn state(shop: &Shop) -> Return {
    match shop.state(&StreamId::Return(return_id(1))) {
        State::Return(state) => state,
        other => panic!("{other:?}"),
    }
}

fn at(shop: &Shop, text: &str, place_of: &str) -> i64 {
    match shop.state(&StreamId::Stock(sku(text))) {
        State::Stock(stock) => stock.levels.get(&place(place_of)).map_or(0, |at| at.on_hand),
        other => panic!("{other:?}"),
    }
}

fn told(lines: &[(&str, u32, Option<&str>)], now: &[(&str, u32, Option<&str>)]) -> Fact {
    let (before, lines) = (arrivals(lines), arrivals(now));
    let (order_id, reason) = (order_id(1), note("the clerk counted again"));
    of_return(1, ReceiptCorrected { order_id, before, lines, withheld: None, reason })
}

fn moved(not_back: &[(&str, u32)], back: &[(&str, u32)]) -> ReturnCorrected {
    ReturnCorrected {
        return_id: return_id(1),
        not_back: of(not_back),
        back: of(back),
        amount: None,
        regained: None,
        withheld_before: None,
        withheld: None,
        closed: false,
    }
}

fn gone_from(location: &str, count: u32) -> Fact {
    let (order_id, return_id) = (order_id(1), return_id(1));
    of_stock(
        TOTE,
        stock::ReceiptCorrected {
            location: place(location),
            sellable: true,
            quantity: units(count),
            source: Source::Return { order_id, return_id },
            of_another: false,
            short: vec![],
        },
    )
}

fn came_to(location: &str, count: u32) -> Fact {
    let (order_id, return_id) = (order_id(1), return_id(1));
    of_stock(
        TOTE,
        stock::Received {
            location: place(location),
            sellable: true,
            quantity: units(count),
            source: Source::Return { order_id, return_id },
            of_another: false,
        },
    )
}

const DEPOT: Option<&str> = Some("depot");

fn one(shop: &Shop) -> Command {
    assert_eq!(state(shop).status, Status::Received);
    correct_receipt(1, &[(TOTE, 1, DEPOT)], None)
}

#[test]
fn fewer_came_than_were_told() {
    let shop = received();
    let less = ReturnCorrected { regained: Some(eur("20.00")), ..moved(&[(TOTE, 1)], &[]) };
    shop.when(one(&shop)).then([
        gone_from("depot", 1),
        told(&[(TOTE, 2, DEPOT)], &[(TOTE, 1, DEPOT)]),
        of_order(1, less),
    ]);
    let shop = shop.clone().done(one(&shop));
    shop.when(one(&shop)).then_nothing();
    assert_eq!(at(&shop, TOTE, "depot"), 4);
    assert_eq!(order_of(&shop).owed(), Some(eur("30.50")));
    let of = order_of(&shop).progress(&sku(TOTE));
    assert_eq!((of.returning, of.returned), (1, 1));
    // The other is expected as before, and nobody pays for it twice: 40.00 are on their way.
    let given = shop.done(record(1, 3, was_refunded()));
    assert_eq!(asks(&given, settle()), []);
    let both = given.clone().done(take_back(1, &[(TOTE, 1)]));
    assert_eq!(asks(&both, settle()), []);
    assert_eq!(order_of(&both).owed(), Some(eur("10.50")));
    // If it does not come, what was given back for it is owed, and asked of nobody.
    let kept = given.done(close_return(1));
    assert_eq!(asks(&kept, settle()), []);
    let again = kept.done(pay_elsewhere(2, 1));
    let due = super::told::pay(&again, 2).terms.expect("begun").amount;
    assert_eq!(due, eur("20.00"));
}

#[test]
fn what_was_not_given_back_yet_is_given_back_as_it_is_right() {
    let declined = received().done(record(1, 3, declined()));
    let shop = declined.clone().done(one(&declined));
    let asked = |amount: &str| [(Operation::Refund, amount.to_owned())];
    assert_eq!(asks(&declined, settle()), asked("40.00"));
    assert_eq!(asks(&declined, one(&declined)), asked("20.00"));
    // Said once more: both had come.
    let both = correct_receipt(1, &[(TOTE, 2, DEPOT)], None);
    let more = ReturnCorrected { amount: Some(eur("20.00")), ..moved(&[], &[(TOTE, 1)]) };
    let facts = shop.decide(&both).expect("it is said");
    assert!(facts.contains(&of_order(1, more)), "{facts:?}");
    let shop = shop.done(both);
    assert_eq!(asks(&shop, record(1, 4, was_refunded())), asked("20.00"));
    assert_eq!(order_of(&shop).regained, Some(eur("0.00")));
}

#[test]
fn what_lies_elsewhere_or_is_worthless_moves_no_money() {
    let shop = received();
    let apart = [(TOTE, 1, Some("shop")), (TOTE, 1, None)];
    shop.when(correct_receipt(1, &apart, None)).then([
        came_to("shop", 1),
        gone_from("depot", 2),
        told(&[(TOTE, 2, DEPOT)], &apart),
    ]);
    let shop = shop.done(correct_receipt(1, &apart, None));
    assert_eq!((at(&shop, TOTE, "depot"), at(&shop, TOTE, "shop")), (3, 4));
    shop.when(correct_receipt(1, &[apart[1], apart[0]], None)).then_nothing();
    let back = correct_receipt(1, &[(TOTE, 1, DEPOT), (TOTE, 1, DEPOT)], None);
    let shop = shop.done(back);
    assert_eq!((at(&shop, TOTE, "depot"), at(&shop, TOTE, "shop")), (5, 3));
    shop.when(correct_receipt(1, &[(TOTE, 2, Some("mian"))], None))
        .then_refused("unknown_location");
}

#[test]
fn what_is_not_there_any_more_cannot_be_taken_out() {
    let adjust = stocks::Command::Adjust {
        location: place("depot"),
        delta: -4,
        reason: note("they are not there"),
    };
    let shop = received().done(Command::Stock(sku(TOTE), adjust));
    let none = correct_receipt(1, &[], None);
    shop.when(none.clone()).then_refused("stock_would_go_negative");
    // What was counted since is undone first.
    let found = stocks::Command::Count { location: place("depot"), on_hand: 2, reason: None };
    shop.done(Command::Stock(sku(TOTE), found)).done(none);
}

#[test]
fn nothing_had_come_at_all() {
    let none = || correct_receipt(1, &[], None);
    let shop = received().done(none());
    assert_eq!((state(&shop).status, state(&shop).arrivals), (Status::Approved, 0));
    assert_eq!(order_of(&shop).owed(), Some(eur("50.50")));
    shop.when(none()).then_refused("return_wrong_state");
    let kept = shop.clone().done(withdraw(1));
    assert_eq!(order_of(&kept).returnable(&sku(TOTE)), 2);
    // And then it comes.
    let came = shop.done(take_back(1, &[(TOTE, 2)])).done(record(1, 3, was_refunded()));
    assert_eq!(asks(&came, settle()), []);
}

#[test]
fn a_closed_return_is_put_right_too() {
    let shop = received().done(close_return(1));
    let less =
        ReturnCorrected { regained: Some(eur("20.00")), closed: true, ..moved(&[(TOTE, 1)], &[]) };
    let one = correct_receipt(1, &[(TOTE, 1, DEPOT)], None);
    let facts = shop.decide(&one).expect("it is said");
    assert_eq!(facts.last(), Some(&of_order(1, less)));
    let shop = shop.done(one);
    assert_eq!(state(&shop).status, Status::Closed);
    // The other stays with its customer, who may announce it once more.
    assert_eq!(order_of(&shop).returnable(&sku(TOTE)), 1);
    shop.clone().done(request_return(2, 1, &[(TOTE, 1)]));
    // And what came beside what was announced is taken in.
    let purse = [(TOTE, 1, DEPOT), (PURSE, 1, DEPOT)];
    let shop = shop.done(correct_receipt(1, &purse, None));
    assert_eq!(order_of(&shop).owed(), Some(eur("20.00")));
    let three = correct_receipt(1, &[(TOTE, 3, DEPOT)], None);
    let left = UnitsLeft { sku: sku(TOTE), wanted: 3, left: 2 };
    shop.when(three).then_refused_with(Error::NothingToReturn(vec![left]));
}

#[test]
fn another_part_of_the_price_is_withheld() {
    let worn = |amount: Money| take_back_worn(1, &[(TOTE, 2)], amount);
    let delivered = sent(captured()).done(deliver(1));
    let approved = delivered.done(request_return(1, 1, &[(TOTE, 2)])).done(approve(1));
    let shop = approved.done(worn(eur("15.00"))).done(record(1, 3, was_refunded()));
    let all = [(TOTE, 2, DEPOT)];
    let part = |amount| correct_receipt(1, &all, Some(eur(amount)));
    shop.when(part("15.00")).then_nothing();
    let (before, withheld) = (Some(eur("15.00")), Some(eur("5.00")));
    let less = ReturnCorrected {
        amount: Some(eur("10.00")),
        withheld_before: before,
        withheld,
        ..moved(&[], &[])
    };
    let facts = shop.decide(&part("5.00")).expect("it is said");
    assert!(facts.contains(&of_order(1, less)), "{facts:?}");
    assert_eq!(asks(&shop, part("5.00")), [(Operation::Refund, "10.00".to_owned())]);
    assert_eq!(asks(&shop, part("0.00")), [(Operation::Refund, "15.00".to_owned())]);
    let none = shop.clone().done(part("0.00"));
    assert_eq!(order_of(&none).owed(), Some(eur("10.50")));
    // Of one tote no more can be withheld than it costs.
    let one = |amount: Option<&str>| correct_receipt(1, &[(TOTE, 1, DEPOT)], amount.map(eur));
    let (withheld, worth) = (eur("20.01"), eur("20.00"));
    shop.when(one(Some("20.01"))).then_refused_with(Error::WithheldTooMuch { withheld, worth });
    shop.clone().done(one(None));
    shop.when(correct_receipt(1, &[], None)).then_refused("withheld_too_much");
    shop.clone().done(correct_receipt(1, &[], Some(eur("0.00"))));
    let yen = correct_receipt(1, &all, Some(money("1", "JPY")));
    shop.when(yen).then_refused("invalid_amount");
}

#[test]
fn only_what_was_received_is_put_right() {
    let delivered = sent(captured()).done(deliver(1));
    let correct = || correct_receipt(1, &[(TOTE, 1, DEPOT)], None);
    delivered.when(correct()).then_refused("return_not_found");
    let asked = delivered.done(request_return(1, 1, &[(TOTE, 2)]));
    asked.when(correct()).then_refused("return_wrong_state");
    let approved = asked.done(approve(1));
    approved.when(correct()).then_refused("return_wrong_state");
    approved.done(withdraw(1)).when(correct()).then_refused("return_wrong_state");
    // While it is open, no more than was announced.
    let three = correct_receipt(1, &[(TOTE, 2, DEPOT), (TOTE, 1, None)], None);
    received().when(three).then_refused("nothing_to_return");
    let many = vec![(TOTE, 1, None); domain::return_::ARRIVALS_MAX + 1];
    received().when(correct_receipt(1, &many, None)).then_refused("too_many_arrivals");
}

/// Cash is for people to give back: less of it is then.
#[test]
fn cash_that_is_to_be_given_back_follows() {
    let collect = domain::command::payment::Command::Collect { amount: None, at: hour(0) };
    let shop = sent(on_delivery()).done(deliver(1)).done(to_payment(1, collect));
    let shop = shop.done(request_return(1, 1, &[(TOTE, 2)])).done(approve(1));
    let shop = shop.done(take_back(1, &[(TOTE, 2)])).done(correct_receipt(1, &[], None));
    assert_eq!(order_of(&shop).owed(), Some(eur("50.50")));
    assert_eq!(asks(&shop, settle()), []);
}
