//! Reading the log: by position, by type, by stream, in pages of bounded size. A page says whether
//! its bytes cut it short of what was asked for.

use std::pin::pin;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use futures::{Stream, TryStreamExt, stream};
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

pub use crate::page_size::{PAGE_EVENTS_MAX, PageSize};
use crate::recorded::{Entry, RawEvent, Stored};

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
            line: OnceLock::new(),
            brought: None,
        }
    };
}

type Raw = Json<Box<serde_json::value::RawValue>>;

/// Which log it is, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its identity: another one after a restore.
    pub id: Uuid,
    /// The position of the last event; 0 for an empty log.
    pub head: i64,
    /// Whether this server is a standby, which may not know the last events yet.
    pub standby: bool,
    /// Whether it is in force: not where a server has begun anew, and the log has yet to get
    /// another id for it.
    pub in_force: bool,
}

impl Log {
    /// Whether it is this log, and in force.
    pub fn is(&self, id: Uuid) -> bool {
        self.id == id && self.in_force
    }
}

/// Which log it is, and how far it has come, at one moment.
pub async fn log(db: impl PgExecutor<'_>) -> sqlx::Result<Log> {
    sqlx::query_as!(
        Log,
        r#"SELECT log_id AS "id!", position AS "head!", pg_is_in_recovery() AS "standby!",
                  log_in_force() IS NOT NULL AS "in_force!" FROM log_head"#
    )
    .fetch_one(db)
    .await
}

/// The position of the last event; 0 for an empty log.
pub async fn head(db: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT position AS "position!" FROM log_head"#).fetch_one(db).await
}

/// The last position that was recorded at a time or before it; 0 if none was. Found by halves, for
/// the log is in the order in which it was recorded: as many probes as the head has bits. Where a
/// clock went back between two events, it is one of the places that fit.
pub async fn position_at(db: impl PgExecutor<'_>, time: DateTime<Utc>) -> sqlx::Result<i64> {
    let found = sqlx::query_scalar!(
        r#"WITH RECURSIVE search (low, high) AS (
               SELECT 0::bigint, position FROM log_head
               UNION ALL
               SELECT CASE WHEN e.recorded_at <= $1 THEN e.position ELSE s.low END,
                      CASE WHEN e.recorded_at <= $1 THEN s.high ELSE e.position - 1 END
               FROM search s JOIN events e ON e.position = (s.low + s.high + 1) / 2
               WHERE s.low < s.high
           ) SELECT max(low) AS "position!" FROM search"#,
        time,
    );
    found.fetch_one(db).await
}

/// A part of the log, or of a stream, without gaps.
#[derive(Debug, Default)]
pub struct Page {
    /// The next events, in order.
    pub events: Vec<RawEvent>,
    /// Whether it ended because it was full of bytes: more were asked for.
    pub cut: bool,
}

/// The next events after a position, as far as they fit a page. Always the complete next part of
/// the log: positions are handed out in commit order.
///
/// Of one log where its id is said, and nothing where this is another one by now, or has yet to
/// become one: for those to whom a position means an event of that log.
pub async fn page(
    db: impl PgExecutor<'_>,
    log_id: Option<Uuid>,
    after: i64,
    size: &PageSize,
) -> sqlx::Result<Page> {
    // Which log it is, is asked once, before the first row.
    let rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  metadata AS "metadata: Raw", data AS "data: Raw"
           FROM events
           WHERE position > $1 AND ($3::uuid IS NULL OR (SELECT log_in_force()) = $3)
           ORDER BY position LIMIT $2"#,
        after,
        size.rows(),
        log_id,
    )
    .fetch(db);
    fill(rows.map_ok(|row| raw_event!(row)), size.bytes_max()).await
}

/// The events of [`page`], up to `limit` (at most [`PAGE_EVENTS_MAX`]) and [`PAGE_BYTES_MAX`].
pub async fn after(db: impl PgExecutor<'_>, after: i64, limit: i64) -> sqlx::Result<Vec<RawEvent>> {
    if limit < 1 {
        return Ok(Vec::new());
    }
    Ok(page(db, None, after, &PageSize::new(limit, PAGE_BYTES_MAX)).await?.events)
}

/// Takes events until they fill so many bytes, one at least.
async fn fill(
    rows: impl Stream<Item = sqlx::Result<RawEvent>>,
    bytes_max: usize,
) -> sqlx::Result<Page> {
    let mut rows = pin!(rows);
    let (mut page, mut bytes) = (Page::default(), 0);
    while let Some(event) = rows.try_next().await? {
        bytes += event.weight();
        page.events.push(event);
        if bytes >= bytes_max {
            page.cut = true;
            break;
        }
    }
    Ok(page)
}

/// Events of some types, out of a bounded stretch of the log.
#[derive(Debug)]
pub struct TypePage {
    /// Those of the wanted types.
    pub events: Vec<RawEvent>,
    /// The last position looked at: the place to go on from. The position asked for when, and only
    /// when, the log has nothing after it.
    pub scanned_to: i64,
    /// Whether it ended because it was full of bytes.
    pub cut: bool,
}

impl TypePage {
    /// A page that was cut short has looked no further than its last event.
    fn new(page: Page, scanned_to: i64) -> Self {
        let last = page.events.last().filter(|_| page.cut).map(|event| event.position);
        Self { scanned_to: last.unwrap_or(scanned_to), cut: page.cut, events: page.events }
    }
}

/// The events of `types` among as many positions after `after` as the page has rows, as far as
/// their bytes fit, but one at least.
pub async fn of_types(
    db: impl PgExecutor<'_> + Copy,
    after: i64,
    types: &[String],
    size: &PageSize,
) -> sqlx::Result<TypePage> {
    let scanned_to = scan_to(db, after, size.rows()).await?;
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
    let page = fill(rows.map_ok(|row| raw_event!(row)), size.bytes_max()).await?;
    Ok(TypePage::new(page, scanned_to))
}

/// The events of some categories, known types or not but those of `without`, among the `scan`
/// positions (at most [`PAGE_EVENTS_MAX`]) after `after`, as far as they fit [`PAGE_BYTES_MAX`],
/// but one at least.
pub async fn of_categories(
    db: impl PgExecutor<'_> + Copy,
    after: i64,
    (categories, without): (&[String], &[String]),
    scan: i64,
) -> sqlx::Result<TypePage> {
    let scanned_to = scan_to(db, after, scan).await?;
    let rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  metadata AS "metadata: Raw", data AS "data: Raw"
           FROM events
           WHERE position > $1 AND position <= $2 AND split_part(type, '.', 1) = ANY($3)
               AND type <> ALL($4)
           ORDER BY position"#,
        after,
        scanned_to,
        categories,
        without,
    )
    .fetch(db);
    let page = fill(rows.map_ok(|row| raw_event!(row)), PAGE_BYTES_MAX).await?;
    Ok(TypePage::new(page, scanned_to))
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

/// The events in streams of some categories after a position up to `until`, which must be
/// committed, as far as they fit [`ENTRIES_SCAN_MAX`] and [`ENTRIES_BYTES_MAX`], but one at least.
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

/// Up to `limit` events (at most [`PAGE_EVENTS_MAX`]) of one stream after a version, and no more
/// than fit [`PAGE_BYTES_MAX`], but one at least.
pub async fn of_stream(
    db: impl PgExecutor<'_>,
    stream: &str,
    after_version: i64,
    limit: i64,
) -> sqlx::Result<Page> {
    let rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  metadata AS "metadata: Raw", data AS "data: Raw"
           FROM events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3"#,
        stream,
        after_version,
        limit.clamp(0, PAGE_EVENTS_MAX),
    )
    .fetch(db);
    fill(rows.map_ok(|row| raw_event!(row)), PAGE_BYTES_MAX).await
}

/// Up to `limit` events (at most [`PAGE_EVENTS_MAX`]) of some streams, each after a version of its
/// own, in the order of the log, and no more than fit [`PAGE_BYTES_MAX`], but one at least.
pub async fn of_streams(
    db: impl PgExecutor<'_>,
    streams: &[String],
    after_versions: &[i64],
    limit: i64,
) -> sqlx::Result<Page> {
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
    fill(rows.map_ok(|row| raw_event!(row)), PAGE_BYTES_MAX).await
}

/// Up to `limit` events (at most [`PAGE_EVENTS_MAX`]) of some streams after a position, of all
/// types or of these, in the order of the log, and no more than fit [`PAGE_BYTES_MAX`], but one at
/// least.
pub async fn of_streams_after(
    db: impl PgExecutor<'_>,
    streams: &[String],
    types: Option<&[String]>,
    after: i64,
    limit: i64,
) -> sqlx::Result<Page> {
    let rows = sqlx::query!(
        r#"SELECT e.position, e.stream, e.version, e.type AS kind, e.schema, e.slot, e.occurred_at,
                  e.recorded_at, e.metadata AS "metadata: Raw", e.data AS "data: Raw"
           FROM unnest($1::text[]) AS wanted (stream)
           CROSS JOIN LATERAL (
               SELECT * FROM events WHERE events.stream = wanted.stream AND events.position > $2
                   AND ($4::text[] IS NULL OR events.type = ANY($4))
               ORDER BY events.version LIMIT $3) AS e
           ORDER BY e.position LIMIT $3"#,
        streams,
        after,
        limit.clamp(0, PAGE_EVENTS_MAX),
        types,
    )
    .fetch(db);
    fill(rows.map_ok(|row| raw_event!(row)), PAGE_BYTES_MAX).await
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
