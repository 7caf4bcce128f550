//! Parked streams: those whose next event could not be folded. Their events wait, in order, until
//! somebody has seen to the cause and retries; everything else goes on.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::event::DecodeError;
use event_store::{RawEvent, Recorded, Unreadable, read};
use sqlx::{PgConnection, PgPool};

use crate::projection::Projection;

/// Parked streams a build may have. Beyond that it is not the streams that are at fault, and the
/// projection stops instead.
pub const PARKED_STREAMS_MAX: usize = 10_000;
/// The longest reason kept, in bytes.
const REASON_BYTES_MAX: usize = 1_000;

/// Where an event stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its stream, by name: it may be of no known kind.
    pub stream: String,
    /// Its place in the log.
    pub position: i64,
    /// Its place in the stream.
    pub version: i64,
}

/// A stream about to be parked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// The first event that waits.
    pub place: Place,
    /// The parked stream this one waits for; none if it is itself at fault.
    pub behind: Option<String>,
    /// Why.
    pub reason: String,
}

impl Parked {
    /// Parks the stream of an event that could not be read or folded.
    pub fn at_fault(place: Place, error: &(dyn std::error::Error + 'static)) -> Self {
        Self { place, behind: None, reason: chain(error) }
    }

    /// Parks the stream of an event that makes no sense without another, parked stream.
    pub fn waiting(place: Place, behind: String) -> Self {
        let reason = format!("waits for {behind}");
        Self { place, behind: Some(behind), reason }
    }
}

impl From<&RawEvent> for Place {
    fn from(event: &RawEvent) -> Self {
        let RawEvent { position, version, .. } = *event;
        Self { stream: event.stream.clone(), position, version }
    }
}

/// Which streams of a build are parked.
#[derive(Clone, Debug, Default)]
pub struct ParkedStreams(BTreeSet<String>);

impl ParkedStreams {
    /// Reads them.
    pub async fn load(db: &PgPool, projection: &Projection, build: i16) -> sqlx::Result<Self> {
        let streams = sqlx::query_scalar!(
            "SELECT stream FROM parked_streams WHERE projection = $1 AND build = $2",
            projection.name,
            build,
        )
        .fetch_all(db)
        .await?;
        Ok(Self(streams.into_iter().collect()))
    }

    /// Whether a stream waits.
    pub fn contains(&self, stream: &str) -> bool {
        self.0.contains(stream)
    }

    /// The parked stream that an event must wait for.
    pub fn blocker(&self, projection: &Projection, event: &Recorded) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let other = (projection.waits_for)(event)?.to_string();
        self.contains(&other).then_some(other)
    }

    /// Adds one.
    pub fn insert(&mut self, stream: String) {
        self.0.insert(stream);
    }

    /// Adds some.
    pub fn extend(&mut self, streams: impl IntoIterator<Item = String>) {
        self.0.extend(streams);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether an event cannot be read because a newer program wrote it: a type that the kind of its
/// stream does not have here, or has with an older schema. Nothing is wrong with its stream.
pub fn is_newer(stream: &str, error: &Unreadable) -> bool {
    let Unreadable::Event { source, .. } = error else { return false };
    match source {
        DecodeError::UnknownType(name) | DecodeError::NewerSchema { name, .. } => {
            category(name, '.') == category(stream, '-')
        }
        DecodeError::Payload { .. } => false,
    }
}

fn category(name: &str, separator: char) -> &str {
    name.split_once(separator).map_or(name, |(category, _)| category)
}

/// Streams of a build that an older program parked before events of a newer one, as far as this one
/// can read them.
pub async fn outgrown(
    db: &PgPool,
    projection: &Projection,
    build: i16,
) -> sqlx::Result<Vec<String>> {
    let parked = sqlx::query!(
        "SELECT stream, position FROM parked_streams
         WHERE projection = $1 AND build = $2 AND behind IS NULL
           AND (reason LIKE '%unknown event type%' OR reason LIKE '%; this program knows %')
         ORDER BY position",
        projection.name,
        build,
    )
    .fetch_all(db)
    .await?;
    let mut streams = vec![];
    for row in parked {
        let event = read::after(db, row.position - 1, 1).await?.pop();
        if event.is_some_and(|event| event.stream == row.stream && event.decode().is_ok()) {
            streams.push(row.stream);
        }
    }
    Ok(streams)
}

/// A parked stream, as it is listed.
#[derive(Debug)]
pub struct Listed {
    /// The stream.
    pub stream: String,
    /// The first event that waits.
    pub position: i64,
    /// Its place in the stream.
    pub version: i64,
    /// Why.
    pub reason: String,
    /// The parked stream this one waits for; none if it is itself at fault.
    pub behind: Option<String>,
    /// Since when.
    pub parked_at: DateTime<Utc>,
}

/// The parked streams of the build that readers see, at most [`PARKED_STREAMS_MAX`].
pub async fn list(db: &PgPool, projection: &Projection) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as!(
        Listed,
        "SELECT k.stream, k.position, k.version, k.reason, k.behind, k.parked_at
         FROM parked_streams k
         JOIN projections p ON p.name = k.projection AND p.active_build = k.build
         WHERE k.projection = $1 ORDER BY k.position LIMIT $2",
        projection.name,
        i64::try_from(PARKED_STREAMS_MAX).unwrap_or(i64::MAX),
    )
    .fetch_all(db)
    .await
}

/// Writes parked streams down, or where those already parked have got stuck now.
pub async fn store(
    db: &mut PgConnection,
    projection: &Projection,
    build: i16,
    parked: &[Parked],
) -> sqlx::Result<()> {
    for Parked { place: Place { stream, position, version }, behind, reason } in parked {
        sqlx::query!(
            "INSERT INTO parked_streams
                 (projection, build, stream, position, version, behind, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (projection, build, stream) DO UPDATE SET
                 position = excluded.position, version = excluded.version,
                 behind = excluded.behind, reason = excluded.reason, parked_at = now()",
            projection.name,
            build,
            stream,
            position,
            version,
            behind.as_deref(),
            reason,
        )
        .execute(&mut *db)
        .await?;
        match behind {
            Some(behind) => tracing::warn!(projection = projection.name, stream, behind, "parked"),
            None => {
                tracing::error!(projection = projection.name, stream, position, reason, "parked");
            }
        }
    }
    Ok(())
}

/// Keeps a message that was no event, for somebody to look at. The first sight of it is logged.
pub async fn store_message(db: &PgPool, sequence: i64, reason: &str) -> sqlx::Result<()> {
    let reason = storable(reason);
    let first = sqlx::query!(
        "INSERT INTO parked_messages (sequence, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        sequence,
        reason,
    )
    .execute(db)
    .await?;
    if first.rows_affected() == 1 {
        tracing::error!(sequence, reason, "a message on the bus is no event; read from the log");
    }
    Ok(())
}

/// An error with its causes, in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    storable(&event_store::causes(error))
}

/// A reason may quote what was sent, of any length and with the one character that Postgres does
/// not store.
pub(crate) fn storable(reason: &str) -> String {
    reason[..reason.floor_char_boundary(REASON_BYTES_MAX)].replace('\0', "\u{FFFD}")
}
