//! One number by itself: its digits, points and commas, what these say without knowing the file,
//! and its value once it is known which of them separates decimals.

use domain::Currency;
use rust_decimal::Decimal;

use super::values::quote;

/// The longest number, in characters.
const NUMBER_CHARS_MAX: usize = 30;

/// What the points and commas of a number say by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// There are none that matter.
    Bare,
    /// Decimals, if there are any, stand behind this one.
    Decimal(char),
    /// The only one may separate thousands or decimals: one to three digits, it, three digits.
    Doubtful(char),
}

/// The digits, points and commas of an amount.
pub fn figures(text: &str, currency: Currency) -> Result<String, String> {
    let is_figure = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | '’' | '-');
    let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    if !letters.is_empty() {
        match letters.to_uppercase().parse::<Currency>() {
            Ok(other) if other == currency => {}
            Ok(other) => return Err(format!("the price is in {other}, not in {currency}")),
            Err(_) => return Err(format!("{} is not a price", quote(text))),
        }
    }
    let figures = text.trim_matches(|c: char| !is_figure(c) && c != '(' && c != ')');
    if figures.starts_with(['-', '(']) || text.trim_start().starts_with('-') {
        return Err(format!("{} is less than nothing", quote(text)));
    }
    Ok(figures.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '’')).collect())
}

/// Whether a count is less than nothing, and what is behind its sign.
pub fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(figures) => (true, figures),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

pub fn other(separator: char) -> char {
    if separator == '.' { ',' } else { '.' }
}

/// What a number says of its points and commas, if it is one.
pub fn shape(figures: &str) -> Shape {
    let (points, commas) = (figures.matches('.').count(), figures.matches(',').count());
    let separator = match (points, commas) {
        (0, 0) => return Shape::Bare,
        (1, 0) => '.',
        (0, 1) => ',',
        // Several of one kind separate thousands.
        (_, 0) => return Shape::Decimal(','),
        (0, _) => return Shape::Decimal('.'),
        _ if figures.rfind('.') > figures.rfind(',') => return Shape::Decimal('.'),
        _ => return Shape::Decimal(','),
    };
    let (before, behind) = figures.split_once(separator).unwrap_or_default();
    let is_group = (1..=3).contains(&before.len()) && !before.starts_with('0');
    if is_group && behind.len() == 3 && value(figures, separator).is_some() {
        Shape::Doubtful(separator)
    } else {
        Shape::Decimal(separator)
    }
}

/// Whether a number tells what separates decimals: it is one, and has digits at its end.
pub fn tells(figures: &str, decimal: char) -> bool {
    !figures.ends_with(['.', ',']) && value(figures, decimal).is_some()
}

/// A number whose decimals, if it has any, are behind `decimal`.
pub fn value(figures: &str, decimal: char) -> Option<Decimal> {
    if figures.is_empty()
        || figures.len() > NUMBER_CHARS_MAX
        || !figures.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
        || !figures.starts_with(|c: char| c.is_ascii_digit() || c == '.')
    {
        return None;
    }
    let (whole, fraction) = figures.rsplit_once(decimal).unwrap_or((figures, ""));
    if whole.contains(decimal) || fraction.contains(other(decimal)) {
        return None;
    }
    let groups: Vec<&str> = whole.split(other(decimal)).collect();
    let is_grouped = |group: &&str| group.len() == 3;
    if groups.len() > 1
        && !(groups[1..].iter().all(is_grouped) && (1..=3).contains(&groups[0].len()))
    {
        return None;
    }
    let value = Decimal::from_str_exact(&format!("0{}.{fraction}0", groups.concat())).ok()?;
    Some(value.normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_say_what_their_separators_are() {
        let same = [
            ("", Shape::Bare),
            ("1299", Shape::Bare),
            ("1.29", Shape::Decimal('.')),
            ("12,5", Shape::Decimal(',')),
            ("0.999", Shape::Decimal('.')),
            (",500", Shape::Decimal(',')),
            ("1299.123", Shape::Decimal('.')),
            ("1,299.00", Shape::Decimal('.')),
            ("1.299,00", Shape::Decimal(',')),
            ("1,299,000", Shape::Decimal('.')),
            ("1.299.000", Shape::Decimal(',')),
            ("1.299", Shape::Doubtful('.')),
            ("100,000", Shape::Doubtful(',')),
        ];
        for (figures, wanted) in same {
            assert_eq!(shape(figures), wanted, "{figures}");
        }
        assert!(tells("1,5", ',') && !tells("1,", ',') && !tells("1.2.3", ','));
    }

    #[test]
    fn groups_have_three_digits() {
        assert_eq!(value("1.299.000,5", ','), Decimal::from_str_exact("1299000.5").ok());
        for figures in ["1.2.3", "1.29,5", ".299,5", "1299.000,5", "1,299,5", "1,2.5"] {
            assert_eq!(value(figures, ','), None, "{figures}");
        }
    }
}
