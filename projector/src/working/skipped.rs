//! The events that a projection leaves out, because somebody decided so.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};

use crate::projection::Projection;

/// A skipped event, as it is listed.
#[derive(Debug)]
pub struct Skipped {
    /// Where it stands.
    pub position: i64,
    /// Its stream.
    pub stream: String,
    /// Why it was skipped, in the words of whoever did it.
    pub reason: String,
    /// When.
    pub skipped_at: DateTime<Utc>,
}

/// The positions that a projection leaves out.
pub async fn positions(
    db: impl PgExecutor<'_>,
    projection: &Projection,
) -> sqlx::Result<BTreeSet<i64>> {
    let positions = sqlx::query_scalar!(
        "SELECT position FROM skipped_events WHERE projection = $1",
        projection.name,
    )
    .fetch_all(db)
    .await?;
    Ok(positions.into_iter().collect())
}

/// What a projection leaves out, in the order of the log.
pub async fn list(db: &PgPool, projection: &Projection) -> sqlx::Result<Vec<Skipped>> {
    sqlx::query_as!(
        Skipped,
        "SELECT position, stream, reason, skipped_at FROM skipped_events WHERE projection = $1
         ORDER BY position",
        projection.name,
    )
    .fetch_all(db)
    .await
}
