//! Carts, and checkout: all of it, or nothing and the lines named.

use domain::cart::{
    Abandoned, Assigned, CheckedOut, Created, LINES_MAX, LineAdded, LineChanged, LineRemoved,
    Obstacle,
};
use domain::command::cart::Command;
use domain::command::product as products;
use domain::order::{Line, Placed};
use domain::product::VariantSet;
use domain::refusal::{CheckoutError, RefusedLine};
use domain::stock::Reserved;
use domain::{Command as Any, Options, Owner, Quantity};

use kit::*;

use crate::warehouse::count;

fn create(code: &str) -> Any {
    let owner = Owner::customer(customer_id(1));
    to_cart(1, Command::Create { currency: currency(code), owner })
}

fn change(text: &str, count: u32) -> Any {
    to_cart(1, Command::ChangeLine { sku: sku(text), quantity: units(count) })
}

pub fn remove(text: &str) -> Any {
    to_cart(1, Command::RemoveLine { sku: sku(text) })
}

pub fn reprice(shop: Shop, product: u128, variant: VariantSet) -> Shop {
    shop.done(to_product(product, products::Command::SetVariant(variant)))
}

/// Of the tote, which was at 20.00.
fn changed(text: &str, count: u32, price: &str) -> LineChanged {
    let seen = eur("20.00");
    LineChanged {
        sku: sku(text),
        product_id: product_id(1),
        title: label("Tote"),
        variant_title: None,
        options: Options::default(),
        quantity: units(count),
        unit_price: eur(price),
        unit_price_before: (eur(price) != seen).then_some(seen),
    }
}

pub fn refused(lines: &[(usize, &str, Obstacle)]) -> CheckoutError {
    let one = |(line, text, problem): &(usize, &str, Obstacle)| RefusedLine {
        line: *line,
        sku: sku(text),
        problem: problem.clone(),
    };
    CheckoutError::Refused(lines.iter().map(one).collect())
}

pub fn short(wanted: u32, available: i64) -> Obstacle {
    Obstacle::OutOfStock { wanted, available }
}

pub fn dearer(seen: &str, now: &str) -> Obstacle {
    Obstacle::PriceChanged { seen: eur(seen), now: eur(now) }
}

#[test]
fn a_cart_is_created_once() {
    let (customer_id, guest_id) = (Some(customer_id(1)), None);
    let created = Created { currency: currency("EUR"), customer_id, guest_id };
    given([]).when(create("EUR")).then([of_cart(1, created)]);
    empty_cart().when(create("EUR")).then_refused("cart_already_exists");
}

#[test]
fn a_line_has_the_catalogues_title_and_price() {
    let added = LineAdded {
        sku: sku(TOTE),
        product_id: product_id(1),
        title: label("Tote"),
        variant_title: None,
        options: Options::default(),
        quantity: units(2),
        unit_price: eur("20.00"),
    };
    empty_cart().when(add(1, TOTE, 2)).then([of_cart(1, added.clone())]);

    let in_yen = LineAdded { unit_price: money("3300", "JPY"), ..added };
    catalogue().done(create("JPY")).when(add(1, TOTE, 2)).then([of_cart(1, in_yen)]);
}

#[test]
fn more_of_a_line_adds_up() {
    let shop = full_cart();
    shop.when(add(1, TOTE, 3)).then([of_cart(1, changed(TOTE, 5, "20.00"))]);
    shop.when(add(1, TOTE, Quantity::UNITS_MAX)).then_refused("too_many_units");
    // All units cost what one does now, and the event says what they cost before.
    let dearer = reprice(shop, 1, variant(TOTE, &[eur("25.00")]));
    dearer.when(add(1, TOTE, 3)).then([of_cart(1, changed(TOTE, 5, "25.00"))]);
}

#[test]
fn a_line_says_what_its_variant_is_called_and_what_sets_it_apart() {
    let sized = |size: &str| VariantSet {
        title: Some(label(&format!("{size} / brown"))),
        options: options(&[("Size", size), ("Colour", "brown")]),
        ..variant(TOTE, &[eur("20.00")])
    };
    let shop = reprice(empty_cart(), 1, sized("M")).done(add(1, TOTE, 1));
    let domain::State::Cart(cart) = shop.state(&domain::StreamId::Cart(cart_id(1))) else {
        panic!("a cart")
    };
    let line = cart.line(&sku(TOTE)).expect("a line");
    assert_eq!((&line.variant_title, &line.options), (&sized("M").title, &sized("M").options));
    // What was put in is told as it is called by now, with the next units.
    let shop = reprice(shop, 1, sized("L"));
    let renamed = |count| {
        let VariantSet { title: variant_title, options, .. } = sized("L");
        of_cart(1, LineChanged { variant_title, options, ..changed(TOTE, count, "20.00") })
    };
    shop.when(add(1, TOTE, 1)).then([renamed(2)]);
    shop.when(change(TOTE, 1)).then([renamed(1)]);
    // And the order keeps it.
    let placed = shop.done(change(TOTE, 1)).done(check_out(1, 1));
    let domain::State::Order(order) = placed.state(&domain::StreamId::Order(order_id(1))) else {
        panic!("an order")
    };
    assert_eq!(order.lines[0].variant_title, sized("L").title);
}

#[test]
fn only_what_is_for_sale_goes_in() {
    let draft = products::Command::Create {
        details: details("Draft"),
        variants: vec![variant("DRAFT", &[eur("1.00")])],
    };
    let shop = empty_cart().done(to_product(3, draft));
    shop.when(add(1, "NONE", 1)).then_refused("unknown_sku");
    shop.when(add(1, "DRAFT", 1)).then_refused("not_for_sale");
    let in_yen = catalogue().done(create("JPY"));
    in_yen.when(add(1, PURSE, 1)).then_refused("not_priced_in_currency");
}

#[test]
fn a_line_is_changed_at_todays_price() {
    let shop = full_cart();
    shop.when(change(TOTE, 2)).then_nothing();
    shop.when(change(TOTE, 3)).then([of_cart(1, changed(TOTE, 3, "20.00"))]);
    let dearer = reprice(shop, 1, variant(TOTE, &[eur("25.00")]));
    dearer.when(change(TOTE, 2)).then([of_cart(1, changed(TOTE, 2, "25.00"))]);
    empty_cart().when(change(TOTE, 2)).then_refused("cart_line_not_found");
    empty_cart().when(change("NONE", 2)).then_refused("unknown_sku");
}

#[test]
fn a_line_is_removed_even_when_it_is_no_longer_sold() {
    let shop = full_cart().done(archive_freeing(1));
    shop.when(remove(TOTE)).then([of_cart(1, LineRemoved { sku: sku(TOTE) })]);
    shop.done(remove(TOTE)).when(remove(TOTE)).then_refused("cart_line_not_found");
}

#[test]
fn a_cart_has_so_many_lines() {
    let line = |n: usize| LineAdded {
        sku: sku(&format!("SKU-{n}")),
        product_id: product_id(9),
        title: label("Thing"),
        variant_title: None,
        options: Options::default(),
        quantity: units(1),
        unit_price: eur("1.00"),
    };
    let mut shop = empty_cart();
    (0..LINES_MAX).for_each(|n| shop.evolve(&of_cart(1, line(n))));
    shop.when(add(1, TOTE, 1)).then_refused("too_many_cart_lines");
}

#[test]
fn checking_out_closes_the_cart_places_the_order_and_reserves_the_stock() {
    let line =
        |text: &str, product: u128, title: &str, count: u32, price: &str, total: &str| Line {
            sku: sku(text),
            product_id: product_id(product),
            title: label(title),
            variant_title: None,
            options: Options::default(),
            quantity: units(count),
            unit_price: eur(price),
            total: eur(total),
        };
    let reserved = |count: u32| Reserved {
        order_id: order_id(1),
        parts: parts(&[("depot", count)]),
        until: hour(1),
    };
    full_cart().when(check_out(1, 1)).then([
        of_cart(1, CheckedOut { order_id: order_id(1) }),
        of_order(
            1,
            Placed {
                cart_id: Some(cart_id(1)),
                customer_id: None,
                guest_id: None,
                address_id: None,
                lines: vec![
                    line(TOTE, 1, "Tote", 2, "20.00", "40.00"),
                    line(PURSE, 2, "Purse", 1, "10.50", "10.50"),
                ],
                total: eur("50.50"),
                reserved_until: hour(1),
                recorded: false,
            },
        ),
        of_stock(TOTE, reserved(2)),
        of_stock(PURSE, reserved(1)),
    ]);
}

#[test]
fn what_is_out_of_stock_is_named_line_by_line() {
    let shop = full_cart().done(change(TOTE, 9)).done(change(PURSE, 5));
    shop.when(check_out(1, 1))
        .then_refused_with(refused(&[(0, TOTE, short(9, 8)), (1, PURSE, short(5, 4))]));
    shop.done(change(TOTE, 8)).when(check_out(1, 1)).then_refused_with(refused(&[(
        1,
        PURSE,
        short(5, 4),
    )]));
}

#[test]
fn what_others_reserved_is_out_of_stock() {
    let second = Command::Create { currency: currency("EUR"), owner: Owner::default() };
    let shop = placed().done(to_cart(2, second)).done(add(2, TOTE, 7));
    shop.when(check_out(2, 2)).then_refused_with(refused(&[(0, TOTE, short(7, 6))]));
    // The first order is called off: its units are for sale again.
    shop.done(cancel(1)).done(check_out(2, 2));
}

#[test]
fn a_higher_price_is_told_and_accepted_by_setting_the_line() {
    let shop = reprice(full_cart(), 1, variant(TOTE, &[eur("21.00")]));
    let refusal = refused(&[(0, TOTE, dearer("20.00", "21.00"))]);
    shop.when(check_out(1, 1)).then_refused_with(refusal);
    shop.done(change(TOTE, 2)).done(check_out(1, 1));
}

#[test]
fn a_lower_price_is_what_is_paid() {
    let shop = reprice(full_cart(), 1, variant(TOTE, &[eur("19.00")])).done(check_out(1, 1));
    let domain::State::Order(order) = shop.state(&domain::StreamId::Order(order_id(1))) else {
        panic!("an order")
    };
    assert_eq!((order.lines[0].unit_price, order.total), (eur("19.00"), Some(eur("48.50"))));
    let domain::State::Cart(cart) = shop.state(&domain::StreamId::Cart(cart_id(1))) else {
        panic!("a cart")
    };
    assert_eq!(cart.lines[0].unit_price, eur("19.00"), "the cart tells the same");

    let event = changed(TOTE, 2, "19.00");
    let facts = reprice(full_cart(), 1, variant(TOTE, &[eur("19.00")]))
        .decide(&check_out(1, 1))
        .expect("accepted");
    let checked_out = of_cart(1, CheckedOut { order_id: order_id(1) });
    assert_eq!(facts[..2], [of_cart(1, event), checked_out]);
}

#[test]
fn what_costs_nothing_is_bought_too() {
    let shop = reprice(empty_cart(), 1, variant(TOTE, &[eur("0.00")])).done(add(1, TOTE, 2));
    let shop = shop.done(check_out(1, 1));
    let domain::State::Order(order) = shop.state(&domain::StreamId::Order(order_id(1))) else {
        panic!("an order")
    };
    assert_eq!(order.total, Some(eur("0.00")));
}

#[test]
fn what_is_no_longer_sold_cannot_be_bought() {
    let shop = full_cart();
    let refusal = |problem| refused(&[(1, PURSE, problem)]);
    let freed = shop.clone().done(archive_freeing(2));
    freed.when(check_out(1, 1)).then_refused_with(refusal(Obstacle::UnknownSku));
    let keep = products::Command::Archive(domain::product::SkusOfArchived::Keep);
    for gone in [keep, products::Command::Unpublish] {
        let gone = shop.clone().done(to_product(2, gone));
        gone.when(check_out(1, 1)).then_refused_with(refusal(Obstacle::NotForSale));
    }
    let unpriced = reprice(shop, 2, variant("OTHER", &[eur("1.00")]));
    let unpriced = reprice(unpriced, 2, variant(PURSE, &[money("3300", "JPY")]));
    let problem = Obstacle::NotPricedInCurrency { currency: currency("EUR") };
    unpriced.when(check_out(1, 1)).then_refused_with(refusal(problem));
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let shop = full_cart().done(change(TOTE, 9)).done(archive_freeing(2));
    let shop = reprice(shop, 1, variant(TOTE, &[eur("25.00")]));
    shop.when(check_out(1, 1)).then_refused_with(refused(&[
        (0, TOTE, dearer("20.00", "25.00")),
        (0, TOTE, short(9, 8)),
        (1, PURSE, Obstacle::UnknownSku),
    ]));
}

#[test]
fn a_sku_that_went_to_another_product_is_not_bought_by_mistake() {
    let shop = full_cart().done(archive_freeing(1));
    // What is left of the old ones is gone before another product has the SKU.
    let shop = shop.done(count(TOTE, "depot", 0)).done(count(TOTE, "shop", 0));
    let shop = reprice(shop, 2, variant(TOTE, &[eur("30.00")])).done(receive(TOTE, 3));
    shop.when(check_out(1, 1)).then_refused_with(refused(&[(0, TOTE, Obstacle::NotForSale)]));
    // Who puts it in again, or sets it, takes it as it is sold now.
    let of_the_other = |count| LineChanged {
        product_id: product_id(2),
        title: label("Purse"),
        ..changed(TOTE, count, "30.00")
    };
    shop.when(add(1, TOTE, 1)).then([of_cart(1, of_the_other(3))]);
    shop.when(change(TOTE, 2)).then([of_cart(1, of_the_other(2))]);
    shop.done(add(1, TOTE, 1)).done(check_out(1, 1));
}

#[test]
fn an_order_id_is_used_once() {
    let second = Command::Create { currency: currency("EUR"), owner: Owner::default() };
    let shop = placed().done(to_cart(2, second)).done(add(2, TOTE, 1));
    shop.when(check_out(2, 1)).then_refused("order_already_exists");
}

#[test]
fn a_total_beyond_money_is_refused() {
    let shop = reprice(full_cart(), 1, variant(TOTE, &[eur("900000000000")]));
    let shop = shop.done(change(TOTE, 2));
    shop.when(check_out(1, 1)).then_refused("total_out_of_bounds");
}

#[test]
fn an_empty_cart_is_not_bought() {
    empty_cart().when(check_out(1, 1)).then_refused("cart_empty");
}

#[test]
fn a_guests_cart_becomes_a_customers_once() {
    let assign = |n| to_cart(1, Command::Assign { customer_id: customer_id(n), guest_id: None });
    let shop = full_cart();
    shop.when(assign(1)).then([of_cart(1, Assigned { customer_id: customer_id(1) })]);
    let shop = shop.done(assign(1));
    shop.when(assign(1)).then_nothing();
    shop.when(assign(2)).then_refused("cart_of_another");
    let facts = shop.decide(&check_out(1, 1)).expect("accepted");
    let of_order = facts.iter().find_map(|(_, event)| match event {
        domain::Event::Order(domain::order::Event::Placed(placed)) => placed.customer_id,
        _ => None,
    });
    assert_eq!(of_order, Some(customer_id(1)), "and so does the order");
    placed().when(assign(1)).then_refused("cart_checked_out");
}

#[test]
fn a_cart_is_given_up_once() {
    let abandon = || to_cart(1, Command::Abandon);
    let shop = full_cart();
    shop.when(abandon()).then([of_cart(1, Abandoned { expired: false })]);
    shop.clone().done(abandon()).when(abandon()).then_nothing();
    shop.done(abandon()).when(reopen(1)).then_refused("cart_abandoned");
    placed().when(abandon()).then_refused("cart_checked_out");
}

#[test]
fn one_that_nobody_touched_is_given_up_unless_it_came_to_an_end() {
    let expire = || to_cart(1, Command::Expire);
    let shop = full_cart();
    shop.when(expire()).then([of_cart(1, Abandoned { expired: true })]);
    shop.done(expire()).when(expire()).then_nothing();
    placed().when(expire()).then_nothing();
}

#[test]
fn a_closed_cart_takes_no_commands() {
    let gone = full_cart().done(to_cart(1, Command::Abandon));
    for (shop, code) in [(placed(), "cart_checked_out"), (gone, "cart_abandoned")] {
        for command in [add(1, TOTE, 1), change(TOTE, 1), remove(TOTE), check_out(1, 2)] {
            shop.when(command).then_refused(code);
        }
        shop.when(create("EUR")).then_refused("cart_already_exists");
    }
}

#[test]
fn a_cart_never_created_is_not_found() {
    let abandon = to_cart(1, Command::Abandon);
    let others = [check_out(1, 2), reopen(1), abandon, to_cart(1, Command::Expire)];
    for command in [add(1, TOTE, 1), change(TOTE, 1), remove(TOTE)].into_iter().chain(others) {
        catalogue().when(command).then_refused("cart_not_found");
    }
}
