//! Bounded words and counts that commands and events are made of. Parsing is the only way in, so
//! a value that exists is a value within its bounds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text or number was refused: the rule it broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {0}")]
pub struct Invalid(pub &'static str);

/// What does not print or begins another line: control characters, and Unicode's own separators of
/// lines and paragraphs.
pub fn breaks_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn printable(text: &str) -> bool {
    !text.contains(breaks_line)
}

fn printable_or_newline(text: &str) -> bool {
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'))
}

fn ascii_graphic(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_graphic())
}

/// Whether a card's number stands in it, in one piece or in groups of digits as on the card,
/// whatever stands between them. It must not come into the log, from where nobody could take it out
/// again.
pub fn holds_card_number(text: &str) -> bool {
    holds_card_number_of(CARD_DIGITS_MIN, text)
}

/// The same where ids stand, which programs write: many have 14 digits, an article's number in a
/// case among them, as few cards have by now, and one in ten of those that begin as such cards do
/// would be taken for one.
pub fn holds_card_number_among_ids(text: &str) -> bool {
    holds_card_number_of(CARD_DIGITS_MIN + 1, text)
}

fn holds_card_number_of(digits_min: usize, text: &str) -> bool {
    // Most texts are names with few digits, and there are many.
    if text.bytes().filter(u8::is_ascii_digit).count() < digits_min {
        return false;
    }
    // What stands between groups: up to two signs that are neither letters nor ends of a line.
    let mut runs: Vec<Vec<&str>> = vec![vec![]];
    let (mut rest, mut between) = (text, 0);
    while let Some(first) = rest.chars().next() {
        let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        if word.is_empty() {
            between += 1;
            if between > 2 || matches!(first, '\n' | '\r') {
                runs.push(vec![]);
            }
            rest = &rest[first.len_utf8()..];
        } else {
            between = 0;
            if let Some(run) = runs.last_mut() {
                run.push(word);
            }
            rest = &rest[word.len()..];
        }
    }
    let begins = |groups: &[&str]| begin_with_card_number(digits_min, groups);
    runs.iter().any(|groups| (0..groups.len()).any(|at| begins(&groups[at..])))
}

/// The fewest digits that a card's number has.
const CARD_DIGITS_MIN: usize = 14;
/// The most.
const CARD_DIGITS_MAX: usize = 19;

/// Whole words only, and the groups of a card: 4 digits, then 3 to 6 each. The digits of a UUID
/// are in longer groups or between letters, and would now and then pass for a card's.
fn begin_with_card_number(digits_min: usize, groups: &[&str]) -> bool {
    let mut digits = String::new();
    for group in groups {
        let is_number = group.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || !(digits.is_empty() || (3..=6).contains(&group.len())) {
            return false;
        }
        digits.push_str(group);
        if digits.len() > CARD_DIGITS_MAX {
            return false;
        }
        if digits.len() >= digits_min && is_card_number(&digits) {
            return true;
        }
        if digits == *group && group.len() != 4 {
            return false;
        }
    }
    false
}

/// Whether digits begin as those of a network do, are as many as its cards have, and have the right
/// last one, by Luhn. The 13 digits of an article's number are none. Of 15 digits are only cards of
/// American Express: carriers number parcels by as many.
fn is_card_number(digits: &str) -> bool {
    let begins = |first: u32, last: u32, places: usize| {
        let begin = digits.get(..places).and_then(|begin| begin.parse().ok());
        begin.is_some_and(|begin: u32| (first..=last).contains(&begin))
    };
    let lengths = match () {
        () if begins(34, 34, 2) || begins(37, 37, 2) => 15..=15,
        () if digits.len() == 15 => return false,
        () if begins(36, 36, 2) || begins(38, 39, 2) || begins(300, 305, 3) => 14..=19,
        () if begins(3528, 3589, 4) => 16..=19,
        () if begins(4, 4, 1) => 16..=19,
        () if begins(51, 55, 2) || begins(2221, 2720, 4) => 16..=16,
        () if begins(50, 50, 2) || begins(56, 69, 2) => 16..=19,
        () => return false,
    };
    let luhn = digits.bytes().rev().enumerate().map(|(place, digit)| {
        let digit = u32::from(digit - b'0');
        if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
    });
    lengths.contains(&digits.len()) && luhn.sum::<u32>() % 10 == 0
}

/// Whether there is anything to see in a text: not only spaces, marks that only direct how others
/// are shown, and letters that are blank.
pub fn visible(text: &str) -> bool {
    let blank = |c: char| {
        c.is_whitespace() || BLANK.iter().any(|(first, last)| (*first..=*last).contains(&c))
    };
    !text.chars().all(blank)
}

/// What leaves no mark: `Default_Ignorable_Code_Point` of Unicode 17, the empty cell of Braille,
/// and what only says how others are annotated or joined to a hieroglyph.
const BLANK: [(char, char); 19] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// One line with something to see, as a regular expression has it: of what leaves no mark it knows
/// what is in the first plane of Unicode.
pub const LINE: &str = concat!(
    r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*",
    r"[^\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f",
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0",
    r"\ufff0-\ufffb]",
    r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$",
);

text! {
    /// A stock keeping unit: the name under which one variant is sold and counted.
    Sku, 64 bytes,
    // The dots alone are steps in a path: no URL could name these.
    |sku| ascii_graphic(sku) && !sku.contains(['/', '?', '#', '%', '\\', '"'])
        && !matches!(sku, "." | "..") && !holds_card_number_among_ids(sku),
    like r"^(?!\.{1,2}$)[!$&-.0->@-\[\]-~]+$", such as "TOTE-COGNAC",
    "1 to 64 printable ASCII characters without spaces, slashes, quotes, ?, # or %, not . or .., \
     and without a card number"
}
text! {
    /// A place that holds stock.
    Location, 64 bytes,
    // As with SKUs, no URL could name what is a step in a path.
    |place| place.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !matches!(place, "." | "..") && !holds_card_number_among_ids(place),
    like r"^(?!\.{1,2}$)[A-Za-z0-9._-]+$", such as "main",
    "1 to 64 letters, digits, '-', '_' or '.', not . or .., and without a card number"
}
text! {
    /// A one-line name: a title, a brand, a category, an attribute.
    Label, 256 characters,
    |label| printable(label) && visible(label) && !holds_card_number(label),
    like LINE, such as "Leather tote",
    "1 to 256 characters on one line, with something to see, without a card number"
}
text! {
    /// A longer text, such as a description; may contain HTML.
    Prose, 65536 characters,
    |text| printable_or_newline(text) && !holds_card_number_among_ids(text),
    like r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+$",
    such as "Full-grain leather, hand-stitched.",
    "1 to 65,536 characters without control characters or a card number"
}
text! {
    /// Why something was done, or a reference to a paper trail. In events and documents about whose
    /// order it is, `vault:` and an id stand for it where it can be sealed.
    Note, 512 characters,
    |note| printable(note) && visible(note) && !holds_card_number(note),
    like LINE, such as "the customer changed their mind",
    "1 to 512 characters on one line, with something to see, without a card number"
}
text! {
    /// The URL of a picture, a video or a page. Never `javascript:` or `data:`: pages link to it.
    // Nobody writes a card's number here, while stores of pictures and gateways number what is
    // theirs by as many digits; where a shopper says a URL, the route looks.
    MediaUrl, 2048 bytes,
    |url| ascii_graphic(url) && (url.starts_with("https://") || url.starts_with("http://")),
    like r"^https?://[!-~]*$", such as "https://shop.example/tote.jpg",
    "an http or https URL of at most 2,048 ASCII characters"
}
text! {
    /// A payment method token made by the gateway's own form; stands for a card, is not one.
    Token, 255 bytes,
    |token| ascii_graphic(token) && !holds_card_number(token),
    like r"^[!-~]+$", such as "tok_success",
    "1 to 255 printable ASCII characters, without a card number"
}
text! {
    /// A payment gateway's name, as it stands in settings and events.
    GatewayName, 32 bytes,
    |name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'),
    like r"^[a-z0-9_]+$", such as "sandbox",
    "1 to 32 lower-case letters, digits or '_'"
}

impl Prose {
    /// Whether there is nothing to see in it: whoever is given that is given none.
    pub fn is_blank(&self) -> bool {
        !visible(&self.0)
    }
}

/// A count of units in one line or movement: 1 to 1,000,000.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "u32", into = "u32")]
#[schemars(extend("minimum" = 1, "maximum" = Quantity::UNITS_MAX, "examples" = [1]))]
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
