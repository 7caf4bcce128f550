//! The request headers that say how a command is taken: `Idempotency-Key`, `If-Match`, `Log-Id`
//! and `Prefer`. Parsing only; what they mean for a command is [`crate::command`]'s.

use axum::http::HeaderValue;
use axum::http::header::{HeaderMap, HeaderName, IF_MATCH};
use domain::text::holds_card_number_among_ids;
use service::problem::Problem;
use uuid::Uuid;

use crate::problem::{invalid_if_match, invalid_key, invalid_log_id};

/// The longest idempotency key, in characters of printable ASCII.
pub const KEY_CHARS_MAX: usize = 255;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// Which log an answer is about, and which one a request is for.
pub const LOG_ID: HeaderName = HeaderName::from_static("log-id");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How a command is to be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The key under which it takes effect once, as the client named it.
    pub key: Option<String>,
    /// What the client expects of the thing the command is for.
    pub expected: Expected,
    /// The log in which that was seen, if the client says so.
    pub log_id: Option<Uuid>,
    /// Whether the document after the command is wanted in its answer.
    pub wants_document: bool,
}

/// What the client expects of the thing a command is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    #[default]
    Anything,
    /// That it exists: `If-Match: *`.
    Exists,
    /// That it is still as a tag says: `If-Match: "3"`.
    Tag(Tag),
}

/// What a tag says, as far as commands go by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The version of the thing's own stream.
    pub version: i64,
    /// The second number. Of a document that is made of several streams, as an order's is, the
    /// position of the last event in it; of any other, what only caches compare, which may be
    /// beyond any position.
    pub second: Option<i64>,
}

impl Tag {
    /// What is in a tag's quotes: `3` as a command's answer has it, or the numbers with dots
    /// between them that a document has, as in `3.17.1`.
    pub fn parse(tag: &str) -> Option<Self> {
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !tag.split('.').all(is_number) {
            return None;
        }
        let mut numbers = tag.split('.');
        let version = numbers.next()?.parse().ok()?;
        let second = numbers.next().map(str::parse::<u64>).transpose().ok()?;
        Some(Self { version, second: second.and_then(|second| second.try_into().ok()) })
    }
}

impl Conditions {
    /// What the headers say.
    ///
    /// # Errors
    /// 400 `invalid_idempotency_key`, `invalid_if_match` or `invalid_log_id`.
    pub fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let (key, expected, log_id) = (key(headers)?, expected(headers)?, log_id(headers)?);
        Ok(Self { key, expected, log_id, wants_document: wants_document(headers) })
    }
}

/// Checks a key as it stands in a batch line.
///
/// # Errors
/// 400 `invalid_idempotency_key`.
pub fn check_key(key: &str) -> Result<(), Problem> {
    let printable = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let fits = printable && (1..=KEY_CHARS_MAX).contains(&key.len());
    if fits && !holds_card_number_among_ids(key) { Ok(()) } else { Err(invalid_key()) }
}

/// The id of the log that a request is for, if it says so.
///
/// # Errors
/// 400 `invalid_log_id`.
pub fn log_id(headers: &HeaderMap) -> Result<Option<Uuid>, Problem> {
    let parsed = |value: &HeaderValue| value.to_str().ok()?.parse().ok();
    headers.get(LOG_ID).map(|value| parsed(value).ok_or_else(invalid_log_id)).transpose()
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = only(headers, &IDEMPOTENCY_KEY).map_err(|_| invalid_key())? else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| invalid_key())?;
    // The IETF draft makes it a structured field, a quoted string; most clients send it bare.
    let key = if text.starts_with('"') {
        unquote(text).ok_or_else(invalid_key)?
    } else {
        text.to_owned()
    };
    check_key(&key)?;
    Ok(Some(key))
}

/// The text of a structured field string (RFC 8941, section 3.3.3); `None` if it is none.
fn unquote(text: &str) -> Option<String> {
    let mut rest = text.strip_prefix('"')?.chars();
    let mut string = String::with_capacity(text.len());
    loop {
        match rest.next()? {
            '"' => break,
            '\\' => string.push(rest.next().filter(|c| matches!(c, '"' | '\\'))?),
            c => string.push(c),
        }
    }
    rest.as_str().is_empty().then_some(string)
}

fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let Some(value) =
        only(headers, &IF_MATCH).map_err(|_| invalid_if_match("it came more than once"))?
    else {
        return Ok(Expected::Anything);
    };
    let text = value.as_bytes();
    if text == b"*" {
        return Ok(Expected::Exists);
    }
    if text.starts_with(b"W/") {
        return Err(invalid_if_match("a weak tag never matches"));
    }
    let tag = text
        .strip_prefix(b"\"")
        .and_then(|text| text.strip_suffix(b"\""))
        .and_then(|tag| Tag::parse(str::from_utf8(tag).ok()?));
    tag.map(Expected::Tag).ok_or_else(|| invalid_if_match("this is neither"))
}

/// Whether `Prefer: return=representation` is among the preferences (RFC 7240). The first `return`
/// counts, and what is not understood is ignored.
fn wants_document(headers: &HeaderMap) -> bool {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let wanted = values.flat_map(|value| value.split(',')).find_map(|preference| {
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        let wanted = name.trim().eq_ignore_ascii_case("return");
        wanted.then(|| value.trim().trim_matches('"').eq_ignore_ascii_case("representation"))
    });
    wanted.unwrap_or(false)
}

/// A header came more than once where once is all it may.
struct Repeated;

fn only<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Repeated> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Repeated),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(name: &'static str, value: &[u8]) -> Result<Conditions, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_bytes(value).unwrap());
        Conditions::of(&headers)
    }

    fn key_of(value: &[u8]) -> Option<String> {
        conditions("idempotency-key", value).ok()?.key
    }

    #[test]
    fn a_key_comes_bare_or_quoted() {
        assert_eq!(key_of(b"a key").as_deref(), Some("a key"));
        assert_eq!(key_of(b"\"a key\"").as_deref(), Some("a key"));
        assert_eq!(key_of(br#""a \"key\" \\""#).as_deref(), Some(r#"a "key" \"#));
        assert!(key_of(&[b'k'; KEY_CHARS_MAX]).is_some());
        // The id of somebody's variant.
        assert!(key_of(b"stock-30569309025904-5").is_some());
    }

    #[test]
    fn a_malformed_key_is_refused() {
        let wrong: [&[u8]; 9] = [
            b"pay-4242-4242-4242-4242",
            b"",
            b"\"",
            b"\"\"",
            b"\"open",
            b"\"a\";p=1",
            br#""a\b""#,
            "clé".as_bytes(),
            &[b'k'; KEY_CHARS_MAX + 1],
        ];
        for value in wrong {
            assert!(conditions("idempotency-key", value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn the_document_is_wanted_where_the_first_return_says_so() {
        let wants = |value: &str| conditions("prefer", value.as_bytes()).unwrap().wants_document;
        assert!(wants("return=representation"));
        assert!(wants("wait=5, Return = \"representation\"; x=y, return=minimal"));
        for other in
            ["return=minimal, return=representation", "return", "representation", "returns=1"]
        {
            assert!(!wants(other), "{other}");
        }
    }

    #[test]
    fn if_match_is_one_strong_version_or_a_star() {
        let expected = |value: &[u8]| conditions("if-match", value).ok().map(|c| c.expected);
        let tag = |version, second| Some(Expected::Tag(Tag { version, second }));
        assert_eq!(expected(b"\"3\""), tag(3, None));
        assert_eq!(expected(b"\"3.1\""), tag(3, Some(1)), "a document's tag");
        assert_eq!(expected(b"\"3.17.1\""), tag(3, Some(17)), "an order's tag");
        let digest = expected(b"\"3.18446744073709551615\"");
        assert_eq!(digest, tag(3, None), "a cart's, which no position is");
        assert_eq!(expected(b"*"), Some(Expected::Exists));
        let wrong = ["3", "W/\"3\"", "\"\"", "\"-3\"", "\"+3\"", "\"3\", \"4\"", "\"3", "\"1e3\""];
        for value in wrong.into_iter().chain([
            "\"99999999999999999999\"",
            "\"",
            "\"3.\"",
            "\".3\"",
            "\"3..2\"",
            "\"3.99999999999999999999\"",
        ]) {
            assert_eq!(expected(value.as_bytes()), None, "{value}");
        }
    }
}
