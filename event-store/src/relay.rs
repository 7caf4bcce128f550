//! Publishes the log to JetStream, in order, each event once.
//!
//! Every publish expects the sequence before its position, so JetStream's last sequence is the
//! relay's only checkpoint and a stale relay is refused. Every command-api runs a relay; those
//! that see another one at work stand by.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use futures::StreamExt;
use futures::stream::FuturesOrdered;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::bus::{self, BusError, OVERSIZED};
use crate::listen::HeadListener;
use crate::read;
use crate::recorded::RawEvent;

/// Publishes under way at once. More does not pay much: 85,000/s at 64, 125,000/s at 512,
/// 140,000/s at 2,000 (NATS 2.15, two cores).
const WINDOW_MESSAGES: usize = 512;
/// Events read from the log at once.
const PAGE_EVENTS: i64 = 1_000;
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
        let mut last = self.stand_by().await?;
        if std::mem::take(outage) {
            tracing::info!(position = last, "the relay goes on");
        }
        loop {
            let events = read::after(&self.db, last, PAGE_EVENTS).await?;
            if events.is_empty() {
                listener.changed(IDLE_POLL).await;
                // A stream that was wiped while nothing happened is made again before it is needed.
                if read::head(&self.db).await? == last {
                    last = self.ensure_stream().await?.0;
                }
                continue;
            }
            last = self.publish(events).await?;
            metrics::gauge!("relay_position").set(last as f64);
        }
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

    /// Publishes a page, pipelined; returns the last position that JetStream has acknowledged.
    async fn publish(&self, events: Vec<RawEvent>) -> Result<i64, RelayError> {
        let mut acknowledgements = FuturesOrdered::new();
        let mut last = 0;
        for event in events {
            if acknowledgements.len() >= WINDOW_MESSAGES
                && let Some(acknowledged) = acknowledgements.next().await
            {
                acknowledged?;
            }
            last = event.position;
            let subject = bus::subject(&self.stream_name, &event);
            let message = message(&event, serde_json::to_vec(&event)?);
            let sent = match self.bus.send_publish(subject.clone(), message).await {
                Err(error) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                    let stub = message_stub(&event);
                    self.bus.send_publish(subject, stub).await?
                }
                sent => sent?,
            };
            acknowledgements.push_back(sent.into_future());
        }
        while let Some(acknowledged) = acknowledgements.next().await {
            acknowledged?;
        }
        metrics::counter!("relay_events_total").absolute(u64::try_from(last).unwrap_or(0));
        Ok(last)
    }
}

fn message(event: &RawEvent, payload: Vec<u8>) -> PublishMessage {
    let before = u64::try_from(event.position - 1).unwrap_or(0);
    PublishMessage::build().payload(payload.into()).expected_last_sequence(before)
}

/// Takes the place of an event that is too large for NATS.
fn message_stub(event: &RawEvent) -> PublishMessage {
    message(event, Vec::new()).header(OVERSIZED, "1")
}
