//! What a cart shows of today: the same that checkout says, on the same facts.

use domain::cart::Obstacle;
use domain::cart::document::{Document, Status};
use domain::page::cart::{Document as Shown, SkuFacts, Today};
use serde_json::{Value, json};

use kit::*;

/// An open cart of two totes at 20.00, as it is read.
fn cart() -> Document {
    let line = json!({"sku": TOTE, "product_id": product_id(1), "title": "Tote", "quantity": 2,
                      "unit_price": eur("20.00"), "total": eur("40.00")});
    let document = json!({
        "id": cart_id(1), "version": 2, "position": 2, "status": "open", "currency": "EUR",
        "customer_id": null, "order_id": null, "lines": [line], "units": 2,
        "total": eur("40.00"), "created_at": hour(0), "updated_at": hour(0),
    });
    serde_json::from_value(document).expect("a cart")
}

/// The line's `today`, where product `n` has the SKU.
fn today(n: u128, status: &str, prices: &[domain::Money], available: i64) -> Today {
    let variant = json!({"sku": TOTE, "prices": prices});
    let sold = json!({"product_id": product_id(n), "status": status, "title": "Tote",
                      "image": "https://shop.example/tote.jpg", "variant": variant});
    told(json!({"sold": sold, "available": available, "obtainable": available.max(0)}))
}

fn told(known: Value) -> Today {
    let known: SkuFacts = serde_json::from_value(known).expect("what is known");
    let mut shown = Shown::of(cart(), vec![known]);
    shown.lines.remove(0).today.expect("an open cart shows it")
}

#[test]
fn a_line_that_can_be_bought_has_no_problems() {
    for price in ["20.00", "19.00", "0.00"] {
        let line = today(1, "published", &[money("3300", "JPY"), eur(price)], 2);
        assert_eq!((line.problems, line.unit_price), (vec![], Some(eur(price))));
        assert_eq!(line.available, 2);
        assert!(line.image.is_some());
    }
}

#[test]
fn what_may_be_promised_beyond_what_is_there_can_be_bought() {
    let sold = json!({"product_id": product_id(1), "status": "published", "title": "Tote",
                      "image": null, "variant": {"sku": TOTE, "prices": [eur("20.00")]}});
    let line = |obtainable| json!({"sold": sold, "available": 0, "obtainable": obtainable});
    assert_eq!((told(line(2)).problems, told(line(2)).available), (vec![], 0));
    let short = Obstacle::OutOfStock { wanted: 2, available: 1 };
    assert_eq!(told(line(1)).problems, [short]);
}

#[test]
fn what_checkout_will_refuse_is_said_of_each_line() {
    let (seen, now) = (eur("20.00"), eur("21.00"));
    let dearer = Obstacle::PriceChanged { seen, now };
    let short = Obstacle::OutOfStock { wanted: 2, available: 1 };
    let problems = |today: Today| today.problems;
    assert_eq!(problems(today(1, "published", &[now], 1)), [dearer, short]);
    for status in ["draft", "archived"] {
        assert_eq!(problems(today(1, status, &[seen], 9)), [Obstacle::NotForSale]);
    }
    assert_eq!(problems(today(2, "published", &[seen], 9)), [Obstacle::NotForSale]);
    let currency = currency("EUR");
    let unpriced = Obstacle::NotPricedInCurrency { currency };
    assert_eq!(problems(today(1, "published", &[], 9)), [unpriced]);
    let unknown = told(json!({"sold": null, "available": 9, "obtainable": 9}));
    assert_eq!((unknown.unit_price, unknown.image), (None, None));
    assert_eq!(unknown.problems, [Obstacle::UnknownSku]);
}

#[test]
fn a_cart_that_is_closed_shows_nothing_of_today() {
    let known = || {
        serde_json::from_value(json!({"sold": null, "available": 9, "obtainable": 9}))
            .expect("known")
    };
    let mut cart = cart();
    let shown = serde_json::to_value(Shown::of(cart.clone(), vec![known()])).expect("JSON");
    assert_eq!(shown["lines"][0]["today"]["available"], 9);
    cart.status = Status::CheckedOut;
    let shown = serde_json::to_value(Shown::of(cart.clone(), vec![known()])).expect("JSON");
    assert_eq!(shown, serde_json::to_value(cart).expect("JSON"), "it is what it was");
}

#[test]
fn a_cart_that_goes_on_elsewhere_says_where() {
    let mut cart = cart();
    (cart.status, cart.merged_into) = (Status::Merged, Some(cart_id(2)));
    cart.guest_id = Some(guest_id(1));
    let shown = serde_json::to_value(Shown::of(cart.clone(), vec![])).expect("JSON");
    assert_eq!(shown["merged_into"], json!(cart_id(2)));
    assert_eq!(shown, serde_json::to_value(cart).expect("JSON"), "and all else that it knows");
}
