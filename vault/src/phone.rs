//! A phone number, as people write it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Digits of a number (ITU-T E.164), and the fewest of one that is called from next door.
const DIGITS_MAX: usize = 15;
const DIGITS_MIN: usize = 5;
/// Digits at the end that tell numbers apart, however they begin: with the country's code, with a
/// zero, with neither.
const ENDING_DIGITS: usize = 8;

/// A phone number. It is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("maxLength" = 2 * DIGITS_MAX, "examples" = ["+49 30 1234567"]))]
pub struct Phone(String);

impl Phone {
    /// The number as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last digits.
    pub(crate) fn ending(&self) -> String {
        let digits: Vec<char> = self.0.chars().filter(char::is_ascii_digit).collect();
        digits[digits.len().saturating_sub(ENDING_DIGITS)..].iter().collect()
    }
}

impl TryFrom<String> for Phone {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let text = text.trim();
        let signs = |sign: char| matches!(sign, ' ' | '-' | '/' | '.' | '(' | ')' | '+');
        let known = text.chars().all(|sign| sign.is_ascii_digit() || signs(sign));
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let plus = text.rfind('+').is_none_or(|place| place == 0);
        let fits = (DIGITS_MIN..=DIGITS_MAX).contains(&digits) && text.len() <= 2 * DIGITS_MAX;
        let good = known && plus && fits;
        good.then(|| Self(text.to_owned())).ok_or("must be a phone number of 5 to 15 digits")
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_however_it_is_written() {
        let ending = |text: &str| Phone::try_from(text.to_owned()).map(|phone| phone.ending());
        for text in ["+49 171 234 56 78", "0171/2345678", "(0171) 234-5678", "00491712345678"] {
            assert_eq!(ending(text).as_deref(), Ok("12345678"), "{text}");
        }
        assert_eq!(ending("11 22 3").as_deref(), Ok("11223"));
        for text in ["", "1234", "12+345678", "0171 234 56 78 ext. 3", "1234567890123456", "tel"] {
            assert!(ending(text).is_err(), "{text}");
        }
        let phone = Phone::try_from("0171 2345678".to_owned()).unwrap();
        assert!(!format!("{phone:?}").contains(char::is_numeric));
    }
}
