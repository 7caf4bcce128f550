//! Leases and checkpoints: who may move a build forward, and how far it has come.
//!
//! A lease is held on a range of slots of one build and counted by its epoch. The checkpoint moves
//! by compare-and-set on epoch and position in the transaction that writes the rows, so whoever
//! slept through the end of its lease, or lost it in any other way, writes nothing. The database's
//! clock is the only one that counts.
//!
//! An epoch is later than the one before and not before the time it begins, in microseconds: a
//! database that lost its last moments does not give one to somebody else that was given already.

use std::time::Duration;

use event_store::RawEvent;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::projection::Projection;
use crate::step::{Fenced, Step};

/// How long a worker may be silent before another takes over.
pub const LEASE: Duration = Duration::from_secs(5);
/// How long whoever makes a new build may be silent before it is cleared away. Nobody waits for it
/// as they do for a worker, and much work would be lost.
pub const REBUILD_LEASE: Duration = Duration::from_secs(30);
/// How often an idle worker renews its lease, and a standby asks for it.
pub const RENEWAL: Duration = Duration::from_secs(1);
/// How long a worker that cannot go on leaves the lease to others, before it looks whether somebody
/// has removed what it stands before.
pub const WAY_GIVEN: Duration = Duration::from_secs(15);

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
    /// Which holder this is, of all there were.
    pub epoch: i64,
    /// The checkpoint: of the last event folded.
    pub position: i64,
    /// For how long it is held from each sign of life on.
    pub term: Duration,
    /// The log that it was taken in: what is read of it from then on may be folded, and where it is
    /// another one by then, nothing is written.
    pub log_id: Uuid,
}

/// Takes the lease of a range of slots for a `term`, if it is free, over, or still the asker's own
/// from before a lost connection, or since another member gave it; not while the asker is to leave
/// it to others, nor if the range was cut smaller than the projection can do with, nor while the
/// log has yet to get another id, nor while what readers see is paused. Where it is not said which,
/// it is the asker's own or else the largest.
pub async fn acquire(
    db: impl PgExecutor<'_>,
    projection: &'static Projection,
    build: i16,
    slot_from: Option<i16>,
    owner: &str,
    term: Duration,
) -> sqlx::Result<Option<Lease>> {
    // A row that is locked is being written by its holder: no need to wait for that.
    let row = sqlx::query!(
        r#"UPDATE projection_slots SET owner = $4, updated_at = clock_timestamp(),
             epoch = greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) * 1e6)::bigint),
             lease_until = clock_timestamp() + make_interval(secs => $5)
         WHERE ctid = (
             SELECT ctid FROM projection_slots
             WHERE projection = $1 AND build = $2 AND slot_from = coalesce($3, slot_from)
               AND (lease_until IS NULL OR lease_until < clock_timestamp() OR owner = $4)
               AND (released_by IS DISTINCT FROM $4 OR released_until < clock_timestamp())
               AND slot_from % $6 = 0 AND (slot_to + 1) % $6 = 0
               AND log_in_force() IS NOT NULL
               AND NOT EXISTS (SELECT FROM projections p WHERE p.name = $1
                               AND p.active_build = $2 AND p.paused_at IS NOT NULL)
             ORDER BY owner = $4 DESC NULLS LAST, slot_to - slot_from DESC, slot_from LIMIT 1
             FOR UPDATE SKIP LOCKED)
         RETURNING slot_from, slot_to, epoch, position, log_in_force() AS "log_id!""#,
        projection.name,
        build,
        slot_from,
        owner,
        term.as_secs_f64(),
        projection.grain,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Lease {
        projection,
        build,
        slot_from: row.slot_from,
        slot_to: row.slot_to,
        epoch: row.epoch,
        position: row.position,
        term,
        log_id: row.log_id,
    }))
}

impl Lease {
    /// Whether a slot is in the range.
    pub fn has(&self, slot: i16) -> bool {
        (self.slot_from..=self.slot_to).contains(&slot)
    }

    /// Whether an event is this lease's to fold.
    pub fn reads(&self, event: &RawEvent) -> bool {
        self.has(event.slot) && self.projection.reads(&event.stream)
    }

    /// The step to a position.
    pub fn step(&self, to: i64) -> Step {
        Step {
            projection: self.projection.name,
            build: self.build,
            slot_from: self.slot_from,
            epoch: self.epoch,
            from: self.position,
            to,
            term_ms: u64::try_from(self.term.as_millis()).unwrap_or(u64::MAX),
            log_id: self.log_id,
        }
    }

    /// Moves the checkpoint past events of which none is of interest.
    pub async fn pass(
        &mut self,
        db: impl PgExecutor<'_>,
        to: i64,
    ) -> sqlx::Result<Result<(), Fenced>> {
        let passed = self.step(to).make(db).await?;
        if passed.is_ok() {
            self.position = to;
        }
        Ok(passed)
    }

    /// Keeps the lease while there is nothing to do. A checkpoint that is not where this worker
    /// left it, because the database was restored, fences it as another owner would.
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

    /// Goes on from where the checkpoint is, whatever this holder believed: the answer to a commit
    /// may have been lost, or with a crash of the database the last commits.
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

    /// Gives the lease up before an event that this program cannot read, because a newer one wrote
    /// it, and leaves it to others for [`WAY_GIVEN`]. What stands there is seen by all.
    pub async fn give_way(&self, db: impl PgExecutor<'_>, before: i64) -> sqlx::Result<()> {
        sqlx::query!(
            "UPDATE projection_slots SET owner = NULL, lease_until = NULL, waits_at = $5,
                 released_by = owner,
                 released_until = clock_timestamp() + make_interval(secs => $6)
             WHERE projection = $1 AND build = $2 AND slot_from = $3 AND epoch = $4",
            self.projection.name,
            self.build,
            self.slot_from,
            self.epoch,
            before,
            WAY_GIVEN.as_secs_f64(),
        )
        .execute(db)
        .await
        .map(drop)
    }
}

/// A range of slots of a build, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct BuildRange {
    /// The first slot.
    pub slot_from: i16,
    /// The last slot.
    pub slot_to: i16,
    /// Its checkpoint.
    pub position: i64,
}

/// The ranges of a build, in order.
pub async fn ranges(
    db: impl PgExecutor<'_>,
    projection: &Projection,
    build: i16,
) -> sqlx::Result<Vec<BuildRange>> {
    sqlx::query_as!(
        BuildRange,
        "SELECT slot_from, slot_to, position FROM projection_slots
         WHERE projection = $1 AND build = $2 ORDER BY slot_from",
        projection.name,
        build,
    )
    .fetch_all(db)
    .await
}

/// Takes the leases of a build from whoever holds them, and gives them to nobody: none is to be had
/// as long as the caller's transaction lasts.
pub async fn free(
    db: &mut PgConnection,
    projection: &Projection,
    build: i16,
) -> sqlx::Result<Vec<BuildRange>> {
    // In the order in which everybody locks them.
    sqlx::query_as!(
        BuildRange,
        "UPDATE projection_slots AS slots SET epoch = epoch + 1, owner = NULL, lease_until = NULL
         FROM (SELECT slot_from FROM projection_slots WHERE projection = $1 AND build = $2
               ORDER BY slot_from FOR UPDATE) AS locked
         WHERE slots.projection = $1 AND slots.build = $2 AND slots.slot_from = locked.slot_from
         RETURNING slots.slot_from, slots.slot_to, slots.position",
        projection.name,
        build,
    )
    .fetch_all(db)
    .await
}

/// Who holds the leases of a build, one range after the other.
pub async fn holders(
    db: impl PgExecutor<'_>,
    projection: &Projection,
    build: i16,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"SELECT owner AS "owner!" FROM projection_slots
           WHERE projection = $1 AND build = $2 AND owner IS NOT NULL
             AND lease_until > clock_timestamp()
           ORDER BY slot_from"#,
        projection.name,
        build,
    )
    .fetch_all(db)
    .await
}

/// A lease that was taken from its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The first slot of its range.
    pub slot_from: i16,
    /// Who held it, if anybody did.
    pub from: Option<String>,
}

/// Takes the leases of the build that readers see from whoever holds them, and keeps the same from
/// taking them again for a while: a standby does.
pub async fn hand_over(
    db: impl PgExecutor<'_>,
    projection: &Projection,
    build: i16,
    keep_from: Duration,
) -> sqlx::Result<Vec<Taken>> {
    sqlx::query_as!(
        Taken,
        r#"UPDATE projection_slots AS slots SET epoch = slots.epoch + 1, owner = NULL,
               lease_until = NULL, released_by = held.owner,
               released_until = clock_timestamp() + make_interval(secs => $3)
           FROM (SELECT projection, build, slot_from, owner FROM projection_slots
                 WHERE projection = $1 AND build = $2 ORDER BY slot_from FOR UPDATE) AS held
           WHERE slots.projection = held.projection AND slots.build = held.build
             AND slots.slot_from = held.slot_from
           RETURNING slots.slot_from, held.owner AS "from?""#,
        projection.name,
        build,
        keep_from.as_secs_f64(),
    )
    .fetch_all(db)
    .await
}
