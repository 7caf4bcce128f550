//! Carts whose order came to nothing: the shopper goes on with them, and nothing is bought twice.

use domain::cart::Reopened;
use domain::command::order::Command as Orders;
use domain::payment::Operation;
use domain::{Event, State, StreamId, order};

use kit::*;

use crate::cart::{dearer, refused, remove, reprice, short};
use crate::payment::asked;
use crate::warehouse::count;

/// Nobody paid: the shopper has no order, and takes their cart up again.
#[test]
fn a_cart_whose_order_is_off_is_opened_again() {
    for off in [expire(1), cancel(1)] {
        let shop = placed().done(off);
        shop.when(reopen(1)).then([of_cart(1, Reopened { order_id: order_id(1) })]);
        let shop = shop.done(reopen(1));
        shop.when(reopen(1)).then_nothing();
        // Under its old name the order is not placed again; under another it is, and asked about
        // as any other.
        shop.when(check_out(1, 1)).then_refused("order_already_exists");
        let now = reprice(shop.clone(), 1, variant(TOTE, &[eur("21.00")]));
        let refusal = refused(&[(0, TOTE, dearer("20.00", "21.00"))]);
        now.when(check_out(1, 2)).then_refused_with(refusal);
        let gone = shop.clone().done(count(PURSE, "depot", 0));
        gone.when(check_out(1, 2)).then_refused_with(refused(&[(1, PURSE, short(1, 0))]));

        let shop = shop.done(remove(PURSE)).done(check_out(1, 2));
        let State::Order(order) = shop.state(&StreamId::Order(order_id(2))) else {
            panic!("an order")
        };
        assert_eq!((order.total, order.cart_id), (Some(eur("40.00")), Some(cart_id(1))));
        shop.when(reopen(1)).then_refused("cart_order_stands");
        shop.done(cancel(2)).done(reopen(1)).done(check_out(1, 3));
    }
}

#[test]
fn a_cart_whose_order_stands_or_left_stays_closed() {
    placed().when(reopen(1)).then_refused("cart_order_stands");
    authorized().when(reopen(1)).then_refused("cart_order_stands");
    let shop = sent(on_delivery());
    shop.when(reopen(1)).then_refused("cart_order_sent");
    // What is lost may turn up, and is the customer's then.
    let shop = shop.done(lose(1));
    shop.when(reopen(1)).then_refused("cart_order_sent");
    shop.done(deliver(1)).when(reopen(1)).then_refused("cart_order_sent");
    // A parcel that was called off has not left.
    let planned = on_delivery().done(plan(1, 1, &[])).done(cancel(1));
    planned.done(reopen(1)).done(check_out(1, 2));
}

/// The shopper has gone on with the cart: what the first order is paid with after all goes back.
#[test]
fn an_order_whose_cart_was_opened_again_does_not_come_back() {
    let expired = paying().done(to_order(1, Orders::Expire { at: hour(3) }));
    let late = record(1, 1, was_authorized());
    let reinstated = expired.decide(&late).expect("an answer");
    let comes_back = |facts: &[Fact]| {
        facts.iter().any(|(_, event)| matches!(event, Event::Order(order::Event::Reinstated(_))))
    };
    assert!(comes_back(&reinstated), "{reinstated:?}");
    let reopened = expired.done(reopen(1));
    for shop in [reopened.clone(), reopened.done(check_out(1, 2))] {
        let facts = shop.decide(&late).expect("an answer");
        assert!(!comes_back(&facts), "{facts:?}");
        assert_eq!(facts.last(), Some(&asked(Operation::Void, "50.50", 2)));
    }
}
