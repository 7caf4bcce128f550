//! What is seen to after an answer, so that the answer tells nothing by its time.

use std::time::Duration;

use axum::http::StatusCode;
use service::Problem;
use tokio::sync::Semaphore;

use crate::people::AccountError;

/// Requests of strangers about somebody's account that are seen to at once, after they were
/// answered; more are turned away.
static ASIDE: Semaphore = Semaphore::const_new(64);
/// What who is turned away is told to wait.
const BUSY_FOR: Duration = Duration::from_secs(1);

/// Sees to something after it was answered, so that the answer tells nothing by its time.
pub(super) fn aside(
    seen_to: impl Future<Output = Result<(), AccountError>> + Send + 'static,
) -> Result<(), Problem> {
    let place = ASIDE.try_acquire().map_err(|_| {
        let detail = "too many people ask at once";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(BUSY_FOR)
    })?;
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = seen_to.await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "nothing was mailed to somebody who asked for it");
        }
    });
    Ok(())
}
