//! Amounts as Stripe counts them: whole numbers of the smallest unit, which is not everywhere what
//! ISO 4217 says.

use domain::{Currency, Money};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

/// Counted whole.
const WHOLE: &[&str] = &[
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
];
/// Counted in thousandths, of which the last digit is always zero.
const THOUSANDTHS: &[&str] = &["BHD", "JOD", "KWD", "OMR", "TND"];
/// Whole by ISO 4217, and counted in hundredths all the same.
const WHOLE_IN_HUNDREDTHS: &[&str] = &["ISK", "UGX"];

/// The decimals that Stripe counts; `None` of a currency it does not take.
fn decimals(currency: Currency) -> Option<u32> {
    let code = currency.code();
    if WHOLE.contains(&code) {
        Some(0)
    } else if THOUSANDTHS.contains(&code) {
        Some(3)
    } else if currency.decimals() == 2 || WHOLE_IN_HUNDREDTHS.contains(&code) {
        Some(2)
    } else {
        None
    }
}

/// An amount as Stripe takes it; `None` of one that it cannot take exactly.
pub(super) fn units(money: Money) -> Option<i64> {
    let currency = money.currency();
    let decimals = decimals(currency)?;
    let units = money.amount().checked_mul(Decimal::from(10_i64.pow(decimals)))?;
    let units = Some(units).filter(Decimal::is_integer)?.to_i64()?;
    let tenths = THOUSANDTHS.contains(&currency.code()) && units % 10 != 0;
    (!tenths).then_some(units)
}

/// An amount as Stripe tells it, of a currency in small letters.
pub(super) fn money(units: i64, currency: &str) -> Option<Money> {
    let currency: Currency = currency.to_ascii_uppercase().parse().ok()?;
    Money::new(Decimal::new(units, decimals(currency)?), currency).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_counted_as_stripe_counts() {
        for (amount, code, counted) in [
            ("19.99", "EUR", Some(1999)),
            ("0.10", "USD", Some(10)),
            ("500", "JPY", Some(500)),
            ("1.230", "KWD", Some(1230)),
            ("1.234", "KWD", None),
            ("150", "ISK", Some(15_000)),
            ("7", "UGX", Some(700)),
            ("100.00", "MGA", Some(100)),
            ("100.50", "MGA", None),
            ("1.5000", "CLF", None),
            ("1000000000000", "EUR", Some(100_000_000_000_000)),
        ] {
            let currency: Currency = code.parse().unwrap();
            let given = Money::new(amount.parse().unwrap(), currency).unwrap();
            assert_eq!(units(given), counted, "{amount} {code}");
            if let Some(counted) = counted {
                assert_eq!(money(counted, &code.to_ascii_lowercase()), Some(given));
            }
        }
        assert_eq!(money(1, "zzz"), None);
        assert_eq!(money(-1, "eur"), None);
    }
}
