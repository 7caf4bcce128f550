//! Short ways to the domain's words. What is no such word ends the test.

use chrono::{DateTime, Utc};
use domain::options::VariantOption;
use domain::text::{GatewayName, Label, Note, Token};
use domain::{Currency, Location, Money, Options, Quantity, Sku};

/// Two words that every test uses.
pub const TOTE: &str = "TOTE-BRN";
pub const PURSE: &str = "PURSE-RED";

pub fn sku(text: &str) -> Sku {
    text.parse().expect("a SKU")
}
pub fn label(text: &str) -> Label {
    text.parse().expect("a label")
}
/// Options of a variant, in this order.
pub fn options(pairs: &[(&str, &str)]) -> Options {
    let one =
        |(name, value): &(&str, &str)| VariantOption { name: label(name), value: label(value) };
    pairs.iter().map(one).collect::<Vec<_>>().try_into().expect("options")
}
pub fn note(text: &str) -> Note {
    text.parse().expect("a note")
}
pub fn token(text: &str) -> Token {
    text.parse().expect("a token")
}
pub fn gateway(name: &str) -> GatewayName {
    name.parse().expect("a gateway's name")
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
