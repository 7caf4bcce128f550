//! Parcels that come back: to go out again, in parts, broken, or to a SKU that is another product's
//! by now.

use domain::command::order::Command as Orders;
use domain::command::return_::Command as Returns;
use domain::command::stock::Command as Stocks;
use domain::fulfilment::{self, ReturnedToSender};
use domain::location;
use domain::order::{self, FulfilmentClosed, ParcelOutcome, Status, UnitsLeft};
use domain::payment::{CapturePolicy, Operation};
use domain::refusal::{All, OfSku};
use domain::stock::{self, Source, Stock};
use domain::{AddressId, Command as Any, Event, State, StreamId};

use kit::*;

use super::told::{asks, order as order_of, pay, sent_with, settle};

/// Nobody took parcel 1 of all that was ordered.
fn refused(shop: Shop) -> Shop {
    sent(shop).done(fail(1))
}

fn at_shipment() -> Shop {
    let shop = placed().done(pay_by_card_as(1, 1, CapturePolicy::AtShipment));
    shop.done(record(1, 1, was_authorized()))
}

fn returned(lines: &[(&str, u32, Option<&str>)], send_again: bool) -> Fact {
    let (order_id, lines) = (order_id(1), arrivals(lines));
    of_parcel(1, ReturnedToSender { order_id, lines, send_again })
}

fn closed(lines: &[(&str, u32)], again: &[(&str, u32)], less: Option<&str>) -> Fact {
    let (fulfilment_id, outcome) = (parcel_id(1), ParcelOutcome::Returned);
    let (lines, again, amount) = (of(lines), of(again), less.map(eur));
    let (found, regained) = (false, None);
    let closed = FulfilmentClosed { fulfilment_id, outcome, lines, again, amount, found, regained };
    of_order(1, closed)
}

fn taken_in(text: &str, at: &str, count: u32, again: bool) -> Fact {
    let (order_id, fulfilment_id) = (order_id(1), parcel_id(1));
    let source = Source::Parcel { order_id, fulfilment_id, again };
    let (location, quantity) = (place(at), units(count));
    of_stock(
        text,
        stock::Received {
            location,
            sellable: at != "returns",
            quantity,
            source,
            of_another: false,
        },
    )
}

fn stock_of(shop: &Shop, text: &str) -> Stock {
    match shop.state(&StreamId::Stock(sku(text))) {
        State::Stock(stock) => stock,
        other => panic!("{other:?}"),
    }
}

fn held(shop: &Shop, text: &str) -> u32 {
    let stock = stock_of(shop, text);
    let parts = stock.holds.get(&order_id(1)).map(|hold| &hold.parts);
    parts.into_iter().flatten().map(|part| part.quantity.get()).sum()
}

fn moved_to(n: u128) -> Any {
    to_order(1, Orders::ChangeAddress { address_id: AddressId(uuid::Uuid::from_u128(n)) })
}

/// By a wrong button: it had not come back, or elsewhere.
#[test]
fn a_parcel_that_had_not_come_back_is_lost_and_turns_up() {
    let shop = refused(captured()).done(all_back_to(1, "depot"));
    let less = stock_of(&shop, TOTE).available();
    let facts = shop.decide(&lose(1)).expect("it is said");
    let asked = |(stream, _): &Fact| matches!(stream, StreamId::Payment(_));
    assert!(!facts.iter().any(asked), "no money moves: {facts:?}");
    let shop = shop.done(lose(1));
    assert_eq!(stock_of(&shop, TOTE).available(), less - 2);
    let of = order_of(&shop).progress(&sku(TOTE));
    assert_eq!((of.off, of.gone, of.delivered), (2, 2, 0));
    assert_eq!(order_of(&shop).status, Status::Cancelled);
    let came = shop.clone().done(deliver(1));
    assert_eq!(order_of(&came).owed(), Some(eur("50.50")));
    assert_eq!(order_of(&came).status, Status::Completed);
    let elsewhere = shop.done(all_back_to(1, "shop"));
    assert_eq!(stock_of(&elsewhere, TOTE).available(), less);
    let of = order_of(&elsewhere).progress(&sku(TOTE));
    assert_eq!((of.off, of.gone), (2, 2));
    // Its units are not there any more.
    let left = Stocks::Count { location: place("shop"), on_hand: 1, reason: None };
    let gone = elsewhere.done(Any::Stock(sku(TOTE), left));
    gone.when(lose(1)).then_refused("stock_would_go_negative");
    // What goes out again is the order's.
    let again = refused(captured()).done(send_again(1, "depot"));
    again.when(lose(1)).then_refused("fulfilment_wrong_state");
}

const ALL: [(&str, u32); 2] = [(PURSE, 1), (TOTE, 2)];

#[test]
fn a_parcel_that_came_back_goes_out_again() {
    let shop = refused(captured());
    shop.when(moved_to(7)).then_refused("order_already_shipped");
    shop.when(send_again(1, "shop")).then([
        taken_in(PURSE, "shop", 1, true),
        taken_in(TOTE, "shop", 2, true),
        returned(&[(PURSE, 1, Some("shop")), (TOTE, 2, Some("shop"))], true),
        closed(&ALL, &ALL, None),
    ]);
    let back = shop.clone().done(send_again(1, "shop"));
    back.when(send_again(1, "shop")).then_nothing();
    // Nobody else is sold them.
    assert_eq!(stock_of(&back, TOTE).available(), stock_of(&shop, TOTE).available());
    assert_eq!((held(&back, TOTE), held(&back, PURSE)), (2, 1));
    assert_eq!(order_of(&back).owed(), Some(eur("50.50")));
    // The address was wrong; it is put right before they leave.
    let right = back.done(moved_to(7)).done(plan(2, 1, &[])).done(pack(2)).done(ship(2));
    assert_eq!(held(&right, TOTE), 0);
    right.when(moved_to(8)).then_refused("order_already_shipped");
    let end = right.done(deliver(2));
    assert_eq!(order_of(&end).status, Status::Completed);
    assert_eq!(asks(&end, settle()), []);
}

#[test]
fn money_is_taken_once_however_often_goods_leave() {
    let is_asked =
        |facts: &[Fact]| facts.iter().any(|(_, event)| matches!(event, Event::Payment(_)));
    let shop = sent(at_shipment()).done(record(1, 2, was_captured())).done(fail(1));
    assert!(!is_asked(&shop.decide(&send_again(1, "depot")).expect("back")));
    let shop = shop.done(send_again(1, "depot"));
    assert_eq!(asks(&shop, settle()), []);
    let shop = shop.done(plan(2, 1, &[])).done(pack(2));
    assert!(!is_asked(&shop.decide(&ship(2)).expect("it leaves")));
    let shop = shop.done(ship(2)).done(deliver(2));
    assert_eq!(pay(&shop, 1).terms.expect("terms").kept(), eur("50.50"));

    // The gateway answers only after it came back: it is taken, and once.
    let late = sent(at_shipment()).done(fail(1)).done(send_again(1, "depot"));
    let late = late.done(record(1, 2, was_captured())).done(plan(2, 1, &[])).done(pack(2));
    assert!(!is_asked(&late.decide(&ship(2)).expect("it leaves")));

    // Some came back, and more leaves than before: what was never paid for is taken.
    let some = sent_with(at_shipment(), 1, &[(TOTE, 1)]).done(record(1, 2, was_captured()));
    let some = some.done(fail(1)).done(send_again(1, "depot")).done(plan(2, 1, &[])).done(pack(2));
    assert_eq!(asks(&some, ship(2)), [(Operation::Capture, "30.50".to_owned())]);
}

#[test]
fn what_is_to_go_out_again_may_be_called_off() {
    let shop = refused(captured()).done(send_again(1, "depot"));
    assert_eq!(asks(&shop, cancel(1)), [(Operation::Refund, "50.50".to_owned())]);
    let off = shop.clone().done(cancel(1));
    assert_eq!(order_of(&off).status, Status::Cancelled);
    assert_eq!((held(&off, TOTE), stock_of(&off, TOTE).available()), (0, 8));
    let one = shop.done(cancel_units(1, &[(TOTE, 1)]));
    assert_eq!(held(&one, TOTE), 1);
    one.done(plan(2, 1, &[])).done(pack(2)).done(ship(2)).done(deliver(2));
}

#[test]
fn what_goes_out_again_lies_where_it_can_leave() {
    let shop = refused(captured());
    shop.when(send_again(1, "returns")).then_refused("location_not_sellable");
    let shop = shop.done(set_location("attic", false));
    let [attic, returns] = ["attic", "returns"].map(Some);
    let lines = [(TOTE, 1, returns), (TOTE, 1, attic), (PURSE, 1, returns)];
    let silent = location::Error::SellsNothing(All(vec![place("returns"), place("attic")]));
    shop.when(some_back(1, &lines, true)).then_refused_with(silent);
    shop.when(send_again(1, "nowhere")).then_refused("unknown_location");
    // What was taken at the door stays taken.
    let rest = sent(captured()).done(hand_over(1, &[(TOTE, 1)])).done(send_again(1, "depot"));
    assert_eq!((held(&rest, TOTE), held(&rest, PURSE)), (1, 1));
    let rest = rest.done(plan(2, 1, &[])).done(pack(2)).done(ship(2)).done(deliver(2));
    assert_eq!(order_of(&rest).progress(&sku(TOTE)).delivered, 2);
    // What was given up was paid back.
    let lost = sent_with(captured(), 1, &[(TOTE, 2)]).done(lose(1));
    lost.when(send_again(1, "depot")).then_refused("fulfilment_given_up");
    lost.done(give_back(1));
    // Stock knows nothing of what was sold before, as long as it is away.
    let recorded = catalogue().done(record_order(1, &[(TOTE, 2, "40.00")]));
    let recorded = recorded.done(pay_elsewhere(1, 1));
    let recorded = refused(recorded).done(send_again(1, "depot"));
    assert_eq!(stock_of(&recorded, TOTE).available(), 8);
    recorded.done(plan(2, 1, &[])).done(pack(2)).done(ship(2)).done(deliver(2));
}

#[test]
fn what_is_missing_of_a_parcel_or_broken_is_off() {
    let shop = refused(captured());
    let came = [(TOTE, 1, Some("depot")), (TOTE, 1, None)];
    let facts = shop.decide(&some_back(1, &came, false)).expect("back");
    let all = [
        taken_in(TOTE, "depot", 1, false),
        returned(&came, false),
        closed(&ALL, &[], Some("50.50")),
    ];
    assert_eq!(facts[..3], all);
    let shop_after = shop.clone().done(some_back(1, &came, false));
    assert_eq!(order_of(&shop_after).status, Status::Cancelled);
    shop_after.when(some_back(1, &came, false)).then_nothing();
    // It is told once what came.
    shop_after.when(give_back(1)).then_refused("fulfilment_wrong_state");
    shop_after.when(some_back(1, &came, true)).then_refused("fulfilment_wrong_state");

    // Of what goes out again, the broken one and what is missing are paid back.
    let facts = shop.decide(&some_back(1, &came, true)).expect("back");
    let some = [
        taken_in(TOTE, "depot", 1, true),
        returned(&came, true),
        closed(&ALL, &[(TOTE, 1)], Some("30.50")),
    ];
    assert_eq!(facts[..3], some);
    assert_eq!(asks(&shop, some_back(1, &came, true)), [(Operation::Refund, "30.50".to_owned())]);
    let shop = shop.done(some_back(1, &came, true)).done(record(1, 3, was_refunded()));
    assert_eq!((held(&shop, TOTE), held(&shop, PURSE)), (1, 0));
    let shop = shop.done(plan(2, 1, &[])).done(pack(2)).done(ship(2)).done(deliver(2));
    assert_eq!(order_of(&shop).status, Status::Completed);
    assert_eq!(order_of(&shop).owed(), Some(eur("20.00")));
    assert_eq!(asks(&shop, settle()), []);
}

#[test]
fn no_more_comes_back_than_was_in_it() {
    let shop = refused(captured());
    let left = |text: &str, wanted, left| UnitsLeft { sku: sku(text), wanted, left };
    let short = vec![left(PURSE, 2, 1), left("SPARE", 1, 0)];
    shop.when(some_back(1, &[("SPARE", 1, None), (PURSE, 2, None), (TOTE, 1, None)], false))
        .then_refused_with(fulfilment::Error::NotInIt(short));
    let many = vec![(TOTE, 1, None); fulfilment::ARRIVALS_MAX + 1];
    shop.when(some_back(1, &many, false)).then_refused("too_many_arrivals");
}

/// The totes of product 1 are sold out and its SKU is product 3's.
fn handed_over(shop: Shop) -> Shop {
    let shop = shop.done(archive_freeing(1));
    let empty = |shop: Shop, at: &str| {
        let (location, on_hand, reason) = (place(at), 0, None);
        shop.done(Any::Stock(sku(TOTE), Stocks::Count { location, on_hand, reason }))
    };
    let shop = empty(empty(shop, "depot"), "shop");
    shop.done(create_product(3, vec![variant(TOTE, &[eur("99.00")])])).done(publish(3))
}

#[test]
fn goods_of_one_product_are_not_sold_as_those_of_another() {
    let of_another = |skus: &[&str]| {
        let error = stock::Error::OfAnother { product_id: product_id(3) };
        let of_sku = |text: &&str| OfSku { sku: sku(text), error: error.clone() };
        All(skus.iter().map(of_sku).collect())
    };
    let shop = handed_over(sent(captured()).done(deliver(1)));
    let shop = shop.done(request_return(1, 1, &[(TOTE, 2), (PURSE, 1)])).done(approve(1));
    let back = take_back(1, &[(TOTE, 2), (PURSE, 1)]);
    shop.when(back).then_refused_with(of_another(&[TOTE]));
    shop.clone().done(take_back(1, &[(PURSE, 1)]));
    for came in [(TOTE, 2, Some("returns")), (TOTE, 2, None)] {
        let receive = Returns::Receive { lines: arrivals(&[came]), withheld: None };
        let shop = shop.clone().done(to_return(1, receive));
        assert_eq!(stock_of(&shop, TOTE).available(), 0);
    }

    let shop = handed_over(refused(captured()));
    for wrong in [all_back_to(1, "depot"), send_again(1, "depot")] {
        shop.when(wrong).then_refused_with(of_another(&[TOTE]));
    }
    let came = [(PURSE, 1, Some("depot")), (TOTE, 1, Some("returns")), (TOTE, 1, None)];
    for way_out in [give_back(1), some_back(1, &came, false)] {
        let shop = shop.clone().done(way_out);
        assert_eq!(stock_of(&shop, TOTE).available(), 0);
    }
    // Who had it last takes it back, and its goods are its own.
    let own = refused(captured()).done(archive_freeing(1));
    let own = own.done(to_product(1, domain::command::product::Command::Restore));
    own.done(all_back_to(1, "depot"));
}

#[test]
fn goods_of_the_old_product_are_not_carried_to_where_the_new_one_is_sold() {
    let stocks = |command| Any::Stock(sku(TOTE), command);
    let carry = |to: &str, count| {
        let (from, to, quantity) = (place("returns"), place(to), units(count));
        stocks(Stocks::Transfer { from, to, quantity, reason: None })
    };
    let none = |own, wanted| {
        let error = stock::Error::OthersThere { own, wanted };
        All(vec![OfSku { sku: sku(TOTE), error }])
    };
    let shop =
        handed_over(refused(captured())).done(give_back(1)).done(set_location("cellar", false));
    for to in ["shop", "cellar"] {
        shop.when(carry(to, 2)).then_refused_with(none(0, 2));
    }
    // Beside units of the new one.
    let (location, quantity) = (place("returns"), units(3));
    let arrived = Stocks::Receive { location, quantity, reference: None };
    let shop = shop.done(stocks(arrived));
    shop.when(carry("shop", 4)).then_refused_with(none(3, 4));
    shop.when(carry("shop", 6)).then_refused("stock_would_go_negative");
    let carried = shop.clone().done(carry("shop", 3));
    assert_eq!(stock_of(&carried, TOTE).available(), 3);
    // What is written off is theirs, by whichever word.
    let reason = || note("sold to a jobber");
    let (location, on_hand) = (place("returns"), 3);
    let adjust = Stocks::Adjust { location: place("returns"), delta: -2, reason: reason() };
    for gone in [adjust, Stocks::Count { location, on_hand, reason: Some(reason()) }] {
        shop.clone().done(stocks(gone)).done(carry("shop", 3));
    }
}

#[test]
fn a_transfer_names_both_places_that_refuse() {
    let room = stock::Adjusted {
        location: place("returns"),
        sellable: false,
        delta: stock::ON_HAND_MAX,
        reason: note("full"),
        short: vec![],
    };
    let mut full = catalogue();
    full.evolve(&of_stock(TOTE, room));
    let (from, to, quantity) = (place("shop"), place("returns"), units(4));
    let transfer = Stocks::Transfer { from, to, quantity, reason: None };
    let errors = [stock::Error::WouldGoNegative { on_hand: 3 }, stock::Error::TooMany];
    let all = errors.map(|error| OfSku { sku: sku(TOTE), error });
    let refused = All(all.into());
    full.when(Any::Stock(sku(TOTE), transfer)).then_refused_with(refused);
}

#[test]
fn an_order_takes_back_only_what_is_its_own() {
    let order = order::Order::default();
    assert_eq!(order.take_parcel_back(parcel_id(1), vec![]), Err(order::Error::NotFound));
}
