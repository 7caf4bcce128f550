//! Parts of a document, by the names of its members: `id,lines.sku` is its id, and of each of its
//! lines the SKU. A name stands for all that is below it.
//!
//! What stays of a document stays byte for byte and in its order. What names there are, a
//! [`Outline`] knows; here no document is known.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use service::Problem;

use crate::outline::{DEPTH_MAX, Outline};

/// The most names that may be asked for at once.
pub const NAMES_MAX: usize = 64;

/// Names of members in a query, with commas between them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(inline, extend(
    "pattern" = r"^[^,.]+(\.[^,.]+){0,5}(,[^,.]+(\.[^,.]+){0,5}){0,63}$",
    "examples" = ["id"],
))]
pub struct FieldNames(Vec<String>);

impl TryFrom<String> for FieldNames {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let names: Vec<String> = text.split(',').map(str::to_owned).collect();
        if names.len() > NAMES_MAX {
            return Err(format!("must be at most {NAMES_MAX} names"));
        }
        let is_deep = |name: &String| name.split('.').count() > DEPTH_MAX;
        if names.iter().any(is_deep) {
            return Err(format!(
                "must be names of at most {DEPTH_MAX} members, one below the other"
            ));
        }
        Ok(Self(names))
    }
}

impl FieldNames {
    /// What they name of documents of this outline.
    ///
    /// # Errors
    /// 400 `invalid_query`, where one names nothing there can be.
    pub fn of(&self, outline: &Outline) -> Result<Fields, Problem> {
        if let Some(place) = self.0.iter().position(|name| !outline.has(name)) {
            let problem = "a parameter of the query is wrong";
            let detail = format!("these documents have nothing called as name {} says", place + 1);
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem).parameter(
                "fields",
                "unknown_field",
                detail,
            ));
        }
        Ok(self.0.iter().map(String::as_str).collect())
    }
}

/// Which members of a document, and of each which members, or all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(BTreeMap<String, Option<Fields>>);

impl<'a> FromIterator<&'a str> for Fields {
    /// Of names with dots between a member and one below it.
    fn from_iter<T: IntoIterator<Item = &'a str>>(names: T) -> Self {
        let mut fields = Self::default();
        for name in names {
            fields.add(name);
        }
        fields
    }
}

impl Fields {
    fn add(&mut self, name: &str) {
        match name.split_once('.') {
            None => {
                self.0.insert(name.to_owned(), None);
            }
            Some((member, below)) => {
                let known =
                    self.0.entry(member.to_owned()).or_insert_with(|| Some(Self::default()));
                // Where all of it is wanted, some of it is.
                if let Some(known) = known {
                    known.add(below);
                }
            }
        }
    }

    /// What was asked for below a member, taken out. Nothing where all of it was, or none.
    pub fn take(&mut self, member: &str) -> Option<Self> {
        self.0.remove(member).flatten()
    }

    /// What of a document was asked for. What has no members is left as it is.
    ///
    /// # Errors
    /// 500, where the document is no JSON.
    pub fn of(&self, document: &str) -> Result<String, Problem> {
        let mut text = String::new();
        match self.write(document, &mut text) {
            Ok(()) => Ok(text),
            Err(error) => {
                tracing::error!(%error, "a document is no JSON");
                Err(Problem::internal())
            }
        }
    }

    fn write(&self, document: &str, text: &mut String) -> serde_json::Result<()> {
        match document.trim_start().as_bytes().first() {
            Some(b'{') => {
                let Members(members) = serde_json::from_str(document)?;
                let wanted = members.iter().filter_map(|(name, value)| {
                    self.0.get(name.as_ref()).map(|below| (name, value, below))
                });
                text.push('{');
                for (n, (name, value, below)) in wanted.enumerate() {
                    text.push_str(if n == 0 { "" } else { "," });
                    text.push_str(&serde_json::to_string(name)?);
                    text.push(':');
                    match below {
                        None => text.push_str(value.get()),
                        Some(below) => below.write(value.get(), text)?,
                    }
                }
                text.push('}');
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(document)?;
                text.push('[');
                for (n, item) in items.into_iter().enumerate() {
                    text.push_str(if n == 0 { "" } else { "," });
                    self.write(item.get(), text)?;
                }
                text.push(']');
            }
            _ => text.push_str(document),
        }
        Ok(())
    }
}

/// The members of an object in their order, unread.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        from.deserialize_map(InOrder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_as_it_was() {
        let document = r#"{"id":"x","total":{"amount":"10.50","currency":"EUR"},
            "lines":[{"sku":"A","quantity":2,"options":{"é\"":1e3}},{"sku":"B","quantity":1}],
            "number":12345678901234567890,"none":null}"#;
        let of = |names: &[&str]| {
            let fields: Fields = names.iter().copied().collect();
            fields.of(document).unwrap()
        };
        assert_eq!(of(&[]), "{}");
        assert_eq!(of(&["unknown", "id"]), r#"{"id":"x"}"#);
        assert_eq!(of(&["number", "id"]), r#"{"id":"x","number":12345678901234567890}"#);
        assert_eq!(of(&["lines.sku"]), r#"{"lines":[{"sku":"A"},{"sku":"B"}]}"#);
        let options = r#"{"lines":[{"options":{"é\"":1e3}},{}]}"#;
        assert_eq!(of(&["lines.options"]), options);
        assert_eq!(of(&["lines.options.é\""]), options);
        assert_eq!(of(&["total.amount"]), r#"{"total":{"amount":"10.50"}}"#);
        // All of it, whatever is asked for beside.
        let total = r#"{"total":{"amount":"10.50","currency":"EUR"}}"#;
        assert_eq!(of(&["total", "total.amount"]), total);
        assert_eq!(of(&["total.amount", "total"]), total);
        let mut fields: Fields = ["id", "included.stock.id", "lines"].into_iter().collect();
        assert_eq!(fields.take("included"), Some(["stock.id"].into_iter().collect()));
        assert_eq!((fields.take("lines"), fields.take("included")), (None, None));
        assert_eq!(fields, ["id"].into_iter().collect());
        // What has nothing below it.
        assert_eq!(of(&["none.of", "id.of"]), r#"{"id":"x","none":null}"#);
        assert!(Fields::default().of("{no document").is_err());
    }

    #[test]
    fn names_are_bounded() {
        let read = |text: String| FieldNames::try_from(text);
        assert!(read(["id"; NAMES_MAX].join(",")).is_ok());
        assert!(read(["id"; NAMES_MAX + 1].join(",")).is_err());
        assert!(read(["a"; DEPTH_MAX].join(".")).is_ok());
        assert!(read(["a"; DEPTH_MAX + 1].join(".")).is_err());
    }
}
