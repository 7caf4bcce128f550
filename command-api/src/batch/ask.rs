//! One line of a batch: the command it asks for, by its batch name, with the key and the condition
//! that HTTP has in headers, and the SKU that HTTP has in the path. No IO and no answers here.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use service::problem::Problem;
use uuid::Uuid;

use crate::command::{self, Prepared};
use crate::headers::{Conditions, Expected, Tag, check_key};
use crate::problem;
use crate::routes::{Address, Edge, named};

/// One line of a batch.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    /// Its name in the list of operations: `cart.add_line`.
    command: String,
    /// What is a header elsewhere: `Idempotency-Key`.
    key: Option<String>,
    /// What it is for.
    id: Option<String>,
    /// What is a header elsewhere: `If-Match`, without the quotes.
    #[schemars(with = "Option<serde_json::Value>")]
    if_match: Option<IfMatch>,
    /// What is the body elsewhere; and `sku`, where that is in the path there.
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    data: Option<Box<RawValue>>,
}

/// A version as a number, or what a document's tag has between its quotes.
struct IfMatch(Tag);

impl<'de> Deserialize<'de> for IfMatch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IfMatchVisitor)
    }
}

struct IfMatchVisitor;

impl Visitor<'_> for IfMatchVisitor {
    type Value = IfMatch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a version, such as 3, or a tag without its quotes, such as \"3.17.1\"")
    }

    fn visit_u64<E: serde::de::Error>(self, version: u64) -> Result<IfMatch, E> {
        let unexpected = || E::invalid_value(Unexpected::Unsigned(version), &self);
        let version = i64::try_from(version).map_err(|_| unexpected())?;
        Ok(IfMatch(Tag { version, second: None }))
    }

    fn visit_str<E: serde::de::Error>(self, tag: &str) -> Result<IfMatch, E> {
        let unexpected = || E::invalid_value(Unexpected::Str(tag), &self);
        Tag::parse(tag).map(IfMatch).ok_or_else(unexpected)
    }
}

/// A line's command, ready for the writer, in a batch for that log.
///
/// # Errors
/// What HTTP would have answered to the same command; places are named from the line's start.
pub fn prepare(line: &[u8], edge: &Edge, log_id: Option<Uuid>) -> Result<Prepared, LineProblem> {
    let Ask { command: name, key, id, if_match, data } = service::json::parse(line)?;
    let route = named(&name).ok_or_else(problem::unknown_command)?;
    route.access.check(edge.principal)?;
    if let Some(key) = &key {
        check_key(key)?;
    }
    if id.is_some() && !route.has_id() {
        return Err(problem::id_not_taken().into());
    }
    let expected = if_match.map_or(Expected::Anything, |IfMatch(tag)| Expected::Tag(tag));
    let mut address = Address { id, sku: None };
    let data = data.as_deref().map_or("{}", RawValue::get);
    let data = if route.has_sku() {
        Cow::Owned(take_sku(data, &mut address).map_err(LineProblem::in_data)?)
    } else {
        Cow::Borrowed(data)
    };
    let conditions = Conditions { key, expected, log_id, wants_document: false };
    command::prepare(route, &address, data.as_bytes(), conditions, edge)
        .map_err(LineProblem::in_data)
}

/// Where HTTP has the SKU in the path, a line has it in its data.
fn take_sku(data: &str, address: &mut Address) -> Result<String, Problem> {
    let mut data: BTreeMap<String, Box<RawValue>> = service::json::parse(data.as_bytes())?;
    let sku = data.remove("sku").ok_or_else(|| problem::invalid_body("/sku", "is missing"))?;
    let sku = serde_json::from_str(sku.get());
    address.sku = Some(sku.map_err(|_| problem::invalid_body("/sku", "a SKU is a string"))?);
    // Names and JSON values: this cannot fail.
    Ok(serde_json::to_string(&data).unwrap_or_default())
}

/// A problem with a line, as it stands in its verdict.
#[derive(Debug)]
pub struct LineProblem {
    /// The status that HTTP would have had.
    pub status: u16,
    /// The problem details.
    pub problem: Value,
}

impl From<Problem> for LineProblem {
    fn from(problem: Problem) -> Self {
        let status = problem.status().as_u16();
        // Strings, numbers and JSON values: this cannot fail.
        Self { status, problem: serde_json::to_value(problem).unwrap_or_default() }
    }
}

impl LineProblem {
    /// A problem with a body that is a line's data: it points from the start of the line.
    fn in_data(problem: Problem) -> Self {
        let mut refused = Self::from(problem);
        let errors = refused.problem.get_mut("errors").and_then(Value::as_array_mut);
        for error in errors.into_iter().flatten() {
            if let Some(Value::String(pointer)) = error.get_mut("pointer") {
                pointer.insert_str(0, "/data");
            }
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_comes_twice_is_refused() {
        let take = |data| {
            let mut address = Address::default();
            take_sku(data, &mut address).map(|rest| (address.sku.unwrap(), rest))
        };
        // What is inside a member is for its own reader to refuse.
        let good = take(r#"{"quantity": 2, "sku": "T\u004fTE", "prices": [{"a":1,"a":2}]}"#);
        let rest = r#"{"prices":[{"a":1,"a":2}],"quantity":2}"#;
        assert_eq!(good.unwrap(), ("TOTE".to_owned(), rest.to_owned()));
        let bad = [
            r#"{"sku":"A","sku":"A"}"#,
            r#"{"sku":"A","quantity":1,"quantity":2}"#,
            r#"{"sku":"A","quantity":1,"qu\u0061ntity":2}"#,
            r#"{"sku":1}"#,
            r#"{"quantity":1}"#,
            r#"["A"]"#,
        ];
        for data in bad {
            assert_eq!(take(data).unwrap_err().code(), "invalid_body", "{data}");
        }
    }
}
