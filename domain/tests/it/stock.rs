//! Stock: what arrives, and what an order takes, keeps and gives back. What else a warehouse does
//! is in `warehouse.rs`.

use std::rc::Rc;

use domain::command::stock::Command as Ask;
use domain::stock::{Committed, Error, ON_HAND_MAX, Released, Reserved, Shelf, Shipped, Stock};
use domain::{Command as Any, Quantity, State, StreamId, stock};

use kit::*;

use crate::warehouse::{adjust, count, transfer};

fn receive(text: &str, at: &str, count: u32) -> Any {
    let ask = Ask::Receive { location: place(at), quantity: units(count), reference: None };
    Any::Stock(sku(text), ask)
}

/// What an order or the warehouse asks of stock.
type Asked = Rc<dyn Fn(&Stock) -> Result<Vec<stock::Event>, Error>>;

#[expect(clippy::needless_pass_by_value, reason = "tests read better without the borrow")]
fn decide(stock: &Stock, asked: Asked) -> Result<Vec<stock::Event>, Error> {
    asked(stock)
}

/// The stock after all of this, which must be accepted.
fn after(all: impl IntoIterator<Item = Asked>) -> Stock {
    let mut stock = Stock::default();
    for asked in all {
        let events = decide(&stock, asked).expect("accepted");
        for event in &events {
            stock.evolve(event);
        }
    }
    stock
}

fn arrive(at: &str, count: u32) -> Asked {
    let at = Shelf { location: place(at), sellable: true };
    Rc::new(move |stock| stock.receive(at.clone(), units(count), delivery()))
}

fn reserve(order: u128, count: u32) -> Asked {
    Rc::new(move |stock| stock.reserve(order_id(order), units(count), hour(1)))
}

fn commit(order: u128) -> Asked {
    Rc::new(move |stock| stock.commit(order_id(order)))
}

fn release(order: u128) -> Asked {
    Rc::new(move |stock| Ok(stock.release(order_id(order))))
}

fn send(order: u128, count: u32) -> Asked {
    Rc::new(move |stock| stock.ship(order_id(order), parcel_id(1), units(count), None))
}

fn reserved(order: u128, from: &[(&str, u32)]) -> stock::Event {
    Reserved { order_id: order_id(order), parts: parts(from), until: hour(1) }.into()
}

#[test]
fn units_arrive() {
    let shop = catalogue();
    shop.when(receive(TOTE, "depot", 7)).then([of_stock(TOTE, received("depot", 7))]);
    shop.when(receive("NONE", "depot", 7)).then_refused("unknown_sku");
    shop.when(receive(TOTE, "mian", 7)).then_refused("unknown_location");
    // A shop can begin where nobody has set anything.
    shop.done(receive(TOTE, "main", 7)).done(receive(TOTE, "returns", 1));
}

#[test]
fn a_location_is_bounded() {
    let room = ON_HAND_MAX - 5;
    let shop = catalogue().done(adjust(TOTE, "depot", room));
    shop.when(receive(TOTE, "depot", 1)).then_refused("stock_too_large");
    shop.when(adjust(TOTE, "depot", 1)).then_refused("stock_too_large");
    shop.when(transfer(TOTE, "shop", "depot", 1)).then_refused("stock_too_large");
    shop.when(count(TOTE, "shop", 1_000_000_001)).then_refused("stock_too_large");
}

#[test]
fn locations_are_bounded() {
    let arrivals = (0..1_000).map(|n| of_stock(TOTE, received(&format!("place-{n}"), 1)));
    let assigned = domain::sku::Assigned { product_id: product_id(1) };
    let places = ["one-more", "place-7"].map(|code| of_location(code, true));
    let shop = given(arrivals.chain(places).chain([of_sku(TOTE, assigned)]));
    shop.when(receive(TOTE, "one-more", 1)).then_refused("too_many_locations");
    shop.when(transfer(TOTE, "place-7", "one-more", 1)).then_refused("too_many_locations");
    shop.done(receive(TOTE, "place-7", 1));
}

#[test]
fn one_location_is_preferred_so_that_one_parcel_goes_out() {
    let stock = after([arrive("a", 2), arrive("b", 5)]);
    assert_eq!(decide(&stock, reserve(1, 2)), Ok(vec![reserved(1, &[("a", 2)])]));
    assert_eq!(decide(&stock, reserve(1, 4)), Ok(vec![reserved(1, &[("b", 4)])]));
    assert_eq!(decide(&stock, reserve(1, 6)), Ok(vec![reserved(1, &[("a", 2), ("b", 4)])]));
    let short = Error::OutOfStock { available: 7, wanted: 8 };
    assert_eq!(decide(&stock, reserve(1, 8)), Err(short));
}

#[test]
fn the_largest_quantity_can_be_gathered_from_full_locations() {
    let most = Quantity::UNITS_MAX;
    let stock = after([arrive("a", most), arrive("a", most), arrive("b", 1)]);
    assert_eq!(decide(&stock, reserve(1, most)), Ok(vec![reserved(1, &[("a", most)])]));
    let thin = after([arrive("a", most - 1), arrive("b", most)].into_iter().chain([reserve(1, 1)]));
    assert_eq!(decide(&thin, reserve(2, most)), Ok(vec![reserved(2, &[("b", most)])]));
}

#[test]
fn an_order_reserves_a_sku_once() {
    let stock = after([arrive("a", 5), reserve(1, 2)]);
    assert_eq!(decide(&stock, reserve(1, 1)), Err(Error::AlreadyReserved));
    // Released, it may reserve again.
    let stock = after([arrive("a", 5), reserve(1, 5), release(1)]);
    assert_eq!(decide(&stock, reserve(1, 5)), Ok(vec![reserved(1, &[("a", 5)])]));
}

#[test]
fn a_hold_is_committed_once() {
    let stock = after([arrive("a", 5), reserve(1, 2)]);
    let committed = Committed { order_id: order_id(1), parts: parts(&[("a", 2)]) };
    assert_eq!(decide(&stock, commit(1)), Ok(vec![committed.into()]));
    assert_eq!(decide(&stock, commit(2)), Err(Error::NotHeld));
    let stock = after([arrive("a", 5), reserve(1, 2), commit(1)]);
    assert_eq!(decide(&stock, commit(1)), Ok(vec![]));
    assert_eq!(stock.levels[&place("a")].available(), 3);
    assert_eq!(stock.levels[&place("a")].committed, 2);
}

#[test]
fn a_hold_is_released_once() {
    for (commits, committed) in [(vec![], false), (vec![commit(1)], true)] {
        let start = [arrive("a", 5), reserve(1, 2)].into_iter().chain(commits);
        let mut stock = after(start);
        let released = Released { order_id: order_id(1), parts: parts(&[("a", 2)]), committed };
        assert_eq!(decide(&stock, release(1)), Ok(vec![released.clone().into()]));
        stock.evolve(&released.into());
        assert_eq!(stock.available(), 5);
        assert_eq!(decide(&stock, release(1)), Ok(vec![]));
    }
}

#[test]
fn only_committed_units_leave() {
    let stock = after([arrive("a", 5), reserve(1, 2)]);
    assert_eq!(decide(&stock, send(1, 1)), Err(Error::NotHeld));
    let stock = after([arrive("a", 5), reserve(1, 2), commit(1)]);
    assert_eq!(decide(&stock, send(1, 3)), Err(Error::NotHeld));
    assert_eq!(decide(&stock, send(2, 1)), Err(Error::NotHeld));
}

#[test]
fn units_leave_location_after_location() {
    let start = [arrive("a", 2), arrive("b", 3), reserve(1, 5), commit(1)];
    let stock = after(start.clone());
    let shipped = Shipped {
        order_id: order_id(1),
        fulfilment_id: parcel_id(1),
        parts: parts(&[("a", 2), ("b", 1)]),
        held: parts(&[("a", 2), ("b", 1)]),
    };
    assert_eq!(decide(&stock, send(1, 3)), Ok(vec![shipped.into()]));

    let stock = after(start.into_iter().chain([send(1, 3)]));
    assert_eq!(stock.holds[&order_id(1)].parts, parts(&[("b", 2)]));
    assert_eq!(stock.levels[&place("a")].on_hand, 0);
    let released = Released { order_id: order_id(1), parts: parts(&[("b", 2)]), committed: true };
    assert_eq!(decide(&stock, release(1)), Ok(vec![released.into()]));
}

#[test]
fn the_last_unit_out_ends_the_hold() {
    let stock = after([arrive("a", 2), reserve(1, 2), commit(1), send(1, 1), send(1, 1)]);
    assert!(stock.holds.is_empty());
    assert_eq!(stock.available(), 0);
    assert_eq!(decide(&stock, send(1, 1)), Err(Error::NotHeld));
}

/// Readers add up what each event says; the decisions fold them.
#[test]
fn what_may_be_sold_changes_by_what_each_event_says() {
    let policy = |ask| Any::Stock(sku(TOTE), ask);
    let story = [
        receive(TOTE, "depot", 3),
        receive(TOTE, "returns", 3),
        count(TOTE, "depot", 7),
        count(TOTE, "returns", 2),
        adjust(TOTE, "shop", -1),
        adjust(TOTE, "returns", 4),
        transfer(TOTE, "depot", "returns", 2),
        transfer(TOTE, "returns", "shop", 1),
        transfer(TOTE, "depot", "shop", 1),
        policy(Ask::SetPolicy { backorder_max: 2 }),
        policy(Ask::SetThreshold { threshold: Some(2) }),
        create_cart(1),
        add(1, TOTE, 7),
        check_out(1, 1),
        pay_by_card(1, 1),
        record(1, 1, was_authorized()),
        cancel_units(1, &[(TOTE, 2)]),
        plan(1, 1, &[(TOTE, 3)]),
        pack(1),
        ship(1),
        fail(1),
        send_again(1, "depot"),
        plan(2, 1, &[(TOTE, 3)]),
        pack(2),
        ship(2),
        fail(2),
        all_back_to(2, "returns"),
        lose(2),
        all_back_to(2, "depot"),
        lose(2),
        cancel(1),
    ];
    let (mut shop, mut said, mut kinds) = (catalogue(), 8, std::collections::BTreeSet::new());
    for command in story {
        for fact in shop.decide(&command).expect("accepted") {
            shop.evolve(&fact);
            if let domain::Event::Stock(event) = &fact.1 {
                said += event.available_by();
                kinds.insert(fact.1.kind().0);
            }
        }
        let State::Stock(stock) = shop.state(&StreamId::Stock(sku(TOTE))) else {
            panic!("a stock")
        };
        assert_eq!(stock.available(), said, "after {command:?}");
    }
    let all = domain::Event::types().filter(|(name, _)| name.starts_with("stock."));
    assert_eq!(kinds.len(), all.count(), "of every kind: {kinds:?}");
}

/// What is left of a variant that its product does not have any more is written off, sold elsewhere
/// or carried; nothing more of it arrives.
#[test]
fn stock_of_a_variant_that_was_dropped_is_written_off() {
    let remove = domain::command::product::Command::RemoveVariant(sku(TOTE));
    let shop = catalogue().done(to_product(1, {
        domain::command::product::Command::SetVariant(variant("OTHER", &[eur("5.00")]))
    }));
    let shop = shop.done(to_product(1, remove));
    shop.when(receive(TOTE, "depot", 1)).then_refused("unknown_sku");
    shop.when(adjust(TOTE, "depot", -6)).then_refused("stock_would_go_negative");
    let shop = shop.done(adjust(TOTE, "depot", -5)).done(transfer(TOTE, "shop", "depot", 2));
    let shop = shop.done(count(TOTE, "depot", 0)).done(count(TOTE, "shop", 0));
    let State::Stock(left) = shop.state(&StreamId::Stock(sku(TOTE))) else { panic!("a stock") };
    assert_eq!(left.levels.values().map(|level| level.on_hand).sum::<i64>(), 0);
    // And whoever wants the name may have it.
    shop.done(create_product(3, vec![variant(TOTE, &[eur("1.00")])]));
}
