//! Fields of a file as values of the domain: names cut to their bounds, SKUs out of anything.

use std::fmt::Write;

use domain::text::{
    Label, MediaUrl, Prose, breaks_line, holds_card_number, holds_card_number_among_ids,
};
use domain::{Currency, Sku};
use rust_decimal::Decimal;

use crate::ids;
use crate::report::Report;

/// Characters of a field that are repeated in a message.
const QUOTED_CHARS_MAX: usize = 60;

/// A field as it is shown in a message.
pub fn quote(text: &str) -> String {
    let mut shown: String =
        text.chars().take(QUOTED_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        shown.push('…');
    }
    format!("'{shown}'")
}

/// An amount as it is shown: exactly, with no fewer decimals than the currency has.
pub fn exactly(amount: Decimal, currency: Currency) -> Decimal {
    let mut shown = amount.normalize();
    shown.rescale(shown.scale().max(currency.decimals()));
    shown
}

/// `text` on one line, cut where `end` says; whether it was cut.
fn clean(text: &str, keep_lines: bool, end: impl Fn(&str) -> usize) -> (String, bool) {
    let kept = |c: char| keep_lines && matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}');
    let cleaned: String =
        text.chars().map(|c| if breaks_line(c) && !kept(c) { ' ' } else { c }).collect();
    let cleaned = cleaned.trim();
    let end = end(cleaned);
    (cleaned[..end].trim_end().to_owned(), end < cleaned.len())
}

/// A name on one line; none if there is nothing. One that is too long is cut, and that is said.
pub fn label(text: &str, what: &str, line: u64, report: &mut Report) -> Option<Label> {
    let most = Label::CHARACTERS_MAX;
    let (cleaned, cut) = clean(text, false, |text| end_of(text, most));
    if cut {
        report.remark(line, format!("{what} was cut to {most} characters"));
    }
    without_card(holds_card_number, cleaned, what, line, report).and_then(|it| it.try_into().ok())
}

/// A longer text; none if there is nothing. One that is too long is cut, and that is said.
pub fn prose(text: &str, what: &str, line: u64, report: &mut Report) -> Option<Prose> {
    let most = Prose::CHARACTERS_MAX;
    let (cleaned, cut) = clean(text, true, |text| end_of(text, most));
    if cut {
        report.remark(line, format!("{what} was cut to {most} characters"));
    }
    let cleaned = without_card(holds_card_number_among_ids, cleaned, what, line, report);
    cleaned.and_then(|it| it.try_into().ok())
}

/// The text, or the remark that it holds a card's number.
fn without_card(
    holds: fn(&str) -> bool,
    text: String,
    what: &str,
    line: u64,
    report: &mut Report,
) -> Option<String> {
    if holds(&text) {
        report.remark(line, format!("{what} was left out: it holds a card's number"));
        return None;
    }
    Some(text)
}

/// Where so many characters end.
fn end_of(text: &str, most: usize) -> usize {
    text.char_indices().nth(most).map_or(text.len(), |(end, _)| end)
}

/// The address of a picture, with what is not allowed in it percent-encoded.
pub fn media_url(text: &str) -> Option<MediaUrl> {
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return None;
    }
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() {
            url.push(char::from(byte));
        } else {
            // A string takes everything.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    MediaUrl::try_from(url).ok()
}

/// The SKU that `text` stands for, and whether it had to be written otherwise. What is not allowed
/// in one becomes `-`, and a digest of the text is put behind it, so that two texts that differ
/// give two SKUs. Of one that holds a card's number the digest alone is left.
pub fn sku(text: &str) -> (Sku, bool) {
    if let Ok(sku) = text.parse::<Sku>() {
        return (sku, false);
    }
    let name = hyphenated(text);
    let room = Sku::BYTES_MAX - 9;
    let name = name.get(..room).unwrap_or(&name).trim_end_matches('-');
    let written = format!("{name}-{}", ids::short(text));
    let bare = ids::short(text);
    // Of characters that were tried one by one, or of so few that they are no card's number.
    let sku = written.trim_start_matches('-').parse().or_else(|_| bare.parse());
    (sku.unwrap_or_else(|_| unreachable!("eight hexadecimal digits are a SKU")), true)
}

/// `text` with a hyphen for each run of characters that no SKU has.
pub fn hyphenated(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if c.to_string().parse::<Sku>().is_ok() {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn skus_are_kept_or_written_otherwise() {
        assert_eq!(sku("TOTE-BRN").0.as_str(), "TOTE-BRN");
        let (changed, told) = sku("AB 12/3");
        assert!(told && changed.as_str().starts_with("AB-12-3-"), "{changed}");
        assert_ne!(sku("AB 12/3").0, sku("AB-12 3").0);
        let (digest, told) = sku("4242424242424242");
        assert!(told && digest.as_str() == ids::short("4242424242424242"), "{digest}");
    }

    #[test]
    fn a_cards_number_is_left_out_and_that_is_said() {
        let mut report = Report::default();
        assert_eq!(label("Ann 4242 4242 4242 4242", "the name", 7, &mut report), None);
        let said = (7, "the name was left out: it holds a card's number".to_owned());
        assert_eq!(prose("Ann\n4242 4242 4242 4242", "the text", 8, &mut report), None);
        let also = (8, "the text was left out: it holds a card's number".to_owned());
        assert_eq!(report.remarks(), [said, also]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_sku_and_none_panics(text in "\\PC*", other in any::<String>()) {
            let _ = sku(&text);
            let (a, b) = (sku(&other).0, sku(&text).0);
            prop_assert!(other == text || a != b);
            let _ = media_url(&other);
            let mut report = Report::default();
            let _ = label(&other, "it", 1, &mut report);
            let _ = prose(&other, "it", 1, &mut report);
        }
    }
}
