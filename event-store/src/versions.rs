//! How far streams had come at a position of the log.

use sqlx::PgExecutor;

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
