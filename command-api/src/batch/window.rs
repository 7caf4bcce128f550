//! How much of one batch may be under way: its outstanding verdicts, and the bytes of their lines.
//! When both are used up nothing more is read from the caller, and one who leaves the verdicts
//! unread is not waited for for ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use super::lines::LINE_BYTES_MAX;

/// Lines of one batch whose verdicts are outstanding. Twice what the writer appends at once, so
/// that one lot gathers while the other commits.
pub const WINDOW_LINES_MAX: usize = 512;
/// Bytes of those lines. A few of the longest; of usual ones never reached.
pub const WINDOW_BYTES_MAX: usize = 8 * LINE_BYTES_MAX;

/// The caller left the verdicts unread for too long.
#[derive(Debug, thiserror::Error)]
#[error("the verdicts were not read for too long")]
pub(super) struct Unread;

/// The reader's side of the window.
pub(super) struct Window<T> {
    verdicts: mpsc::Sender<T>,
    bytes: Arc<Semaphore>,
    patience: Duration,
}

impl<T> Window<T> {
    /// A window that is waited for for so long, and the verdicts as they are to be sent.
    pub fn open(patience: Duration) -> (Self, mpsc::Receiver<T>) {
        let (verdicts, outstanding) = mpsc::channel(WINDOW_LINES_MAX);
        let bytes = Arc::new(Semaphore::new(WINDOW_BYTES_MAX));
        (Self { verdicts, bytes, patience }, outstanding)
    }

    /// A place for the next verdict; `None` if the caller is gone. One who does not read holds up
    /// nobody else, but would keep one of the few batches there may be.
    pub async fn place(&self) -> Result<Option<mpsc::Permit<'_, T>>, Unread> {
        let place = timeout(self.patience, self.verdicts.reserve()).await;
        place.map(Result::ok).map_err(|_| Unread)
    }

    /// Room for a line of so many bytes, at most [`LINE_BYTES_MAX`], until the share is dropped.
    pub async fn share(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Unread> {
        let bytes = u32::try_from(bytes).map_err(|_| Unread)?;
        let share = timeout(self.patience, self.bytes.clone().acquire_many_owned(bytes)).await;
        // It is never closed.
        share.map_err(|_| Unread)?.map_err(|_| Unread)
    }

    /// Whether the caller is gone.
    pub fn is_closed(&self) -> bool {
        self.verdicts.is_closed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_place_is_waited_for_only_so_long() {
        let (window, mut outstanding) = Window::open(SHORT);
        for number in 0..WINDOW_LINES_MAX {
            window.place().await.unwrap().unwrap().send(number);
        }
        assert!(window.place().await.is_err());
        assert_eq!(outstanding.recv().await, Some(0));
        assert!(matches!(window.place().await, Ok(Some(_))));
        drop(outstanding);
        assert!(matches!(window.place().await, Ok(None)) && window.is_closed());
    }

    #[tokio::test]
    async fn long_lines_fill_the_window_before_there_are_many() {
        let (window, _outstanding) = Window::<()>::open(SHORT);
        let mut shares = Vec::new();
        while let Ok(share) = window.share(LINE_BYTES_MAX).await {
            shares.push(share);
        }
        assert_eq!(shares.len(), WINDOW_BYTES_MAX / LINE_BYTES_MAX);
        assert!(window.share(1).await.is_err());
        shares.pop();
        assert!(window.share(1).await.is_ok());
    }
}
