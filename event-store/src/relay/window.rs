//! What a relay has published and not heard of yet.

use std::collections::VecDeque;
use std::pin::pin;

use async_nats::jetstream::context::{PublishAckFuture, PublishError};

/// Messages under way at once. More does not pay much: 85,000/s at 64, 125,000/s at 512,
/// 140,000/s at 2,000 (NATS 2.15, two cores, each acknowledged).
const WINDOW_MESSAGES: i64 = 512;
/// Messages that one acknowledgement stands for at most: of several in a window, so that there is
/// room again before all of it is stored.
const PER_ACKNOWLEDGEMENT: i64 = 64;

/// What was published and not yet acknowledged, in order. It stays full from page to page: a relay
/// that waits for the last of a page before the next one leaves JetStream idle meanwhile.
pub(super) struct Window {
    /// Positions whose acknowledgement was asked for; it stands for those before it too.
    under_way: VecDeque<(i64, Acknowledgement)>,
    /// The last of them that there was.
    asked: Option<i64>,
    acknowledged: i64,
    reported: i64,
}

type Acknowledgement = <PublishAckFuture as IntoFuture>::IntoFuture;

impl Window {
    /// Nothing is under way, and all up to a position is published.
    pub fn after(position: i64) -> Self {
        let (acknowledged, reported) = (position, position);
        Self { under_way: VecDeque::new(), asked: None, acknowledged, reported }
    }

    /// Whether too many messages would be under way that nobody hears of, were this not the one.
    ///
    /// The first of a session is always heard of: one that is refused among others shows only by
    /// those after it, which miss it; in the next session it is the first, and the reason is told.
    pub fn wants_to_hear_of(&self, position: i64) -> bool {
        self.asked.is_none_or(|asked| position - asked >= PER_ACKNOWLEDGEMENT)
    }

    /// A message was published that is to be acknowledged.
    pub fn add(&mut self, position: i64, acknowledgement: PublishAckFuture) {
        self.under_way.push_back((position, acknowledgement.into_future()));
        self.asked = Some(position);
    }

    /// Waits for the oldest acknowledgement if there is no room for what the next one stands for.
    /// The others wait by themselves: to ask all of them each time would cost more than the
    /// publishing.
    pub async fn make_room(&mut self) -> Result<(), PublishError> {
        let last = self.asked.unwrap_or(self.acknowledged);
        let is_full = last - self.acknowledged > WINDOW_MESSAGES - PER_ACKNOWLEDGEMENT;
        if is_full { self.acknowledge().await } else { Ok(()) }
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
        Ok(())
    }

    /// Counts what was acknowledged since the last time.
    pub fn report(&mut self) {
        let fresh = u64::try_from(self.acknowledged - self.reported).unwrap_or(0);
        if fresh > 0 {
            metrics::gauge!("relay_position").set(self.acknowledged as f64);
            metrics::counter!("relay_events_published_total").increment(fresh);
            self.reported = self.acknowledged;
        }
    }
}
