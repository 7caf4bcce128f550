//! Publishes the log to JetStream, in order, each event once.
//!
//! What a writer of the same process appends is published as soon as it is durable; what others
//! append is read from the log, at a notification.
//!
//! Every publish expects the sequence before its position, so JetStream's last sequence is the
//! relay's only checkpoint and a stale relay is refused. Every command-api runs a relay; those
//! that see another one at work stand by. A stream that carries another log is that log's, and left
//! alone; one that carries this log under an id that it had before may hold what never happened,
//! and is made anew.

mod outgoing;
mod window;

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::stream::Info;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sqlx::PgPool;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use self::outgoing::Outgoing;
use self::window::Window;
use crate::at_hand::{AtHand, Lot};
use crate::jetstream::{self, JetStreamError, Limits};
use crate::listen::HeadListener;
use crate::read::{self, PAGE_BYTES_MAX, Page, PageSize};
use crate::recorded::RawEvent;
use crate::{Identity, heard, identity};

/// Events read from the log at once.
const PAGE_EVENTS: usize = 1_000;
/// How often an idle relay looks at the log and at the stream all the same.
const IDLE_POLL: Duration = Duration::from_secs(1);
/// How long a relay watches another one before it takes over, and waits after a failure.
const STANDBY: Duration = Duration::from_millis(500);
/// The longest pause between tries while NATS or Postgres is away.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// The longest pause after a stream that had to be made anew more than once in a row.
const REMAKE_PAUSE_MAX: Duration = Duration::from_mins(1);

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("the log could not be read")]
    Log(#[from] sqlx::Error),
    #[error("the stream could not be reached")]
    Bus(#[from] JetStreamError),
    #[error(
        "the stream {stream} carries {theirs}, and this is log {ours}: give one of the two an \
             EVENT_STREAM of its own, or let this one take the stream over by `command-api adopt`"
    )]
    Foreign { stream: String, theirs: String, ours: Uuid },
    #[error("the log is a copy that has yet to get an id of its own")]
    Unsettled,
    #[error("the log is another one, or its server has begun anew")]
    Turned,
    #[error("an event was not published")]
    Publish(#[from] PublishError),
    #[error("an event could not be written as JSON")]
    Encoding(#[from] serde_json::Error),
}

impl RelayError {
    /// Whether another relay was quicker, or the log turned: no failure.
    fn is_overtaken(&self) -> bool {
        matches!(self, Self::Turned)
            || matches!(self, Self::Publish(error)
                if error.kind() == PublishErrorKind::WrongLastSequence)
    }
}

/// How a relay is, for those who watch it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Condition(Arc<Mutex<Option<String>>>);

impl Condition {
    /// Why the log is not relayed, if the relay cannot do so.
    pub fn check(&self) -> Result<(), String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    /// Sets it; says whether that changes anything.
    fn set(&self, trouble: Option<String>) -> bool {
        let mut condition = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = *condition != trouble;
        *condition = trouble;
        changes
    }
}

/// [`Relay::run`], of a stream with the usual limits.
pub async fn run(db: PgPool, bus: Context, stream_name: String, stop: CancellationToken) {
    Relay::new(db, bus, stream_name, Limits::default()).run(stop).await;
}

/// Publishes a log to a stream.
pub struct Relay {
    db: PgPool,
    bus: Context,
    stream_name: String,
    limits: Limits,
    at_hand: AtHand,
    condition: Condition,
    /// How often the stream was made anew since it was last found in order.
    remakes: AtomicU32,
}

impl Relay {
    /// A relay to the stream of that name, which it makes and keeps at these limits.
    pub fn new(db: PgPool, bus: Context, stream_name: String, limits: Limits) -> Self {
        let (condition, remakes) = (Condition::default(), AtomicU32::new(0));
        let at_hand = AtHand::default();
        Self { db, bus, stream_name, limits, at_hand, condition, remakes }
    }

    /// The same beside a writer that puts there what it appends.
    #[must_use]
    pub fn beside(self, at_hand: AtHand) -> Self {
        Self { at_hand, ..self }
    }

    /// How it is, from now on.
    pub fn condition(&self) -> Condition {
        self.condition.clone()
    }

    /// Publishes until told to stop. A failure is reported once, and tried again.
    pub fn run(self, stop: CancellationToken) -> BoxFuture<'static, ()> {
        // Boxed, so that its code is made here once and not in each program anew.
        async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.keep_on() => {}
                () = self.watch_head() => {}
            }
        }
        .boxed()
    }

    async fn keep_on(&self) {
        let mut pause = STANDBY;
        loop {
            let Err(error) = self.session().await;
            metrics::gauge!("relay_active").set(0);
            if error.is_overtaken() {
                pause = STANDBY;
            } else {
                let cause = heard(&self.db, &error).await;
                if self.condition.set(Some(cause.clone())) {
                    report(&error, &cause);
                }
                metrics::counter!("relay_failures_total").increment(1);
                pause = (pause * 2).min(RETRY_MAX);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Says where the log ends, whatever becomes of the relaying: the distance is what is not yet
    /// relayed.
    async fn watch_head(&self) {
        loop {
            if let Ok(head) = read::head(&self.db).await {
                metrics::gauge!("log_head_position").set(head as f64);
            }
            tokio::time::sleep(IDLE_POLL).await;
        }
    }

    /// Stands by until needed, then publishes until something fails.
    async fn session(&self) -> Result<std::convert::Infallible, RelayError> {
        let mut listener = HeadListener::connect(&self.db).await?;
        let Identity { log_id, .. } = identity::settle(&mut *self.db.acquire().await?).await?;
        if let Some(stream) = jetstream::find(&self.bus, &self.stream_name).await?
            && jetstream::carries(stream.cached_info(), log_id)
        {
            jetstream::fit(&self.bus, &stream, self.limits).await?;
        }
        let mut sent = self.stand_by(log_id).await?;
        metrics::gauge!("relay_active").set(1);
        let mut window = Window::after(sent);
        let mut at_hand = self.at_hand.follow();
        let mut next = self.read_after(log_id, sent);
        loop {
            let page = next.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))?;
            let Some(last) = page.last().map(|message| message.position) else {
                sent = self.pass_on(log_id, sent, &mut at_hand, &mut listener, &mut window).await?;
                next = self.read_after(log_id, sent);
                continue;
            };
            // Read and encoded while this one is published. A page that is not full is probably the
            // last one: what comes after it is looked for when it is out.
            let ahead = (page.len() >= PAGE_EVENTS).then(|| self.read_after(log_id, last));
            for message in page {
                let is_last = message.position == last;
                self.publish(message, is_last, &mut window).await?;
            }
            window.report();
            sent = last;
            next = ahead.unwrap_or_else(|| self.read_after(log_id, sent));
        }
    }

    /// Publishes what comes to hand, as long as it follows on what was published. Returns when the
    /// log may hold something else, with the last position that was published.
    async fn pass_on(
        &self,
        log_id: Uuid,
        mut sent: i64,
        at_hand: &mut broadcast::Receiver<Arc<Lot>>,
        listener: &mut HeadListener,
        window: &mut Window,
    ) -> Result<i64, RelayError> {
        loop {
            let next = async {
                tokio::select! {
                    biased;
                    lot = at_hand.recv() => lot.map_or(Woken::Unknown, Woken::AtHand),
                    head = listener.grown(IDLE_POLL) => head.map_or(Woken::Nothing, Woken::Head),
                }
            };
            match window.drain_until(next).await? {
                Woken::AtHand(lot) if lot.log_id != log_id => return Err(RelayError::Turned),
                Woken::AtHand(lot) if follow(&lot.events, sent) => {
                    let last = lot.events.last().map_or(sent, |last| last.position.max(sent));
                    for event in lot.events.iter().filter(|event| event.position > sent) {
                        let message = Outgoing::encode(&self.stream_name, event)?;
                        self.publish(message, event.position == last, window).await?;
                    }
                    sent = last;
                    window.report();
                }
                // The notification of what was at hand, for one.
                Woken::Head(head) if head <= sent => {}
                // A stream that was wiped while nothing happened is made again before it is needed,
                // and so is one that holds more than a log that was put back.
                Woken::Nothing if read::head(&self.db).await? <= sent => {
                    return Ok(self.ensure_stream(log_id).await?.0);
                }
                Woken::AtHand(_) | Woken::Unknown | Woken::Head(_) | Woken::Nothing => {
                    return Ok(sent);
                }
            }
        }
    }

    /// Begins to read the page after a position of a log and to make messages of it. Of a log that
    /// is no more none come.
    fn read_after(
        &self,
        log_id: Uuid,
        position: i64,
    ) -> AbortOnDropHandle<Result<Vec<Outgoing>, RelayError>> {
        let (db, stream_name) = (self.db.clone(), self.stream_name.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            let size = PageSize::new(PAGE_EVENTS as i64, PAGE_BYTES_MAX);
            let Page { events, .. } = read::page(&db, Some(log_id), position, &size).await?;
            if events.is_empty() && !read::log(&db).await?.is(log_id) {
                return Err(RelayError::Turned);
            }
            let encoded = events.iter().map(|event| Outgoing::encode(&stream_name, event));
            Ok(encoded.collect::<Result<_, _>>()?)
        }))
    }

    /// Returns the last published position once no other relay is publishing.
    async fn stand_by(&self, log_id: Uuid) -> Result<i64, RelayError> {
        let (mut last, _) = self.ensure_stream(log_id).await?;
        loop {
            tokio::time::sleep(STANDBY).await;
            let (now, head) = self.ensure_stream(log_id).await?;
            if now == last && now < head {
                return Ok(now);
            }
            last = now;
        }
    }

    /// The stream's last sequence and the log's head; the stream is made if it is missing, and made
    /// anew if it carries more than the log holds, or an end that is not the log's, or was made
    /// under an id that the log had before.
    async fn ensure_stream(&self, log_id: Uuid) -> Result<(i64, i64), RelayError> {
        // The stream before the log: what is published was committed before.
        let stream = jetstream::find(&self.bus, &self.stream_name).await?;
        let log = identity::current(&self.db).await?;
        if !log.settled {
            return Err(RelayError::Unsettled);
        }
        if log.log_id != log_id {
            return Err(RelayError::Turned);
        }
        let head = log.head;
        if let Some(stream) = &stream {
            let info = stream.cached_info();
            let is_ours = jetstream::carries(info, log_id);
            if !is_ours {
                self.must_have_been_ours(info, log_id).await?;
            }
            let last = jetstream::last_sequence(info);
            if is_ours && last <= head && jetstream::agrees(stream, &self.db).await? {
                self.remakes.store(0, Ordering::Relaxed);
                return Ok(self.found(last, head));
            }
            tracing::warn!(last, head, "the stream is not as the log is and is made anew");
            self.bus
                .delete_stream(&self.stream_name)
                .await
                .map_err(jetstream::failed("delete the stream"))?;
        }
        jetstream::create(&self.bus, &self.stream_name, self.limits, log_id, head).await?;
        let remakes = self.remakes.fetch_add(1, Ordering::Relaxed);
        if remakes > 0 {
            // Whatever is wrong with it is not mended by that: it is not done all the time.
            let pause = STANDBY * (1 << remakes.min(10));
            tokio::time::sleep(pause.min(REMAKE_PAUSE_MAX)).await;
        }
        Ok(self.found(head, head))
    }

    /// Refuses a stream that carries what this log never was.
    async fn must_have_been_ours(&self, info: &Info, log_id: Uuid) -> Result<(), RelayError> {
        let carried = jetstream::carried(info);
        if let Some(id) = carried.and_then(|id| id.parse().ok())
            && identity::shared_with(&self.db, id).await?.is_some()
        {
            return Ok(());
        }
        let theirs = carried.map_or_else(|| "what is no log".to_owned(), |id| format!("log {id}"));
        Err(RelayError::Foreign { stream: self.stream_name.clone(), theirs, ours: log_id })
    }

    /// The stream was found, or made, in order.
    fn found(&self, last: i64, head: i64) -> (i64, i64) {
        if self.condition.set(None) {
            tracing::info!(position = last, "the relay goes on");
        }
        metrics::gauge!("relay_position").set(last as f64);
        (last, head)
    }

    /// Publishes a message without waiting until it is acknowledged, unless too many are under way.
    /// Of the last one, and of one in so many, an acknowledgement is asked for: each expects the
    /// one before it, so that it stands for those too, and one that was lost fails it.
    async fn publish(
        &self,
        message: Outgoing,
        is_last: bool,
        window: &mut Window,
    ) -> Result<(), PublishError> {
        window.make_room().await?;
        let position = message.position;
        if is_last || window.wants_to_hear_of(position) {
            let acknowledgement = message.send_for_acknowledgement(&self.bus).await?;
            window.add(position, acknowledgement);
        } else {
            message.send(&self.bus).await?;
        }
        Ok(())
    }
}

/// What wakes a relay that has published all it knows of.
enum Woken {
    /// What was appended here.
    AtHand(Arc<Lot>),
    /// That something was appended here, which it was too slow to take.
    Unknown,
    /// That the log has come to this position.
    Head(i64),
    Nothing,
}

/// Whether nothing is missing between a position and events that stand together in the log.
fn follow(events: &[RawEvent], position: i64) -> bool {
    events.first().is_some_and(|first| first.position <= position + 1)
}

/// A stream that is another log's needs somebody to settle that; all else may pass.
fn report(error: &RelayError, cause: &str) {
    if matches!(error, RelayError::Foreign { .. }) {
        tracing::error!(error = cause, "the log is not relayed");
    } else {
        tracing::warn!(error = cause, "the relay is interrupted and will try again");
    }
}
