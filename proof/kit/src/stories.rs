//! Shops that stand at the points where the stories of tests begin.

use domain::{product, sku};

use crate::commands::{
    add, capture, check_out, create_cart, details, pack, pay_by_card, pay_on_delivery, plan,
    record, ship, variant, was_authorized, was_captured,
};
use crate::facts::{of_location, of_product, of_sku, of_stock, received};
use crate::shop::{Shop, given};
use crate::words::{PURSE, TOTE, eur, money};

/// Two products for sale: 5 totes in the depot and 3 in the shop at 20.00 €, 4 purses at 10.50 €.
pub fn catalogue() -> Shop {
    let product_id = |n| sku::Assigned { product_id: crate::ids::product_id(n) };
    given([
        of_location("depot", true),
        of_location("shop", true),
        of_product(1, product::Created { details: details("Tote") }),
        of_product(1, variant(TOTE, &[eur("20.00"), money("3300", "JPY")])),
        of_product(1, product::Published {}),
        of_sku(TOTE, product_id(1)),
        of_product(2, product::Created { details: details("Purse") }),
        of_product(2, variant(PURSE, &[eur("10.50")])),
        of_product(2, product::Published {}),
        of_sku(PURSE, product_id(2)),
        of_stock(TOTE, received("depot", 5)),
        of_stock(TOTE, received("shop", 3)),
        of_stock(PURSE, received("depot", 4)),
    ])
}

/// An open cart 1 in euros, empty.
pub fn empty_cart() -> Shop {
    catalogue().done(create_cart(1))
}

/// 2 totes and a purse in cart 1, worth 50.50 €.
pub fn full_cart() -> Shop {
    empty_cart().done(add(1, TOTE, 2)).done(add(1, PURSE, 1))
}

/// Order 1 of that, unpaid.
pub fn placed() -> Shop {
    full_cart().done(check_out(1, 1))
}

/// Order 1, its card payment 1 being authorised.
pub fn paying() -> Shop {
    placed().done(pay_by_card(1, 1))
}

/// Order 1 confirmed, its payment 1 authorised.
pub fn authorized() -> Shop {
    paying().done(record(1, 1, was_authorized()))
}

/// Order 1 confirmed, all of it captured.
pub fn captured() -> Shop {
    authorized().done(capture(1, None)).done(record(1, 2, was_captured()))
}

/// Order 1 confirmed, to be paid in cash by payment 1.
pub fn on_delivery() -> Shop {
    placed().done(pay_on_delivery(1, 1))
}

/// That, with parcel 1 of everything on its way.
pub fn sent(shop: Shop) -> Shop {
    shop.done(plan(1, 1, &[])).done(pack(1)).done(ship(1))
}
