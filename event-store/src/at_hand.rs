//! What a writer has just appended, at hand for the relay of the same process: it need not be
//! notified by Postgres and read it back.
//!
//! A hint: it may be missing, or come after what others have appended meanwhile. The log has all.

use std::sync::Arc;

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::recorded::RawEvent;

/// Batches that are kept for a relay that is busy with those before; of one that is slower it is
/// known what is missing. A batch holds at most what
/// [`Settings`](crate::writer::Settings::batch_bytes_max) of its writer let it.
const BATCHES_MAX: usize = 16;

/// What was appended to a log at once.
#[derive(Debug)]
pub struct Lot {
    /// Which log that was.
    pub log_id: Uuid,
    /// Events that are durable and stand together in it.
    pub events: Vec<RawEvent>,
}

/// Where a writer puts what it has appended. Clones share it.
#[derive(Clone, Debug)]
pub struct AtHand(broadcast::Sender<Arc<Lot>>);

impl Default for AtHand {
    fn default() -> Self {
        Self(broadcast::Sender::new(BATCHES_MAX))
    }
}

impl AtHand {
    /// What is put there from now on.
    pub fn follow(&self) -> broadcast::Receiver<Arc<Lot>> {
        self.0.subscribe()
    }

    /// Whether anybody wants it.
    pub fn is_wanted(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// Puts events there.
    pub fn put(&self, lot: Lot) {
        // It fails if nobody wants it.
        let _ = self.0.send(Arc::new(lot));
    }
}
