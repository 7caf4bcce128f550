//! Snapshots: folds of long streams, kept so that a stream's length costs its next command
//! nothing. Taken in the background, after the events they fold were committed; none is ever
//! needed, and all may be deleted.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{State, StreamId};
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::cache::{Cache, Cached};

/// A stream gets a snapshot once this many events were appended since its last one. Folding them
/// takes well under a millisecond.
const EVENTS_MIN: i64 = 256;
/// And not before as many events as this part of the things it holds: what writing snapshots
/// costs stays a small part of what appending the events cost, however large the state.
const ITEMS_PER_EVENT: usize = 2;
/// Snapshots being written at once; what is due meanwhile is due again with the next batch.
const WRITES_MAX: usize = 1;

/// Takes snapshots.
pub(super) struct Snapshots {
    db: PgPool,
    writing: Arc<Semaphore>,
}

impl Snapshots {
    pub fn new(db: PgPool) -> Self {
        Self { db, writing: Arc::new(Semaphore::new(WRITES_MAX)) }
    }

    /// Takes a snapshot of a stream of the log, whose events are committed, if one is due.
    pub fn consider(&self, log_id: Uuid, stream: &StreamId, cache: &mut Cache) {
        let Some(cached) = cache.peek(stream).filter(|cached| is_due(cached)) else { return };
        let Ok(permit) = self.writing.clone().try_acquire_owned() else { return };
        let (version, state, db) = (cached.version, cached.state.clone(), self.db.clone());
        let (name, schema) = (stream.to_string(), stream.schema());
        cache.change(stream, |cached| cached.snapshot = version);
        tokio::spawn(async move {
            if let Err(error) = store(&db, log_id, &name, schema, version, state).await {
                let error = crate::causes(&error);
                tracing::warn!(error, version, "a snapshot was not stored");
            }
            drop(permit);
        });
    }
}

fn is_due(cached: &Cached) -> bool {
    let since = cached.version - cached.snapshot;
    since >= EVENTS_MIN && since >= (cached.state.items() / ITEMS_PER_EVENT) as i64
}

/// Stores a snapshot unless there is a newer one; nor where this is another log by now, or has yet
/// to become one: the events that it folds may never have happened there.
async fn store(
    db: &PgPool,
    log_id: Uuid,
    stream: &str,
    schema: i32,
    version: i64,
    state: State,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO snapshots AS old (stream, version, schema, state, taken_at)
         SELECT $1, $2, $3, $4::json, now() WHERE log_in_force() = $5
         ON CONFLICT (stream) DO UPDATE
         SET version = excluded.version, schema = excluded.schema, state = excluded.state,
             taken_at = excluded.taken_at
         WHERE old.schema <> excluded.schema OR old.version < excluded.version",
        stream,
        version,
        schema,
        Json(state) as _,
        log_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The snapshots there are of some streams. One that cannot be read is passed over.
pub(super) async fn find(
    connection: &mut PgConnection,
    streams: &HashMap<String, StreamId>,
) -> sqlx::Result<Vec<(StreamId, Cached)>> {
    let (names, schemas): (Vec<String>, Vec<i32>) =
        streams.iter().map(|(name, stream)| (name.clone(), stream.schema())).unzip();
    let rows = sqlx::query!(
        r#"SELECT s.stream, s.version, s.state::text AS "state!"
           FROM unnest($1::text[], $2::integer[]) AS wanted (stream, schema)
           JOIN snapshots s USING (stream, schema)"#,
        &names,
        &schemas,
    )
    .fetch_all(connection)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        let state = serde_json::from_str(&row.state).ok()?;
        let stream = streams.get(&row.stream)?;
        Some((stream.clone(), Cached { version: row.version, state, snapshot: row.version }))
    });
    Ok(found.collect())
}
