//! Money: an exact amount in an ISO 4217 currency. Never a float, never without its currency.

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::text::Invalid;

/// An ISO 4217 currency that has a minor unit or is counted whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD.
    pub fn decimals(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    /// All of them by their codes: whatever three letters are one.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let letters = || (b'A'..=b'Z').map(char::from);
        let pairs = || letters().flat_map(move |a| letters().map(move |b| [a, b]));
        let codes = pairs().flat_map(|[a, b]| letters().map(move |c| [a, b, c]));
        let codes = codes.map(|code| code.iter().collect::<String>());
        let codes: Vec<String> = codes.filter(|code| code.parse::<Self>().is_ok()).collect();
        json_schema!({
            "description": "An ISO 4217 currency that has a minor unit or is counted whole.",
            "type": "string",
            "enum": codes,
            "examples": ["EUR"],
        })
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl std::str::FromStr for Currency {
    type Err = Invalid;
    fn from_str(code: &str) -> Result<Self, Invalid> {
        iso_currency::Currency::from_code(code)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or(Invalid("an ISO 4217 currency code in capitals, such as EUR"))
    }
}

impl TryFrom<String> for Currency {
    type Error = Invalid;
    fn try_from(code: String) -> Result<Self, Invalid> {
        code.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl std::fmt::Display for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of zero or more in one currency, with exactly the currency's decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

/// Money as it stands in JSON: `{"amount": "19.99", "currency": "EUR"}`. A number is refused,
/// because most JSON readers make a float of it.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(
    deny_unknown_fields,
    expecting = r#"money, such as {"amount": "19.99", "currency": "EUR"}"#
)]
struct Wire {
    /// In major units, with no more decimals than the currency has.
    #[schemars(regex(pattern = r"^[0-9]{1,13}(\.[0-9]{1,4})?$"), example = "19.99")]
    amount: String,
    currency: Currency,
}

impl Money {
    /// The largest amount, in major units; leaves room to multiply by any quantity and add lines
    /// without leaving `Decimal`.
    pub const MAJOR_UNITS_MAX: i64 = 1_000_000_000_000;

    /// `amount` of `currency`; refused if negative, too large, or finer than the currency's
    /// smallest unit.
    pub fn new(amount: Decimal, currency: Currency) -> Result<Self, Invalid> {
        if amount.is_sign_negative() && !amount.is_zero()
            || amount > Decimal::from(Self::MAJOR_UNITS_MAX)
        {
            return Err(Invalid("an amount from 0 to 1,000,000,000,000"));
        }
        let mut exact = amount;
        exact.rescale(currency.decimals());
        if exact != amount {
            return Err(Invalid("an amount with no more decimals than its currency has"));
        }
        Ok(Self { amount: exact, currency })
    }

    /// The largest there can be, in `currency`.
    pub fn largest(currency: Currency) -> Self {
        let mut amount = Decimal::from(Self::MAJOR_UNITS_MAX);
        amount.rescale(currency.decimals());
        Self { amount, currency }
    }

    /// Nothing, in `currency`.
    pub fn zero(currency: Currency) -> Self {
        Self { amount: Decimal::new(0, currency.decimals()), currency }
    }

    /// The amount, in major units.
    pub fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Whether this is nothing.
    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }

    /// The sum; `None` if the currencies differ or the sum is out of bounds.
    pub fn plus(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Self::new(self.amount.checked_add(other.amount)?, self.currency).ok()
    }

    /// The difference; `None` if the currencies differ or it would be negative.
    pub fn minus(self, other: Self) -> Option<Self> {
        if self.currency != other.currency {
            return None;
        }
        Self::new(self.amount.checked_sub(other.amount)?, self.currency).ok()
    }

    /// `units` times this; `None` if out of bounds.
    pub fn times(self, units: u32) -> Option<Self> {
        Self::new(self.amount.checked_mul(Decimal::from(units))?, self.currency).ok()
    }
}

impl Money {
    /// What `part` of `whole` equal parts come to, rounded down to the smallest unit: all of them
    /// are exactly this, none are nothing. Whoever gives parts out one after the other takes the
    /// difference of two shares, so that nothing is lost or made by rounding.
    #[must_use]
    pub fn share(self, part: u32, whole: u32) -> Self {
        if part >= whole {
            return self;
        }
        let smallest = Decimal::new(1, self.currency.decimals());
        let units = self.amount / smallest;
        let share = units * Decimal::from(part) / Decimal::from(whole);
        Self::new(share.floor() * smallest, self.currency).unwrap_or(self)
    }

    /// The difference, or nothing where it would be negative. Of one currency; else nothing.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        self.minus(other).unwrap_or(Self::zero(self.currency))
    }

    /// The smaller of two amounts of one currency.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        Self { amount: self.amount.min(other.amount), ..self }
    }

    /// The larger of two amounts of one currency.
    #[must_use]
    pub fn at_least(self, other: Self) -> Self {
        Self { amount: self.amount.max(other.amount), ..self }
    }
}

impl std::fmt::Display for Money {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl TryFrom<Wire> for Money {
    type Error = Invalid;
    fn try_from(wire: Wire) -> Result<Self, Invalid> {
        // `Decimal` also reads "+1" and "1_000", which other readers of the log would not.
        let plain = |text: &str| text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
        let amount = Some(&wire.amount)
            .filter(|amount| plain(amount))
            .and_then(|amount| Decimal::from_str_exact(amount).ok())
            .ok_or(Invalid("a decimal number in a string, such as \"19.99\""))?;
        Self::new(amount, wire.currency)
    }
}

impl From<Money> for Wire {
    fn from(money: Money) -> Self {
        Self { amount: money.amount.to_string(), currency: money.currency }
    }
}
