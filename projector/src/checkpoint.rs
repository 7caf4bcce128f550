//! Leases and checkpoints: who may move a build forward, and how far it has come.
//!
//! A lease is held on a range of slots of one build and counted by its epoch. The checkpoint moves
//! by compare-and-set on epoch and position in the transaction that writes the rows, so whoever
//! slept through the end of its lease, or lost it in any other way, writes nothing. The database's
//! clock is the only one that counts.

use std::time::Duration;

use event_store::RawEvent;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, PgExecutor, PgPool, Postgres, Transaction};

use crate::projection::Projection;

/// How long a worker may be silent before another takes over.
pub const LEASE: Duration = Duration::from_secs(5);
/// How long whoever makes a new build may be silent before it is cleared away. Nobody waits for it
/// as they do for a worker, and much work would be lost.
pub const REBUILD_LEASE: Duration = Duration::from_secs(30);
/// How often an idle worker renews its lease, and a standby asks for it.
pub const RENEWAL: Duration = Duration::from_secs(1);

/// The SQLSTATE of a write where `move_checkpoint` found no lease.
const READ_ONLY_TRANSACTION: &str = "25006";

/// The right to move a build forward.
#[derive(Clone, Debug)]
pub struct Lease {
    /// What is moved.
    pub projection: &'static Projection,
    /// Which build of it.
    pub build: i16,
    /// The first slot of the range.
    pub slot_from: i16,
    /// The last slot of the range.
    pub slot_to: i16,
    /// The how manieth holder this is.
    pub epoch: i64,
    /// The checkpoint: of the last event folded.
    pub position: i64,
    /// For how long it is held from each sign of life on.
    pub term: Duration,
}

/// The lease is somebody else's now. What was to be written was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the lease was lost to another worker")]
pub struct Fenced;

/// Takes the lease of a range of slots for a `term`, if it is free, over, or still the asker's own
/// from before a lost connection.
pub async fn acquire(
    db: impl PgExecutor<'_>,
    projection: &'static Projection,
    build: i16,
    slot_from: i16,
    owner: &str,
    term: Duration,
) -> sqlx::Result<Option<Lease>> {
    // A row that is locked is being written by its holder: no need to wait for that.
    let row = sqlx::query!(
        "UPDATE projection_slots SET epoch = epoch + 1, owner = $4, updated_at = clock_timestamp(),
             lease_until = clock_timestamp() + make_interval(secs => $5)
         WHERE ctid = (
             SELECT ctid FROM projection_slots
             WHERE projection = $1 AND build = $2 AND slot_from = $3
               AND (lease_until IS NULL OR lease_until < clock_timestamp() OR owner = $4)
             FOR UPDATE SKIP LOCKED)
         RETURNING slot_to, epoch, position",
        projection.name,
        build,
        slot_from,
        owner,
        term.as_secs_f64(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Lease {
        projection,
        build,
        slot_from,
        slot_to: row.slot_to,
        epoch: row.epoch,
        position: row.position,
        term,
    }))
}

impl Lease {
    /// Whether an event is this lease's to fold.
    pub fn reads(&self, event: &RawEvent) -> bool {
        (self.slot_from..=self.slot_to).contains(&event.slot)
            && self.projection.reads(&event.stream)
    }

    /// Begins the transaction that writes the rows by moving the checkpoint, in one round trip: the
    /// lock on the checkpoint keeps everybody else out until the commit. If the lease is lost, the
    /// transaction cannot write: see [`is_fenced`].
    ///
    /// The commit does not wait for the disk: what a crash of the database takes away, it takes
    /// away with its checkpoint, and the log gives it back. A worker that is frozen inside the
    /// transaction is cut off by the database, so that it cannot hold the lock for ever.
    pub async fn begin(
        &self,
        db: &PgPool,
        to: i64,
    ) -> sqlx::Result<Transaction<'static, Postgres>> {
        let Self { projection, build, slot_from, epoch, position, term, .. } = self;
        let (name, term) = (projection.name, term.as_millis());
        // What begins a transaction can have no parameters. These are numbers, and a name of ours.
        let begin = format!(
            "BEGIN; SELECT move_checkpoint('{name}', {build}::smallint, {slot_from}::smallint, \
             {epoch}, {position}, {to}, {term})"
        );
        db.begin_with(AssertSqlSafe(begin)).await
    }

    /// Moves the checkpoint past events of which none is of interest.
    pub async fn pass(
        &mut self,
        db: impl PgExecutor<'_>,
        to: i64,
    ) -> sqlx::Result<Result<(), Fenced>> {
        let moved = sqlx::query_scalar!(
            r#"SELECT move_checkpoint($1, $2, $3, $4, $5, $6, $7) AS "moved!""#,
            self.projection.name,
            self.build,
            self.slot_from,
            self.epoch,
            self.position,
            to,
            i64::try_from(self.term.as_millis()).unwrap_or(i64::MAX),
        )
        .fetch_one(db)
        .await?;
        if !moved {
            return Ok(Err(Fenced));
        }
        self.position = to;
        Ok(Ok(()))
    }

    /// Keeps the lease while there is nothing to do. A checkpoint that is not where this worker left
    /// it, because the database was restored, fences it as another owner would.
    pub async fn renew(&self, db: impl PgExecutor<'_>) -> sqlx::Result<Result<(), Fenced>> {
        let renewed = sqlx::query!(
            "UPDATE projection_slots SET updated_at = clock_timestamp(),
                 lease_until = clock_timestamp() + make_interval(secs => $5)
             WHERE projection = $1 AND build = $2 AND slot_from = $3 AND epoch = $4
               AND position = $6",
            self.projection.name,
            self.build,
            self.slot_from,
            self.epoch,
            self.term.as_secs_f64(),
            self.position,
        )
        .execute(db)
        .await?;
        Ok(if renewed.rows_affected() == 1 { Ok(()) } else { Err(Fenced) })
    }

    /// Goes on from where the checkpoint is, whatever this holder believed: the answer to a commit may
    /// have been lost, or with a crash of the database the last commits.
    pub async fn reload(&mut self, db: impl PgExecutor<'_>) -> sqlx::Result<Result<(), Fenced>> {
        let found = sqlx::query_scalar!(
            "SELECT position FROM projection_slots
             WHERE projection = $1 AND build = $2 AND slot_from = $3 AND epoch = $4",
            self.projection.name,
            self.build,
            self.slot_from,
            self.epoch,
        )
        .fetch_optional(db)
        .await?;
        Ok(found.map(|position| self.position = position).ok_or(Fenced))
    }

    /// Gives the lease up, so that a standby takes over at once.
    pub async fn release(&self, db: impl PgExecutor<'_>) -> sqlx::Result<()> {
        sqlx::query!(
            "UPDATE projection_slots SET owner = NULL, lease_until = NULL
             WHERE projection = $1 AND build = $2 AND slot_from = $3 AND epoch = $4",
            self.projection.name,
            self.build,
            self.slot_from,
            self.epoch,
        )
        .execute(db)
        .await
        .map(drop)
    }
}

/// Whether a write was refused because the lease had been lost when its transaction began.
pub fn is_fenced(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.as_deref() == Some(READ_ONLY_TRANSACTION)
}
