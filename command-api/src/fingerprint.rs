//! What was asked, as a digest: the same key must come with the same one. Of what was meant, not of
//! its bytes: who writes their JSON otherwise, or sends their retry in a batch, asks the same.

use axum::http::Method;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::{Command, Money, StreamId};
use serde_json::Value;
use service::json::whole;
use service::problem::Problem;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::document;
use crate::headers::{Expected, Tag};
use crate::routes::{Address, Route};

/// The longest instant that is looked for in a body, in bytes: with nanoseconds and a time zone it
/// has 35.
const INSTANT_BYTES_MAX: usize = 64;

/// The digest of a command that was parsed from `body`: method and path (by way of the route and
/// of what the command is addressed to), body and condition. Each part is preceded by its length,
/// so that no two requests run into each other.
///
/// # Errors
/// 400, for a body that is no JSON.
pub fn of(
    route: &Route,
    address: &Address,
    command: &Command,
    body: &[u8],
    expected: Expected,
) -> Result<Uuid, Problem> {
    let condition = match expected {
        Expected::Anything => String::new(),
        Expected::Exists => "*".to_owned(),
        Expected::Tag(tag) => read(tag, &command.target()),
    };
    // As it was read, however it was spelled. Without an address the id may be one that was made
    // for this request alone; where the caller chose it, it stands in the body.
    let id = if route.has_id() { command.target().key() } else { String::new() };
    let sku = address.sku.as_deref().unwrap_or_default();
    // A change takes an absent member for "as it was" and null for "none"; of all others both are
    // that there is none.
    let body = canonical(body, route.method == Method::PATCH)?;
    let parts = [route.name, &id, sku, &condition, &body];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    Ok(short(hash))
}

/// What a tag says was read: a build, which says how it is shown, makes no difference.
fn read(tag: Tag, target: &StreamId) -> String {
    match tag.second.filter(|_| document::part_of(target.category()).is_some()) {
        Some(position) => format!("{}.{position}", tag.version),
        None => tag.version.to_string(),
    }
}

/// Half of a digest, which is enough to tell things apart.
fn short(hash: Sha256) -> Uuid {
    let digest: [u8; 32] = hash.finalize().into();
    let (head, _) = digest.split_at(16);
    Uuid::from_slice(head).expect("half of the digest is 16 bytes")
}

/// The body in the one way to write it: members in the order of their names, no white space, money
/// with the decimals of its currency, ids in small letters, instants in UTC, and null only where it
/// means something.
/// No body is an empty object. No member comes twice: the command has refused that.
fn canonical(body: &[u8], null_means: bool) -> Result<String, Problem> {
    if body.is_empty() {
        return Ok("{}".to_owned());
    }
    // The command was parsed of it: what is wrong with it is only looked for if something is.
    let mut value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) => service::json::parse(body)?,
    };
    settle(&mut value, null_means);
    Ok(value.to_string())
}

/// `1`, `1.0` and `1.00` euros are the same money; an id is the same in capitals, and an instant in
/// another time zone.
fn settle(value: &mut Value, null_means: bool) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| settle(item, null_means)),
        Value::Object(members) => {
            members.retain(|_, value| null_means || !value.is_null());
            let money = members.len() == 2 && members.contains_key("amount");
            match money.then(|| serde_json::from_value::<Money>(members.clone().into())) {
                Some(Ok(money)) => *value = serde_json::json!(money),
                _ => members.values_mut().for_each(|member| settle(member, null_means)),
            }
        }
        Value::String(text) => {
            if let (36, Ok(id)) = (text.len(), Uuid::parse_str(text)) {
                *text = id.to_string();
            } else if let Some(instant) = instant(text) {
                *text = instant.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            }
        }
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
                *value = whole.into();
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// As the bodies of commands read it.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    if text.len() > INSTANT_BYTES_MAX || !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    fn canonical(body: &str) -> String {
        super::canonical(body.as_bytes(), true).unwrap()
    }

    #[test]
    fn what_means_the_same_is_written_alike() {
        assert_eq!(canonical(""), canonical("{}"));
        assert_eq!(canonical(r#"{"a":1.0,"b":1.5}"#), r#"{"a":1,"b":1.5}"#);
        assert_eq!(canonical(r#"{ "b": [1, 2],"a":"\u0041" }"#), r#"{"a":"A","b":[1,2]}"#);
        let price = |amount| format!(r#"{{"prices":[{{"currency":"EUR","amount":"{amount}"}}]}}"#);
        assert_eq!(canonical(&price("1.0")), canonical(&price("1.00")));
        assert_eq!(canonical(&price("1")), canonical(&price("1.00")));
        let id = |id: &str| format!(r#"{{"id":"{id}"}}"#);
        let small = id("0190d000-0000-7000-8000-00000000bbbb");
        assert_eq!(canonical(&small.to_uppercase().replace("ID", "id")), canonical(&small));
        let at = |at: &str| format!(r#"{{"expires_at":"{at}"}}"#);
        for other in ["00.000Z", "00+00:00", "00.000000000-00:00"] {
            let other = at(&format!("2026-12-01T10:00:{other}"));
            assert_eq!(canonical(&other), canonical(&at("2026-12-01T10:00:00Z")), "{other}");
        }
        let vienna = at("2026-12-01T11:00:00.500+01:00");
        assert_eq!(canonical(&vienna), canonical(&at("2026-12-01T10:00:00.5Z")));
        let no_change = |body: &str| super::canonical(body.as_bytes(), false).unwrap();
        assert_eq!(no_change(r#"{"brand":null,"lines":[{"a":null}]}"#), r#"{"lines":[{}]}"#);
    }

    #[test]
    fn what_means_something_else_is_written_otherwise() {
        let all = [
            "{}",
            r#"{"brand":null}"#,
            r#"{"brand":"null"}"#,
            r#"{"lines":[{"sku":"A"},{"sku":"B"}]}"#,
            r#"{"lines":[{"sku":"B"},{"sku":"A"}]}"#,
            r#"{"amount":{"amount":"1.00","currency":"EUR"}}"#,
            r#"{"amount":{"amount":"1.00","currency":"USD"}}"#,
            r#"{"amount":{"amount":"1.01","currency":"EUR"}}"#,
            r#"{"amount":"1.0","currency":"money"}"#,
            r#"{"amount":"1.00","currency":"money"}"#,
            r#"{"at":"2026-12-01T10:00:00Z"}"#,
            r#"{"at":"2026-12-01T10:00:00+01:00"}"#,
            r#"{"at":"2026-12-01T10:00:00.001Z"}"#,
            r#"{"at":"2026-12-01"}"#,
            r#"{"at":"10:00:00Z"}"#,
        ];
        let written: std::collections::BTreeSet<String> =
            all.iter().map(|body| canonical(body)).collect();
        assert_eq!(written.len(), all.len());
    }
}
