//! Where a parcel leaves from of which nobody says it, and what is done where its units lie apart.

use domain::command::stock::Command as Stocks;
use domain::fulfilment::{Error, Fulfilment, HeldAt};
use domain::{Command as Any, RefusalRecord, State, StreamId};
use kit::*;

use super::warehouse::transfer;

/// Order 1 of seven totes: of the eight that are there, five lie in the depot and two are held in
/// the shop.
fn apart() -> Shop {
    let shop = empty_cart().done(add(1, TOTE, 7)).done(check_out(1, 1));
    shop.done(pay_by_card(1, 1)).done(record(1, 1, was_authorized()))
}

fn parcel(shop: &Shop, n: u128) -> Fulfilment {
    match shop.state(&StreamId::Fulfilment(parcel_id(n))) {
        State::Fulfilment(parcel) => parcel,
        other => panic!("{other:?}"),
    }
}

fn from(shop: &Shop, n: u128) -> Option<String> {
    parcel(shop, n).location.map(|place| place.to_string())
}

fn lies(parts: &[(&str, u32)]) -> Error {
    let held = |(at, count): &(&str, u32)| HeldAt {
        sku: sku(TOTE),
        location: place(at),
        quantity: units(*count),
    };
    Error::LocationRequired(parts.iter().map(held).collect())
}

fn sent(shop: Shop, n: u128) -> Shop {
    shop.done(pack(n)).done(ship(n))
}

#[test]
fn a_parcel_leaves_from_the_place_that_has_all_of_it() {
    assert_eq!(from(&authorized().done(plan(1, 1, &[])), 1).as_deref(), Some("depot"));
    // Set aside in both, and all of it is in the depot by now.
    let carried = apart().done(transfer(TOTE, "shop", "depot", 2)).done(plan(1, 1, &[]));
    assert_eq!(from(&carried, 1).as_deref(), Some("depot"));
    sent(carried, 1);
    // Who says another place is believed, until it leaves.
    let said = authorized().done(plan_from(1, 1, &[], "shop"));
    assert_eq!(from(&said, 1).as_deref(), Some("shop"));
    said.done(pack(1)).when(ship(1)).then_refused("stock_not_there");
}

#[test]
fn a_parcel_of_what_lies_apart_is_refused_and_told_where_it_lies() {
    let shop = apart();
    let refusal = lies(&[("depot", 5), ("shop", 2)]);
    let told = RefusalRecord::from(&refusal.clone().into());
    assert_eq!(told.figures()["parts"][1]["location"], "shop");
    shop.when(plan(1, 1, &[])).then_refused_with(refusal);
    // A parcel for each.
    let shop = shop.done(plan(1, 1, &[(TOTE, 5)])).done(plan(2, 1, &[]));
    assert_eq!([1, 2].map(|n| from(&shop, n)), ["depot", "shop"].map(|at| Some(at.to_owned())));
    sent(sent(shop, 2), 1);
}

#[test]
fn what_leaves_in_another_parcel_is_not_counted() {
    let shop = apart().done(plan_from(1, 1, &[(TOTE, 2)], "depot"));
    // Three are left in the depot, and the third of the shop is nobody's.
    shop.when(plan(2, 1, &[(TOTE, 4)])).then_refused_with(lies(&[("depot", 3), ("shop", 1)]));
    let shop = shop.done(plan(2, 1, &[(TOTE, 3)])).done(plan(3, 1, &[]));
    assert_eq!([2, 3].map(|n| from(&shop, n)), ["depot", "shop"].map(|at| Some(at.to_owned())));
    sent(sent(sent(shop, 3), 2), 1);
}

#[test]
fn what_is_not_there_yet_names_its_place_as_it_leaves() {
    let backorder = Any::Stock(sku(TOTE), Stocks::SetPolicy { backorder_max: 5 });
    let shop = empty_cart().done(backorder).done(add(1, TOTE, 10)).done(check_out(1, 1));
    let shop = shop.done(pay_by_card(1, 1)).done(record(1, 1, was_authorized()));
    let shop = shop.done(plan(1, 1, &[])).done(pack(1));
    assert_eq!(from(&shop, 1), None);
    shop.when(ship(1)).then_refused("stock_not_there");
    let shop = shop.done(receive(TOTE, 2));
    shop.when(ship(1)).then_refused("location_required");
    let together = shop.done(transfer(TOTE, "shop", "depot", 3));
    let together = together.done(transfer(TOTE, "main", "depot", 2));
    let State::Stock(stock) = together.state(&StreamId::Stock(sku(TOTE))) else { panic!("stock") };
    assert_eq!(stock.available(), 0);
    assert_eq!(from(&together.done(ship(1)), 1).as_deref(), Some("depot"));
}
