//! What is seen to after an answer, so that the answer tells nothing by its time.

use std::time::Duration;

use axum::http::StatusCode;
use service::Problem;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::people::AccountError;

/// Requests of strangers about somebody's account that are seen to at once, after they were
/// answered; more are turned away.
static ASIDE: Semaphore = Semaphore::const_new(64);
/// What who is turned away is told to wait.
const BUSY_FOR: Duration = Duration::from_secs(1);

/// A place among those that are seen to. Taken before anything is done, so that who is turned away
/// has done nothing.
pub(super) struct Place(SemaphorePermit<'static>);

/// Takes one.
pub(super) fn place() -> Result<Place, Problem> {
    ASIDE.try_acquire().map(Place).map_err(|_| {
        let detail = "too many people ask at once";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(BUSY_FOR)
    })
}

impl Place {
    /// Sees to something after it was answered, so that the answer tells nothing by its time.
    pub fn see_to(self, it: impl Future<Output = Result<(), AccountError>> + Send + 'static) {
        tokio::spawn(async move {
            let _place = self.0;
            if let Err(error) = it.await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "nothing came of what somebody asked for their account");
            }
        });
    }
}
