//! What has happened, and where.

use domain::{
    StreamId, cart, fulfilment, location, order, payment, product, return_, sku as skus, stock,
};

use crate::ids::{cart_id, order_id, parcel_id, payment_id, product_id, return_id};
use crate::shop::Fact;
use crate::words::{place, sku, units};

pub fn of_product(n: u128, event: impl Into<product::Event>) -> Fact {
    (StreamId::Product(product_id(n)), event.into().into())
}
pub fn of_sku(text: &str, event: impl Into<skus::Event>) -> Fact {
    (StreamId::Sku(sku(text)), event.into().into())
}
pub fn of_stock(text: &str, event: impl Into<stock::Event>) -> Fact {
    (StreamId::Stock(sku(text)), event.into().into())
}
pub fn of_location(code: &str, sellable: bool) -> Fact {
    let set = location::Set { sellable, name: None, address_ref: None };
    (StreamId::Location(place(code)), location::Event::from(set).into())
}
pub fn of_cart(n: u128, event: impl Into<cart::Event>) -> Fact {
    (StreamId::Cart(cart_id(n)), event.into().into())
}
pub fn of_order(n: u128, event: impl Into<order::Event>) -> Fact {
    (StreamId::Order(order_id(n)), event.into().into())
}
pub fn of_payment(n: u128, event: impl Into<payment::Event>) -> Fact {
    (StreamId::Payment(payment_id(n)), event.into().into())
}
pub fn of_parcel(n: u128, event: impl Into<fulfilment::Event>) -> Fact {
    (StreamId::Fulfilment(parcel_id(n)), event.into().into())
}
pub fn of_return(n: u128, event: impl Into<return_::Event>) -> Fact {
    (StreamId::Return(return_id(n)), event.into().into())
}
pub fn parts(parts: &[(&str, u32)]) -> Vec<stock::Part> {
    let part =
        |(at, count): &(&str, u32)| stock::Part { location: place(at), quantity: units(*count) };
    parts.iter().map(part).collect()
}
pub fn received(at: &str, count: u32) -> stock::Received {
    let (location, quantity, source) = (place(at), units(count), delivery());
    stock::Received {
        location,
        sellable: at != location::RETURNS,
        quantity,
        source,
        of_another: false,
    }
}
/// A delivery without a note.
pub fn delivery() -> stock::Source {
    stock::Source::Delivery { reference: None }
}
