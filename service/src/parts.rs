//! The parts that run in a process, beside what serves its port: none outlives the others, and all
//! of them together have so long to end.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long all parts together may take to end after the drain: with it, and some seconds to
/// spare, within the 45 s that a container is given.
const STOP_TIME_MAX: Duration = Duration::from_secs(20);

/// The parts of a process.
pub struct Parts {
    stop: CancellationToken,
    broken: CancellationToken,
    /// When all of them must have ended.
    deadline: Option<Instant>,
}

/// A part that is watched.
pub struct WatchedPart {
    what: &'static str,
    task: JoinHandle<()>,
}

impl Parts {
    /// Of a process that `stop` ends.
    pub fn new(stop: CancellationToken) -> Self {
        Self { stop, broken: CancellationToken::new(), deadline: None }
    }

    /// Sees to it that the service does not outlive one of its parts: a process without its writer
    /// would refuse every command and call itself healthy.
    pub fn watch(&self, what: &'static str, task: JoinHandle<()>) -> WatchedPart {
        let (stop, broken) = (self.stop.clone(), self.broken.clone());
        let task = tokio::spawn(async move {
            let ended = task.await;
            if ended.is_err() || !stop.is_cancelled() {
                tracing::error!(?ended, "{what} broke; the service stops");
                broken.cancel();
                stop.cancel();
            }
        });
        WatchedPart { what, task }
    }

    /// The process is to end; from now on its parts have their time. Not only signals end it: after
    /// a failed bind, too, the parts end because they are told to.
    pub fn stop(&mut self) {
        self.stop.cancel();
        self.deadline = Some(Instant::now() + STOP_TIME_MAX);
    }

    /// Waits for the end of a part that was told to end.
    pub async fn ended(&self, part: WatchedPart) {
        let WatchedPart { what, task } = part;
        let deadline = self.deadline.unwrap_or_else(|| Instant::now() + STOP_TIME_MAX);
        match tokio::time::timeout_at(deadline, task).await {
            Ok(Ok(())) => tracing::debug!("{what} has ended"),
            Ok(Err(error)) => tracing::error!(%error, "{what} broke"),
            Err(_) => tracing::warn!("{what} did not end in time"),
        }
    }

    /// Whether one of them broke.
    pub fn is_broken(&self) -> bool {
        self.broken.is_cancelled()
    }
}
