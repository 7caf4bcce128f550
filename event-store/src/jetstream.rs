//! The JetStream stream that carries the log: its name, its subjects, its numbers.
//!
//! Its sequence is the position. It is a cache of the log that can be wiped at any time; nothing
//! is read from it that Postgres does not hold.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::read;
use crate::recorded::RawEvent;

/// The oldest NATS that is tried: major, minor, patch. One before 2.10 keeps neither what a stream
/// is said to carry nor the sequence it shall begin with, so that no stream would ever be in order.
const SERVER_MIN: (i64, i64, i64) = (2, 12, 0);
/// Which log a stream carries stands in its metadata under this name.
const LOG_ID: &str = "log_id";
/// Marks a message whose event is too large for NATS and must be read from Postgres.
pub const OVERSIZED: &str = "Commerce-Oversized";
/// Where a message belongs in a trace (W3C Trace Context).
pub const TRACEPARENT: &str = "traceparent";

/// What the stream may take of NATS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes kept; the oldest go first, and who needs them reads Postgres.
    pub bytes_max: i64,
    /// Servers of a cluster that keep it, 1 to 5.
    pub replicas: usize,
}

impl Default for Limits {
    /// About two million events, on one server.
    fn default() -> Self {
        Self { bytes_max: 1 << 30, replicas: 1 }
    }
}

/// Talking to NATS failed.
#[derive(Debug, thiserror::Error)]
pub enum JetStreamError {
    /// It did not do what was asked.
    #[error("NATS: {doing}")]
    Failed {
        /// What was tried.
        doing: &'static str,
        /// What came of it.
        #[source]
        source: async_nats::Error,
    },
    /// It cannot do what is needed.
    #[error("NATS is of version {version}, which is too old: 2.12 or newer is needed")]
    TooOld {
        /// As it says itself.
        version: String,
    },
}

pub(crate) fn failed<E: Into<async_nats::Error>>(
    doing: &'static str,
) -> impl FnOnce(E) -> JetStreamError {
    move |source| JetStreamError::Failed { doing, source: source.into() }
}

/// `commerce.events.<slot>.<category>.<what happened>`, for the stream named `commerce`.
pub fn subject(stream_name: &str, event: &RawEvent) -> String {
    format!("{stream_name}.events.{}.{}", event.slot, event.kind)
}

/// Whether the server that one is connected to, if any, is new enough.
fn check_version(bus: &Context) -> Result<(), JetStreamError> {
    let client = bus.client();
    let (version, (major, minor, patch)) = (client.server_info().version, SERVER_MIN);
    if version.is_empty() || client.is_server_compatible(major, minor, patch) {
        Ok(())
    } else {
        Err(JetStreamError::TooOld { version })
    }
}

/// The stream with its state at this moment, or `None` if there is none.
pub(crate) async fn find(
    bus: &Context,
    stream_name: &str,
) -> Result<Option<Stream>, JetStreamError> {
    check_version(bus)?;
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

/// The id of the log that the stream carries, as it was written there.
pub(crate) fn carried(info: &Info) -> Option<&str> {
    info.config.metadata.get(LOG_ID).map(String::as_str)
}

/// Whether the stream carries this log.
pub(crate) fn carries(info: &Info, log_id: Uuid) -> bool {
    carried(info).is_some_and(|id| id == log_id.to_string())
}

/// The last sequence of a stream, as a position.
pub(crate) fn last_sequence(info: &Info) -> i64 {
    i64::try_from(info.state.last_sequence).unwrap_or(i64::MAX)
}

/// What a message says of its event in every format there has been and will be. The rest of it may
/// be of a newer program, which is no reason to throw the stream away.
#[derive(Deserialize, PartialEq, Eq)]
struct Place {
    position: i64,
    stream: String,
    version: i64,
    recorded_at: DateTime<Utc>,
}

/// Whether the last message of the stream is the event at its position. It is not, if the log was
/// restored to an earlier point and has grown past it since: the stream then holds events that
/// never happened. A standby goes by the last message whose event it has: it may be behind both.
pub(crate) async fn agrees(stream: &Stream, db: &PgPool) -> Result<bool, JetStreamError> {
    let info = stream.cached_info();
    if info.state.messages == 0 {
        return Ok(true);
    }
    let log = read::log(db).await.map_err(failed("read the log"))?;
    let last = last_sequence(info);
    let last = if log.standby { last.min(log.head) } else { last };
    let sequence = u64::try_from(last).unwrap_or_default();
    let message =
        stream.get_raw_message(sequence).await.map_err(failed("read the last message"))?;
    if message.headers.get(OVERSIZED).is_some() {
        return Ok(true);
    }
    let stored = read::after(db, last - 1, 1).await.map_err(failed("read the log"))?;
    let stored = stored.into_iter().next().map(|event| Place {
        position: event.position,
        stream: event.stream,
        version: event.version,
        recorded_at: event.recorded_at,
    });
    Ok(stored.is_some() && serde_json::from_slice::<Place>(&message.payload).ok() == stored)
}

/// Makes the stream so that its next sequence is the position after `head`.
pub(crate) async fn create(
    bus: &Context,
    stream_name: &str,
    limits: Limits,
    log_id: Uuid,
    head: i64,
) -> Result<(), JetStreamError> {
    let config = Config {
        name: stream_name.to_owned(),
        subjects: vec![format!("{stream_name}.events.>")],
        description: Some("The event log; the sequence is the position.".to_owned()),
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        max_bytes: limits.bytes_max,
        num_replicas: limits.replicas,
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

/// Brings a stream that is there to the limits it shall have.
pub(crate) async fn fit(
    bus: &Context,
    stream: &Stream,
    limits: Limits,
) -> Result<(), JetStreamError> {
    let config = &stream.cached_info().config;
    if (config.max_bytes, config.num_replicas) != (limits.bytes_max, limits.replicas) {
        let (max_bytes, num_replicas) = (limits.bytes_max, limits.replicas);
        let config = Config { max_bytes, num_replicas, ..config.clone() };
        bus.update_stream(config).await.map_err(failed("change the stream's limits"))?;
        tracing::info!(max_bytes, num_replicas, "the stream has other limits from here on");
    }
    Ok(())
}

/// Makes room for the stream of the log `log_id`: one of that name that carries another log is
/// deleted. Returns what that was said to carry. The relay makes the stream.
pub async fn take_over(
    bus: &Context,
    stream_name: &str,
    log_id: Uuid,
) -> Result<Option<String>, JetStreamError> {
    let Some(stream) = find(bus, stream_name).await? else { return Ok(None) };
    let info = stream.cached_info();
    if carries(info, log_id) {
        return Ok(None);
    }
    bus.delete_stream(stream_name).await.map_err(failed("delete the stream"))?;
    Ok(Some(carried(info).unwrap_or("no log").to_owned()))
}
