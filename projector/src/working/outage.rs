//! Something that fails again and again: said once when it begins, now and then while it lasts, and
//! once when it is over; tried again after a pause that grows.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::working::parking;

/// How often an outage that lasts is reported again, with what is its cause now.
const REMINDER: Duration = Duration::from_mins(1);

/// An error with its causes, those of the database heard from itself.
pub async fn cause(db: &PgPool, error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    parking::storable(&event_store::heard(db, error).await)
}

/// The failures in a row of one worker.
pub struct Outage {
    projection: &'static str,
    pause_min: Duration,
    pause_max: Duration,
    pause: Duration,
    /// When it began, and when it was reported last.
    since: Option<(Instant, Instant)>,
}

impl Outage {
    /// None yet. The first pause after a failure, and the longest.
    pub fn new(projection: &'static str, pause_min: Duration, pause_max: Duration) -> Self {
        Self { projection, pause_min, pause_max, pause: pause_min, since: None }
    }

    /// Reports a failure, if it is news, and waits, unless the process ends meanwhile.
    pub async fn wait(&mut self, cause: &str, stop: &CancellationToken) {
        let (projection, now) = (self.projection, Instant::now());
        match &mut self.since {
            None => {
                tracing::warn!(projection, cause, "it cannot go on; trying again until it can");
                self.since = Some((now, now));
            }
            Some((began, reported)) if now.duration_since(*reported) >= REMINDER => {
                let seconds = now.duration_since(*began).as_secs();
                tracing::warn!(projection, cause, seconds, "it still cannot go on");
                *reported = now;
            }
            Some(_) => tracing::debug!(projection, cause, "trying again"),
        }
        let _ = tokio::time::timeout(self.pause, stop.cancelled()).await;
        self.pause = (self.pause * 2).min(self.pause_max);
    }

    /// It went on.
    pub fn over(&mut self) {
        self.pause = self.pause_min;
        if let Some((began, _)) = self.since.take() {
            let (projection, seconds) = (self.projection, began.elapsed().as_secs());
            tracing::info!(projection, seconds, "it goes on again");
        }
    }
}
