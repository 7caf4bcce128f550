//! Who may send the documents of a build, and why sending ended early.

use sqlx::PgPool;

use super::index::IndexError;
use crate::checkpoint::Lease;

/// Why a round ended early. What was not cleared is sent again.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Meilisearch is away or unwilling.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The index is not the one that the documents were to go to: it was lost.
    #[error("Meilisearch has lost the index")]
    Lost,
    /// Postgres is away.
    #[error("the database is in trouble")]
    Database(#[from] sqlx::Error),
    /// The lease is somebody else's now.
    #[error("somebody else sends the documents now")]
    Fenced,
}

/// Takes the right to send documents of a build from those who held its lease before. It fails for
/// them from now on.
pub async fn take(db: &PgPool, lease: &Lease) -> Result<(), PushError> {
    let taken = sqlx::query!(
        "UPDATE projection_builds SET sender = $3
         WHERE projection = $1 AND build = $2 AND sender <= $3",
        lease.projection.name,
        lease.build,
        lease.epoch,
    )
    .execute(db)
    .await?;
    if taken.rows_affected() == 1 { Ok(()) } else { Err(PushError::Fenced) }
}
