//! Reading the log: by position, by type, by stream, in pages of bounded size.

use std::pin::pin;

use futures::{Stream, TryStreamExt, stream};
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool};

use crate::recorded::{Entry, RawEvent, Stored};

/// The most events one page may hold.
pub const PAGE_EVENTS_MAX: i64 = 10_000;
/// Bytes of metadata and payload after which a page ends.
pub const PAGE_BYTES_MAX: usize = 8 << 20;
/// The most positions that one page of [`entries`] may cover.
pub const ENTRIES_SCAN_MAX: i64 = 20_000;
/// Bytes of payload after which a page of [`entries`] ends.
pub const ENTRIES_BYTES_MAX: usize = 16 << 20;

/// A row of `events`, as the macros below select it.
macro_rules! raw_event {
    ($row:ident) => {
        RawEvent {
            position: $row.position,
            stream: $row.stream,
            version: $row.version,
            kind: $row.kind,
            schema: $row.schema,
            slot: $row.slot,
            occurred_at: $row.occurred_at,
            recorded_at: $row.recorded_at,
            metadata: $row.metadata.0,
            data: $row.data.0,
        }
    };
}

type Raw = Json<Box<serde_json::value::RawValue>>;

/// The position of the last event; 0 for an empty log.
pub async fn head(db: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!("SELECT position FROM log_head").fetch_one(db).await
}

/// Up to `limit` events (at most [`PAGE_EVENTS_MAX`]) after a position, and no more than fit
/// [`PAGE_BYTES_MAX`], but one at least. Always the complete next part of the log: positions are
/// handed out in commit order.
pub async fn after(db: impl PgExecutor<'_>, after: i64, limit: i64) -> sqlx::Result<Vec<RawEvent>> {
    let rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  metadata AS "metadata: Raw", data AS "data: Raw"
           FROM events WHERE position > $1 ORDER BY position LIMIT $2"#,
        after,
        limit.clamp(0, PAGE_EVENTS_MAX),
    )
    .fetch(db);
    Ok(fill(rows.map_ok(|row| raw_event!(row))).await?.0)
}

/// Takes events until they fill [`PAGE_BYTES_MAX`], one at least. Says whether that cut them short.
async fn fill(
    rows: impl Stream<Item = sqlx::Result<RawEvent>>,
) -> sqlx::Result<(Vec<RawEvent>, bool)> {
    let mut rows = pin!(rows);
    let (mut events, mut bytes) = (Vec::new(), 0);
    while let Some(event) = rows.try_next().await? {
        bytes += event.metadata.get().len() + event.data.get().len();
        events.push(event);
        if bytes >= PAGE_BYTES_MAX {
            return Ok((events, true));
        }
    }
    Ok((events, false))
}

/// Events of some types, out of a bounded stretch of the log.
#[derive(Debug)]
pub struct TypePage {
    /// Those of the wanted types.
    pub events: Vec<RawEvent>,
    /// The last position looked at: the place to go on from. The position asked for when, and only
    /// when, the log has nothing after it.
    pub scanned_to: i64,
}

impl TypePage {
    /// A page that was cut short has looked no further than its last event.
    fn new((events, cut): (Vec<RawEvent>, bool), scanned_to: i64) -> Self {
        let last = events.last().filter(|_| cut).map(|event| event.position);
        Self { events, scanned_to: last.unwrap_or(scanned_to) }
    }
}

/// The events of `types` among the `scan` positions (at most [`PAGE_EVENTS_MAX`]) after `after`, as
/// far as they fit [`PAGE_BYTES_MAX`], but one at least.
pub async fn of_types(
    db: impl PgExecutor<'_> + Copy,
    after: i64,
    types: &[String],
    scan: i64,
) -> sqlx::Result<TypePage> {
    let scanned_to = scan_to(db, after, scan).await?;
    let rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  metadata AS "metadata: Raw", data AS "data: Raw"
           FROM events WHERE position > $1 AND position <= $2 AND type = ANY($3)
           ORDER BY position"#,
        after,
        scanned_to,
        types,
    )
    .fetch(db);
    Ok(TypePage::new(fill(rows.map_ok(|row| raw_event!(row))).await?, scanned_to))
}

/// The events of some categories, known types or not, among the `scan` positions (at most
/// [`PAGE_EVENTS_MAX`]) after `after`, as far as they fit [`PAGE_BYTES_MAX`], but one at least.
pub async fn of_categories(
    db: impl PgExecutor<'_> + Copy,
    after: i64,
    categories: &[String],
    scan: i64,
) -> sqlx::Result<TypePage> {
    let scanned_to = scan_to(db, after, scan).await?;
    let rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  metadata AS "metadata: Raw", data AS "data: Raw"
           FROM events
           WHERE position > $1 AND position <= $2 AND split_part(type, '.', 1) = ANY($3)
           ORDER BY position"#,
        after,
        scanned_to,
        categories,
    )
    .fetch(db);
    Ok(TypePage::new(fill(rows.map_ok(|row| raw_event!(row))).await?, scanned_to))
}

/// Events of some kinds of stream, read, out of a bounded stretch of the log.
#[derive(Debug)]
pub struct EntryPage {
    /// Those of the wanted kinds.
    pub entries: Vec<Entry>,
    /// The last position looked at.
    pub scanned_to: i64,
    /// Whether the page ended because it was full of bytes.
    pub cut: bool,
}

/// The events in streams of some categories after a position up to `until`, which must be committed,
/// as far as they fit [`ENTRIES_SCAN_MAX`] and [`ENTRIES_BYTES_MAX`], but one at least.
///
/// For those who fold the whole log: what they have no use for (events of other streams, metadata)
/// is left behind by Postgres, and the payload is read from the text, without a copy that is
/// checked to be JSON.
pub async fn entries(
    db: impl PgExecutor<'_>,
    after: i64,
    until: i64,
    categories: &[String],
) -> sqlx::Result<EntryPage> {
    let scanned_to = until.min(after + ENTRIES_SCAN_MAX);
    // By the stream's name, whatever the event's own name says: it may be unknown.
    let mut rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  data::text AS "data!"
           FROM events
           WHERE position > $1 AND position <= $2 AND split_part(stream, '-', 1) = ANY($3)
           ORDER BY position"#,
        after,
        scanned_to,
        categories,
    )
    .fetch(db);
    let (mut entries, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        let stored = Stored {
            position: row.position,
            stream: &row.stream,
            version: row.version,
            kind: &row.kind,
            schema: row.schema,
            slot: row.slot,
            occurred_at: row.occurred_at,
            recorded_at: row.recorded_at,
            data: &row.data,
        };
        let read = stored.decode();
        let (position, version, slot) = (row.position, row.version, row.slot);
        bytes += row.data.len();
        entries.push(Entry { position, stream: row.stream, version, slot, read });
        if bytes >= ENTRIES_BYTES_MAX {
            return Ok(EntryPage { entries, scanned_to: position, cut: true });
        }
    }
    Ok(EntryPage { entries, scanned_to, cut: false })
}

/// Where a scan of the log from `after` ends. Read before the events: all up to the head is
/// committed, so nothing below can appear later.
async fn scan_to(db: impl PgExecutor<'_>, after: i64, scan: i64) -> sqlx::Result<i64> {
    Ok(head(db).await?.min(after + scan.clamp(0, PAGE_EVENTS_MAX)).max(after))
}

/// Events of one stream.
#[derive(Debug)]
pub struct StreamPage {
    /// The next ones, in order.
    pub events: Vec<RawEvent>,
    /// Whether more were asked for than fit.
    pub cut: bool,
}

/// Up to `limit` events (at most [`PAGE_EVENTS_MAX`]) of one stream after a version, and no more
/// than fit [`PAGE_BYTES_MAX`], but one at least.
pub async fn of_stream(
    db: impl PgExecutor<'_>,
    stream: &str,
    after_version: i64,
    limit: i64,
) -> sqlx::Result<StreamPage> {
    let rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  metadata AS "metadata: Raw", data AS "data: Raw"
           FROM events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3"#,
        stream,
        after_version,
        limit.clamp(0, PAGE_EVENTS_MAX),
    )
    .fetch(db);
    let (events, cut) = fill(rows.map_ok(|row| raw_event!(row))).await?;
    Ok(StreamPage { events, cut })
}

/// Up to `limit` events (at most [`PAGE_EVENTS_MAX`]) of some streams, each after a version of its
/// own, in the order of the log, and no more than fit [`PAGE_BYTES_MAX`], but one at least.
pub async fn of_streams(
    db: impl PgExecutor<'_>,
    streams: &[String],
    after_versions: &[i64],
    limit: i64,
) -> sqlx::Result<StreamPage> {
    let rows = sqlx::query!(
        r#"SELECT e.position, e.stream, e.version, e.type AS kind, e.schema, e.slot, e.occurred_at,
                  e.recorded_at, e.metadata AS "metadata: Raw", e.data AS "data: Raw"
           FROM unnest($1::text[], $2::bigint[]) AS wanted (stream, after_version)
           CROSS JOIN LATERAL (
               SELECT * FROM events
               WHERE events.stream = wanted.stream AND events.version > wanted.after_version
               ORDER BY events.version LIMIT $3) AS e
           ORDER BY e.position LIMIT $3"#,
        streams,
        after_versions,
        limit.clamp(0, PAGE_EVENTS_MAX),
    )
    .fetch(db);
    let (events, cut) = fill(rows.map_ok(|row| raw_event!(row))).await?;
    Ok(StreamPage { events, cut })
}

/// The log after `after` up to `until`, in pages of `page` events: one page in memory at a time.
pub fn pages(
    db: PgPool,
    after: i64,
    until: i64,
    page: i64,
) -> impl Stream<Item = sqlx::Result<Vec<RawEvent>>> {
    stream::try_unfold(after, move |from| {
        let db = db.clone();
        async move {
            let mut events = self::after(&db, from, page.min(until - from)).await?;
            events.retain(|event| event.position <= until);
            let next = events.last().map(|event| event.position);
            Ok(next.map(|next| (events, next)))
        }
    })
    .into_stream()
}
