//! Amounts as PayPal takes them: text in whole units, with the decimals that a currency has there.

use domain::{Currency, Money};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Taken whole, though ISO 4217 knows smaller units.
const WHOLE: &[&str] = &["HUF", "TWD"];

/// An amount as PayPal takes it; `None` of one that it cannot take exactly.
pub(super) fn written(money: Money) -> Option<Value> {
    let (amount, code) = (money.amount(), money.currency().code());
    let value = if WHOLE.contains(&code) {
        amount.is_integer().then(|| amount.trunc().normalize().to_string())
    } else {
        // Of three and more decimals it takes none.
        (money.currency().decimals() <= 2).then(|| amount.to_string())
    };
    Some(json!({ "currency_code": code, "value": value? }))
}

/// An amount as PayPal tells it.
pub(super) fn read(said: &Value) -> Option<Money> {
    let currency: Currency = said["currency_code"].as_str()?.parse().ok()?;
    Money::new(Decimal::from_str_exact(said["value"].as_str()?).ok()?, currency).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_paypal_writes() {
        for (amount, code, value) in [
            ("19.9", "EUR", Some("19.90")),
            ("500", "JPY", Some("500")),
            ("1000.00", "HUF", Some("1000")),
            ("1000.50", "HUF", None),
            ("1.234", "KWD", None),
        ] {
            let currency: Currency = code.parse().unwrap();
            let money = Money::new(amount.parse().unwrap(), currency).unwrap();
            let said = written(money);
            assert_eq!(said.as_ref().map(|said| said["value"].as_str().unwrap()), value, "{code}");
            assert!(said.is_none_or(|said| read(&said) == Some(money)));
        }
        assert_eq!(read(&json!({ "currency_code": "EUR", "value": "1.999" })), None);
    }
}
