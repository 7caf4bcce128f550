//! Reading stored events, and the lifting of old ones to today's shape.
//!
//! A name that is not known here is an error, never skipped: somebody wrote it.

use serde_json::Value;

use crate::Event;

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No event has this name.
    #[error("unknown event type '{0}'")]
    UnknownType(String),
    /// It was written by a newer program.
    #[error("'{name}' has schema {found}; this program knows {known}")]
    NewerSchema {
        /// The event type.
        name: String,
        /// The schema found.
        found: u16,
        /// The newest schema known.
        known: u16,
    },
    /// The payload is not what its name promises.
    #[error("'{name}' has a payload of another shape")]
    Payload {
        /// The event type.
        name: String,
        /// What did not fit.
        #[source]
        source: serde_json::Error,
    },
}

impl Event {
    /// Reads a stored event, lifting an old schema to today's.
    pub fn decode(name: &str, schema: u16, payload: &str) -> Result<Self, DecodeError> {
        let unknown = || DecodeError::UnknownType(name.to_owned());
        let known = schema_of(name).ok_or_else(unknown)?;
        if schema > known {
            return Err(DecodeError::NewerSchema { name: name.to_owned(), found: schema, known });
        }
        let shape = |source| DecodeError::Payload { name: name.to_owned(), source };
        let read =
            |payload: &str| Self::decode_current(name, payload).ok_or_else(unknown)?.map_err(shape);
        if schema == known {
            return read(payload);
        }
        let old: Value = serde_json::from_str(payload).map_err(shape)?;
        let lifted = (schema..known).fold(old, |value, from| upcast(name, from, value));
        read(&lifted.to_string())
    }
}

fn schema_of(name: &str) -> Option<u16> {
    Event::types().find(|(known, _)| *known == name).map(|(_, schema)| schema)
}

/// Lifts a payload by one schema version. One arm a change, kept for ever.
fn upcast(name: &str, from: u16, mut payload: Value) -> Value {
    if (name, from) == ("product.created", 1) {
        // Schema 1 had the category as one text; schema 2 has the names of its path.
        if let Some(path) = payload["category"].as_str() {
            let names = path.split('>').map(str::trim).filter(|name| !name.is_empty());
            payload["category"] = names.map(Value::from).collect();
        }
    }
    payload
}
