//! Fields of a file as values of the domain: prices in the spellings people use, names cut to
//! their bounds, SKUs out of anything.

use std::fmt::Write;

use domain::text::{Label, MediaUrl, Prose};
use domain::{Currency, Sku};
use rust_decimal::Decimal;

use crate::ids;
use crate::report::Report;

/// Characters of a field that are repeated in a message.
const QUOTED_CHARS_MAX: usize = 60;
/// The longest number, in characters.
const NUMBER_CHARS_MAX: usize = 30;

/// A field as it is shown in a message.
pub fn quote(text: &str) -> String {
    let mut shown: String =
        text.chars().take(QUOTED_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(QUOTED_CHARS_MAX).is_some() {
        shown.push('…');
    }
    format!("'{shown}'")
}

/// An amount of money, zero or more: `12`, `1,299.00`, `1.299,00`, `12,50`, `$12`, `12 EUR`. A
/// single comma before three digits separates thousands, a single point never does.
pub fn amount(text: &str, currency: Currency) -> Result<Decimal, String> {
    let refuse = || format!("{} is not a price", quote(text));
    let is_figure = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | '’' | '-');
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    if !letters.is_empty() {
        match letters.to_uppercase().parse::<Currency>() {
            Ok(other) if other == currency => {}
            Ok(other) => return Err(format!("the price is in {other}, not in {currency}")),
            Err(_) => return Err(refuse()),
        }
    }
    let figures = text.trim_matches(|c: char| !is_figure(c) && c != '(' && c != ')');
    if figures.starts_with(['-', '(']) || text.trim_start().starts_with('-') {
        return Err(format!("{} is less than nothing", quote(text)));
    }
    let figures: String =
        figures.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’')).collect();
    number(&figures).ok_or_else(refuse)
}

/// Whether the point of a price may have been meant to separate thousands: it has three digits
/// behind it, and the currency fewer decimals.
pub fn is_doubtful(text: &str, currency: Currency) -> bool {
    let is_figure = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
    let figures = text.trim_matches(|c| !is_figure(c));
    let Some((before, behind)) = figures.split_once('.') else { return false };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_group = (1..=3).contains(&before.len()) && !before.starts_with('0');
    currency.decimals() < 3
        && is_group
        && behind.len() == 3
        && is_digits(before)
        && is_digits(behind)
}

/// A number with points and commas, whichever of them separates what.
fn number(figures: &str) -> Option<Decimal> {
    if figures.is_empty()
        || figures.len() > NUMBER_CHARS_MAX
        || !figures.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        || !figures.starts_with(|c: char| c.is_ascii_digit() || c == '.')
    {
        return None;
    }
    let (points, commas) = (figures.matches('.').count(), figures.matches(',').count());
    let thousands_comma = || {
        let (before, after) = figures.split_once(',')?;
        (after.len() == 3 && !before.is_empty() && before.len() <= 3 && before != "0").then_some(())
    };
    let decimal = match (points, commas) {
        (1, 0) => Some('.'),
        (0, 1) => thousands_comma().is_none().then_some(','),
        (_, 0) | (0, _) => None,
        _ if figures.rfind('.') > figures.rfind(',') => Some('.'),
        _ => Some(','),
    };
    let (whole, fraction) = match decimal {
        Some(point) => figures.rsplit_once(point)?,
        None => (figures, ""),
    };
    if decimal.is_some_and(|point| whole.contains(point)) {
        return None;
    }
    let groups: Vec<&str> = whole.split(['.', ',']).collect();
    let grouped = |group: &&str| group.len() == 3;
    if groups.len() > 1 && !(groups[1..].iter().all(grouped) && (1..=3).contains(&groups[0].len()))
    {
        return None;
    }
    let value = Decimal::from_str_exact(&format!("0{}.{fraction}0", groups.concat())).ok()?;
    Some(value.normalize())
}

/// An amount as it is shown: exactly, with no fewer decimals than the currency has.
pub fn exactly(amount: Decimal, currency: Currency) -> Decimal {
    let mut shown = amount.normalize();
    shown.rescale(shown.scale().max(currency.decimals()));
    shown
}

/// A whole number, perhaps with a sign or `.0` behind it.
pub fn whole(text: &str) -> Result<i64, String> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = number(digits).filter(|value| value.fract().is_zero());
    let value = value.and_then(|value| i64::try_from(value.trunc()).ok());
    let value = value.ok_or_else(|| format!("{} is not a whole number", quote(text)))?;
    Ok(if negative { -value } else { value })
}

/// `text` on one line, cut where `end` says; whether it was cut.
fn clean(text: &str, keep_lines: bool, end: impl Fn(&str) -> usize) -> (String, bool) {
    let kept = |c: char| keep_lines && matches!(c, '\n' | '\r' | '\t');
    let cleaned: String =
        text.chars().map(|c| if c.is_control() && !kept(c) { ' ' } else { c }).collect();
    let cleaned = cleaned.trim();
    let end = end(cleaned);
    (cleaned[..end].trim_end().to_owned(), end < cleaned.len())
}

/// A name on one line; none if there is nothing. One that is too long is cut, and that is said.
pub fn label(text: &str, what: &str, line: u64, report: &mut Report) -> Option<Label> {
    let most = Label::CHARACTERS_MAX;
    let end = |text: &str| text.char_indices().nth(most).map_or(text.len(), |(end, _)| end);
    let (cleaned, cut) = clean(text, false, end);
    if cut {
        report.remark(line, format!("{what} was cut to {most} characters"));
    }
    Label::try_from(cleaned).ok()
}

/// A longer text; none if there is nothing. One that is too long is cut, and that is said.
pub fn prose(text: &str, what: &str, line: u64, report: &mut Report) -> Option<Prose> {
    let end = |text: &str| text.floor_char_boundary(Prose::BYTES_MAX);
    let (cleaned, cut) = clean(text, true, end);
    if cut {
        report.remark(line, format!("{what} was cut to {} bytes", Prose::BYTES_MAX));
    }
    Prose::try_from(cleaned).ok()
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
/// give two SKUs.
pub fn sku(text: &str) -> (Sku, bool) {
    if let Ok(sku) = text.parse::<Sku>() {
        return (sku, false);
    }
    let name = hyphenated(text);
    let room = Sku::BYTES_MAX - 9;
    let name = name.get(..room).unwrap_or(&name).trim_end_matches('-');
    let written = format!("{name}-{}", ids::short(text));
    let bare = ids::short(text);
    // Both are letters, digits and hyphens, or characters that were tried one by one.
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

    fn euros(text: &str) -> Result<String, String> {
        amount(text, "EUR".parse().unwrap()).map(|amount| amount.normalize().to_string())
    }

    #[test]
    fn prices_are_read_in_many_spellings() {
        let same = [
            ("12", "12"),
            ("12.5", "12.5"),
            ("12,50", "12.5"),
            ("1,299.00", "1299"),
            ("1.299,00", "1299"),
            ("1,299", "1299"),
            ("0,999", "0.999"),
            ("1,299,000", "1299000"),
            ("$12", "12"),
            ("12 €", "12"),
            ("EUR 1 299,50", "1299.5"),
            ("1'299.50", "1299.5"),
            (".5", "0.5"),
            ("957.5775", "957.5775"),
            ("1\u{a0}299,5", "1299.5"),
            ("12.", "12"),
        ];
        for (text, amount) in same {
            assert_eq!(euros(text).as_deref(), Ok(amount), "{text}");
        }
        for text in ["", "abc", "1.2.3", "12,34.56.7", "--1", "-5", "(5)", "$-5", "USD 5", "1e3"] {
            assert!(euros(text).is_err(), "{text}");
        }
    }

    #[test]
    fn three_decimals_leave_doubt() {
        let [euro, dinar] = ["EUR", "BHD"].map(|code| code.parse().unwrap());
        assert!(is_doubtful("1.299", euro) && is_doubtful("€ 12.345", euro));
        for text in ["1.29", "0.999", "1299.123", "1.2999", "1,299", "1.299,00", "1.2 9", ""] {
            assert!(!is_doubtful(text, euro), "{text}");
        }
        assert!(!is_doubtful("1.299", dinar));
    }

    #[test]
    fn whole_numbers_are_whole() {
        assert_eq!((whole("3"), whole("-2"), whole("4.0")), (Ok(3), Ok(-2), Ok(4)));
        assert!(whole("1.5").is_err() && whole("").is_err() && whole("many").is_err());
    }

    #[test]
    fn skus_are_kept_or_written_otherwise() {
        assert_eq!(sku("TOTE-BRN").0.as_str(), "TOTE-BRN");
        let (changed, told) = sku("AB 12/3");
        assert!(told && changed.as_str().starts_with("AB-12-3-"), "{changed}");
        assert_ne!(sku("AB 12/3").0, sku("AB-12 3").0);
    }

    proptest! {
        #[test]
        fn any_text_is_a_sku_and_none_panics(text in "\\PC*", other in any::<String>()) {
            let _ = sku(&text);
            let (a, b) = (sku(&other).0, sku(&text).0);
            prop_assert!(other == text || a != b);
            let _ = (euros(&other), whole(&other), media_url(&other));
            let mut report = Report::default();
            let _ = label(&other, "it", 1, &mut report);
            let _ = prose(&other, "it", 1, &mut report);
        }
    }
}
