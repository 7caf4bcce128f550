//! What one append writes, column by column, as its SQL takes it.

use std::mem::take;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Outcome, Request};
use crate::recorded::RawEvent;

/// The rows of one append, column by column, as the SQL takes them.
#[derive(Default)]
pub(super) struct Rows {
    pub read_streams: Vec<String>,
    pub read_versions: Vec<i64>,
    pub guesses: Vec<String>,
    /// Of commands that are refused for now: nothing is kept under them, and nothing may have been.
    pub unkept: Vec<String>,
    pub keys: Vec<String>,
    pub fingerprints: Vec<Uuid>,
    pub outcomes: Vec<String>,
    pub offsets: Vec<i64>,
    pub streams: Vec<String>,
    pub versions: Vec<i64>,
    pub types: Vec<String>,
    pub schemas: Vec<i16>,
    pub slots: Vec<i16>,
    pub occurred: Vec<DateTime<Utc>>,
    pub metadatas: Vec<String>,
    pub datas: Vec<String>,
}

impl Rows {
    /// How many events the batch has so far.
    pub fn end(&self) -> i64 {
        self.streams.len() as i64
    }

    /// Keeps what the command came to. A refusal that nobody can ask for again is not kept, nor one
    /// that may pass: unless the key was seen before, the next try is decided anew.
    pub fn add_command(
        &mut self,
        key: &str,
        request: &Request,
        outcome: &Outcome,
    ) -> serde_json::Result<()> {
        if let Outcome::Refused(refusal) = outcome {
            if request.key.is_none() {
                return Ok(());
            }
            if refusal.passes() {
                self.unkept.push(key.to_owned());
                return Ok(());
            }
        }
        self.keys.push(key.to_owned());
        self.fingerprints.push(request.fingerprint);
        self.outcomes.push(serde_json::to_string(outcome)?);
        self.offsets.push(self.end());
        Ok(())
    }

    /// The events as they stand in the log after a head.
    pub fn into_events(
        mut self,
        head: i64,
        recorded_at: DateTime<Utc>,
    ) -> serde_json::Result<Vec<RawEvent>> {
        let event = |(position, n)| {
            Ok(RawEvent {
                position,
                stream: take(&mut self.streams[n]),
                version: self.versions[n],
                kind: take(&mut self.types[n]),
                schema: self.schemas[n],
                slot: self.slots[n],
                occurred_at: self.occurred[n],
                recorded_at,
                metadata: RawValue::from_string(take(&mut self.metadatas[n]))?,
                data: RawValue::from_string(take(&mut self.datas[n]))?,
                line: OnceLock::new(),
                brought: None,
            })
        };
        (head + 1..).zip(0..self.versions.len()).map(event).collect()
    }
}
