//! Work that is done to its end though whoever asked for it has hung up: of several steps, or of a
//! transaction, which a connection would take along to the next who uses it.

use std::future::pending;
use std::panic::resume_unwind;

/// Does something beside whoever waits for it. Who stops waiting does not stop it.
pub async fn finish<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(broken) => match broken.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is ending, and whoever waits with it.
            Err(_) => pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use tokio::sync::oneshot;

    use super::finish;

    #[tokio::test]
    async fn who_hangs_up_stops_nothing() {
        let ((go, gone), (done, heard)) = (oneshot::channel::<()>(), oneshot::channel());
        let work = finish(async move {
            gone.await.unwrap();
            done.send(7).unwrap();
        });
        assert!(work.now_or_never().is_none(), "it waits, and is dropped");
        go.send(()).unwrap();
        assert_eq!(heard.await.unwrap(), 7);
        assert_eq!(finish(async { 8 }).await, 8);
    }
}
