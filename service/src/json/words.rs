//! What a reader complains of, in words of JSON and not of the program.

/// What chrono says of times that are none.
const WRONG_TIMES: [&str; 4] = [
    "premature end of input",
    "trailing input",
    "input contains invalid characters",
    "input is out of range",
];

/// What is said of a time that is none, in a body or a query: a day alone is none either, for it
/// does not say where it begins.
pub const TIME_WANTED: &str = "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z";

/// What was wrong with a value, without the names of our types, which say nothing to who sent it,
/// without the line and column, for the pointer says where, and without the value: it may be of a
/// person, or a secret, and problems are passed on and kept.
pub(crate) fn in_words_of_json(detail: &str) -> String {
    let detail = detail.rsplit_once(" at line ").map_or(detail, |(detail, _)| detail);
    if detail.starts_with("UUID parsing failed") {
        return "must be a UUID".to_owned();
    }
    if WRONG_TIMES.contains(&detail) {
        return TIME_WANTED.to_owned();
    }
    match detail {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            return "must be a whole number".to_owned();
        }
        "number too large to fit in target type" => return "is too large a number".to_owned(),
        "number too small to fit in target type" => return "is too small a number".to_owned(),
        _ => {}
    }
    let (what, expected) = without_value(detail);
    let Some(expected) = expected else { return what.to_owned() };
    let expected = match expected {
        "a map" => "an object",
        "a sequence" => "an array",
        "f32" | "f64" => "a number",
        "a Decimal type representing a fixed-point number" => "a decimal number, such as 12.50",
        r#""true", "on" or "false""# => "true or false",
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        _ if is_named(expected, &["struct ", "tuple struct ", "unit struct "]) => "an object",
        _ if is_named(expected, &["enum "]) => "one of its values",
        expected => expected,
    };
    format!("{what}, expected {expected}")
}

/// What a reader complains of, and what it expected. The value itself is quoted between the two.
fn without_value(detail: &str) -> (&str, Option<&str>) {
    if let Some(rest) = detail.strip_prefix("unknown variant `") {
        return ("unknown value", rest.rsplit_once("`, expected ").map(|(_, expected)| expected));
    }
    let (what, expected) = match detail.rsplit_once(", expected ") {
        Some((what, expected)) => (what, Some(expected)),
        None => (detail, None),
    };
    if !what.starts_with("invalid type: ") && !what.starts_with("invalid value: ") {
        return (what, expected);
    }
    (what.split(['"', '`']).next().unwrap_or_default().trim_end(), expected)
}

fn is_named(expected: &str, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| expected.starts_with(kind))
}
