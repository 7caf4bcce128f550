//! The bounds of ranges, moved by whoever holds them: between two batches, in one transaction, by
//! compare-and-set on epoch and position. Each change of bounds is a later epoch, so that nobody
//! goes on within those that were.

use std::ops::RangeInclusive;

use sqlx::{Acquire as _, PgConnection};

use crate::checkpoint::{LEASE, Lease};
use crate::step::Fenced;

/// Cuts slots off one end of a range and gives them to another member, who has a lease's time to
/// find them.
pub(crate) async fn give(
    db: &mut PgConnection,
    lease: &Lease,
    slots: RangeInclusive<i16>,
    to: &str,
) -> sqlx::Result<Result<(), Fenced>> {
    let upper = *slots.end() == lease.slot_to;
    let (from, until) =
        if upper { (lease.slot_from, slots.start() - 1) } else { (slots.end() + 1, lease.slot_to) };
    let mut tx = db.begin().await?;
    let cut = sqlx::query!(
        "UPDATE projection_slots SET slot_from = $6, slot_to = $7, epoch = epoch + 1
         WHERE projection = $1 AND build = $2 AND slot_from = $3 AND epoch = $4 AND position = $5",
        lease.projection.name,
        lease.build,
        lease.slot_from,
        lease.epoch,
        lease.position,
        from,
        until,
    )
    .execute(&mut *tx)
    .await?;
    if cut.rows_affected() != 1 {
        tx.rollback().await?;
        return Ok(Err(Fenced));
    }
    sqlx::query!(
        "INSERT INTO projection_slots
             (projection, build, slot_from, slot_to, position, owner, lease_until)
         VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp() + make_interval(secs => $7))",
        lease.projection.name,
        lease.build,
        slots.start(),
        slots.end(),
        lease.position,
        to,
        LEASE.as_secs_f64(),
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Ok(()))
}

/// Gives up another range of the same member.
pub(super) async fn let_go(
    db: &mut PgConnection,
    lease: &Lease,
    from: i16,
    owner: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE projection_slots SET epoch = epoch + 1, owner = NULL, lease_until = NULL
         WHERE projection = $1 AND build = $2 AND slot_from = $3 AND owner = $4",
        lease.projection.name,
        lease.build,
        from,
        owner,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Makes one range of two that lie side by side and stand at the same position, both held.
pub(super) async fn join(
    db: &mut PgConnection,
    one: &Lease,
    other: &Lease,
) -> sqlx::Result<Result<(), Fenced>> {
    let (left, right) = if one.slot_from < other.slot_from { (one, other) } else { (other, one) };
    let mut tx = db.begin().await?;
    // In the order in which everybody locks them.
    let found = sqlx::query!(
        "SELECT FROM projection_slots WHERE projection = $1 AND build = $2 AND position = $3
             AND (slot_from, epoch) IN (($4, $5::bigint), ($6, $7::bigint))
         ORDER BY slot_from FOR UPDATE",
        one.projection.name,
        one.build,
        one.position,
        left.slot_from,
        left.epoch,
        right.slot_from,
        right.epoch,
    )
    .fetch_all(&mut *tx)
    .await?;
    if found.len() != 2 || one.position != other.position {
        tx.rollback().await?;
        return Ok(Err(Fenced));
    }
    sqlx::query!(
        "DELETE FROM projection_slots WHERE projection = $1 AND build = $2 AND slot_from = $3",
        one.projection.name,
        one.build,
        right.slot_from,
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "UPDATE projection_slots SET slot_to = $4, epoch = greatest(epoch, $5) + 1
         WHERE projection = $1 AND build = $2 AND slot_from = $3",
        one.projection.name,
        one.build,
        left.slot_from,
        right.slot_to,
        right.epoch,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Ok(()))
}
