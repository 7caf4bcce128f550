//! Amounts as PayPal takes them: text, with as many decimals as the currency has there.

use std::str::FromStr as _;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::problem::Problem;

/// Currencies that can be paid in.
const KNOWN: &str = "AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP \
                     SGD SEK CHF THB USD";
/// Of which these only whole.
const WHOLE: &[&str] = &["HUF", "JPY", "TWD"];
/// The longest value, in characters.
const VALUE_CHARACTERS_MAX: usize = 32;

/// So much of a currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// How much.
    pub value: Decimal,
    /// Of what.
    pub currency: String,
}

impl Money {
    /// As a request says it, at this place in its body.
    pub fn read(said: &Value, field: &str) -> Result<Self, Problem> {
        let text = |name: &str| {
            let missing = || Problem::required(&format!("{field}/{name}"));
            said[name].as_str().ok_or_else(missing)
        };
        let (currency, value) = (text("currency_code")?, text("value")?);
        if currency.len() != 3 {
            let field = format!("{field}/currency_code");
            return Err(Problem::invalid("INVALID_STRING_LENGTH", &field));
        }
        if !KNOWN.split(' ').any(|known| known == currency) {
            return Err(Problem::unprocessable("CURRENCY_NOT_SUPPORTED"));
        }
        let plain = value.len() <= VALUE_CHARACTERS_MAX
            && value.chars().all(|c| c.is_ascii_digit() || c == '.');
        let number = Decimal::from_str(value).ok().filter(|_| plain);
        let Some(number) = number else {
            let field = format!("{field}/value");
            return Err(Problem::invalid("INVALID_PARAMETER_SYNTAX", &field));
        };
        if number.scale() > 0 && WHOLE.contains(&currency) {
            return Err(Problem::unprocessable("DECIMALS_NOT_SUPPORTED"));
        }
        if number.scale() > 2 {
            return Err(Problem::unprocessable("DECIMAL_PRECISION"));
        }
        if number.is_zero() {
            return Err(Problem::unprocessable("CANNOT_BE_ZERO_OR_NEGATIVE"));
        }
        Ok(Self { value: number, currency: currency.to_owned() })
    }

    /// As it is answered.
    pub fn json(&self) -> Value {
        self.of(self.value)
    }

    /// As much of the same currency.
    pub fn of(&self, mut value: Decimal) -> Value {
        value.rescale(if WHOLE.contains(&self.currency.as_str()) { 0 } else { 2 });
        json!({ "currency_code": self.currency, "value": value.to_string() })
    }
}
