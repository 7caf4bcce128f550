//! The SQL of the writer: load states, look keys up, append. One connection of its own, whose
//! settings make every lookup go by index even on young tables without statistics.

use std::collections::{HashMap, HashSet};

use domain::{Event, StreamId};
use futures::TryStreamExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::types::Json;
use sqlx::{ConnectOptions, PgConnection};
use uuid::Uuid;

use super::Outcome;
use super::batch::Rows;
use super::cache::{Cache, Cached};
use crate::recorded::Unreadable;

/// The database cuts off a process that stalls while it holds the head, after this long.
const HEAD_HELD_MS_MAX: u32 = 5_000;
/// And any statement of the writer, waiting for the head included, after this long.
const STATEMENT_MS_MAX: u32 = 20_000;

/// Why a state could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// Postgres said no, or is away.
    #[error("the log could not be read")]
    Database(#[from] sqlx::Error),
    /// An event could not be read.
    #[error("a stream could not be folded")]
    Unreadable(#[from] Unreadable),
}

/// How the writer's connection is made.
pub(super) fn options(options: &PgConnectOptions) -> PgConnectOptions {
    options
        .clone()
        .options([
            ("jit", "off"),
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("idle_in_transaction_session_timeout", &HEAD_HELD_MS_MAX.to_string()),
            ("statement_timeout", &STATEMENT_MS_MAX.to_string()),
        ])
        .log_slow_statements(tracing::log::LevelFilter::Off, std::time::Duration::MAX)
}

/// Loads the streams that are not cached, and folds into those that are what was appended since.
/// Streams are read row by row: a long one costs time, not memory.
pub(super) async fn load(
    connection: &mut PgConnection,
    cache: &mut Cache,
    streams: &HashSet<StreamId>,
) -> Result<(), LoadError> {
    let mut states: HashMap<StreamId, Cached> = HashMap::with_capacity(streams.len());
    let (mut names, mut versions) = (Vec::new(), Vec::new());
    for stream in streams {
        let cached = cache.take(stream).unwrap_or_else(|| Cached::empty(stream));
        names.push(stream.to_string());
        versions.push(cached.version);
        states.insert(stream.clone(), cached);
    }
    let mut rows = sqlx::query!(
        r#"SELECT e.position, e.stream, e.type AS kind, e.schema, e.data::text AS "data!"
           FROM unnest($1::text[], $2::bigint[]) AS known (stream, version)
           CROSS JOIN LATERAL (
               SELECT * FROM events
               WHERE events.stream = known.stream AND events.version > known.version
               ORDER BY events.version
           ) AS e"#,
        &names,
        &versions,
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let position = row.position;
        let stream: StreamId =
            row.stream.parse().map_err(|source| Unreadable::Stream { position, source })?;
        let schema = u16::try_from(row.schema).unwrap_or(u16::MAX);
        let event = Event::decode(&row.kind, schema, &row.data)
            .map_err(|source| Unreadable::Event { position, source })?;
        if event.category() != stream.category() {
            return Err(Unreadable::Misplaced { position }.into());
        }
        if let Some(cached) = states.get_mut(&stream) {
            cached.apply(&event);
        }
    }
    drop(rows);
    cache.put_all(states);
    Ok(())
}

/// Appends a batch. Returns the head before it, or `None`, with nothing done, if a version or key
/// was not as believed.
pub(super) async fn append(
    connection: &mut PgConnection,
    rows: &Rows,
) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!(
        "SELECT append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        &rows.read_streams,
        &rows.read_versions,
        &rows.keys,
        &rows.fingerprints,
        &rows.outcomes,
        &rows.offsets,
        &rows.streams,
        &rows.versions,
        &rows.types,
        &rows.schemas,
        &rows.slots,
        &rows.occurred,
        &rows.metadatas,
        &rows.datas,
    )
    .fetch_one(connection)
    .await
}

/// Locks the head until the transaction ends: nothing can be appended by anybody else.
pub(super) async fn lock_head(connection: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!("SELECT position FROM log_head FOR UPDATE").fetch_one(connection).await
}

/// What was kept under a key.
pub(super) struct Kept {
    pub fingerprint: Uuid,
    pub outcome: Outcome,
    pub position: i64,
}

/// What is kept under those of `keys` that were seen before.
pub(super) async fn kept(
    connection: &mut PgConnection,
    keys: &[String],
) -> sqlx::Result<HashMap<String, Kept>> {
    let rows = sqlx::query!(
        r#"SELECT key, fingerprint, outcome AS "outcome: Json<Outcome>", position
           FROM commands WHERE key = ANY($1)"#,
        keys,
    )
    .fetch_all(connection)
    .await?;
    let kept = rows.into_iter().map(|row| {
        let (fingerprint, position) = (row.fingerprint, row.position);
        (row.key, Kept { fingerprint, outcome: row.outcome.0, position })
    });
    Ok(kept.collect())
}
