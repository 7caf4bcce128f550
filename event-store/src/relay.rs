//! Publishes the log to JetStream, in order, each event once.
//!
//! Every publish expects the sequence before its position, so JetStream's last sequence is the
//! relay's only checkpoint and a stale relay is refused. Every command-api runs a relay; those
//! that see another one at work stand by.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::pin::pin;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::bus::{self, BusError, OVERSIZED};
use crate::listen::HeadListener;
use crate::read;
use crate::recorded::RawEvent;

/// Publishes under way at once. More does not pay much: 85,000/s at 64, 125,000/s at 512,
/// 140,000/s at 2,000 (NATS 2.15, two cores).
const WINDOW_MESSAGES: usize = 512;
/// Events read from the log at once.
const PAGE_EVENTS: usize = 1_000;
/// What an encoded event has besides its metadata and payload, bytes: enough for nearly all.
const ENVELOPE_BYTES: usize = 320;
/// How often an idle relay looks at the log and at the stream all the same.
const IDLE_POLL: Duration = Duration::from_secs(1);
/// How long a relay watches another one before it takes over, and waits after a failure.
const STANDBY: Duration = Duration::from_millis(500);
/// The longest pause between tries while NATS or Postgres is away.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("the log could not be read")]
    Log(#[from] sqlx::Error),
    #[error("the stream could not be reached")]
    Bus(#[from] BusError),
    #[error("an event was not published")]
    Publish(#[from] PublishError),
    #[error("an event could not be written as JSON")]
    Encoding(#[from] serde_json::Error),
}

impl RelayError {
    /// Whether another relay was quicker: no failure.
    fn is_overtaken(&self) -> bool {
        matches!(self, Self::Publish(error) if error.kind() == PublishErrorKind::WrongLastSequence)
    }
}

/// Publishes the log to the stream until told to stop. Failures are reported once an outage, and
/// tried again.
pub async fn run(db: PgPool, bus: Context, stream_name: String, stop: CancellationToken) {
    let relay = Relay { db, bus, stream_name };
    let mut pause = STANDBY;
    let mut outage = false;
    loop {
        let session = relay.session(&mut outage);
        let error = tokio::select! {
            () = stop.cancelled() => return,
            Err(error) = session => error,
        };
        if error.is_overtaken() {
            pause = STANDBY;
        } else {
            if !outage {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the relay is interrupted and will try again");
            }
            outage = true;
            metrics::counter!("relay_failures_total").increment(1);
            pause = (pause * 2).min(RETRY_MAX);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

struct Relay {
    db: PgPool,
    bus: Context,
    stream_name: String,
}

impl Relay {
    /// Stands by until needed, then publishes until something fails.
    async fn session(&self, outage: &mut bool) -> Result<std::convert::Infallible, RelayError> {
        let mut listener = HeadListener::connect(&self.db).await?;
        let mut sent = self.stand_by().await?;
        if std::mem::take(outage) {
            tracing::info!(position = sent, "the relay goes on");
        }
        let mut window = Window::default();
        let mut next = self.read_after(sent);
        loop {
            let page = next.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))?;
            let Some(last) = page.last().map(|message| message.position) else {
                let notified = window.drain_until(listener.changed(IDLE_POLL)).await?;
                // A stream that was wiped while nothing happened is made again before it is needed.
                if !notified && read::head(&self.db).await? == sent {
                    sent = self.ensure_stream().await?.0;
                }
                next = self.read_after(sent);
                continue;
            };
            // Read and encoded while this one is published. A page that is not full is probably the
            // last one: what comes after it is looked for when it is out.
            let ahead = (page.len() >= PAGE_EVENTS).then(|| self.read_after(last));
            for message in page {
                self.publish(message, &mut window).await?;
            }
            window.report();
            sent = last;
            next = ahead.unwrap_or_else(|| self.read_after(sent));
        }
    }

    /// Begins to read the page after a position and to make messages of it.
    fn read_after(&self, position: i64) -> AbortOnDropHandle<Result<Vec<Outgoing>, RelayError>> {
        let (db, stream_name) = (self.db.clone(), self.stream_name.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            let events = read::after(&db, position, PAGE_EVENTS as i64).await?;
            let encoded = events.iter().map(|event| Outgoing::encode(&stream_name, event));
            Ok(encoded.collect::<Result<_, _>>()?)
        }))
    }

    /// Returns the last published position once no other relay is publishing.
    async fn stand_by(&self) -> Result<i64, RelayError> {
        let (mut last, _) = self.ensure_stream().await?;
        loop {
            tokio::time::sleep(STANDBY).await;
            let (now, head) = self.ensure_stream().await?;
            if now == last && now < head {
                return Ok(now);
            }
            last = now;
        }
    }

    /// The stream's last sequence and the log's head; the stream is made if it is missing, and
    /// made anew if it carries another log, more than the log holds, or an
    /// end that is not the log's.
    async fn ensure_stream(&self) -> Result<(i64, i64), RelayError> {
        // The stream before the log: what is published was committed before.
        let stream = bus::find(&self.bus, &self.stream_name).await?;
        let (log_id, head) = bus::log(&self.db).await?;
        if let Some(stream) = &stream {
            let info = stream.cached_info();
            let last = bus::last_sequence(info);
            if bus::carries(info, log_id) && last <= head && bus::agrees(stream, &self.db).await? {
                return Ok((last, head));
            }
            tracing::warn!(last, head, "the stream is not of this log and is made anew");
            self.bus
                .delete_stream(&self.stream_name)
                .await
                .map_err(bus::failed("delete the stream"))?;
        }
        bus::create(&self.bus, &self.stream_name, log_id, head).await?;
        Ok((head, head))
    }

    /// Publishes a message without waiting for its acknowledgement, unless too many are under way.
    async fn publish(&self, message: Outgoing, window: &mut Window) -> Result<(), RelayError> {
        let Outgoing { position, subject, payload } = message;
        window.make_room().await?;
        let sent = self.bus.send_publish(subject.clone(), expecting(position, payload)).await;
        let acknowledgement = match sent {
            Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                // Takes the place of an event that is too large for NATS.
                let stub = expecting(position, Bytes::new()).header(OVERSIZED, "1");
                self.bus.send_publish(subject, stub).await?
            }
            sent => sent?,
        };
        window.under_way.push_back((position, acknowledgement.into_future()));
        Ok(())
    }
}

/// An event ready to be published.
struct Outgoing {
    position: i64,
    subject: String,
    payload: Bytes,
}

impl Outgoing {
    fn encode(stream_name: &str, event: &RawEvent) -> serde_json::Result<Self> {
        let length = event.metadata.get().len() + event.data.get().len();
        let mut payload = Vec::with_capacity(length + ENVELOPE_BYTES);
        serde_json::to_writer(&mut payload, event)?;
        let subject = bus::subject(stream_name, event);
        Ok(Self { position: event.position, subject, payload: payload.into() })
    }
}

fn expecting(position: i64, payload: Bytes) -> PublishMessage {
    let before = u64::try_from(position - 1).unwrap_or(0);
    PublishMessage::build().payload(payload).expected_last_sequence(before)
}

/// What was published and not yet acknowledged, in order. It stays full from page to page: a relay
/// that waits for the last of a page before the next one leaves JetStream idle meanwhile.
#[derive(Default)]
struct Window {
    under_way: VecDeque<(i64, Acknowledgement)>,
    acknowledged: i64,
}

type Acknowledgement = <PublishAckFuture as IntoFuture>::IntoFuture;

impl Window {
    /// Waits for the oldest acknowledgement if there is no room for one more. The others wait by
    /// themselves: to ask all of them each time would cost more than the publishing.
    async fn make_room(&mut self) -> Result<(), PublishError> {
        if self.under_way.len() < WINDOW_MESSAGES { Ok(()) } else { self.acknowledge().await }
    }

    /// Hears the acknowledgements that come while something else is waited for.
    async fn drain_until<T>(&mut self, other: impl Future<Output = T>) -> Result<T, PublishError> {
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

    fn report(&self) {
        if let Ok(events) = u64::try_from(self.acknowledged)
            && events > 0
        {
            metrics::gauge!("relay_position").set(events as f64);
            metrics::counter!("relay_events_total").absolute(events);
        }
    }
}
