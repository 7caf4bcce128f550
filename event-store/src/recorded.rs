//! Events as they stand in the log, before and after their payload is read.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use domain::event::DecodeError;
use domain::{Event, StreamId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trace::TraceParent;
use uuid::Uuid;

/// Where an event came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// The key of the command that made it.
    pub command: String,
    /// Who gave the command: a role or a process, never a name or an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What it belongs to, across services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<Uuid>,
    /// The position of the event that caused the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<i64>,
    /// Where the command belongs in a trace, if somebody traces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
}

/// A stored event with its payload unread. Serialises to what NATS and readers of the log get.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Event")]
pub struct RawEvent {
    /// Its place in the log, from 1, without gaps.
    pub position: i64,
    /// The stream it belongs to.
    pub stream: String,
    /// Its place in the stream, from 1, without gaps.
    pub version: i64,
    /// Its type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The schema version of its payload.
    pub schema: i16,
    /// Its partition: what is read together shares one.
    pub slot: i16,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was appended; later than `occurred_at` for imported history.
    pub recorded_at: DateTime<Utc>,
    /// Where it came from: a [`Metadata`].
    #[schemars(with = "Metadata")]
    pub metadata: Box<RawValue>,
    /// What happened.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    pub data: Box<RawValue>,
    /// What readers of the log get, once somebody asked for it.
    #[serde(skip)]
    pub(crate) line: OnceLock<Box<str>>,
    /// Where the message that brought it belongs in a trace.
    #[serde(skip)]
    pub(crate) brought: Option<TraceParent>,
}

/// A stored event, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: i64,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: i64,
    /// Its partition.
    pub slot: i16,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it was appended.
    pub recorded_at: DateTime<Utc>,
    /// What happened.
    pub event: Event,
}

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Its stream has no name this program knows.
    #[error("the event at {position} is in an unknown stream")]
    Stream {
        /// Where it stands.
        position: i64,
        /// What is wrong with the name.
        #[source]
        source: domain::stream::NotAStream,
    },
    /// Its payload cannot be read.
    #[error("the event at {position} cannot be decoded")]
    Event {
        /// Where it stands.
        position: i64,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// It stands in a stream of another kind.
    #[error("the event at {position} does not belong in its stream")]
    Misplaced {
        /// Where it stands.
        position: i64,
    },
}

/// An event as a fold meets it: read, or with the reason why it cannot be.
#[derive(Debug)]
pub struct Entry {
    /// Its place in the log.
    pub position: i64,
    /// The stream it belongs to, by name: it may be of no known kind.
    pub stream: String,
    /// Its place in the stream.
    pub version: i64,
    /// Its partition.
    pub slot: i16,
    /// What it says.
    pub read: Result<Recorded, Unreadable>,
}

impl From<&RawEvent> for Entry {
    fn from(raw: &RawEvent) -> Self {
        let RawEvent { position, version, slot, .. } = *raw;
        Self { position, stream: raw.stream.clone(), version, slot, read: raw.decode() }
    }
}

impl RawEvent {
    /// What it takes in memory, nearly: bytes of metadata and payload.
    pub fn weight(&self) -> usize {
        self.metadata.get().len() + self.data.get().len()
    }

    /// Where what is done about it belongs in a trace, if anybody traces it: below the message that
    /// brought it, or else below the command.
    pub fn trace(&self) -> Option<TraceParent> {
        self.brought.or_else(|| traced(self.metadata.get()))
    }

    /// The event as one line of JSON, written once however many send it. Line breaks in JSON stand
    /// only between its tokens.
    pub fn line(&self) -> &str {
        self.line.get_or_init(|| {
            // Text, numbers and JSON that was parsed: this cannot fail.
            serde_json::to_string(self).unwrap_or_default().replace(['\n', '\r'], " ").into()
        })
    }

    /// Reads the payload, lifting an old schema to today's.
    pub fn decode(&self) -> Result<Recorded, Unreadable> {
        let stored = Stored {
            position: self.position,
            stream: &self.stream,
            version: self.version,
            kind: &self.kind,
            schema: self.schema,
            slot: self.slot,
            occurred_at: self.occurred_at,
            recorded_at: self.recorded_at,
            data: self.data.get(),
        };
        stored.decode()
    }
}

/// What a metadata says of a trace. Few say anything, and only those are parsed.
fn traced(metadata: &str) -> Option<TraceParent> {
    #[derive(Deserialize)]
    struct Traced {
        traceparent: Option<TraceParent>,
    }
    if !metadata.contains("\"traceparent\"") {
        return None;
    }
    serde_json::from_str::<Traced>(metadata).ok()?.traceparent
}

/// What of a stored event it takes to read it.
pub(crate) struct Stored<'a> {
    pub position: i64,
    pub stream: &'a str,
    pub version: i64,
    pub kind: &'a str,
    pub schema: i16,
    pub slot: i16,
    pub occurred_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
    pub data: &'a str,
}

impl Stored<'_> {
    pub fn decode(&self) -> Result<Recorded, Unreadable> {
        let position = self.position;
        let stream: StreamId =
            self.stream.parse().map_err(|source| Unreadable::Stream { position, source })?;
        let schema = u16::try_from(self.schema).unwrap_or(u16::MAX);
        let event = Event::decode(self.kind, schema, self.data)
            .map_err(|source| Unreadable::Event { position, source })?;
        if event.category() != stream.category() {
            return Err(Unreadable::Misplaced { position });
        }
        Ok(Recorded {
            position,
            stream,
            version: self.version,
            slot: self.slot,
            occurred_at: self.occurred_at,
            recorded_at: self.recorded_at,
            event,
        })
    }
}
