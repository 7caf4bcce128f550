//! How those who run a projection share it, by ranges of slots.
//!
//! A member holds one range, or none. There is no leader: as often as it renews its lease each
//! member looks who else is there and which ranges they hold ([`members`]), thinks of the one thing
//! that is its own to do ([`plan`], which is pure), and does that between two batches: it cuts
//! something off its range for another ([`bounds`]), or takes in what is nobody's beside it
//! ([`joining`]). Whatever has changed meanwhile stops it, as it stops a batch: by compare-and-set
//! on epoch and position.
//!
//! Nothing here knows how events are folded.

pub mod bounds;
pub mod joining;
pub mod members;
pub mod plan;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::checkpoint::Lease;
use crate::projection::ALL_SLOTS;
use crate::sharing::plan::Move;
use crate::working::fold::{BatchError, Newer};
use crate::working::memory::Memory;

/// What came of a look.
#[derive(Debug)]
pub enum Look {
    /// The range is what it was.
    Unchanged,
    /// The range is another one by now: its lease is to be taken anew.
    Changed,
    /// What was to be taken in stands before an event that this program cannot read.
    Unreadable(Newer),
}

/// Looks once, and gives or takes what is to be given or taken. `unreadable` is the first event
/// that this program could not read: ranges that wait for a newer one there are left alone.
///
/// An error leaves the lease as it was or lost; slots that were taken and not joined are joined at
/// the next look.
pub async fn share(
    db: &PgPool,
    lease: &mut Lease,
    memory: &mut Memory,
    owner: &str,
    unreadable: Option<i64>,
    stop: &CancellationToken,
) -> Result<Look, BatchError> {
    if lease.projection.grain == ALL_SLOTS {
        return Ok(Look::Unchanged);
    }
    let mut connection = memory.take_connection(db).await?;
    let sight = members::look(&mut connection, lease, owner, unreadable).await?;
    let shared = match plan::next(&sight) {
        Move::Stay => Look::Unchanged,
        Move::LetGo { from } => {
            bounds::let_go(&mut connection, lease, from, owner).await?;
            Look::Unchanged
        }
        Move::Give { slots, to } => {
            let (first, last) = (*slots.start(), *slots.end());
            bounds::give(&mut connection, lease, slots, &to).await??;
            let projection = lease.projection.name;
            tracing::info!(projection, first, last, to, "slots given away");
            Look::Changed
        }
        Move::TakeIn { from } => {
            memory.put_back(connection);
            return joining::take_in(db, lease, memory, from, owner, stop).await;
        }
    };
    memory.put_back(connection);
    Ok(shared)
}
