//! The SQL of the writer: load states, hear what others appended, look keys up, append. One
//! connection of its own, whose settings make every lookup go by index even on young tables without
//! statistics.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{Event, StreamId};
use futures::TryStreamExt;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, Postgres, Transaction};
use uuid::Uuid;

use super::cache::{Cache, Cached};
use super::rows::Rows;
use super::snapshot;
use crate::recorded::Unreadable;

/// The database cuts off a process that stalls while it holds the head, after this long: one that
/// says nothing in the midst of a transaction, and one that does not take what it is sent, be it
/// frozen, without power or behind a network that swallows all. `take_turn` does the same for
/// turns.
const SILENT_MS_MAX: u32 = 2_000;
/// And any statement of the writer, waiting for the head included, after this long.
const STATEMENT_MS_MAX: u32 = 20_000;
/// Events read of a stream before asking whether it has a snapshot: most streams are shorter.
const SHORT_EVENTS: i64 = 128;
/// Payload of others' events that is told with a turn, bytes: some batches of them.
const OTHERS_BYTES_MAX: i64 = 2 << 20;

/// The writer's connection. It is set once it is there, for no pooler in between passes on what
/// stands in a startup message.
pub(super) async fn connect(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let options =
        options.clone().log_slow_statements(tracing::log::LevelFilter::Off, Duration::MAX);
    let settings = [
        ("jit", "off"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("idle_in_transaction_session_timeout", &SILENT_MS_MAX.to_string()),
        ("tcp_user_timeout", &SILENT_MS_MAX.to_string()),
        ("tcp_keepalives_idle", "2"),
        ("tcp_keepalives_interval", "1"),
        ("tcp_keepalives_count", "2"),
        ("statement_timeout", &STATEMENT_MS_MAX.to_string()),
    ];
    let (names, values): (Vec<String>, Vec<String>) =
        settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().unzip();
    let mut connection = options.connect().await?;
    let set = sqlx::query!(
        "SELECT set_config(name, value, false)
         FROM unnest($1::text[], $2::text[]) AS told (name, value)",
        &names,
        &values,
    );
    set.fetch_all(&mut connection).await?;
    be_durable(&mut connection).await?;
    Ok(connection)
}

/// Has commits wait for the disk on this connection where the server is set not to, for what is
/// answered must be kept. Stronger settings stay.
async fn be_durable(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query_scalar!(
        "SELECT set_config('synchronous_commit', 'on', false)
         WHERE current_setting('synchronous_commit') = 'off'"
    )
    .fetch_optional(connection)
    .await
    .map(drop)
}

/// Loads streams that are not cached. One that cannot be read is noted as such.
pub(super) async fn load(
    connection: &mut PgConnection,
    cache: &mut Cache,
    streams: &HashSet<StreamId>,
) -> sqlx::Result<()> {
    let mut loaded: HashMap<StreamId, Cached> =
        streams.iter().map(|stream| (stream.clone(), Cached::empty(stream))).collect();
    fold(connection, cache, &mut loaded, Some(SHORT_EVENTS)).await?;
    let long = |cached: &Cached| cached.version == SHORT_EVENTS;
    let names: HashMap<String, StreamId> = loaded
        .iter()
        .filter(|(_, cached)| long(cached))
        .map(|(stream, _)| (stream.to_string(), stream.clone()))
        .collect();
    if !names.is_empty() {
        let mut rest: HashMap<StreamId, Cached> =
            names.values().filter_map(|stream| loaded.remove_entry(stream)).collect();
        rest.extend(snapshot::find(connection, &names).await?);
        fold(connection, cache, &mut rest, None).await?;
        loaded.extend(rest);
    }
    for (stream, cached) in loaded {
        cache.put(stream, cached);
    }
    Ok(())
}

/// Folds into `states` what their streams hold beyond them, at most `limit` events each. Row by
/// row: a long stream costs time, not memory. A stream that cannot be read is no longer among them,
/// and noted in the cache.
async fn fold(
    connection: &mut PgConnection,
    cache: &mut Cache,
    states: &mut HashMap<StreamId, Cached>,
    limit: Option<i64>,
) -> sqlx::Result<()> {
    let (names, versions): (Vec<String>, Vec<i64>) =
        states.iter().map(|(stream, cached)| (stream.to_string(), cached.version)).unzip();
    let mut rows = sqlx::query!(
        r#"SELECT e.position, e.stream, e.type AS kind, e.schema, e.data::text AS "data!"
           FROM unnest($1::text[], $2::bigint[]) AS known (stream, version)
           CROSS JOIN LATERAL (
               SELECT * FROM events
               WHERE events.stream = known.stream AND events.version > known.version
               ORDER BY events.version LIMIT $3
           ) AS e"#,
        &names,
        &versions,
        limit,
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let Ok(stream) = row.stream.parse::<StreamId>() else { continue };
        let Some(cached) = states.get_mut(&stream) else { continue };
        match decode(row.position, &stream, &row.kind, row.schema, &row.data) {
            Ok(event) => cached.apply(&event),
            Err(error) => {
                states.remove(&stream);
                cache.note_unreadable(stream, row.position, &error);
            }
        }
    }
    Ok(())
}

/// Folds into what is cached the events after one position up to another. Returns the streams that
/// have changed.
pub(super) async fn hear(
    connection: &mut PgConnection,
    cache: &mut Cache,
    after: i64,
    until: i64,
) -> sqlx::Result<HashSet<StreamId>> {
    let mut changed = HashSet::new();
    let mut rows = sqlx::query_as!(
        OthersEvent,
        r#"SELECT position, stream, version, type AS kind, schema, data::text AS "data!"
           FROM events WHERE position > $1 AND position <= $2 ORDER BY position"#,
        after,
        until,
    )
    .fetch(connection);
    while let Some(event) = rows.try_next().await? {
        changed.extend(event.fold_into(cache));
    }
    Ok(changed)
}

/// An event that somebody else appended.
struct OthersEvent {
    position: i64,
    stream: String,
    version: i64,
    kind: String,
    schema: i16,
    data: String,
}

impl OthersEvent {
    /// Folds it into what is cached; gives the stream if that has changed. What is not cached is
    /// loaded when it is needed; what was loaded since is there already. What this program cannot
    /// read, because a newer one wrote it, costs nobody but who needs that stream.
    fn fold_into(&self, cache: &mut Cache) -> Option<StreamId> {
        let stream: StreamId = self.stream.parse().ok()?;
        if cache.peek(&stream).is_none_or(|cached| cached.version >= self.version) {
            return None;
        }
        match decode(self.position, &stream, &self.kind, self.schema, &self.data) {
            Ok(event) => drop(cache.change(&stream, |cached| cached.apply(&event))),
            Err(error) => cache.note_unreadable(stream.clone(), self.position, &error),
        }
        Some(stream)
    }
}

/// Waits for this writer's turn and folds what is new after `known` into what is cached. Returns
/// the head, and the streams that have changed. More than `others_events_max` events of others, or
/// more than [`OTHERS_BYTES_MAX`] of them, are not worth hearing: then the cache is emptied.
pub(super) async fn take_turn(
    connection: &mut PgConnection,
    cache: &mut Cache,
    known: i64,
    others_events_max: i64,
) -> sqlx::Result<(i64, HashSet<StreamId>)> {
    let mut rows = sqlx::query!(
        r#"SELECT head AS "head!", position, stream, version, type AS kind, schema, data
           FROM take_turn($1, $2, $3)"#,
        known,
        i32::try_from(others_events_max).unwrap_or(i32::MAX),
        OTHERS_BYTES_MAX,
    )
    .fetch(connection);
    let (mut head, mut told, mut changed) = (known, known, HashSet::new());
    while let Some(row) = rows.try_next().await? {
        head = row.head;
        // The first row has nothing but the head.
        let (Some(position), Some(stream), Some(version), Some(kind), Some(schema), Some(data)) =
            (row.position, row.stream, row.version, row.kind, row.schema, row.data)
        else {
            continue;
        };
        told = position;
        let event = OthersEvent { position, stream, version, kind, schema, data };
        changed.extend(event.fold_into(cache));
    }
    if told != head {
        cache.clear();
        changed.clear();
    }
    Ok((head, changed))
}

/// Lets the next writer take its turn.
pub(super) async fn end_turn(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT end_turn()").execute(connection).await.map(drop)
}

fn decode(
    position: i64,
    stream: &StreamId,
    kind: &str,
    schema: i16,
    data: &str,
) -> Result<Event, Unreadable> {
    let schema = u16::try_from(schema).unwrap_or(u16::MAX);
    let event = Event::decode(kind, schema, data)
        .map_err(|source| Unreadable::Event { position, source })?;
    if event.category() != stream.category() {
        return Err(Unreadable::Misplaced { position });
    }
    Ok(event)
}

/// What an append takes for granted.
#[derive(Clone, Copy)]
pub(super) struct Belief {
    /// Which log it is.
    pub log_id: Uuid,
    /// Where the log ended when the batch was decided.
    pub head: i64,
    /// Whether the head is held, so that it still ends there.
    pub holds: bool,
    /// Whether it may have grown since, in streams that the batch did not read.
    pub elsewhere: bool,
    /// Whether this is the writer's turn, which ends with the append.
    pub in_turn: bool,
}

/// What became of a try to append.
pub(super) enum Appended {
    /// It was appended after this head, and recorded at this time.
    After(i64, DateTime<Utc>),
    /// Something was not as believed; nothing was done.
    Stale,
    /// A key was seen before under which nothing would be kept now; nothing was done. Where
    /// something would be, the key itself is in the way ([`is_taken`]).
    Taken,
}

/// Appends a batch, unless something is not as believed.
pub(super) async fn append(
    connection: &mut PgConnection,
    belief: Belief,
    rows: &Rows,
) -> sqlx::Result<Appended> {
    // One statement: a turn that ends costs no round trip, nor do the keys that leave no row. Who
    // is about to use one of these is not waited for: it was refused before that.
    let row = sqlx::query!(
        "SELECT appended.head, appended.recorded, CASE WHEN $19 THEN end_turn() END AS ended
         FROM (SELECT WHERE NOT EXISTS (SELECT FROM commands WHERE key = ANY($20))) AS unseen,
              LATERAL append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                                   $16, $17, $18) AS appended",
        belief.log_id,
        belief.head,
        belief.holds,
        belief.elsewhere.then_some(rows.read_streams.as_slice()),
        &rows.read_versions,
        &rows.guesses,
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
        belief.in_turn,
        &rows.unkept,
    )
    .fetch_optional(connection)
    .await?;
    Ok(match row {
        None => Appended::Taken,
        Some(row) => row
            .head
            .zip(row.recorded)
            .map_or(Appended::Stale, |(head, recorded)| Appended::After(head, recorded)),
    })
}

/// Whether an append failed because a key or a version is there already: nothing was done.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Begins a transaction that holds the head: nothing can be appended by anybody else until it
/// ends. One round trip.
pub(super) async fn hold_head(
    connection: &mut PgConnection,
) -> sqlx::Result<Transaction<'_, Postgres>> {
    connection.begin_with("BEGIN; SELECT hold_head()").await
}

/// What was kept under a key.
pub(super) struct Kept {
    pub fingerprint: Uuid,
    /// As it was written, perhaps by another program.
    pub outcome: String,
    pub position: i64,
}

/// What is kept under those of `keys` that were seen before.
pub(super) async fn kept(
    connection: &mut PgConnection,
    keys: &[String],
) -> sqlx::Result<HashMap<String, Kept>> {
    let rows = sqlx::query!(
        r#"SELECT key, fingerprint, outcome::text AS "outcome!", position
           FROM commands WHERE key = ANY($1)"#,
        keys,
    )
    .fetch_all(connection)
    .await?;
    let kept = rows.into_iter().map(|row| {
        let (fingerprint, position) = (row.fingerprint, row.position);
        (row.key, Kept { fingerprint, outcome: row.outcome, position })
    });
    Ok(kept.collect())
}
