//! One step of a checkpoint: the compare-and-set that whoever writes rows makes with them, in the
//! same transaction. It is made by the statement that writes them, by a transaction that begins
//! with it, or alone.

use serde::Serialize;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, Row};
use uuid::Uuid;

/// The lease is somebody else's now, or the log another one. What was to be written was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease was lost to another worker, or the log is another one")]
pub struct Fenced;

/// A step, as `moved` of the database reads it: `... WHERE (SELECT moved($n))`, with nothing where
/// the transaction began with it.
///
/// The commit does not wait for the disk: what a crash of the database takes away, it takes away
/// with its checkpoint, and the log gives it back.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Step {
    /// The projection's name.
    pub projection: &'static str,
    /// Which build of it.
    pub build: i16,
    /// The first slot of the range.
    pub slot_from: i16,
    /// Of the lease.
    pub epoch: i64,
    /// Where the checkpoint must be.
    pub from: i64,
    /// Where it goes.
    pub to: i64,
    /// For how long the lease is held from then on, in milliseconds.
    pub term_ms: u64,
    /// The log that was read: the step is not made in another one.
    pub log_id: Uuid,
}

impl Step {
    /// What a statement that writes at least one row has come to: none was written if the step was
    /// not made.
    pub fn made(rows_written: u64) -> Result<(), Fenced> {
        if rows_written > 0 { Ok(()) } else { Err(Fenced) }
    }

    /// Makes the step, if there is one to make, where there are no rows to write.
    pub async fn without_rows(
        step: Option<Self>,
        db: impl PgExecutor<'_>,
    ) -> sqlx::Result<Result<(), Fenced>> {
        match step {
            Some(step) => step.make(db).await,
            None => Ok(Ok(())),
        }
    }

    /// Makes the step alone: there are no rows to write.
    pub async fn make(&self, db: impl PgExecutor<'_>) -> sqlx::Result<Result<(), Fenced>> {
        let moved = sqlx::query_scalar!(r#"SELECT moved($1) AS "moved!""#, Json(self) as _)
            .fetch_one(db)
            .await?;
        Ok(if moved { Ok(()) } else { Err(Fenced) })
    }

    /// Begins a transaction with the step, in one round trip: the lock on the checkpoint keeps
    /// everybody else out until the [`commit`]. The connection must be dropped if this fails in any
    /// way: it is then inside the transaction. A worker that is frozen inside it is cut off by the
    /// database, so that it cannot hold the lock for ever.
    pub async fn begin(&self, connection: &mut PgConnection) -> sqlx::Result<Result<(), Fenced>> {
        let Self { projection, build, slot_from, epoch, from, to, term_ms, log_id } = self;
        // Two statements at once can have no parameters. These are numbers, and names of ours.
        let begin = format!(
            "BEGIN; SELECT move_checkpoint('{projection}', {build}::smallint, \
             {slot_from}::smallint, {epoch}, {from}, {to}, {term_ms}, '{log_id}')"
        );
        let moved = sqlx::raw_sql(AssertSqlSafe(begin)).fetch_one(connection).await?;
        Ok(if moved.try_get(0)? { Ok(()) } else { Err(Fenced) })
    }
}

/// Ends a transaction that [`Step::begin`] began.
pub async fn commit(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("COMMIT").execute(connection).await.map(drop)
}
