//! Tells those who wait to read a projection how far it has come, with each commit.

use event_store::reached::Teller;
use tokio::sync::watch;

use crate::checkpoint::Lease;

/// Tells each position of a lease while it is held, until its worker has ended. What happens while
/// one is being told is told once.
pub async fn tell(teller: Teller, mut held: watch::Receiver<Option<Lease>>) {
    while held.changed().await.is_ok() {
        let position = held.borrow_and_update().as_ref().map(|lease| lease.position);
        if let Some(position) = position {
            teller.tell(position).await;
        }
    }
}
