//! An e-mail address, as far as it can be known without sending something there.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

/// Characters of an address (RFC 5321, 4.5.3.1.3, less the brackets).
const CHARS_MAX: usize = 254;
/// Characters before the `@` (RFC 5321, 4.5.3.1.1).
const LOCAL_CHARS_MAX: usize = 64;

/// An e-mail address, as it was typed, but for how its letters are put together (NFC). It is never
/// printed.
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

    /// In the one spelling by which it is found: nobody has two that differ by capitals alone, by
    /// how letters are put together, or by whether the domain is written in ASCII (UTS 46).
    pub fn folded(&self) -> String {
        let (local, domain) = self.parts();
        format!("{}@{}", folded(local), in_ascii(domain))
    }

    /// The same, and then as programs before this one may have folded it, which knew of capitals
    /// alone: what they wrote under that is still found.
    pub fn foldings(&self) -> Vec<String> {
        let mut all = vec![self.folded()];
        let (local, domain) = self.parts();
        let (unicode, valid) = idna::domain_to_unicode(domain);
        let unicode = if valid.is_ok() { unicode } else { folded(domain) };
        for spelling in [format!("{local}@{unicode}"), format!("{local}@{}", in_ascii(domain))] {
            let lower = spelling.to_lowercase();
            for typed in [lower.nfc().collect(), lower.nfd().collect()] {
                if !all.contains(&typed) {
                    all.push(typed);
                }
            }
        }
        all
    }

    /// As servers are told it: many know of no domains but ASCII.
    pub fn deliverable(&self) -> String {
        let (local, domain) = self.parts();
        format!("{local}@{}", in_ascii(domain))
    }

    fn parts(&self) -> (&str, &str) {
        // There is one in each.
        self.0.rsplit_once('@').unwrap_or((&self.0, ""))
    }
}

fn folded(text: &str) -> String {
    // Once more: what was one letter may be two as a small one.
    text.to_lowercase().nfc().collect()
}

/// A domain as it is looked up. What is none stays what it is: nothing comes there.
fn in_ascii(domain: &str) -> String {
    idna::domain_to_ascii(domain).unwrap_or_else(|_| folded(domain))
}

impl TryFrom<String> for Email {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        const WRONG: &str = "is no e-mail address";
        let text: String = text.trim().nfc().collect();
        let (local, domain) = text.rsplit_once('@').ok_or(WRONG)?;
        let is_whole = |part: &str| {
            let odd = |letter: char| letter.is_whitespace() || letter.is_control();
            !part.is_empty() && !part.contains(odd) && !part.contains(['@', '<', '>', ',', ';'])
        };
        let labels = || domain.split('.').all(|label| !label.is_empty());
        let fits = text.chars().count() <= CHARS_MAX && local.chars().count() <= LOCAL_CHARS_MAX;
        let good = fits && is_whole(local) && is_whole(domain) && domain.contains('.') && labels();
        if good { Ok(Self(text)) } else { Err(WRONG) }
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
        assert!(!format!("{:?}", email("ann@shop.example")).contains("ann"));
    }

    /// Each row is one address, in the spellings people and their machines have for it.
    #[test]
    fn an_address_is_one_however_it_is_typed() {
        let rows: [(&str, &[&str]); 5] = [
            ("ann@shop.example", &["ANN@Shop.example", "ann@SHOP.EXAMPLE", " ann@shop.example "]),
            (
                "ann@xn--bcher-kva.example",
                &[
                    "ann@bücher.example",
                    "Ann@BÜCHER.example",
                    "ann@bu\u{308}cher.example",
                    "ann@XN--BCHER-KVA.example",
                ],
            ),
            (
                "j\u{f6}rg@shop.example",
                &["jo\u{308}rg@shop.example", "J\u{d6}RG@shop.example", "JO\u{308}RG@SHOP.example"],
            ),
            ("ann@shop.example", &["ann@\u{ff53}\u{ff48}\u{ff4f}\u{ff50}.example"]),
            ("ann@xn--fa-hia.example", &["ann@faß.example"]),
        ];
        for (folded, spellings) in rows {
            for typed in spellings.iter().chain([&folded]) {
                assert_eq!(email(typed).unwrap().folded(), folded, "{typed}");
            }
        }
        let others = [
            "strasse@shop.example",
            "straße@shop.example",
            "ann.lee@shop.example",
            "annlee@shop.example",
            "ann@faß.example",
            "ann@fass.example",
        ];
        let others = others.map(|typed| email(typed).unwrap().folded());
        let mut unlike = others.to_vec();
        unlike.dedup();
        assert_eq!(unlike.len(), others.len(), "these are not the same mailbox: {others:?}");
        assert_eq!(
            email("Ann.Ü@Bücher.example").unwrap().deliverable(),
            "Ann.Ü@xn--bcher-kva.example"
        );
    }

    /// What programs of before wrote is found: they made all letters small, and knew no more.
    #[test]
    fn what_was_folded_otherwise_is_found() {
        for typed in [
            "Ann@shop.example",
            "ann@BÜCHER.example",
            "jo\u{308}rg@bu\u{308}cher.example",
            "J\u{d6}RG@xn--bcher-kva.example",
            "jo\u{308}rg@shop.example",
        ] {
            let before = typed.trim().to_lowercase();
            for now in [email(typed).unwrap(), email(&typed.to_uppercase()).unwrap()] {
                assert!(now.foldings().contains(&before), "{typed}: {:?}", now.foldings());
                assert_eq!(now.foldings()[0], now.folded());
            }
        }
        assert_eq!(email("Ann@shop.example").unwrap().foldings(), ["ann@shop.example"]);
    }

    proptest::proptest! {
        /// Whatever it is: it stays an address that is found as itself, however its letters are put
        /// together, from the first reading on.
        #[test]
        fn folding_comes_to_rest(local in "[a-zA-Zà-ž.+]{1,8}", domain in "[a-zA-Zà-ž]{1,8}") {
            let typed = format!("{local}@{domain}.example");
            let read = email(&typed).unwrap();
            let folded = read.folded();
            for other in [typed.nfd().collect(), read.as_str().to_owned(), folded.clone(),
                read.deliverable()] {
                proptest::prop_assert_eq!(&email(&other).unwrap().folded(), &folded);
            }
        }
    }
}
