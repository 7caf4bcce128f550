//! Follows the log from a position, without gaps or repeats, from whichever source serves best:
//! pages of Postgres while far behind, JetStream near the head, Postgres again when NATS is away,
//! was wiped, or shows anything that is not the next event.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::DeliverPolicy;
use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use futures::{FutureExt, StreamExt};
use sqlx::PgPool;
use tokio::time::Instant;
use uuid::Uuid;

use crate::identity;
use crate::jetstream::{self, JetStreamError, OVERSIZED, TRACEPARENT};
use crate::listen::HeadListener;
use crate::read::{self, PAGE_BYTES_MAX, Page, PageSize};
use crate::recorded::RawEvent;

/// Events in one stretch, which also ends when they weigh [`PAGE_BYTES_MAX`]. Beside it, the client
/// of JetStream holds what it has asked for: some hundred messages, each of no more than NATS
/// takes.
pub const STRETCH_EVENTS_MAX: usize = 5_000;
/// A page shorter than this means the head is near enough for JetStream.
const NEAR_EVENTS: usize = 1_000;
/// How long JetStream is left alone after it failed.
const BUS_COOLDOWN: Duration = Duration::from_secs(5);
/// And how long when it was only behind: the relay hears of an event when the feed does.
const BEHIND_COOLDOWN: Duration = Duration::from_millis(200);
/// How long JetStream may take to be there.
const SUBSCRIBE_MAX: Duration = Duration::from_millis(500);
/// How long a wait goes on before Postgres is asked whether JetStream is silent or just idle.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// A message that was not an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Its sequence in JetStream.
    pub sequence: i64,
    /// What was wrong with it.
    pub reason: String,
}

/// The next part of the log.
#[derive(Debug, Default)]
pub struct Stretch {
    /// The events right after the reader's position; none if the wait passed.
    pub events: Vec<Arc<RawEvent>>,
    /// Messages that stood in the place of events. The events themselves come from Postgres.
    pub malformed: Vec<Malformed>,
}

impl From<Vec<RawEvent>> for Stretch {
    fn from(events: Vec<RawEvent>) -> Self {
        Self { events: events.into_iter().map(Arc::new).collect(), malformed: vec![] }
    }
}

/// Why the log cannot be followed now. Whoever follows it can be used again.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Postgres is away, or the like.
    #[error("the log could not be read")]
    Database(#[from] sqlx::Error),
    /// The log was restored to an earlier point: what was followed last is not in it.
    #[error("the log ends at {head}, before {position}, up to which it was followed")]
    WentBack {
        /// Its last position.
        head: i64,
        /// The follower's.
        position: i64,
    },
    /// The database holds another log than before.
    #[error("the log is another one: {0}")]
    AnotherLog(Uuid),
    /// Its server has begun anew: it may have lost its end, and has yet to get another id.
    #[error("the log is where its server has begun anew, and nobody has written since")]
    Unsettled,
}

enum Source {
    Postgres(Option<HeadListener>),
    JetStream(Box<Ordered>),
}

/// Follows one log. Of another one it brings nothing.
pub struct Feed {
    db: PgPool,
    log_id: Uuid,
    bus: Option<Context>,
    stream_name: String,
    position: i64,
    source: Source,
    page_size: PageSize,
    /// Until when JetStream may be silent before it is doubted.
    silent_until: Instant,
    bus_again_at: Instant,
}

/// What a message turned out to be.
enum Parsed {
    Next(RawEvent),
    /// Not the next event, or not all of it: Postgres has it.
    NotHere,
    Malformed(Malformed),
}

impl Feed {
    /// Follows a log after a position. Without a bus, from Postgres alone.
    pub fn new(
        db: PgPool,
        log_id: Uuid,
        bus: Option<Context>,
        stream_name: String,
        after: i64,
    ) -> Self {
        let source = Source::Postgres(None);
        let (silent_until, bus_again_at) = (Instant::now(), Instant::now());
        let page_size = PageSize::new(STRETCH_EVENTS_MAX as i64, PAGE_BYTES_MAX);
        Self {
            db,
            log_id,
            bus,
            stream_name,
            position: after,
            source,
            page_size,
            silent_until,
            bus_again_at,
        }
    }

    /// The position of the last event handed out.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// Goes on after another position.
    pub fn rewind(&mut self, after: i64) {
        self.position = after;
        self.source = Source::Postgres(None);
    }

    /// Whether JetStream is the source now.
    pub fn is_live(&self) -> bool {
        matches!(self.source, Source::JetStream(_))
    }

    /// The next events: as many as are there, at least one unless `wait` passed. Safe to drop
    /// while it waits.
    pub async fn next(&mut self, wait: Duration) -> Result<Stretch, FeedError> {
        let until = Instant::now() + wait;
        loop {
            let stretch = match &mut self.source {
                Source::Postgres(_) => self.next_page().await?,
                Source::JetStream(_) => self.next_messages(until).await?,
            };
            if let Some(last) = stretch.events.last() {
                self.position = last.position;
            }
            let something = !stretch.events.is_empty() || !stretch.malformed.is_empty();
            let now = Instant::now();
            if something || now >= until {
                return Ok(stretch);
            }
            self.wait(until - now).await;
        }
    }

    /// Waits for the log to grow. JetStream does so by itself.
    async fn wait(&mut self, wait: Duration) {
        if let Source::Postgres(listener) = &mut self.source {
            if let Some(listener) = listener {
                listener.changed(wait.min(SILENCE_MAX)).await;
            } else {
                match HeadListener::connect(&self.db).await {
                    // What was appended before it was there is found by looking once more.
                    Ok(connected) => *listener = Some(connected),
                    // Then looking has to do.
                    Err(_) => tokio::time::sleep(wait.min(SILENCE_MAX)).await,
                }
            }
        }
    }

    async fn next_page(&mut self) -> Result<Stretch, FeedError> {
        let Self { db, log_id, position, page_size, .. } = &*self;
        let Page { events, cut } = read::page(db, Some(*log_id), *position, page_size).await?;
        self.page_size.learn(events.len() as i64, cut);
        if !cut && events.len() < NEAR_EVENTS && Instant::now() >= self.bus_again_at {
            let position = events.last().map_or(self.position, |event| event.position);
            // The events in hand do not wait for a NATS that is away.
            let messages =
                subscribe(&self.db, self.log_id, self.bus.as_ref(), &self.stream_name, position);
            match tokio::time::timeout(SUBSCRIBE_MAX, messages).await {
                Ok(Ok(Subscribed::Live(messages))) => {
                    self.source = Source::JetStream(messages);
                    self.silent_until = Instant::now() + SILENCE_MAX;
                }
                Ok(Ok(Subscribed::Behind)) => {
                    self.bus_again_at = Instant::now() + BEHIND_COOLDOWN;
                }
                _ => self.bus_again_at = Instant::now() + BUS_COOLDOWN,
            }
        }
        Ok(Stretch::from(events))
    }

    async fn next_messages(&mut self, until: Instant) -> Result<Stretch, FeedError> {
        let Source::JetStream(messages) = &mut self.source else { return Ok(Stretch::default()) };
        let mut stretch = Stretch::default();
        let mut position = self.position;
        let until = until.min(self.silent_until);
        let mut message = tokio::time::timeout_at(until, messages.next()).await.ok();
        let now = Instant::now();
        let silent = message.is_none() && now >= self.silent_until;
        if silent || message.is_some() {
            self.silent_until = now + SILENCE_MAX;
        }
        let (mut usable, mut bytes) = (true, 0);
        while let Some(next) = message.take() {
            let parsed = next
                .and_then(Result::ok)
                .map_or(Parsed::NotHere, |message| parse(&message, position));
            match parsed {
                Parsed::Next(event) => {
                    position = event.position;
                    bytes += event.weight();
                    stretch.events.push(Arc::new(event));
                }
                Parsed::NotHere => usable = false,
                Parsed::Malformed(malformed) => {
                    stretch.malformed.push(malformed);
                    usable = false;
                }
            }
            if usable && stretch.events.len() < STRETCH_EVENTS_MAX && bytes < PAGE_BYTES_MAX {
                message = messages.next().now_or_never();
            }
        }
        // Silence while the log has grown: the relay or NATS is away.
        if silent && read::head(&self.db).await? > position {
            usable = false;
        }
        if !usable {
            self.bus_again_at = Instant::now() + BUS_COOLDOWN;
            self.source = Source::Postgres(None);
        }
        Ok(stretch)
    }
}

/// What came of asking JetStream for messages.
enum Subscribed {
    Live(Box<Ordered>),
    /// It has not come that far yet.
    Behind,
    /// It has not got them.
    No,
}

/// Messages after `position`, if JetStream carries this log and has come that far.
async fn subscribe(
    db: &PgPool,
    log_id: Uuid,
    bus: Option<&Context>,
    stream_name: &str,
    position: i64,
) -> Result<Subscribed, JetStreamError> {
    let Some(bus) = bus else { return Ok(Subscribed::No) };
    let Some(stream) = jetstream::find(bus, stream_name).await? else { return Ok(Subscribed::No) };
    let info = stream.cached_info();
    // A copy that has yet to get an id of its own cannot tell its stream from the original's.
    let Ok(log) = identity::current(db).await else { return Ok(Subscribed::No) };
    let first = i64::try_from(info.state.first_sequence).unwrap_or(i64::MAX);
    if !log.settled || log.log_id != log_id {
        return Ok(Subscribed::No);
    }
    if !jetstream::carries(info, log_id) || first > position + 1 {
        return Ok(Subscribed::No);
    }
    if jetstream::last_sequence(info) < position {
        return Ok(Subscribed::Behind);
    }
    if !matches!(jetstream::agrees(&stream, db).await, Ok(true)) {
        return Ok(Subscribed::No);
    }
    let start_sequence = u64::try_from(position + 1).unwrap_or(1);
    let config = OrderedConfig {
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
        ..OrderedConfig::default()
    };
    let consumer =
        stream.create_consumer(config).await.map_err(jetstream::failed("create a consumer"))?;
    let messages = consumer.messages().await.map_err(jetstream::failed("subscribe"))?;
    Ok(Subscribed::Live(Box::new(messages)))
}

/// What a message is to a feed that has come to `position`.
fn parse(message: &Message, position: i64) -> Parsed {
    let Ok(info) = message.info() else { return Parsed::NotHere };
    let sequence = i64::try_from(info.stream_sequence).unwrap_or(i64::MAX);
    let oversized =
        message.headers.as_ref().is_some_and(|headers| headers.get(OVERSIZED).is_some());
    // Below the next one: a consumer that was made anew and begins with the whole stream.
    if sequence != position + 1 || oversized {
        return Parsed::NotHere;
    }
    let brought = message.headers.as_ref().and_then(|headers| headers.get(TRACEPARENT));
    let brought = brought.and_then(|trace| trace.as_str().parse().ok());
    event(sequence, &message.payload)
        .map_or_else(Parsed::Malformed, |event| Parsed::Next(RawEvent { brought, ..event }))
}

/// The event in the payload of the message at `sequence`, which is its position.
///
/// # Errors
/// When it is no event, or says that it is at another position.
pub fn event(sequence: i64, payload: &[u8]) -> Result<RawEvent, Malformed> {
    let reason = match serde_json::from_slice::<RawEvent>(payload) {
        Ok(event) if event.position == sequence => return Ok(event),
        Ok(event) => format!("the event says it is at position {}", event.position),
        Err(error) => error.to_string(),
    };
    Err(Malformed { sequence, reason })
}
