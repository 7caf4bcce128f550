//! Bounded words and counts that commands and events are made of. Parsing is the only way in, so
//! a value that exists is a value within its bounds.

use serde::{Deserialize, Serialize};

/// Why a text or number was refused: the rule it broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {0}")]
pub struct Invalid(pub &'static str);

fn printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn printable_or_newline(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

fn ascii_graphic(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic())
}

text! {
    /// A stock keeping unit: the name under which one variant is sold and counted.
    Sku, 64 bytes,
    // The dots alone are steps in a path: no URL could name these.
    |sku| ascii_graphic(sku) && !sku.contains(['/', '?', '#', '%', '\\', '"'])
        && !matches!(sku, "." | ".."),
    "1 to 64 printable ASCII characters without spaces, slashes, quotes, ?, # or %, and not . or .."
}
text! {
    /// A place that holds stock.
    Location, 64 bytes,
    |place| place.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')),
    "1 to 64 letters, digits, '-', '_' or '.'"
}
text! {
    /// A one-line name: a title, a brand, a category, an attribute.
    Label, 256 bytes, printable, "1 to 256 bytes on one line"
}
text! {
    /// A longer text, such as a description; may contain HTML.
    Prose, 65536 bytes, printable_or_newline, "1 to 65,536 bytes without control characters"
}
text! {
    /// Why something was done, or a reference to a paper trail. Not for personal data.
    Note, 512 bytes, printable, "1 to 512 bytes on one line"
}
text! {
    /// The URL of a picture, a video or a page. Never `javascript:` or `data:`: pages link to it.
    MediaUrl, 2048 bytes,
    |url| ascii_graphic(url) && (url.starts_with("https://") || url.starts_with("http://")),
    "an http or https URL of at most 2,048 ASCII characters"
}
text! {
    /// A payment method token made by the gateway's own form; stands for a card, is not one.
    Token, 255 bytes, ascii_graphic, "1 to 255 printable ASCII characters"
}

/// A count of units in one line or movement: 1 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quantity(u32);

impl Quantity {
    /// The largest quantity, in units.
    pub const UNITS_MAX: u32 = 1_000_000;

    /// The number of units.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Quantity {
    type Error = Invalid;
    fn try_from(units: u32) -> Result<Self, Invalid> {
        if (1..=Self::UNITS_MAX).contains(&units) {
            Ok(Self(units))
        } else {
            Err(Invalid("a whole number from 1 to 1,000,000"))
        }
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        Self::from(quantity.0)
    }
}
