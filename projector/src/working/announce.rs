//! Tells those who wait to read a projection how far it has come, with each commit.

use event_store::reached::Teller;
use tokio::sync::watch;

use crate::builds::last_slot;
use crate::checkpoint::Lease;

/// Tells each position of a lease while it is held, until its worker has ended. What happens while
/// one is being told is told once. One range of slots of several does not say how far the
/// projection has come.
pub async fn announce(teller: Teller, mut held: watch::Receiver<Option<Lease>>) {
    while held.changed().await.is_ok() {
        let whole = |lease: &&Lease| lease.slot_from == 0 && lease.slot_to == last_slot();
        let position = held.borrow_and_update().as_ref().filter(whole).map(|lease| lease.position);
        if let Some(position) = position {
            teller.tell(position).await;
        }
    }
}
