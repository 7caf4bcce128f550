//! Reading the log: by position, by type, by stream, in pages of bounded size.

use futures::{Stream, TryStreamExt, stream};
use sqlx::types::Json;
use sqlx::{PgExecutor, PgPool};

use crate::recorded::RawEvent;

/// The most events one page may hold.
pub const PAGE_EVENTS_MAX: i64 = 10_000;
/// Bytes of metadata and payload after which a page by position ends.
pub const PAGE_BYTES_MAX: usize = 8 << 20;

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
    let mut rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  metadata AS "metadata: Raw", data AS "data: Raw"
           FROM events WHERE position > $1 ORDER BY position LIMIT $2"#,
        after,
        limit.clamp(0, PAGE_EVENTS_MAX),
    )
    .fetch(db);
    let (mut events, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await? {
        bytes += row.metadata.0.get().len() + row.data.0.get().len();
        events.push(raw_event!(row));
        if bytes >= PAGE_BYTES_MAX {
            break;
        }
    }
    Ok(events)
}

/// Events of some types, out of a bounded stretch of the log.
#[derive(Debug)]
pub struct TypePage {
    /// Those of the wanted types.
    pub events: Vec<RawEvent>,
    /// The last position looked at: the place to go on from. The position asked for when the log
    /// has nothing after it.
    pub scanned_to: i64,
}

/// The events of `types` among the `scan` positions (at most [`PAGE_EVENTS_MAX`]) after `after`.
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
    .fetch_all(db)
    .await?;
    Ok(TypePage { events: rows.into_iter().map(|row| raw_event!(row)).collect(), scanned_to })
}

/// The events of some categories, known types or not, among the `scan` positions (at most
/// [`PAGE_EVENTS_MAX`]) after `after`.
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
    .fetch_all(db)
    .await?;
    Ok(TypePage { events: rows.into_iter().map(|row| raw_event!(row)).collect(), scanned_to })
}

/// Where a scan of the log from `after` ends. Read before the events: all up to the head is
/// committed, so nothing below can appear later.
async fn scan_to(db: impl PgExecutor<'_>, after: i64, scan: i64) -> sqlx::Result<i64> {
    Ok(head(db).await?.min(after + scan.clamp(0, PAGE_EVENTS_MAX)).max(after))
}

/// Up to `limit` events (at most [`PAGE_EVENTS_MAX`]) of one stream after a version.
pub async fn of_stream(
    db: impl PgExecutor<'_>,
    stream: &str,
    after_version: i64,
    limit: i64,
) -> sqlx::Result<Vec<RawEvent>> {
    let rows = sqlx::query!(
        r#"SELECT position, stream, version, type AS kind, schema, slot, occurred_at, recorded_at,
                  metadata AS "metadata: Raw", data AS "data: Raw"
           FROM events WHERE stream = $1 AND version > $2 ORDER BY version LIMIT $3"#,
        stream,
        after_version,
        limit.clamp(0, PAGE_EVENTS_MAX),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| raw_event!(row)).collect())
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
