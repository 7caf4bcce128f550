//! For how long what somebody has not read yet has been in the log.

use sqlx::PgExecutor;

/// For how long the first event after a position has been there, in seconds; 0 if there is none. By
/// the clock that wrote when it was recorded: this machine's may go otherwise.
pub async fn seconds_after(db: impl PgExecutor<'_>, position: i64) -> sqlx::Result<f64> {
    let waited = sqlx::query_scalar!(
        r#"SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float8 AS "seconds!"
           FROM events WHERE position > $1 ORDER BY position LIMIT 1"#,
        position
    );
    Ok(waited.fetch_optional(db).await?.unwrap_or_default().max(0.0))
}
