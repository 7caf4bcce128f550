//! Work that has few places and is finished once it is begun. Who hangs up does not stop what
//! Postgres is doing for him: if that gave his place back, those who hang up would pass by the
//! bound, and fill the connections with statements that nobody waits for.

use std::panic::resume_unwind;

use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;

/// Does `work` to its end, whether or not somebody still waits for it, and gives `place` back then.
/// The work owns its connection, so that this is not returned in the middle of a statement either.
pub async fn bounded<T: Send + 'static>(
    place: OwnedSemaphorePermit,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let task = async move {
        let outcome = work.await;
        drop(place);
        outcome
    };
    match tokio::spawn(task.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The process ends, and whoever waits with it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Waker};

    use tokio::sync::{Semaphore, oneshot};

    use super::*;

    #[tokio::test]
    async fn a_place_is_given_back_when_the_work_ends_and_not_when_its_caller_hangs_up() {
        let places = Arc::new(Semaphore::new(1));
        let place = || places.clone().try_acquire_owned();
        let (finish, finished) = oneshot::channel::<()>();
        {
            let waiting = pin!(bounded(place().unwrap(), finished));
            let mut context = Context::from_waker(Waker::noop());
            assert!(waiting.poll(&mut context).is_pending());
        }
        tokio::task::yield_now().await;
        assert!(place().is_err(), "the work is under way");
        finish.send(()).unwrap();
        let free = places.clone().acquire_owned().await.unwrap();
        assert_eq!(bounded(free, async { 7 }).await, 7);
        assert!(place().is_ok());
    }
}
