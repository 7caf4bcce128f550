//! How far streams have come, or had at a position of the log.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

/// The end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastEvent {
    /// How many events it has.
    pub version: i64,
    /// When the last one was appended.
    pub recorded_at: DateTime<Utc>,
}

/// The end of a stream; none where it has not begun.
pub async fn last(db: impl PgExecutor<'_>, stream: &str) -> sqlx::Result<Option<LastEvent>> {
    sqlx::query_as!(
        LastEvent,
        "SELECT version, recorded_at FROM events WHERE stream = $1 ORDER BY version DESC LIMIT 1",
        stream,
    )
    .fetch_optional(db)
    .await
}

/// The versions that streams had at a position, in the order of `streams`; 0 where one had not
/// begun.
pub async fn at(
    db: impl PgExecutor<'_>,
    streams: &[String],
    position: i64,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar!(
        r#"SELECT coalesce((
               SELECT e.version FROM events e
               WHERE e.stream = wanted.stream AND e.position <= $2
               ORDER BY e.version DESC LIMIT 1
           ), 0) AS "version!"
           FROM unnest($1::text[]) WITH ORDINALITY AS wanted (stream, number) ORDER BY number"#,
        streams,
        position,
    )
    .fetch_all(db)
    .await
}
