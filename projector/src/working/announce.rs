//! Tells those who wait to read a projection how far it has come, with each commit.

use event_store::reached::{Reached, Teller};
use tokio::sync::watch;

use crate::checkpoint::Lease;

/// Tells each position of a lease while it is held, until its worker has ended. What happens while
/// one is being told is told once.
pub async fn announce(teller: Teller, mut held: watch::Receiver<Option<Lease>>) {
    while held.changed().await.is_ok() {
        let reached = held.borrow_and_update().as_ref().map(|lease| Reached {
            slots: lease.slot_from..=lease.slot_to,
            position: lease.position,
        });
        if let Some(reached) = reached {
            teller.tell(&reached).await;
        }
    }
}
