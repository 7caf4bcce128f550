//! Slots that are nobody's, made part of the range beside them: their lease is taken, whichever of
//! the two is behind is brought to where the other stands, and then they are one.

use event_store::read::{self, EntryPage};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::checkpoint::{self, LEASE, Lease};
use crate::sharing::{Look, bounds};
use crate::working::fold::{self, BatchError};
use crate::working::memory::Memory;

/// Positions of the log that are brought in at a time: within the lease of the range that waits.
const BRING_EVENTS: i64 = 2_000;

/// Takes in the range that begins at `from`.
pub(super) async fn take_in(
    db: &PgPool,
    lease: &mut Lease,
    memory: &mut Memory,
    from: i16,
    owner: &str,
    stop: &CancellationToken,
) -> Result<Look, BatchError> {
    let (projection, build) = (lease.projection, lease.build);
    let other = checkpoint::acquire(db, projection, build, Some(from), owner, LEASE).await?;
    // Somebody was faster.
    let Some(mut other) = other else { return Ok(Look::Unchanged) };
    let mut of_other = Memory::load(db, projection, build).await?;
    let (name, first, last) = (projection.name, other.slot_from, other.slot_to);
    tracing::info!(
        projection = name,
        first,
        last,
        behind = lease.position - other.position,
        "taking in slots that are nobody's"
    );
    let to = lease.position.max(other.position);
    match bring(db, &mut other, &mut of_other, to, lease, stop).await {
        Err(BatchError::Newer(newer)) => {
            other.give_way(db, newer.position).await?;
            return Ok(Look::Unreadable(newer));
        }
        brought => brought?,
    }
    if let Err(error) = bring(db, lease, memory, to, &other, stop).await {
        other.release(db).await?;
        return Err(error);
    }
    if lease.position != other.position {
        // Told to stop.
        other.release(db).await?;
        return Ok(Look::Unchanged);
    }
    let mut connection = memory.take_connection(db).await?;
    bounds::join(&mut connection, lease, &other).await??;
    memory.put_back(connection);
    Ok(Look::Changed)
}

/// Folds the log for one range up to a position, while another waits. Ends early when told to stop.
async fn bring(
    db: &PgPool,
    lease: &mut Lease,
    memory: &mut Memory,
    to: i64,
    waiting: &Lease,
    stop: &CancellationToken,
) -> Result<(), BatchError> {
    let categories = lease.projection.category_names();
    while lease.position < to && !stop.is_cancelled() {
        let until = to.min(lease.position + BRING_EVENTS);
        let page = read::entries(db, lease.position, until, &categories).await?;
        let EntryPage { mut entries, scanned_to, .. } = page;
        entries.retain(|entry| lease.has(entry.slot));
        fold::apply_entries(db, lease, memory, entries, scanned_to).await?;
        waiting.renew(db).await??;
    }
    Ok(())
}
