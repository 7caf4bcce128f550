//! Orders that go another way than most: parcels that turn up again, goodwill before and after,
//! money that the bank takes back, what is left at nothing, SKUs that change hands.

use domain::command::order::Command as Orders;
use domain::command::payment::Command;
use domain::command::stock::Command as Stocks;
use domain::order::Status;
use domain::payment::{CapturePolicy, DisputeStage, Operation, Report, Stage};
use domain::{Command as Any, Event};

use kit::*;

use super::payment::ask;
use super::told::{asks, collect, dispute, order, pay, sent_with, settle};

fn at_shipment() -> Shop {
    let shop = placed().done(pay_by_card_as(1, 1, CapturePolicy::AtShipment));
    shop.done(record(1, 1, was_authorized()))
}

fn with_a_gift() -> Shop {
    use domain::command::product as products;
    let free = to_product(1, products::Command::SetVariant(variant(TOTE, &[eur("0.00")])));
    let shop = empty_cart().done(free).done(add(1, TOTE, 1)).done(add(1, PURSE, 1));
    shop.done(check_out(1, 1))
}

fn handed_over(shop: Shop) -> Shop {
    let shop = shop.done(archive_freeing(1));
    let bag = vec![variant(TOTE, &[eur("99.00")])];
    shop.done(create_product(3, bag)).done(publish(3))
}

fn emptied(shop: Shop) -> Shop {
    use domain::command::stock::Command as Stocks;
    let mut shop = shop;
    for at in ["depot", "shop"] {
        let (location, reason) = (place(at), None);
        let count = Stocks::Count { location, on_hand: 0, reason };
        shop = shop.done(Any::Stock(sku(TOTE), count));
    }
    shop
}

fn at(text: &str, command: Stocks) -> Any {
    Any::Stock(sku(text), command)
}

fn count_of(text: &str, location: &str, on_hand: u32) -> Any {
    at(text, Stocks::Count { location: place(location), on_hand, reason: None })
}

fn transfer(text: &str, from: &str, to: &str, count: u32) -> Any {
    let (from, to, quantity) = (place(from), place(to), units(count));
    at(text, Stocks::Transfer { from, to, quantity, reason: None })
}

/// The first parcel is lost: support gives its money back at once, the parcel is booked later, the
/// second parcel goes out.
#[test]
fn what_was_refunded_for_a_lost_parcel_is_not_goodwill() {
    let shop = sent_with(at_shipment(), 1, &[(TOTE, 2)]).done(record(1, 2, was_captured()));
    let shop = shop.done(refund(1, Some(eur("40.00")))).done(record(1, 3, was_refunded()));
    let shop = shop.done(lose(1));
    assert_eq!(order(&shop).owed(), Some(eur("10.50")));
    let shop = shop.done(plan(2, 1, &[])).done(pack(2));
    let taken = asks(&shop, ship(2));
    let shop = shop.done(ship(2));
    let then = asks(&shop, deliver(2));
    assert_eq!(taken, [(Operation::Capture, "10.50".to_owned())], "and at the end: {then:?}");
}

#[test]
fn what_is_still_owed_after_a_lost_parcel_can_be_paid() {
    let shop = sent_with(at_shipment(), 1, &[(TOTE, 2)]).done(record(1, 2, was_captured()));
    let shop = shop.done(refund(1, Some(eur("39.00")))).done(record(1, 3, was_refunded()));
    let shop = shop.done(lapse(1)).done(lose(1));
    // 10.50 is owed, 1.00 was kept.
    shop.done(pay_by_card(2, 1));
}

/// The first parcel arrived broken and is given back in full: the rest can be sent all the same.
#[test]
fn goodwill_for_all_that_was_taken_does_not_stop_the_rest() {
    let shop = sent_with(at_shipment(), 1, &[(TOTE, 2)]).done(record(1, 2, was_captured()));
    let shop = shop.done(deliver(1));
    let shop = shop.done(refund(1, Some(eur("40.00")))).done(record(1, 3, was_refunded()));
    let shop = shop.done(plan(2, 1, &[])).done(pack(2));
    shop.done(ship(2));
}

#[test]
fn goodwill_is_not_taken_again_by_hand() {
    let shop = authorized().done(capture(1, Some(eur("20.00")))).done(record(1, 2, was_captured()));
    let shop = shop.done(refund(1, Some(eur("5.00")))).done(record(1, 3, was_refunded()));
    let shop = shop.done(cancel_units(1, &[(TOTE, 1)]));
    // 30.50 is owed, 20.00 were taken.
    assert_eq!(asks(&shop, capture(1, None)), [(Operation::Capture, "10.50".to_owned())]);
}

#[test]
fn goodwill_is_not_collected_again_at_the_door() {
    let shop = sent_with(on_delivery(), 1, &[(TOTE, 2)]).done(deliver(1));
    let some = |amount: &str| ask(Command::Collect { amount: Some(eur(amount)), at: hour(0) });
    let shop = shop.done(some("30.00")).done(refund(1, Some(eur("5.00"))));
    let facts =
        shop.decide(&ask(Command::Collect { amount: None, at: hour(0) })).expect("the rest");
    let Event::Payment(domain::payment::Event::Collected(it)) = &facts[0].1 else { panic!() };
    assert_eq!(it.amount, eur("10.00"));
}

#[test]
fn what_is_left_costs_nothing_and_goes_through() {
    let shop = with_a_gift().done(cancel_units(1, &[(PURSE, 1)]));
    let pay = shop.decide(&pay_by_card(1, 1)).map(|_| ()).map_err(|it| it.code().0);
    let cash = shop.decide(&pay_on_delivery(1, 1)).map(|_| ()).map_err(|it| it.code().0);
    assert_eq!(order(&shop).status, Status::Confirmed, "{pay:?} {cash:?}");
}

#[test]
fn recorded_and_left_at_nothing() {
    let shop = given([]).done(record_order(1, &[(PURSE, 2, "21.00"), (TOTE, 1, "0.00")]));
    let shop = shop.done(cancel_units(1, &[(PURSE, 2)]));
    let pay = shop.decide(&pay_elsewhere(1, 1)).map(|_| ()).map_err(|it| it.code().0);
    assert_eq!(order(&shop).status, Status::Confirmed, "{pay:?}");
}

#[test]
fn nothing_leaves_that_the_bank_took_back() {
    let shop = captured().done(plan(1, 1, &[])).done(pack(1));
    let shop = shop.done(report(1, dispute("50.00", DisputeStage::Lost)));
    shop.when(ship(1)).then_refused("order_not_secured");
}

#[test]
fn what_the_bank_took_back_can_be_paid_again() {
    let shop = sent(captured()).done(deliver(1));
    let shop = shop.done(report(1, dispute("40.00", DisputeStage::Lost)));
    shop.done(pay_by_card(2, 1));
}

#[test]
fn a_lost_parcel_turns_up() {
    let shop = sent(captured()).done(lose(1));
    let back = shop.decide(&give_back(1)).map(|_| ()).map_err(|it| it.code().0);
    let there = shop.decide(&deliver(1)).map(|_| ()).map_err(|it| it.code().0);
    assert!(back.is_ok() || there.is_ok(), "{back:?} {there:?}");
}

#[test]
fn a_late_payment_does_not_buy_another_products_units() {
    let shop = paying().done(to_order(1, Orders::Expire { at: hour(3) }));
    assert_eq!(order(&shop).status, Status::Cancelled);
    let shop = handed_over(emptied(shop));
    let receive = domain::command::stock::Command::Receive {
        location: place("depot"),
        quantity: units(5),
        reference: None,
    };
    let shop = shop.done(Any::Stock(sku(TOTE), receive));
    let shop = shop.done(record(1, 1, was_authorized()));
    assert_eq!(order(&shop).status, Status::Cancelled, "it was a tote at 20, now a bag at 99");
}

#[test]
fn captured_partly_and_called_off_in_parts_and_expired() {
    let shop = authorized().done(capture(1, Some(eur("20.00")))).done(record(1, 2, was_captured()));
    let shop = shop.done(lapse(1)).done(pay_on_delivery(2, 1));
    let shop = shop.done(cancel_units(1, &[(PURSE, 1)])).done(cancel_units(1, &[(TOTE, 1)]));
    let shop = sent(shop).done(deliver(1));
    assert_eq!(order(&shop).status, Status::Completed);
    assert!(!pay(&shop, 2).is_alive(), "{:?}", pay(&shop, 2));
}

#[test]
fn units_arrive_for_an_order_whose_product_was_withdrawn() {
    let shop = authorized().done(count_of(PURSE, "depot", 0)).done(archive_freeing(2));
    let (location, quantity) = (place("depot"), units(1));
    let receive = at(PURSE, Stocks::Receive { location, quantity, reference: None });
    shop.clone()
        .done(count_of(PURSE, "depot", 1))
        .done(plan(1, 1, &[]))
        .done(pack(1))
        .done(ship(1));
    shop.done(receive);
}

#[test]
fn cash_partly_handed_over_refused_and_returned() {
    let shop = sent_with(sent_with(on_delivery(), 1, &[(TOTE, 2)]), 2, &[]).done(deliver(1));
    let shop = shop.done(collect("40.00")).done(fail(2)).done(give_back(2));
    assert_eq!(order(&shop).status, Status::Completed);
    assert_eq!(pay(&shop, 1).stage, Stage::Done);
    let shop = shop.done(request_return(1, 1, &[(TOTE, 1)])).done(approve(1));
    let shop = shop.done(take_back(1, &[(TOTE, 1)])).done(refund(1, Some(eur("20.00"))));
    assert_eq!(pay(&shop, 1).terms.unwrap().kept(), order(&shop).owed().unwrap());
    shop.done(ask(Command::Remit { amount: None, written_off: None }));
}

#[test]
fn late_success_with_stock_gone_partly_or_backordered() {
    let expired = || paying().done(to_order(1, Orders::Expire { at: hour(3) }));
    for gone in [0, 1] {
        let shop = expired().done(count_of(TOTE, "shop", 0)).done(count_of(TOTE, "depot", gone));
        assert_eq!(
            asks(&shop, record(1, 1, was_authorized())),
            [(Operation::Void, "50.50".into())]
        );
        let more = at(TOTE, Stocks::SetPolicy { backorder_max: 2 });
        let shop = shop.done(more).done(record(1, 1, was_authorized()));
        assert_eq!(order(&shop).status, Status::Confirmed);
        shop.done(at(
            TOTE,
            Stocks::Receive { location: place("depot"), quantity: units(9), reference: None },
        ))
        .done(plan(1, 1, &[]))
        .done(pack(1))
        .done(ship(1));
    }
}

#[test]
fn held_units_are_carried_counted_and_quarantined() {
    let shop = authorized().done(transfer(TOTE, "depot", "returns", 5));
    // Three are left in the shop: they leave from there, and the purse from the depot.
    let shop = sent_with(sent_with(shop, 1, &[(TOTE, 2)]), 2, &[]);
    let shop = shop.done(fail(1)).done(give_back(1)).done(fail(2)).done(give_back(2));
    assert_eq!(order(&shop).status, Status::Cancelled);
    shop.done(transfer(TOTE, "returns", "depot", 7));
}

#[test]
fn a_return_in_parts_to_several_places_and_closed() {
    let shop = sent(captured()).done(deliver(1));
    let shop = shop.done(request_return(1, 1, &[(TOTE, 1), (TOTE, 1)])).done(approve(1));
    let shop = shop.done(take_back(1, &[(TOTE, 1)])).done(record(1, 3, was_refunded()));
    let shop = shop.done(close_return(1));
    shop.when(take_back(1, &[(TOTE, 1)])).then_refused("return_wrong_state");
    let shop = shop.done(request_return(2, 1, &[(TOTE, 1), (PURSE, 1)])).done(approve(2));
    let shop = shop.done(take_back(2, &[(TOTE, 1), (PURSE, 1)]));
    let shop = shop.done(record(1, 4, was_refunded()));
    assert_eq!(pay(&shop, 1).terms.unwrap().kept(), eur("0.00"));
    shop.when(request_return(3, 1, &[(TOTE, 1)])).then_refused("nothing_to_return");
}

#[test]
fn a_recorded_order_by_card_lost_and_returned() {
    let shop = catalogue().done(record_order(1, &[(TOTE, 3, "10.00"), (PURSE, 1, "9.00")]));
    let shop = shop.done(pay_by_card_as(1, 1, CapturePolicy::AtOnce));
    let shop = shop.done(record(1, 1, was_authorized())).done(record(1, 2, was_captured()));
    let shop = sent_with(shop, 1, &[(TOTE, 2)]);
    let shop = sent_with(shop, 2, &[]).done(deliver(2)).done(lose(1));
    let shop = shop.done(record(1, 3, was_refunded()));
    let shop = shop.done(request_return(1, 1, &[(TOTE, 1), (PURSE, 1)])).done(approve(1));
    let shop = shop.done(take_back(1, &[(TOTE, 1), (PURSE, 1)])).done(record(1, 4, was_refunded()));
    assert_eq!(pay(&shop, 1).terms.unwrap().kept(), eur("0.00"), "to the cent");
}

#[test]
fn ids_are_used_once() {
    let two = authorized().done(create_cart(2)).done(add(2, TOTE, 1));
    two.when(check_out(2, 1)).then_refused("order_already_exists");
    let two = two.done(check_out(2, 2)).done(plan(1, 1, &[]));
    two.when(pay_by_card(1, 2)).then_refused("payment_already_exists");
    let two = two.done(pay_on_delivery(2, 2));
    two.when(plan(1, 2, &[])).then_refused("fulfilment_already_exists");
    two.when(check_out(2, 3)).then_refused("cart_checked_out");
}

#[test]
fn two_payments_give_back_each_its_own() {
    let shop = authorized().done(capture(1, Some(eur("20.00")))).done(record(1, 2, was_captured()));
    let shop = shop.done(lapse(1)).done(pay_by_card_as(2, 1, CapturePolicy::AtOnce));
    let shop = shop.done(record(2, 1, was_authorized())).done(record(2, 2, was_captured()));
    let shop = shop.done(cancel(1));
    let shop = shop.done(record(1, 3, was_refunded())).done(record(2, 3, was_refunded()));
    for n in [1, 2] {
        assert_eq!(pay(&shop, n).terms.unwrap().kept(), eur("0.00"));
    }
    assert_eq!(asks(&shop, settle()), []);
}

#[test]
fn what_waited_for_its_money_is_sent_when_a_refund_of_it_fails() {
    let refunded =
        domain::payment::Verdict::Refunded { reference: Some(token("re_1")), amount: None };
    let shop = captured().done(cancel(1)).done(record(1, 3, refunded));
    let failed = || Report::RefundFailed {
        request: Some(3),
        amount: eur("50.50"),
        reference: token("re_1"),
        reason: note("the card is closed"),
    };
    let shop = shop.done(report(1, failed()));
    assert_eq!(
        pay(&shop, 1).terms.unwrap().kept(),
        eur("50.50"),
        "it is owed to the customer again"
    );
    shop.when(report(1, failed())).then_nothing();
    assert_eq!(asks(&shop, settle()), [(Operation::Refund, "50.50".to_owned())]);
    // What no gateway will do is done by hand, and asked of nobody any more.
    let by_hand = Command::Refund { amount: None, reason: None, by_hand: true, at: hour(0) };
    let shop = shop.done(ask(by_hand));
    assert_eq!(asks(&shop, settle()), []);
}

#[test]
fn an_order_is_held_for_as_long_as_was_said() {
    let shop = paying();
    shop.when(to_order(1, Orders::Expire { at: hour(0) })).then_refused("order_not_due");
    let bank = domain::payment::Verdict::ActionRequired {
        reference: Some(token("begun_1")),
        url: "https://bank.example/confirm".parse().expect("a URL"),
    };
    let at = hour(1);
    let shop = shop.done(ask(Command::Record { request: 1, verdict: bank, at }));
    // Put off meanwhile: whoever looked at it before is told so.
    shop.when(expire(1)).then_refused("order_not_due");
}

/// An order of nothing needs no payment.
#[test]
fn what_costs_nothing_is_certain_at_once() {
    use domain::command::product as products;
    let free = variant(TOTE, &[eur("0.00")]);
    let shop = empty_cart()
        .done(to_product(1, products::Command::SetVariant(free)))
        .done(add(1, TOTE, 1))
        .done(check_out(1, 1));
    shop.when(pay_by_card(1, 1)).then_refused("order_paid");
    let shop = sent(shop).done(deliver(1));
    shop.when(cancel(1)).then_refused("order_completed");
}
