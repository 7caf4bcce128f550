//! What a warehouse does with units: counts, transfers, parcels from where they were packed, what
//! nobody sells any more, and when there are few.

use domain::cart::Obstacle;
use domain::command::product as products;
use domain::command::stock::Command as Ask;
use domain::refusal::{All, OfSku};
use domain::refusal::{CheckoutError, RefusedLine};
use domain::stock::{
    Adjusted, Counted, Error, Event, Low, PolicySet, Refusal, Shelf, Shipped, Short, Stock,
    ThresholdSet, Transferred,
};
use domain::{Command as Any, State, StreamId, location};

use kit::*;

fn to(text: &str, ask: Ask) -> Any {
    Any::Stock(sku(text), ask)
}

pub fn adjust(text: &str, at: &str, delta: i64) -> Any {
    to(text, Ask::Adjust { location: place(at), delta, reason: note("count") })
}

pub fn count(text: &str, at: &str, on_hand: u32) -> Any {
    to(text, Ask::Count { location: place(at), on_hand, reason: None })
}

pub fn transfer(text: &str, from: &str, to_place: &str, count: u32) -> Any {
    let (from, to_place) = (place(from), place(to_place));
    to(text, Ask::Transfer { from, to: to_place, quantity: units(count), reason: None })
}

fn policy(text: &str, backorder_max: u32) -> Any {
    to(text, Ask::SetPolicy { backorder_max })
}

fn threshold(text: &str, threshold: Option<u32>) -> Any {
    to(text, Ask::SetThreshold { threshold })
}

/// What is known of the stock of a SKU.
fn stock_of(shop: &Shop, text: &str) -> Stock {
    let State::Stock(stock) = shop.state(&StreamId::Stock(sku(text))) else { panic!("a stock") };
    stock
}

fn short(of: &[(u128, u32)]) -> Vec<Short> {
    let one = |(order, count): &(u128, u32)| Short {
        order_id: order_id(*order),
        quantity: units(*count),
    };
    of.iter().map(one).collect()
}

fn adjusted(at: &str, delta: i64, of: &[(u128, u32)]) -> Adjusted {
    let (location, reason) = (place(at), note("count"));
    Adjusted { location, sellable: true, delta, reason, short: short(of) }
}

fn counted(at: &str, expected: i64, on_hand: i64, of: &[(u128, u32)]) -> Counted {
    let location = place(at);
    Counted { location, sellable: true, on_hand, expected, reason: None, short: short(of) }
}

fn refused(error: Error) -> Refusal {
    All(vec![OfSku { sku: sku(TOTE), error }])
}

/// Orders 1 and 2, placed: 2 and 5 totes out of 8, in this order.
fn two_placed() -> Shop {
    placed().done(create_cart(2)).done(add(2, TOTE, 5)).done(check_out(2, 2))
}

#[test]
fn counts_are_put_right() {
    let fact = |delta| of_stock(TOTE, adjusted("depot", delta, &[]));
    let shop = catalogue();
    shop.when(adjust(TOTE, "depot", 2)).then([fact(2)]);
    shop.when(adjust(TOTE, "depot", -5)).then([fact(-5)]);
    shop.when(adjust(TOTE, "depot", 0)).then_refused("nothing_to_adjust");
    shop.when(adjust(TOTE, "depot", -6)).then_refused("stock_would_go_negative");
    shop.when(adjust(TOTE, "main", -1)).then_refused("stock_would_go_negative");
    shop.when(adjust(TOTE, "nowhere", 1)).then_refused("unknown_location");
    shop.when(adjust(TOTE, "depot", i64::MIN)).then_refused("stock_would_go_negative");
    shop.when(adjust(TOTE, "depot", i64::MAX)).then_refused("stock_too_large");
}

#[test]
fn a_count_says_how_many_there_are() {
    let shop = catalogue();
    shop.when(count(TOTE, "depot", 12)).then([of_stock(TOTE, counted("depot", 5, 12, &[]))]);
    shop.when(count(TOTE, "depot", 5)).then_nothing();
    shop.when(count(TOTE, "main", 0)).then([of_stock(TOTE, counted("main", 0, 0, &[]))]);
    shop.when(count("NONE", "depot", 1)).then_refused("unknown_sku");
    let shop = shop.done(count(TOTE, "depot", 12));
    assert_eq!(stock_of(&shop, TOTE).available(), 15);
    shop.when(count(TOTE, "depot", 12)).then_nothing();
}

/// A13c: a held unit turns out to be broken. The log takes it, and says whose it was.
#[test]
fn a_count_below_what_is_held_names_who_comes_short() {
    // Of five totes in the depot and three in the shop, seven are held.
    let shop = two_placed();
    shop.when(count(TOTE, "depot", 4)).then([of_stock(TOTE, counted("depot", 5, 4, &[]))]);
    // The newest reservations first, and of the last one only what is missing.
    shop.when(count(TOTE, "depot", 1)).then([of_stock(TOTE, counted("depot", 5, 1, &[(2, 3)]))]);
    let all_but_one = shop.clone().done(count(TOTE, "shop", 1));
    let fact = of_stock(TOTE, adjusted("depot", -5, &[(2, 5), (1, 1)]));
    all_but_one.when(adjust(TOTE, "depot", -5)).then([fact]);

    let shop = shop.done(count(TOTE, "depot", 1));
    assert_eq!(stock_of(&shop, TOTE).available(), -3);
    // Nothing is sold before those are served; what arrives serves them.
    let shop = shop.done(create_cart(3)).done(add(3, TOTE, 1));
    shop.when(check_out(3, 3)).then_refused("checkout_refused");
    shop.done(receive(TOTE, 4)).done(check_out(3, 3));
}

#[test]
fn no_more_orders_are_named_than_an_event_may_hold() {
    let at = Shelf { location: place("a"), sellable: true };
    let mut stock = Stock::default();
    let take = |stock: &mut Stock, events: Result<Vec<Event>, Error>| {
        events.expect("accepted").iter().for_each(|event| stock.evolve(event));
    };
    let arrived = stock.receive(at.clone(), units(150), delivery());
    take(&mut stock, arrived);
    for order in 1..=150 {
        let reserved = stock.reserve(order_id(order), units(1), hour(1));
        take(&mut stock, reserved);
    }
    let events = stock.count(at, 0, None).expect("accepted");
    let [Event::Counted(counted)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(counted.short.len(), domain::stock::SHORT_MAX);
    assert_eq!(counted.short[0].order_id, order_id(150));
}

#[test]
fn units_are_carried_and_holds_stay() {
    let place_of = |code: &str, sellable| Shelf { location: place(code), sellable };
    let moved = |to: Shelf, count, of: &[(u128, u32)]| {
        let from = place_of("depot", true);
        let quantity = units(count);
        of_stock(TOTE, Transferred { from, to, quantity, reason: None, short: short(of) })
    };
    // Of five in the depot two are held: all may be carried to where they are sold as well.
    let shop = placed();
    shop.when(transfer(TOTE, "depot", "shop", 5)).then([moved(place_of("shop", true), 5, &[])]);
    shop.when(transfer(TOTE, "depot", "shop", 6))
        .then_refused_with(refused(Error::WouldGoNegative { on_hand: 5 }));
    shop.when(transfer(TOTE, "depot", "depot", 1)).then_refused("same_location");
    let unknown = |places: &[&str]| {
        location::Error::Unknown(All(places.iter().map(|it| place(it)).collect()))
    };
    shop.when(transfer(TOTE, "depot", "mian", 1)).then_refused_with(unknown(&["mian"]));
    shop.when(transfer(TOTE, "dpeot", "mian", 1)).then_refused_with(unknown(&["dpeot", "mian"]));

    let shop = shop.done(transfer(TOTE, "depot", "shop", 5));
    let stock = stock_of(&shop, TOTE);
    assert_eq!(stock.levels[&place("depot")].available(), -2);
    assert_eq!((stock.levels[&place("shop")].available(), stock.available()), (8, 6));
    // Six of the eight in the shop can be sold, and no more.
    let shop = shop.done(create_cart(2)).done(add(2, TOTE, 7));
    shop.when(check_out(2, 2)).then_refused("checkout_refused");
    shop.done(to_cart(2, set_line(TOTE, 6))).done(check_out(2, 2));

    // To where nothing is for sale, whoever held them comes short.
    let shop = two_placed();
    let fact = moved(place_of("returns", false), 4, &[(2, 3)]);
    shop.when(transfer(TOTE, "depot", "returns", 4)).then([fact]);
}

fn set_line(text: &str, count: u32) -> domain::command::cart::Command {
    domain::command::cart::Command::ChangeLine { sku: sku(text), quantity: units(count) }
}

#[test]
fn what_came_back_is_not_for_sale() {
    let shop = catalogue().done(to(
        TOTE,
        Ask::Receive { location: place("returns"), quantity: units(4), reference: None },
    ));
    let stock = stock_of(&shop, TOTE);
    assert_eq!((stock.levels[&place("returns")].on_hand, stock.available()), (4, 8));
    let shop = shop.done(create_cart(1)).done(add(1, TOTE, 9));
    shop.when(check_out(1, 1)).then_refused("checkout_refused");
    shop.done(transfer(TOTE, "returns", "depot", 1)).done(check_out(1, 1));
}

/// The stock of a SKU: 3 units at a, 2 at b, of which order 1 has five.
fn apart() -> Stock {
    let mut stock = Stock::default();
    let at = |code: &str| Shelf { location: place(code), sellable: true };
    for (code, count) in [("a", 3), ("b", 2)] {
        take(&mut stock, |stock| stock.receive(at(code), units(count), delivery()));
    }
    take(&mut stock, |stock| stock.reserve(order_id(1), units(5), hour(1)));
    take(&mut stock, |stock| stock.commit(order_id(1)));
    stock
}

fn take(stock: &mut Stock, asked: impl FnOnce(&Stock) -> Result<Vec<Event>, Error>) {
    asked(stock).expect("accepted").iter().for_each(|event| stock.evolve(event));
}

fn ship(stock: &Stock, count: u32, from: Option<&str>) -> Result<Vec<Event>, Error> {
    stock.ship(order_id(1), parcel_id(1), units(count), from.map(place).as_ref())
}

fn shipped(from: &[(&str, u32)], held: &[(&str, u32)]) -> Vec<Event> {
    let (order_id, fulfilment_id) = (order_id(1), parcel_id(1));
    vec![Shipped { order_id, fulfilment_id, parts: parts(from), held: parts(held) }.into()]
}

/// A13a: warehouse b packs two of an order that holds three at a and two at b.
#[test]
fn a_parcel_leaves_from_where_it_was_packed() {
    let stock = apart();
    assert_eq!(ship(&stock, 2, Some("b")), Ok(shipped(&[("b", 2)], &[("b", 2)])));
    let there = |on_hand, wanted| Err(Error::NotThere { on_hand, wanted });
    assert_eq!(ship(&stock, 3, Some("b")), there(2, 3));
    assert_eq!(ship(&stock, 1, Some("c")), there(0, 1));
    assert_eq!(ship(&stock, 6, Some("a")), Err(Error::NotHeld));

    // Carried together, all of it leaves from b, and nothing is held at a any more.
    let (from, to) = (place("a"), place("b"));
    let carried = stock.transfer(
        Shelf { location: from, sellable: true },
        Shelf { location: to, sellable: true },
        units(3),
        None,
    );
    let mut stock = apart();
    take(&mut stock, |_| Ok(carried.expect("both places allow it")));
    assert_eq!(ship(&stock, 5, Some("b")), Ok(shipped(&[("b", 5)], &[("a", 3), ("b", 2)])));
    // Where nobody says from where, they are found as well.
    assert_eq!(ship(&stock, 5, None), Ok(shipped(&[("b", 5)], &[("a", 3), ("b", 2)])));
    take(&mut stock, |stock| ship(stock, 5, Some("b")));
    assert!(stock.holds.is_empty());
    assert!(stock.levels.values().all(|level| level.on_hand == 0 && level.committed == 0));
}

#[test]
fn a_parcel_takes_nothing_that_others_hold_there() {
    let mut stock = apart();
    let at = |code: &str, sellable| Shelf { location: place(code), sellable };
    take(&mut stock, |stock| stock.receive(at("c", true), units(4), delivery()));
    take(&mut stock, |stock| stock.reserve(order_id(2), units(3), hour(1)));
    let there = |on_hand, wanted| Err(Error::NotThere { on_hand, wanted });
    assert_eq!(ship(&stock, 2, Some("c")), there(1, 2));
    assert_eq!(ship(&stock, 1, Some("c")), Ok(shipped(&[("c", 1)], &[("a", 1)])));
    take(&mut stock, |stock| stock.receive(at("q", false), units(9), delivery()));
    assert_eq!(ship(&stock, 1, Some("q")), Err(Error::NotSellable));

    // Two orders came short of one another's units: who is first has them.
    let mut stock = apart();
    take(&mut stock, |stock| stock.receive(at("a", true), units(2), delivery()));
    take(&mut stock, |stock| stock.reserve(order_id(2), units(2), hour(1)));
    take(&mut stock, |stock| stock.count(at("a", true), 3, None));
    assert_eq!(ship(&stock, 3, Some("a")), Ok(shipped(&[("a", 3)], &[("a", 3)])));
    take(&mut stock, |stock| stock.count(at("a", true), 1, None));
    assert_eq!(ship(&stock, 5, None), there(3, 5));
}

/// A13d: what is left of a SKU that nobody sells any more.
#[test]
fn leftover_stock_is_sold_off_and_written_off() {
    let shop = catalogue().done(archive_freeing(1));
    shop.when(adjust(TOTE, "depot", -5)).then([of_stock(TOTE, adjusted("depot", -5, &[]))]);
    shop.when(count(TOTE, "depot", 0)).then([of_stock(TOTE, counted("depot", 5, 0, &[]))]);
    let shop = shop.done(transfer(TOTE, "depot", "shop", 5)).done(adjust(TOTE, "shop", -8));
    assert_eq!(stock_of(&shop, TOTE).available(), 0);
    shop.when(receive(TOTE, 1)).then_refused("unknown_sku");
    shop.when(policy(TOTE, 1)).then_refused("unknown_sku");
    shop.when(adjust("NONE", "depot", 1)).then_refused("unknown_sku");
}

#[test]
fn the_next_owner_of_a_sku_inherits_nothing() {
    let gone = |shop: Shop| shop.done(archive_freeing(1));
    let take = |n| create_product(n, vec![variant(TOTE, &[eur("9.00")])]);
    let empty = |on_hand, held| refused(Error::NotEmpty { on_hand, held });
    let shop = gone(catalogue().done(policy(TOTE, 10)).done(threshold(TOTE, Some(2))));
    shop.when(take(3)).then_refused_with(empty(8, 0));
    gone(placed()).when(take(3)).then_refused_with(empty(8, 2));
    let shop = shop.done(count(TOTE, "depot", 0)).done(count(TOTE, "shop", 0)).done(take(3));
    let stock = stock_of(&shop, TOTE);
    assert_eq!((stock.backorder_max, stock.threshold, stock.low), (0, None, false));

    // Who had it last takes it back with its units.
    let purse = || to_product(1, products::Command::SetVariant(variant("SPARE", &[eur("1.00")])));
    let shop = catalogue().done(purse());
    let shop = shop.done(to_product(1, products::Command::RemoveVariant(sku(TOTE))));
    let back = products::Command::SetVariant(variant(TOTE, &[eur("20.00")]));
    let shop = shop.done(to_product(1, back));
    assert_eq!(stock_of(&shop, TOTE).available(), 8);
}

#[test]
fn that_few_are_left_is_told_once() {
    let low = |available| of_stock(TOTE, Low { available, threshold: 6 });
    let set = |threshold| of_stock(TOTE, ThresholdSet { threshold });
    let shop = catalogue();
    shop.when(threshold(TOTE, Some(6))).then([set(Some(6))]);
    let shop = shop.done(threshold(TOTE, Some(6)));
    shop.when(threshold(TOTE, Some(6))).then_nothing();
    // Eight become six: few. Five: known.
    let fact = |delta| of_stock(TOTE, adjusted("depot", delta, &[]));
    shop.when(adjust(TOTE, "depot", -1)).then([fact(-1)]);
    shop.when(adjust(TOTE, "depot", -2)).then([fact(-2), low(6)]);
    let few = shop.clone().done(adjust(TOTE, "depot", -2));
    few.when(adjust(TOTE, "depot", -1)).then([fact(-1)]);
    few.when(threshold(TOTE, None)).then([set(None)]);
    // There are seven again, and then few once more.
    let more = few.done(adjust(TOTE, "depot", 1));
    more.when(adjust(TOTE, "depot", -2)).then([fact(-2), low(5)]);
    // A threshold that has been reached already is told with it.
    let at_once = Low { available: 8, threshold: 9 };
    let both = [set(Some(9)), of_stock(TOTE, at_once)];
    catalogue().when(threshold(TOTE, Some(9))).then(both);
}

#[test]
fn a_sale_can_make_them_few() {
    let shop = full_cart().done(threshold(TOTE, Some(6)));
    let facts = shop.decide(&check_out(1, 1)).expect("accepted");
    assert!(facts.contains(&of_stock(TOTE, Low { available: 6, threshold: 6 })));
    // Called off, there are enough; sold again, it is news again.
    let shop = shop.done(check_out(1, 1)).done(cancel(1));
    let shop = shop.done(create_cart(2)).done(add(2, TOTE, 2));
    let facts = shop.decide(&check_out(2, 2)).expect("accepted");
    assert!(facts.contains(&of_stock(TOTE, Low { available: 6, threshold: 6 })));
}

#[test]
fn units_are_promised_beyond_what_is_there_as_far_as_the_policy_goes() {
    let shop = catalogue();
    shop.when(policy(TOTE, 3)).then([of_stock(TOTE, PolicySet { backorder_max: 3 })]);
    let shop = shop.done(policy(TOTE, 3)).done(create_cart(1)).done(add(1, TOTE, 12));
    shop.when(policy(TOTE, 3)).then_nothing();
    let problem = Obstacle::OutOfStock { wanted: 12, available: 11 };
    let refused = RefusedLine { line: 0, sku: sku(TOTE), problem };
    shop.when(check_out(1, 1)).then_refused_with(CheckoutError::Refused(vec![refused]));

    let shop = shop.done(to_cart(1, set_line(TOTE, 10))).done(check_out(1, 1));
    let stock = stock_of(&shop, TOTE);
    assert_eq!((stock.available(), stock.obtainable()), (-2, 1));
    assert_eq!(stock.holds[&order_id(1)].parts, parts(&[("depot", 7), ("shop", 3)]));
    // What arrives, wherever, serves it.
    let shop = shop.done(receive(TOTE, 2));
    assert_eq!((stock_of(&shop, TOTE).available(), stock_of(&shop, TOTE).obtainable()), (0, 3));
}

#[test]
fn what_never_was_there_is_promised_at_main() {
    let product = create_product(3, vec![variant("NEXT", &[eur("9.00")])]);
    let shop = catalogue().done(product).done(publish(3)).done(policy("NEXT", 5));
    let shop = shop.done(create_cart(1)).done(add(1, "NEXT", 4)).done(check_out(1, 1));
    assert_eq!(stock_of(&shop, "NEXT").holds[&order_id(1)].parts, parts(&[("main", 4)]));
    let shop = shop.done(pay_by_card(1, 1)).done(record(1, 1, was_authorized()));
    let shop = shop.done(plan(1, 1, &[])).done(pack(1));
    shop.when(kit::ship(1)).then_refused("stock_not_there");
    // It arrives at another place, and leaves from there.
    let arrived = Ask::Receive { location: place("depot"), quantity: units(4), reference: None };
    let shop = shop.done(to("NEXT", arrived)).done(kit::ship(1));
    let stock = stock_of(&shop, "NEXT");
    assert!(stock.holds.is_empty() && stock.levels.values().all(|level| level.on_hand == 0));
}

#[test]
fn a_parcel_that_cannot_leave_names_all_that_is_not_there() {
    let shop = authorized().done(plan(1, 1, &[])).done(pack(1));
    let shop = shop.done(transfer(TOTE, "shop", "depot", 3)).done(count(TOTE, "depot", 1));
    let shop = shop.done(count(PURSE, "depot", 0));
    let error = |on_hand, wanted| Error::NotThere { on_hand, wanted };
    shop.when(kit::ship(1)).then_refused_with(All(vec![
        OfSku { sku: sku(PURSE), error: error(0, 1) },
        OfSku { sku: sku(TOTE), error: error(1, 2) },
    ]));
}
