//! The JetStream stream that carries the log: its name, its subjects, its numbers.
//!
//! Its sequence is the position. It is a cache of the log that can be wiped at any time; nothing
//! is read from it that Postgres does not hold.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::read;
use crate::recorded::RawEvent;

/// What JetStream may keep, in bytes; the oldest goes first, and who needs it reads Postgres.
pub const STREAM_BYTES_MAX: i64 = 1 << 30;
/// Which log a stream carries stands in its metadata under this name.
const LOG_ID: &str = "log_id";
/// Marks a message whose event is too large for NATS and must be read from Postgres.
pub const OVERSIZED: &str = "Commerce-Oversized";

/// Talking to NATS failed.
#[derive(Debug, thiserror::Error)]
#[error("NATS: {doing}")]
pub struct BusError {
    /// What was tried.
    pub doing: &'static str,
    /// What came of it.
    #[source]
    pub source: async_nats::Error,
}

pub(crate) fn failed<E: Into<async_nats::Error>>(
    doing: &'static str,
) -> impl FnOnce(E) -> BusError {
    move |source| BusError { doing, source: source.into() }
}

/// `commerce.events.<slot>.<category>.<what happened>`, for the stream named `commerce`.
pub fn subject(stream_name: &str, event: &RawEvent) -> String {
    format!("{stream_name}.events.{}.{}", event.slot, event.kind)
}

/// The log's identity and its head, in one snapshot.
pub(crate) async fn log(db: impl PgExecutor<'_>) -> sqlx::Result<(Uuid, i64)> {
    let row = sqlx::query!("SELECT log_id, position FROM log_head").fetch_one(db).await?;
    Ok((row.log_id, row.position))
}

/// The stream with its state at this moment, or `None` if there is none.
pub(crate) async fn find(bus: &Context, stream_name: &str) -> Result<Option<Stream>, BusError> {
    match bus.get_stream(stream_name).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(inner)
                if inner.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                Ok(None)
            }
            _ => Err(failed("look the stream up")(error)),
        },
    }
}

/// Whether the stream carries this log.
pub(crate) fn carries(info: &Info, log_id: Uuid) -> bool {
    info.config.metadata.get(LOG_ID).is_some_and(|id| *id == log_id.to_string())
}

/// The last sequence of a stream, as a position.
pub(crate) fn last_sequence(info: &Info) -> i64 {
    i64::try_from(info.state.last_sequence).unwrap_or(i64::MAX)
}

/// Whether the last message of the stream is the event at its position. It is not, if the log was
/// restored to an earlier point and has grown past it since: the stream then holds events that
/// never happened.
pub(crate) async fn agrees(stream: &Stream, db: &PgPool) -> Result<bool, BusError> {
    let info = stream.cached_info();
    if info.state.messages == 0 {
        return Ok(true);
    }
    let message = stream
        .get_raw_message(info.state.last_sequence)
        .await
        .map_err(failed("read the last message"))?;
    if message.headers.get(OVERSIZED).is_some() {
        return Ok(true);
    }
    let position = last_sequence(info);
    let stored = read::after(db, position - 1, 1).await.map_err(failed("read the log"))?;
    let sent = serde_json::from_slice::<RawEvent>(&message.payload);
    Ok(match (sent, stored.first()) {
        (Ok(sent), Some(stored)) => {
            let identity = |event: &RawEvent| {
                (event.position, event.stream.clone(), event.version, event.recorded_at)
            };
            identity(&sent) == identity(stored)
        }
        _ => false,
    })
}

/// Makes the stream so that its next sequence is the position after `head`.
pub(crate) async fn create(
    bus: &Context,
    stream_name: &str,
    log_id: Uuid,
    head: i64,
) -> Result<(), BusError> {
    let config = Config {
        name: stream_name.to_owned(),
        subjects: vec![format!("{stream_name}.events.>")],
        description: Some("The event log; the sequence is the position.".to_owned()),
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_bytes: STREAM_BYTES_MAX,
        // Duplicates are refused by the expected sequence; remembering ids would only cost memory.
        duplicate_window: Duration::from_millis(100),
        allow_direct: true,
        first_sequence: u64::try_from(head + 1).ok(),
        metadata: HashMap::from([(LOG_ID.to_owned(), log_id.to_string())]),
        ..Config::default()
    };
    bus.create_stream(config).await.map_err(failed("create the stream"))?;
    Ok(())
}
