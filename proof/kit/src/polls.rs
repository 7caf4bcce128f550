//! Callers who hang up in the middle of something.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Polls a future at most so many times, and drops it, as who asked and hung up does.
pub async fn poll_times(times: usize, future: impl Future<Output = ()>) {
    let (mut future, mut polled) = (pin!(future), 0);
    poll_fn(|context| {
        polled += 1;
        if polled > times || future.as_mut().poll(context).is_ready() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
