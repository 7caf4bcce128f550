//! What a command is addressed to, whether that is new, and what its answer speaks of: command-api
//! says 201 and where to look by these.

use domain::command::product as products;
use domain::command::{cart as carts, fulfilment as parcels, payment as payments, stock as stocks};
use domain::{Command, Owner, StreamId};

use kit::*;

#[test]
fn what_begins_something_says_so() {
    let product = products::Command::Create { details: details("Tote"), variants: vec![] };
    let cart = carts::Command::Create { currency: currency("EUR"), owner: Owner::default() };
    let parcel = {
        let (order_id, lines, location) = (order_id(1), vec![], None);
        parcels::Command::Create { order_id, lines, location }
    };
    let begin = [
        to_product(1, product),
        to_cart(1, cart),
        check_out(1, 2),
        pay_by_card(1, 2),
        to_parcel(1, parcel),
        request_return(1, 2, &[(TOTE, 1)]),
    ];
    for command in begin {
        assert!(command.creates(), "{command:?}");
    }
}

#[test]
fn what_goes_on_with_something_does_not() {
    let (location, delta, reason) = (place("hall"), -1, note("one is broken"));
    let adjust = stocks::Command::Adjust { location, delta, reason };
    let go_on = [
        to_product(1, products::Command::Publish),
        Command::Stock(sku(TOTE), adjust),
        add(1, TOTE, 1),
        cancel(1),
        to_payment(1, payments::Command::Void),
        to_parcel(1, parcels::Command::Pack),
        approve(1),
    ];
    for command in go_on {
        assert!(!command.creates(), "{command:?}");
        assert_eq!(command.subject(), command.target());
    }
}

#[test]
fn a_checkout_asks_the_cart_and_speaks_of_the_order() {
    let command = check_out(1, 2);
    assert_eq!(command.target(), StreamId::Cart(cart_id(1)));
    assert_eq!(command.subject(), StreamId::Order(order_id(2)));
}
