//! Two things at once, each of which goes well by itself: goods that come back before the rest
//! leaves, a bank that takes money back while it is given back, answers that come after the end.

use domain::command::cart::Command as Carts;
use domain::command::order::Command as Orders;
use domain::command::payment::Command;
use domain::command::stock::Command as Stocks;
use domain::fulfilment::Status as Parcel;
use domain::order::{Status, UnitsLeft};
use domain::payment::{CapturePolicy, DisputeStage, Operation, Report, Stage, Verdict};
use domain::{By, Command as Any, Owner, Shopper, State, StreamId};

use kit::*;

use super::payment::ask;
use super::told::{asks, collect, dispute, order, pay, sent_with, settle};

fn at_shipment() -> Shop {
    let shop = placed().done(pay_by_card_as(1, 1, CapturePolicy::AtShipment));
    shop.done(record(1, 1, was_authorized()))
}

fn announced(shop: Shop, n: u128, lines: &[(&str, u32)]) -> Shop {
    shop.done(request_return(n, 1, lines)).done(approve(n))
}

fn asked(operation: Operation, amount: &str) -> Vec<(Operation, String)> {
    vec![(operation, amount.to_owned())]
}

fn kept(shop: &Shop) -> domain::Money {
    pay(shop, 1).terms.expect("a payment").kept()
}

fn bank() -> Verdict {
    let url = "https://bank.example/confirm".parse().expect("a URL");
    Verdict::ActionRequired { reference: Some(token("begun_1")), url }
}

#[test]
fn what_came_back_before_the_rest_left_pays_for_that() {
    let shop = sent_with(at_shipment(), 1, &[(TOTE, 2)]).done(record(1, 2, was_captured()));
    let shop = announced(shop.done(deliver(1)), 1, &[(TOTE, 1)]);
    let back = take_back(1, &[(TOTE, 1)]);
    // What was paid for the tote pays for the purse too: it is not given back and taken again.
    assert_eq!(asks(&shop, back.clone()), asked(Operation::Refund, "9.50"));
    // The rest leaves while that is under way.
    let shop = sent_with(shop.done(back), 2, &[]);
    let done = record(1, 3, was_refunded());
    // What was set aside for the purse is needed no more.
    assert_eq!(asks(&shop, done.clone()), asked(Operation::Void, "10.50"));
    let shop = shop.done(done);
    assert_eq!((order(&shop).owed(), kept(&shop)), (Some(eur("30.50")), eur("30.50")));
    assert_eq!(asks(&shop, deliver(2)), []);
}

#[test]
fn what_the_bank_took_is_not_given_back_too() {
    let disputed = sent(captured()).done(deliver(1));
    let disputed = disputed.done(report(1, dispute("50.50", DisputeStage::Opened)));
    let shop = announced(disputed, 1, &[(TOTE, 1)]).done(take_back(1, &[(TOTE, 1)]));
    // The gateway gives nothing back that is disputed, and is asked again by and by.
    let shop = shop.done(record(1, 3, declined()));
    assert_eq!(asks(&shop, settle()), asked(Operation::Refund, "20.00"));
    let lost = shop.clone().done(report(1, dispute("50.50", DisputeStage::Lost)));
    assert_eq!(asks(&lost, settle()), []);
    let won = report(1, dispute("50.50", DisputeStage::Won));
    assert_eq!(asks(&shop, won), asked(Operation::Refund, "20.00"));
}

#[test]
fn an_order_is_called_off_with_its_parcel_packed_and_its_money_under_way() {
    let shop = authorized().done(plan(1, 1, &[])).done(pack(1)).done(capture(1, None));
    let shop = shop.done(cancel(1));
    let State::Fulfilment(parcel) = shop.state(&StreamId::Fulfilment(parcel_id(1))) else {
        panic!("a parcel")
    };
    assert_eq!((order(&shop).status, parcel.status), (Status::Cancelled, Parcel::Cancelled));
    assert_eq!(asks(&shop, record(1, 2, was_captured())), asked(Operation::Refund, "50.50"));
    assert_eq!(asks(&shop, record(1, 2, declined())), asked(Operation::Void, "50.50"));
}

#[test]
fn a_bank_that_asks_after_the_end_is_told_no() {
    for shop in [paying().done(cancel(1)), paying().done(ask(abort())).done(expire(1))] {
        assert_eq!(order(&shop).status, Status::Cancelled);
        assert_eq!(asks(&shop, record(1, 1, bank())), asked(Operation::Void, "50.50"));
        let shop = shop.done(record(1, 1, bank())).done(record(1, 2, Verdict::Voided));
        assert_eq!(pay(&shop, 1).stage, Stage::Voided);
        // The shopper comes back from there all the same.
        shop.when(ask(Command::CompleteAction)).then_refused("payment_wrong_state");
        assert_eq!(asks(&shop, report(1, Report::Approved)), []);
    }
}

fn abort() -> Command {
    Command::Abort { reason: note("another card"), at: hour(0) }
}

#[test]
fn a_late_word_after_a_void_is_heard_once() {
    let voided = authorized().done(ask(Command::Void)).done(record(1, 2, Verdict::Voided));
    let reference = pay(&voided, 1).reference.expect("a name");
    let same = Report::Authorized { reference, expires_at: hour(168) };
    voided.when(report(1, same)).then_nothing();
    voided.when(report(1, Report::Voided)).then_nothing();
    // Taken in the dashboard before it was let go: it goes back if the order is off by now, and
    // otherwise pays for it.
    let taken = Report::Captured { amount: eur("50.50"), reference: token("ch_1") };
    let off = voided.clone().done(cancel(1));
    assert_eq!(asks(&off, report(1, taken.clone())), asked(Operation::Refund, "50.50"));
    let paid = voided.done(report(1, taken));
    assert!(!order(&paid).unsecured);
    paid.done(plan(1, 1, &[])).done(pack(1)).done(ship(1));
}

#[test]
fn cash_is_not_waited_for_once_all_of_it_is_back() {
    let back = sent(on_delivery()).done(fail(1)).done(give_back(1));
    assert_eq!((order(&back).status, pay(&back, 1).stage), (Status::Cancelled, Stage::Uncollected));
    back.when(ask(Command::Collect { amount: None, at: hour(0) })).then_refused("order_cancelled");
    // What came all the same is said, and goes back.
    assert_eq!(kept(&back.done(collect("50.50"))), eur("50.50"));
    // A parcel that is lost may turn up: then it is paid for.
    let lost = sent(on_delivery()).done(lose(1));
    lost.when(ask(Command::Collect { amount: None, at: hour(0) })).then_refused("order_cancelled");
    lost.done(deliver(1)).done(collect("50.50"));
}

#[test]
fn what_was_taken_at_the_door_comes_back_before_the_rest_is_there() {
    let shop = sent(on_delivery()).done(hand_over(1, &[(TOTE, 2)])).done(collect("40.00"));
    let shop = announced(shop, 1, &[(TOTE, 1)]).done(take_back(1, &[(TOTE, 1)]));
    let shop = shop.done(deliver(1));
    assert_eq!(order(&shop).status, Status::Completed);
    // What was paid for the tote pays for the purse, unless that was paid at the door too.
    shop.when(ask(Command::Collect { amount: None, at: hour(0) }))
        .then_refused("payment_wrong_state");
    let twice = shop.done(collect("10.50"));
    let paid_out = twice.done(refund(1, Some(eur("20.00"))));
    assert_eq!(kept(&paid_out), eur("30.50"));
    paid_out
        .when(ask(Command::Collect { amount: None, at: hour(0) }))
        .then_refused("payment_wrong_state");
}

#[test]
fn a_sku_that_is_promised_beyond_what_is_there_does_not_change_hands() {
    let policy = Any::Stock(sku(TOTE), Stocks::SetPolicy { backorder_max: 5 });
    let shop = empty_cart().done(policy).done(add(1, TOTE, 10)).done(check_out(1, 1));
    let shop = shop.done(pay_by_card(1, 1)).done(record(1, 1, was_authorized()));
    let mut shop = shop.done(archive_freeing(1));
    for (at, on_hand) in [("depot", 0), ("shop", 0)] {
        let (location, reason) = (place(at), None);
        let count = Stocks::Count { location, on_hand, reason };
        shop = shop.done(Any::Stock(sku(TOTE), count));
    }
    let another = create_product(3, vec![variant(TOTE, &[eur("99.00")])]);
    shop.when(another.clone()).then_refused("stock_not_empty");
    // What was promised still comes, or is called off.
    let arrived = shop.clone().done(receive(TOTE, 10));
    sent_with(arrived, 1, &[]).done(another.clone());
    shop.done(cancel(1)).done(another);
}

#[test]
fn a_packed_parcel_is_opened_before_its_line_is_made_smaller() {
    let shrink = |quantity| {
        to_order(1, Orders::ShrinkLine { sku: sku(TOTE), quantity, reason: note("too many") })
    };
    let packed = authorized().done(plan(1, 1, &[])).done(pack(1));
    let fulfilment_ids = vec![parcel_id(1)];
    packed.when(shrink(1)).then_refused_with(domain::order::Error::Packed { fulfilment_ids });
    let opened = packed.done(call_off(1)).done(shrink(1));
    assert_eq!(order(&opened).owed(), Some(eur("30.50")));
}

fn parcel(shop: &Shop, n: u128) -> Parcel {
    let State::Fulfilment(parcel) = shop.state(&StreamId::Fulfilment(parcel_id(n))) else {
        panic!("a parcel")
    };
    parcel.status
}

#[test]
fn a_planned_parcel_is_called_off_as_its_line_is_made_smaller() {
    let one_less =
        to_order(1, Orders::ShrinkLine { sku: sku(TOTE), quantity: 1, reason: note("too many") });
    let whose = Shopper::Customer(customer_id(1));
    let (currency, owner) = (currency("EUR"), Owner::from(whose));
    let shop = catalogue().done(to_cart(1, Carts::Create { currency, owner }));
    let shop = shop.done(add(1, TOTE, 2)).done(add(1, PURSE, 1)).done(check_out(1, 1));
    let shop = shop.done(pay_by_card(1, 1)).done(record(1, 1, was_authorized()));
    let planned = shop.done(plan(1, 1, &[]));
    // A shopper does it alone.
    let theirs = By::Shopper(whose);
    for facts in [planned.decide(&one_less), planned.decide_by(theirs, &one_less)] {
        let mut shop = planned.clone();
        facts.expect("nothing is packed").iter().for_each(|fact| shop.evolve(fact));
        assert_eq!(
            (parcel(&shop, 1), order(&shop).owed()),
            (Parcel::Cancelled, Some(eur("30.50")))
        );
        // What else was in it goes out in another.
        let shop =
            sent_with(shop.done(capture(1, None)).done(record(1, 2, was_captured())), 2, &[]);
        assert_eq!(order(&shop.done(deliver(2))).status, Status::Completed);
    }
    let all = cancel_units(1, &[(TOTE, 2), (PURSE, 1)]);
    let off = planned.done(all);
    assert_eq!((parcel(&off, 1), order(&off).status), (Parcel::Cancelled, Status::Cancelled));
}

#[test]
fn as_few_parcels_as_it_takes_are_called_off_and_none_that_is_packed() {
    let [first, last] = [&[(TOTE, 1)][..], &[(TOTE, 1), (PURSE, 1)]];
    let two = authorized().done(plan(1, 1, first)).done(plan(2, 1, last));
    let parcels = |shop: &Shop| [1, 2].map(|n| parcel(shop, n));
    let fewer = |shop: Shop, count| shop.done(cancel_units(1, &[(TOTE, count)]));
    assert_eq!(parcels(&fewer(two.clone(), 1)), [Parcel::Created, Parcel::Cancelled]);
    assert_eq!(parcels(&fewer(two.clone(), 2)), [Parcel::Cancelled, Parcel::Cancelled]);
    let packed = two.done(pack(2));
    assert_eq!(parcels(&fewer(packed.clone(), 1)), [Parcel::Cancelled, Parcel::Packed]);
    // Named twice, a line is called off twice.
    let twice = cancel_units(1, &[(TOTE, 1), (TOTE, 1)]);
    let fulfilment_ids = vec![parcel_id(2)];
    packed.when(twice).then_refused_with(domain::order::Error::Packed { fulfilment_ids });
    packed.when(cancel_units(1, &[(TOTE, 3)])).then_refused("nothing_left_to_send");
    // What is in no parcel goes first.
    let free = authorized().done(plan(1, 1, first));
    assert_eq!(parcel(&fewer(free, 1), 1), Parcel::Created);
}

#[test]
fn no_more_comes_back_than_was_announced_and_that_is_said() {
    let shop = announced(sent(captured()).done(deliver(1)), 1, &[(TOTE, 1)]);
    let lines = vec![UnitsLeft { sku: sku(TOTE), wanted: 2, left: 1 }];
    let refusal = domain::order::Error::NothingToReturn(lines);
    assert!(refusal.to_string().contains("only what was announced with it"));
    shop.when(take_back(1, &[(TOTE, 2)])).then_refused_with(refusal);
    announced(shop, 2, &[(TOTE, 1)]).done(take_back(2, &[(TOTE, 1)]));
}

#[test]
fn what_came_though_it_was_to_stay_comes_back_by_another_return() {
    let shop = announced(sent(captured()).done(deliver(1)), 1, &[(TOTE, 1)]).done(withdraw(1));
    shop.when(take_back(1, &[(TOTE, 1)])).then_refused("return_wrong_state");
    let shop = announced(shop, 2, &[(TOTE, 1)]);
    assert_eq!(asks(&shop, take_back(2, &[(TOTE, 1)])), asked(Operation::Refund, "20.00"));
}

/// The rest has not been sent: it is not true that nothing is left.
#[test]
fn why_money_is_not_let_go_is_said() {
    let part = sent_with(authorized(), 1, &[(TOTE, 1)]);
    let refused = part.decide(&ask(Command::Void)).expect_err("a part has left");
    assert_eq!(refused.code().0, "order_already_shipped");
    assert!(!refused.to_string().contains("nothing is left"), "{refused}");
}

/// Two parcels of a tote each: one is paid at the door, the other comes back before that is told.
#[test]
fn what_is_back_before_the_cash_is_told_is_not_collected() {
    let bought = empty_cart().done(add(1, TOTE, 2)).done(check_out(1, 1));
    let bought = bought.done(pay_on_delivery(1, 1));
    let both = (1..=2).fold(bought, |shop, parcel| sent_with(shop, parcel, &[(TOTE, 1)]));
    let back = both.clone().done(fail(2)).done(give_back(2)).done(deliver(1));
    let later = both.done(deliver(1)).done(fail(2)).done(give_back(2));
    for shop in [back, later] {
        assert_eq!(order(&shop).status, Status::Completed);
        let all = ask(Command::Collect { amount: None, at: hour(0) });
        let shop = shop.done(all.clone());
        assert_eq!(kept(&shop), eur("20.00"));
        assert!(!pay(&shop, 1).is_alive(), "nothing more is waited for");
        shop.when(all).then_refused("payment_wrong_state");
    }
}
