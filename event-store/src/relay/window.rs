//! What a relay has published and not heard of yet.

use std::collections::VecDeque;
use std::pin::pin;

use async_nats::jetstream::context::{PublishAckFuture, PublishError};

/// Publishes under way at once. More does not pay much: 85,000/s at 64, 125,000/s at 512,
/// 140,000/s at 2,000 (NATS 2.15, two cores).
const WINDOW_MESSAGES: usize = 512;

/// What was published and not yet acknowledged, in order. It stays full from page to page: a relay
/// that waits for the last of a page before the next one leaves JetStream idle meanwhile.
#[derive(Default)]
pub(super) struct Window {
    under_way: VecDeque<(i64, Acknowledgement)>,
    acknowledged: i64,
    /// Acknowledged since the last report.
    fresh: u64,
}

type Acknowledgement = <PublishAckFuture as IntoFuture>::IntoFuture;

impl Window {
    /// A message was published that is to be acknowledged.
    pub fn add(&mut self, position: i64, acknowledgement: PublishAckFuture) {
        self.under_way.push_back((position, acknowledgement.into_future()));
    }

    /// Waits for the oldest acknowledgement if there is no room for one more. The others wait by
    /// themselves: to ask all of them each time would cost more than the publishing.
    pub async fn make_room(&mut self) -> Result<(), PublishError> {
        if self.under_way.len() < WINDOW_MESSAGES { Ok(()) } else { self.acknowledge().await }
    }

    /// Hears the acknowledgements that come while something else is waited for.
    pub async fn drain_until<T>(
        &mut self,
        other: impl Future<Output = T>,
    ) -> Result<T, PublishError> {
        let mut other = pin!(other);
        loop {
            tokio::select! {
                biased;
                done = &mut other => return Ok(done),
                acknowledged = self.acknowledge(), if !self.under_way.is_empty() => acknowledged?,
            }
            self.report();
        }
    }

    /// Waits for the oldest acknowledgement. Safe to drop while it waits.
    async fn acknowledge(&mut self) -> Result<(), PublishError> {
        let Some((position, acknowledgement)) = self.under_way.front_mut() else { return Ok(()) };
        let (position, answer) = (*position, acknowledgement.await);
        self.under_way.pop_front();
        answer?;
        self.acknowledged = position;
        self.fresh += 1;
        Ok(())
    }

    /// Counts what was acknowledged since the last time.
    pub fn report(&mut self) {
        if self.fresh > 0 {
            metrics::gauge!("relay_position").set(self.acknowledged as f64);
            metrics::counter!("relay_events_published_total").increment(self.fresh);
            self.fresh = 0;
        }
    }
}
