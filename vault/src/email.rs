//! An e-mail address, as far as it can be known without sending something there.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Characters of an address (RFC 5321, 4.5.3.1.3, less the brackets).
const CHARS_MAX: usize = 254;
/// Characters before the `@` (RFC 5321, 4.5.3.1.1).
const LOCAL_CHARS_MAX: usize = 64;

/// An e-mail address. It is never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend(
    "maxLength" = CHARS_MAX,
    "pattern" = r"^[^\s@<>,;]{1,64}@[^\s@<>,;.]+(\.[^\s@<>,;.]+)+$",
    "examples" = ["somebody@shop.example"],
))]
pub struct Email(String);

impl Email {
    /// The address, for who writes to it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In the one spelling by which it is found: nobody has two that differ by capitals alone.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        const WRONG: &str = "is no e-mail address";
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(WRONG)?;
        let is_whole = |part: &str| {
            let odd = |letter: char| letter.is_whitespace() || letter.is_control();
            !part.is_empty() && !part.contains(odd) && !part.contains(['@', '<', '>', ',', ';'])
        };
        let labels = || domain.split('.').all(|label| !label.is_empty());
        let fits = text.chars().count() <= CHARS_MAX && local.chars().count() <= LOCAL_CHARS_MAX;
        let good = fits && is_whole(local) && is_whole(domain) && domain.contains('.') && labels();
        good.then(|| Self(text.to_owned())).ok_or(WRONG)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(text: &str) -> Result<Email, &'static str> {
        Email::try_from(text.to_owned())
    }

    #[test]
    fn what_can_be_an_address_is_one() {
        for text in ["ann@shop.example", " Ann.Lee+x@Shop.Example ", "ü@bücher.example"] {
            assert!(email(text).is_ok(), "{text}");
        }
        let long = format!("{}@shop.example", "a".repeat(65));
        for text in [
            "",
            "ann",
            "@shop.example",
            "ann@",
            "ann@shop",
            "a@b@shop.example",
            "a b@shop.example",
            "ann@shop..example",
            "ann@.example",
            "<a@shop.example>",
            "a\n@shop.example",
            &long,
        ] {
            assert!(email(text).is_err(), "{text}");
        }
        assert_eq!(email("ANN@Shop.example").unwrap().folded(), "ann@shop.example");
        assert!(!format!("{:?}", email("ann@shop.example")).contains("ann"));
    }
}
