//! How templates write numbers and times: as people do who read the language of the letter.

use chrono::NaiveDateTime;
use minijinja::State;

/// A number with its word: `{{ hours|counted("hour", "hours") }}`.
pub(crate) fn counted(number: i64, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// An amount as people write it in the language of the letter: `{{ total|money(currency) }}`. In
/// one whose way is not known here it stands as it is, with its currency.
pub(crate) fn money(state: &State<'_, '_>, amount: &str, currency: &str) -> String {
    let symbol = match currency {
        "EUR" => "€",
        "GBP" => "£",
        "JPY" => "¥",
        "USD" => "$",
        other => other,
    };
    match language(state).as_str() {
        "de" => format!("{}\u{a0}{symbol}", number(amount, '.', ',')),
        "en" if symbol == currency => format!("{currency}\u{a0}{}", number(amount, ',', '.')),
        "en" => format!("{symbol}{}", number(amount, ',', '.')),
        _ => format!("{amount} {currency}"),
    }
}

/// A number with a mark between its thousands, and one before its decimals.
fn number(amount: &str, thousands: char, decimals: char) -> String {
    let (whole, rest) = amount.split_once('.').map_or((amount, None), |(a, b)| (a, Some(b)));
    let mut text = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len() - place;
        if place > 0 && left.is_multiple_of(3) {
            text.push(thousands);
        }
        text.push(digit);
    }
    if let Some(rest) = rest {
        text.push(decimals);
        text.push_str(rest);
    }
    text
}

/// A minute as people write it in the language of the letter: `{{ until|moment }}`.
pub(crate) fn moment(state: &State<'_, '_>, text: &str) -> String {
    let known = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M UTC").ok();
    match (known, language(state).as_str()) {
        (Some(known), "de") => known.format("%d.%m.%Y, %H:%M UTC").to_string(),
        _ => text.to_owned(),
    }
}

fn language(state: &State<'_, '_>) -> String {
    state.lookup("language").map(|language| language.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_marked() {
        for (amount, wanted) in
            [("0.50", "0.50"), ("100", "100"), ("1000", "1,000"), ("1234567.89", "1,234,567.89")]
        {
            assert_eq!(number(amount, ',', '.'), wanted);
        }
    }
}
