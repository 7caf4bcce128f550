//! Whether the writer gets on: what those are told whose turn does not come. Where it does, there
//! are too many of them; where it does not, it waits for the database as they do.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::SubmitError;

/// How long a writer has to stand still until that is not for want of room. Half of what a caller
/// of the API waits, who may have come a moment before it began to.
const STANDS_STILL: Duration = Duration::from_millis(2_500);

/// When the writer took something up, or finished it. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<Mutex<Instant>>);

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Progress {
    /// It did so now.
    pub fn moves(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Why somebody's turn did not come in time.
    pub fn lateness(&self) -> SubmitError {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.elapsed() < STANDS_STILL { SubmitError::Busy } else { SubmitError::Unavailable }
    }
}
