//! Whose things are: a shopper changes what is theirs, and all else is not there for them.

use domain::cart::{self, LINES_MAX, LineAdded, Misfit};
use domain::command::cart::Command as Carts;
use domain::command::order::Command as Orders;
use domain::command::payment::Command as Payments;
use domain::command::product::Command as Products;
use domain::command::stock::Command as Stocks;
use domain::{By, Command, Options, Owner, Quantity, Refusal, Shopper, State, StreamId};
use domain::{order, payment};

use kit::*;

use super::told::sent_with;
use super::warehouse::count;

fn guest(n: u128) -> Shopper {
    Shopper::Guest(guest_id(n))
}

fn customer(n: u128) -> Shopper {
    Shopper::Customer(customer_id(n))
}

fn opened(n: u128, owner: Shopper) -> Command {
    let (currency, owner) = (currency("EUR"), Owner::from(owner));
    to_cart(n, Carts::Create { currency, owner })
}

/// Order 1 of this shopper, waiting for its payment 1.
fn order_of(owner: Shopper) -> Shop {
    let shop = catalogue().done(opened(1, owner)).done(add(1, TOTE, 2));
    shop.done(check_out(1, 1)).done(pay_by_card(1, 1))
}

fn asked(shop: &Shop, by: Shopper, command: &Command) -> Result<(), &'static str> {
    let decided = shop.decide_by(By::Shopper(by), command);
    decided.map(drop).map_err(|refusal: Refusal| refusal.code().0)
}

#[test]
fn everybody_opens_carts_of_their_own() {
    for owner in [guest(1), customer(1)] {
        assert_eq!(asked(&catalogue(), owner, &opened(1, owner)), Ok(()));
        for other in [guest(2), customer(2)] {
            assert_eq!(asked(&catalogue(), owner, &opened(1, other)), Err("cart_of_another"));
        }
        let nobodys = Carts::Create { currency: currency("EUR"), owner: Owner::default() };
        assert_eq!(asked(&catalogue(), owner, &to_cart(1, nobodys)), Err("cart_of_another"));
    }
}

#[test]
fn what_is_somebody_elses_is_not_there() {
    let abort = || to_payment(1, Payments::Abort { reason: note("another card"), at: hour(0) });
    for owner in [guest(1), customer(1)] {
        let cart = catalogue().done(opened(1, owner)).done(add(1, TOTE, 1));
        let order = order_of(owner);
        let back = request_return(1, 1, &[(TOTE, 2)]);
        let sent = sent_with(order.clone().done(record(1, 1, was_authorized())), 1, &[]);
        let delivered = sent.done(deliver(1));
        let announced = delivered.clone().done(back.clone());
        let off = order.clone().done(cancel(1));
        let theirs = [
            (&cart, add(1, TOTE, 1), "cart_not_found"),
            (&cart, check_out(1, 1), "cart_not_found"),
            (&order, cancel(1), "order_not_found"),
            (&order, abort(), "payment_not_found"),
            (&off, reopen(1), "cart_not_found"),
            (&delivered, back, "order_not_found"),
            (&announced, withdraw(1), "return_not_found"),
        ];
        for (shop, command, gone) in theirs {
            assert_eq!(asked(shop, owner, &command), Ok(()), "{command:?}");
            for other in [guest(2), customer(2)] {
                assert_eq!(asked(shop, other, &command), Err(gone), "{command:?}");
            }
            assert!(shop.decide(&command).is_ok(), "the shop may: {command:?}");
        }
        // An order that is not there yet is as little there.
        assert_eq!(asked(&order, owner, &cancel(9)), Err("order_not_found"));
        assert_eq!(asked(&order, owner, &pay_by_card(2, 9)), Err("order_not_found"));
    }
}

#[test]
fn a_cart_that_became_a_customers_is_the_guests_no_more() {
    let assign = to_cart(1, Carts::Assign { customer_id: customer_id(1), guest_id: None });
    let shop = catalogue().done(opened(1, guest(1))).done(assign);
    assert_eq!(asked(&shop, guest(1), &add(1, TOTE, 1)), Err("cart_not_found"));
    assert_eq!(asked(&shop, customer(1), &add(1, TOTE, 1)), Ok(()));
    let shop = shop.done(add(1, TOTE, 1)).done(check_out(1, 1));
    assert_eq!(asked(&shop, guest(1), &cancel(1)), Err("order_not_found"));
    assert_eq!(asked(&shop, customer(1), &cancel(1)), Ok(()));
}

#[test]
fn what_is_the_shops_is_no_shoppers() {
    let shop = order_of(customer(1)).done(record(1, 1, was_authorized())).done(plan(1, 1, &[]));
    let count = Stocks::Count { location: place("depot"), on_hand: 1, reason: None };
    for (command, gone) in [
        (ship(1), "fulfilment_not_found"),
        (to_product(1, domain::command::product::Command::Publish), "product_not_found"),
        (Command::Stock(sku(TOTE), count), "unknown_sku"),
    ] {
        assert_eq!(asked(&shop, customer(1), &command), Err(gone));
    }
}

#[test]
fn whose_it_is_stands_in_the_events() {
    let shop = order_of(guest(1));
    let State::Order(order) = shop.state(&StreamId::Order(order_id(1))) else { panic!("an order") };
    assert_eq!(order.owner, Owner::from(guest(1)));
    assert!(!order.owner.is(customer(1)) && !order.owner.is(guest(2)));
}

#[test]
fn who_signs_in_takes_their_guests_orders_along() {
    let assign = |order, customer, guest: Option<u128>| {
        let (customer_id, guest_id) = (customer_id(customer), guest.map(guest_id));
        to_order(order, Orders::Assign { customer_id, guest_id })
    };
    let placed = order_of(guest(1));
    let delivered = sent_with(placed.clone().done(record(1, 1, was_authorized())), 1, &[]);
    let delivered = delivered.done(deliver(1));
    let off = placed.clone().done(cancel(1));
    let (order_id, customer_id) = (order_id(1), customer_id(1));
    // However far it has come, its payments and its cart with it.
    for shop in [&placed, &delivered, &off] {
        let claimed = shop.decide_by(By::Shopper(customer(1)), &assign(1, 1, Some(1)));
        let expected = [
            of_order(1, order::Assigned { customer_id }),
            of_payment(1, payment::Assigned { order_id, customer_id }),
            of_cart(1, cart::Assigned { customer_id }),
        ];
        assert_eq!(claimed.expect("theirs"), expected);
    }
    for (by, command) in [
        // Nobody else's, without the guest's token, or for another.
        (customer(1), assign(1, 1, None)),
        (customer(1), assign(1, 1, Some(2))),
        (customer(1), assign(1, 2, Some(1))),
        (guest(1), assign(1, 1, Some(1))),
        (customer(1), assign(9, 1, Some(1))),
    ] {
        assert_eq!(asked(&placed, by, &command), Err("order_not_found"), "{command:?}");
    }
    placed.when(assign(1, 1, Some(1))).then_refused("order_of_another");

    let mut theirs = placed.clone();
    let claimed = placed.decide_by(By::Shopper(customer(1)), &assign(1, 1, Some(1)));
    claimed.expect("theirs").iter().for_each(|fact| theirs.evolve(fact));
    let again = theirs.decide_by(By::Shopper(customer(1)), &assign(1, 1, Some(1)));
    assert_eq!(again.expect("theirs"), []);
    assert_eq!(asked(&theirs, customer(2), &assign(1, 2, Some(1))), Err("order_not_found"));
    let abort = || to_payment(1, Payments::Abort { reason: note("no more"), at: hour(0) });
    for command in [cancel(1), abort()] {
        assert_eq!(asked(&theirs, customer(1), &command), Ok(()), "{command:?}");
        assert!(asked(&theirs, guest(1), &command).is_err(), "{command:?}");
    }
    // The cart is theirs too, for whom it is opened again.
    let off = theirs.clone().done(cancel(1));
    assert_eq!(asked(&off, customer(1), &reopen(1)), Ok(()));
    assert_eq!(asked(&off, guest(1), &reopen(1)), Err("cart_not_found"));
    // One that was opened again goes along; one that became another order stays with that.
    let reopened = placed.clone().done(cancel(1)).done(reopen(1));
    let replaced = reopened.clone().done(check_out(1, 2));
    for (shop, along) in [(&reopened, 1), (&replaced, 0)] {
        let claimed = shop.decide_by(By::Shopper(customer(1)), &assign(1, 1, Some(1)));
        let claimed = claimed.expect("theirs");
        let carts = claimed.iter().filter(|fact| matches!(fact.0, StreamId::Cart(_)));
        assert_eq!(carts.count(), along);
    }
    // What is nobody's stays so.
    let nobodys = to_cart(1, Carts::Create { currency: currency("EUR"), owner: Owner::default() });
    let nobodys = catalogue().done(nobodys).done(add(1, TOTE, 2)).done(check_out(1, 1));
    assert_eq!(asked(&nobodys, customer(1), &assign(1, 1, Some(1))), Err("order_not_found"));
}

#[test]
fn who_signs_in_takes_their_guests_cart_along() {
    let open = || catalogue().done(opened(1, guest(1))).done(add(1, TOTE, 2));
    let assign = |customer, guest: Option<u128>| {
        let (customer_id, guest_id) = (customer_id(customer), guest.map(guest_id));
        to_cart(1, Carts::Assign { customer_id, guest_id })
    };
    let claimed = open().decide_by(By::Shopper(customer(1)), &assign(1, Some(1)));
    assert_eq!(claimed.expect("theirs").len(), 1);
    for (by, command) in [
        // Nobody else's, without the guest's token, or for another.
        (customer(1), assign(1, None)),
        (customer(1), assign(1, Some(2))),
        (customer(1), assign(2, Some(1))),
        (guest(1), assign(1, Some(1))),
    ] {
        assert_eq!(asked(&open(), by, &command), Err("cart_not_found"), "{command:?}");
    }

    let merge = |into, from, guest: Option<u128>| {
        to_cart(into, Carts::Merge { from: cart_id(from), guest_id: guest.map(guest_id) })
    };
    let both = || open().done(opened(2, customer(1))).done(add(2, TOTE, 1)).done(add(2, PURSE, 1));
    assert_eq!(asked(&both(), customer(1), &merge(2, 1, None)), Err("cart_not_found"));
    assert_eq!(asked(&both(), customer(1), &merge(2, 1, Some(2))), Err("cart_not_found"));
    assert_eq!(asked(&both(), customer(2), &merge(2, 1, Some(1))), Err("cart_not_found"));
    assert_eq!(asked(&both(), customer(1), &merge(2, 1, Some(1))), Ok(()));
    let shop = both().done(merge(2, 1, Some(1)));
    let State::Cart(cart) = shop.state(&StreamId::Cart(cart_id(2))) else { panic!("a cart") };
    let units = |text: &str| cart.line(&sku(text)).map(|line| line.quantity.get());
    assert_eq!((units(TOTE), units(PURSE)), (Some(3), Some(1)));
    shop.when(merge(2, 1, None)).then_refused("cart_merged");
    shop.when(add(1, TOTE, 1)).then_refused("cart_merged");
    shop.when(merge(2, 2, None)).then_refused("cart_into_itself");
    shop.when(opened(1, guest(1))).then_refused("cart_already_exists");
    shop.done(check_out(2, 1));
    let dollars = to_cart(3, Carts::Create { currency: currency("USD"), owner: Owner::default() });
    both().done(dollars).when(merge(3, 1, None)).then_refused("cart_of_other_currency");
}

/// Of what is in two carts the units that were put in today are bought as they were seen today.
#[test]
fn what_is_in_both_carts_stays_as_it_can_be_bought() {
    let cart = |shop: Shop, n: u128| shop.done(create_cart(n)).done(add(n, TOTE, 1));
    let dearer = || to_product(1, Products::SetPrices(sku(TOTE), vec![eur("25.00")]));
    let merge = || to_cart(2, Carts::Merge { from: cart_id(1), guest_id: None });
    let line = |shop: &Shop| {
        let State::Cart(cart) = shop.state(&StreamId::Cart(cart_id(2))) else { panic!("a cart") };
        let line = cart.line(&sku(TOTE)).expect("it is in both");
        (line.quantity.get(), line.unit_price, line.product_id)
    };
    let first = cart(cart(catalogue(), 1).done(dearer()), 2).done(merge());
    let second = cart(cart(catalogue(), 2).done(dearer()), 1).done(merge());
    for shop in [first, second] {
        assert_eq!(line(&shop), (2, eur("25.00"), product_id(1)));
        shop.done(check_out(2, 1));
    }
    // Nobody saw what it costs now.
    let unseen = cart(cart(catalogue(), 1), 2).done(dearer()).done(merge());
    assert_eq!(line(&unseen), (2, eur("20.00"), product_id(1)));
    unseen.when(check_out(2, 1)).then_refused("checkout_refused");
    // Another product has it by now.
    let shop = cart(catalogue(), 1).done(archive_freeing(1));
    let shop = shop.done(count(TOTE, "depot", 0)).done(count(TOTE, "shop", 0));
    let shop = shop.done(create_product(3, vec![variant(TOTE, &[eur("9.00")])])).done(publish(3));
    let shop = cart(shop, 2).done(merge()).done(receive(TOTE, 2));
    assert_eq!(line(&shop), (2, eur("9.00"), product_id(3)));
    shop.done(check_out(2, 1));
}

/// Each line that does not fit, so that nobody tries one after the other.
#[test]
fn all_lines_that_do_not_fit_are_named() {
    let line = |text: &str, count| LineAdded {
        sku: sku(text),
        product_id: product_id(9),
        title: label("Thing"),
        variant_title: None,
        options: Options::default(),
        quantity: units(count),
        unit_price: eur("0.01"),
    };
    let mut shop = empty_cart().done(create_cart(2));
    for n in 0..LINES_MAX - 1 {
        shop.evolve(&of_cart(1, line(&format!("SKU-{n}"), Quantity::UNITS_MAX)));
    }
    for text in ["SKU-7", "NEW", "SKU-8", "NEWER"] {
        shop.evolve(&of_cart(2, line(text, 1)));
    }
    let misfit = |line, text: &str, error| Misfit { line, sku: sku(text), error };
    let merge = to_cart(1, Carts::Merge { from: cart_id(2), guest_id: None });
    shop.when(merge).then_refused_with(cart::Error::DoNotFit(vec![
        misfit(0, "SKU-7", cart::Error::TooManyUnits),
        misfit(2, "SKU-8", cart::Error::TooManyUnits),
        misfit(3, "NEWER", cart::Error::TooManyLines),
    ]));
}
