//! The props: short names for ids and words, facts and commands, and shops that stand at the
//! points where the stories of the tests begin.

use chrono::{DateTime, Utc};
use domain::command::product as products;
use domain::command::{cart as carts, fulfilment as parcels, order as orders, payment as payments};
use domain::order::Units;
use domain::payment::Verdict;
use domain::text::{Label, Note, Token};
use domain::{
    CartId, Command, Currency, CustomerId, FulfilmentId, Location, Money, OrderId, PaymentId,
    ProductId, Quantity, Sku, StreamId,
};
use domain::{cart, fulfilment, order, payment, product, sku, stock};
use uuid::Uuid;

use crate::shop::{Fact, Shop, given};

/// Two words that every test uses.
pub const TOTE: &str = "TOTE-BRN";
pub const PURSE: &str = "PURSE-RED";

pub fn product_id(n: u128) -> ProductId {
    ProductId(Uuid::from_u128(0x0192_0001 << 96 | n))
}
pub fn cart_id(n: u128) -> CartId {
    CartId(Uuid::from_u128(0x0192_0002 << 96 | n))
}
pub fn order_id(n: u128) -> OrderId {
    OrderId(Uuid::from_u128(0x0192_0003 << 96 | n))
}
pub fn payment_id(n: u128) -> PaymentId {
    PaymentId(Uuid::from_u128(0x0192_0004 << 96 | n))
}
pub fn parcel_id(n: u128) -> FulfilmentId {
    FulfilmentId(Uuid::from_u128(0x0192_0005 << 96 | n))
}
pub fn customer_id(n: u128) -> CustomerId {
    CustomerId(Uuid::from_u128(0x0192_0006 << 96 | n))
}

pub fn sku(text: &str) -> Sku {
    text.parse().expect("a SKU")
}
pub fn label(text: &str) -> Label {
    text.parse().expect("a label")
}
pub fn note(text: &str) -> Note {
    text.parse().expect("a note")
}
pub fn token(text: &str) -> Token {
    text.parse().expect("a token")
}
pub fn place(text: &str) -> Location {
    text.parse().expect("a location")
}
pub fn units(count: u32) -> Quantity {
    Quantity::try_from(count).expect("a quantity")
}
pub fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}
pub fn money(amount: &str, code: &str) -> Money {
    Money::new(amount.parse().expect("a decimal"), currency(code)).expect("an amount")
}
pub fn eur(amount: &str) -> Money {
    money(amount, "EUR")
}
/// So many hours into the test's time.
pub fn hour(n: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + n * 3_600, 0).expect("a time")
}

pub fn of_product(n: u128, event: impl Into<product::Event>) -> Fact {
    (StreamId::Product(product_id(n)), event.into().into())
}
pub fn of_sku(text: &str, event: impl Into<sku::Event>) -> Fact {
    (StreamId::Sku(sku(text)), event.into().into())
}
pub fn of_stock(text: &str, event: impl Into<stock::Event>) -> Fact {
    (StreamId::Stock(sku(text)), event.into().into())
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

pub fn to_product(n: u128, command: products::Command) -> Command {
    Command::Product(product_id(n), command)
}
pub fn to_cart(n: u128, command: carts::Command) -> Command {
    Command::Cart(cart_id(n), command)
}
pub fn to_order(n: u128, command: orders::Command) -> Command {
    Command::Order(order_id(n), command)
}
pub fn to_payment(n: u128, command: payments::Command) -> Command {
    Command::Payment(payment_id(n), command)
}
pub fn to_parcel(n: u128, command: parcels::Command) -> Command {
    Command::Fulfilment(parcel_id(n), command)
}

pub fn add(cart: u128, text: &str, count: u32) -> Command {
    to_cart(cart, carts::Command::AddLine { sku: sku(text), quantity: units(count) })
}
pub fn check_out(cart: u128, order: u128) -> Command {
    let order_id = order_id(order);
    to_cart(cart, carts::Command::CheckOut { order_id, reserved_until: hour(1) })
}
pub fn cancel(order: u128) -> Command {
    to_order(order, orders::Command::Cancel { reason: note("changed my mind") })
}
pub fn expire(order: u128) -> Command {
    to_order(order, orders::Command::Expire)
}
pub fn pay_by_card(payment: u128, order: u128) -> Command {
    let token = Some(token("tok_success"));
    to_payment(payment, payments::Command::Start { order_id: order_id(order), token })
}
pub fn pay_on_delivery(payment: u128, order: u128) -> Command {
    to_payment(payment, payments::Command::Start { order_id: order_id(order), token: None })
}
pub fn record(payment: u128, request: u32, verdict: Verdict) -> Command {
    to_payment(payment, payments::Command::Record { request, verdict })
}
pub fn capture(payment: u128, amount: Option<Money>) -> Command {
    to_payment(payment, payments::Command::Capture { amount })
}
pub fn refund(payment: u128, amount: Option<Money>) -> Command {
    to_payment(payment, payments::Command::Refund { amount })
}
pub fn succeeded() -> Verdict {
    Verdict::Succeeded { reference: token("auth_1"), expires_at: hour(168) }
}
pub fn declined() -> Verdict {
    Verdict::Declined(note("insufficient funds"))
}
/// A parcel of these lines; none named means all that is left.
pub fn plan(parcel: u128, order: u128, lines: &[(&str, u32)]) -> Command {
    to_parcel(parcel, parcels::Command::Create { order_id: order_id(order), lines: of(lines) })
}
pub fn pack(parcel: u128) -> Command {
    to_parcel(parcel, parcels::Command::Pack)
}
pub fn ship(parcel: u128) -> Command {
    to_parcel(parcel, parcels::Command::Ship { carrier: Some(label("DHL")), tracking: None })
}
pub fn deliver(parcel: u128) -> Command {
    to_parcel(parcel, parcels::Command::Deliver)
}
pub fn fail(parcel: u128) -> Command {
    to_parcel(parcel, parcels::Command::Fail { reason: note("nobody at home") })
}
pub fn give_back(parcel: u128) -> Command {
    to_parcel(parcel, parcels::Command::Return { location: place("returns") })
}
pub fn call_off(parcel: u128) -> Command {
    to_parcel(parcel, parcels::Command::Cancel)
}

pub fn of(lines: &[(&str, u32)]) -> Vec<Units> {
    lines.iter().map(|(text, count)| Units { sku: sku(text), quantity: units(*count) }).collect()
}
pub fn parts(parts: &[(&str, u32)]) -> Vec<stock::Part> {
    let part =
        |(at, count): &(&str, u32)| stock::Part { location: place(at), quantity: units(*count) };
    parts.iter().map(part).collect()
}
pub fn details(title: &str) -> product::Details {
    product::Details {
        title: label(title),
        description: None,
        brand: None,
        category: vec![],
        attributes: [].into(),
        media: vec![],
    }
}
pub fn variant(text: &str, prices: &[Money]) -> product::VariantSet {
    product::VariantSet {
        sku: sku(text),
        title: None,
        options: [].into(),
        prices: prices.to_vec(),
        barcode: None,
    }
}
pub fn received(at: &str, count: u32) -> stock::Received {
    stock::Received { location: place(at), quantity: units(count), reference: None }
}

/// Two products for sale: 5 totes in the depot and 3 in the shop at 20.00 €, 4 purses at 10.50 €.
pub fn catalogue() -> Shop {
    let product_id = |n| sku::Assigned { product_id: product_id(n) };
    given([
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
    let create = carts::Command::Create { currency: currency("EUR"), customer_id: None };
    catalogue().done(to_cart(1, create))
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
    paying().done(record(1, 1, succeeded()))
}

/// Order 1 confirmed, all of it captured.
pub fn captured() -> Shop {
    authorized().done(capture(1, None)).done(record(1, 2, succeeded()))
}

/// Order 1 confirmed, to be paid in cash by payment 1.
pub fn on_delivery() -> Shop {
    placed().done(pay_on_delivery(1, 1))
}

/// That, with parcel 1 of everything on its way.
pub fn sent(shop: Shop) -> Shop {
    shop.done(plan(1, 1, &[])).done(pack(1)).done(ship(1))
}
