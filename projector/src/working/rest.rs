//! How a worker rests between two batches: while more comes than it can fold one by one, fewer and
//! larger batches leave more of the processor to those who sell. It does not while a reader waits:
//! here it is heard for which positions they do, whatever else is put off until then.

use std::ops::RangeInclusive;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Client;
use event_store::awaited;
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a worker rests at most, else for as long as its batch took.
const REST_MAX: Duration = Duration::from_millis(3);
/// For how long nobody rests who was asked for a position: a reader that waits longer asked for
/// what is not in the log yet.
const AWAITED_FOR: Duration = Duration::from_millis(50);
/// The pause before NATS is asked again for what readers wait for.
const LISTEN_PAUSE: Duration = Duration::from_secs(1);

/// The rests of the workers of one projection. Clones share what readers wait for.
#[derive(Clone, Default)]
pub struct Rest(Arc<watch::Sender<Option<Awaited>>>);

/// What a reader waits for.
#[derive(Clone, Copy)]
struct Awaited {
    position: i64,
    until: Instant,
}

impl Rest {
    /// Hears what readers wait for, for ever.
    pub async fn listen(self, client: Client, stream_name: String, projection: &'static str) {
        loop {
            if let Ok(asked) = awaited::listen(&client, &stream_name, projection).await {
                let mut asked = pin!(asked);
                while let Some(position) = asked.next().await {
                    let until = Instant::now() + AWAITED_FOR;
                    self.0.send_replace(Some(Awaited { position, until }));
                }
            }
            tokio::time::sleep(LISTEN_PAUSE).await;
        }
    }

    /// Rests after a batch that ended at this position, until a reader waits for more.
    pub async fn after(&self, took: Duration, position: i64) {
        let awaited = self.awaited(position + 1..=i64::MAX);
        let _ = tokio::time::timeout(took.min(REST_MAX), awaited).await;
    }

    /// Ends once a reader waits for one of these positions.
    pub async fn awaited(&self, positions: RangeInclusive<i64>) {
        let mut awaited = self.0.subscribe();
        let is_one =
            |asked: &Awaited| positions.contains(&asked.position) && Instant::now() < asked.until;
        // It fails where there is nobody left to hear, which is never so here.
        let _ = awaited.wait_for(|awaited| awaited.as_ref().is_some_and(is_one)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(1);

    fn asked(rest: &Rest, position: i64) {
        rest.0.send_replace(Some(Awaited { position, until: Instant::now() + AWAITED_FOR }));
    }

    async fn rested(rest: &Rest, position: i64) -> Duration {
        let began = Instant::now();
        rest.after(LONG, position).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_rests_who_is_waited_for() {
        let rest = Rest::default();
        assert!(rested(&rest, 7).await >= REST_MAX);
        asked(&rest, 7);
        assert!(rested(&rest, 7).await >= REST_MAX, "that is folded");
        assert_eq!(rested(&rest, 6).await, Duration::ZERO);
        tokio::time::advance(AWAITED_FOR).await;
        assert!(rested(&rest, 6).await >= REST_MAX, "it is not in the log");
        let ((), rested) = tokio::join!(
            async {
                tokio::time::sleep(REST_MAX / 3).await;
                asked(&rest, 8);
            },
            rested(&rest, 6)
        );
        assert!(rested < REST_MAX, "asked for while it rests");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_there_yet_hurries_nobody() {
        let rest = Rest::default();
        let hurried = async || tokio::time::timeout(AWAITED_FOR, rest.awaited(6..=8)).await.is_ok();
        assert!(!hurried().await);
        for (position, one_of_them) in [(5, false), (6, true), (8, true), (9, false)] {
            asked(&rest, position);
            assert_eq!(hurried().await, one_of_them, "{position}");
        }
    }
}
