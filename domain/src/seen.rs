//! An event with its place in the log, as the folds of documents see it.

use chrono::{DateTime, Utc};

use crate::{Event, StreamId};

/// An event with its place in the log.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The stream it belongs to.
    pub stream: &'a StreamId,
    /// Its place in the stream, from 1.
    pub version: i64,
    /// Its place in the log, from 1.
    pub position: i64,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub event: &'a Event,
}

/// Marks a document as of an event of its own stream.
macro_rules! stamp {
    ($document:expr, $seen:expr) => {
        $document.version = $seen.version;
        $document.position = $document.position.max($seen.position);
        $document.updated_at = $document.updated_at.max($seen.occurred_at);
    };
}
pub(crate) use stamp;
