//! The end of the log, shared: one feed for all who follow it in a process. What each of them would
//! receive and parse anew is received and parsed once.
//!
//! A follower reads Postgres by itself until it is where the tail is, and again whenever something
//! is missing between the two; so nothing depends on what the tail brings, and when. A log that was
//! restored to an earlier point, or replaced by another, is noticed by the tail within a second and
//! told to all.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use sqlx::PgPool;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::feed::{Feed, FeedError, STRETCH_EVENTS_MAX, Stretch};
use crate::read::{self, Log, PAGE_BYTES_MAX, Page, PageSize};
use crate::recorded::RawEvent;

/// Parts of the log that are kept for those who are slower than the log, and what one may weigh, in
/// bytes, unless it is a single event: 16 MiB in all, and as much again where they were written out
/// for followers. Who is slower still reads Postgres, in larger parts.
const PARTS_MAX: usize = 512;
const PART_BYTES_MAX: usize = 32 << 10;
/// How often the tail looks which log it is and how far that has come, and how long it rests after
/// a failure.
const CHECK_PERIOD: Duration = Duration::from_secs(1);
/// How long the tail may be silent before a follower doubts that it works.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// Something that the tail brought.
#[derive(Debug)]
struct Part {
    log_id: Uuid,
    /// How far the tail has brought it with this part.
    head: i64,
    stretch: Stretch,
}

/// The end of the log. Clones share it; it rests while nobody follows, and ends with its last
/// clone.
#[derive(Clone)]
pub struct Tail {
    db: PgPool,
    parts: broadcast::Sender<Arc<Part>>,
    somebody_follows: Arc<Notify>,
}

impl Tail {
    /// Shares a feed, which comes from Postgres alone if there is no bus.
    pub fn start(db: PgPool, bus: Option<Context>, stream_name: String) -> Self {
        let tail = Self {
            db: db.clone(),
            parts: broadcast::Sender::new(PARTS_MAX),
            somebody_follows: Arc::default(),
        };
        let bringer = Bringer { db, bus, stream_name, parts: tail.parts.downgrade() };
        let somebody_follows = Arc::downgrade(&tail.somebody_follows);
        tokio::spawn(async move {
            while let Some(notify) = somebody_follows.upgrade() {
                if tokio::time::timeout(CHECK_PERIOD, notify.notified()).await.is_ok() {
                    drop(notify);
                    bringer.bring().await;
                }
            }
        });
        tail
    }

    /// Listens to what comes from now on, for those who read by themselves what was before. Without
    /// the id of a log, to the first that is heard of.
    pub fn listen(&self, log_id: Option<Uuid>) -> Listener {
        let parts = self.parts.subscribe();
        self.somebody_follows.notify_one();
        Listener { parts, log_id, missed: false, silent_until: Instant::now() + SILENCE_MAX }
    }

    /// Follows a log after a position; without its id, the first that is heard of.
    pub fn follow(&self, log_id: Option<Uuid>, after: i64) -> Follower {
        let page_size = PageSize::new(STRETCH_EVENTS_MAX as i64, PAGE_BYTES_MAX);
        let listener = self.listen(log_id);
        Follower { tail: self.clone(), listener, position: after, behind: true, page_size }
    }
}

/// Tells what the metrics of a tail mean, and begins them.
pub fn describe_metrics() {
    metrics::describe_gauge!(
        "feed_on_postgres",
        "1 while the end of the log comes from Postgres because JetStream does not bring it, else 0"
    );
    metrics::gauge!("feed_on_postgres").set(0.0);
}

/// Where the tail comes from, and goes to.
struct Bringer {
    db: PgPool,
    bus: Option<Context>,
    stream_name: String,
    parts: broadcast::WeakSender<Arc<Part>>,
}

impl Bringer {
    /// Brings what is appended, for as long as somebody follows.
    async fn bring(&self) {
        while self.is_followed() {
            // A failure is the followers' to report: they ask the same Postgres.
            if self.feed().await.is_err() {
                tokio::time::sleep(CHECK_PERIOD).await;
            }
        }
    }

    fn is_followed(&self) -> bool {
        self.parts.upgrade().is_some_and(|parts| parts.receiver_count() > 0)
    }

    fn send(&self, part: Part) {
        if let Some(parts) = self.parts.upgrade() {
            // It fails if nobody follows.
            let _ = parts.send(Arc::new(part));
        }
    }

    /// Brings one log, until it is another one or was restored to an earlier point.
    async fn feed(&self) -> Result<(), FeedError> {
        let Self { db, bus, stream_name, .. } = self;
        let Log { id: log_id, head, in_force, .. } = read::log(db).await?;
        if !in_force {
            return Err(FeedError::Unsettled);
        }
        let mut feed = Feed::new(db.clone(), log_id, bus.clone(), stream_name.clone(), head);
        self.send(Part { log_id, head, stretch: Stretch::default() });
        let mut check = Check::begin(db, feed.position());
        while self.is_followed() {
            let stretch = feed.next(CHECK_PERIOD).await?;
            for part in cut(log_id, feed.position(), stretch) {
                self.send(part);
            }
            if check.log.is_finished() {
                let Check { log, position } = check;
                let log = log.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))?;
                // A standby may be behind what JetStream brings.
                if !log.is(log_id) || (log.head < position && !log.standby) {
                    return Ok(());
                }
                self.send(Part { log_id, head: feed.position(), stretch: Stretch::default() });
                metrics::gauge!("feed_on_postgres").set(if feed.is_live() { 0.0 } else { 1.0 });
                check = Check::begin(db, feed.position());
            }
        }
        Ok(())
    }
}

/// A look, a period from its beginning, at which log it is and how far that has come. Beside the
/// feed: under load it takes as long as some stretches, and events would wait for it.
struct Check {
    log: AbortOnDropHandle<sqlx::Result<Log>>,
    /// Where the feed was before: the log has come at least that far.
    position: i64,
}

impl Check {
    fn begin(db: &PgPool, position: i64) -> Self {
        let db = db.clone();
        let log = tokio::spawn(async move {
            tokio::time::sleep(CHECK_PERIOD).await;
            read::log(&db).await
        });
        Self { log: AbortOnDropHandle::new(log), position }
    }
}

/// Cuts what a feed brought up to a position into parts of bounded size.
fn cut(log_id: Uuid, position: i64, stretch: Stretch) -> Vec<Part> {
    let mut parts = Vec::new();
    if !stretch.malformed.is_empty() {
        let head = stretch.events.first().map_or(position, |first| first.position - 1);
        let stretch = Stretch { events: Vec::new(), malformed: stretch.malformed };
        parts.push(Part { log_id, head, stretch });
    }
    let mut rest = stretch.events.into_iter().peekable();
    while rest.peek().is_some() {
        let (mut events, mut head, mut bytes) = (Vec::new(), 0, 0);
        while let Some(event) = rest.next_if(|event| {
            let weight: usize = event.weight();
            events.is_empty() || bytes + weight <= PART_BYTES_MAX
        }) {
            bytes += event.weight();
            head = event.position;
            events.push(event);
        }
        parts.push(Part { log_id, head, stretch: Stretch { events, malformed: Vec::new() } });
    }
    parts
}

/// What a listener heard.
#[derive(Debug)]
pub enum Heard {
    /// What follows directly on its position, and messages that were no events.
    Events(Stretch),
    /// Nothing in time.
    Nothing,
    /// There may be events after its position that it will not hear of: Postgres has them, and
    /// knows whether the log went back.
    Behind,
    /// The database holds another log, with this id.
    AnotherLog(Uuid),
}

/// Hears what the tail brings, and reads nothing by itself.
pub struct Listener {
    parts: broadcast::Receiver<Arc<Part>>,
    log_id: Option<Uuid>,
    /// Whether something is missing after what was handed out last.
    missed: bool,
    silent_until: Instant,
}

impl Listener {
    /// What comes after a position, until `until`: as much as is there, up to about so many bytes.
    /// Safe to drop while it waits.
    pub async fn next(&mut self, position: i64, until: Instant, bytes_max: usize) -> Heard {
        if std::mem::take(&mut self.missed) {
            return Heard::Behind;
        }
        let deadline = until.min(self.silent_until);
        let first = tokio::time::timeout_at(deadline, self.parts.recv()).await;
        let silent = first.is_err() && Instant::now() >= self.silent_until;
        if first.is_ok() || silent {
            self.silent_until = Instant::now() + SILENCE_MAX;
        }
        let Ok(first) = first else {
            return if silent { Heard::Behind } else { Heard::Nothing };
        };
        let (mut next, mut bytes, mut part) = (Stretch::default(), 0, first.ok());
        loop {
            if let Some(heard) = &part
                && *self.log_id.get_or_insert(heard.log_id) != heard.log_id
            {
                return Heard::AnotherLog(heard.log_id);
            }
            let position = next.events.last().map_or(position, |last| last.position);
            // Without a part, it was too slow, and some were dropped.
            let Some((heard, events)) =
                part.as_ref().and_then(|heard| Some((heard, heard.after(position)?)))
            else {
                if next.events.is_empty() && next.malformed.is_empty() {
                    return Heard::Behind;
                }
                self.missed = true;
                return Heard::Events(next);
            };
            bytes += events.iter().map(|event| event.weight()).sum::<usize>();
            next.events.extend_from_slice(events);
            next.malformed.extend(heard.stretch.malformed.iter().cloned());
            if bytes >= bytes_max || next.events.len() >= STRETCH_EVENTS_MAX {
                return Heard::Events(next);
            }
            part = match self.parts.try_recv() {
                Err(TryRecvError::Empty | TryRecvError::Closed) => return Heard::Events(next),
                received => received.ok(),
            };
        }
    }

    /// Whether a log is the one listened to; it is, if none is known yet.
    fn must_be(&mut self, log_id: Uuid) -> Result<(), FeedError> {
        if *self.log_id.get_or_insert(log_id) == log_id {
            return Ok(());
        }
        Err(FeedError::AnotherLog(log_id))
    }
}

impl Part {
    /// What of it follows directly on a position; nothing if something is missing between the two,
    /// or if the log does not come up to the position.
    fn after(&self, position: i64) -> Option<&[Arc<RawEvent>]> {
        let events = &self.stretch.events;
        let known = events.partition_point(|event| event.position <= position);
        match events.get(known) {
            Some(first) => (first.position == position + 1).then_some(&events[known..]),
            // News of the past are none; but a head is not a part of the past.
            None if !events.is_empty() => Some(&[]),
            None => (self.head == position || !self.stretch.malformed.is_empty()).then_some(&[]),
        }
    }
}

/// One of those who follow the log.
pub struct Follower {
    tail: Tail,
    listener: Listener,
    position: i64,
    /// Whether there may be events between the position and what the tail brings next.
    behind: bool,
    page_size: PageSize,
}

impl Follower {
    /// Goes on after another position. What was heard before is forgotten: it may be of a past that
    /// never happened.
    pub fn rewind(&mut self, after: i64) {
        self.listener = self.tail.listen(self.listener.log_id);
        self.position = after;
        self.behind = true;
    }

    /// The next events: as many as are there, at least one unless `wait` passed. Safe to drop
    /// while it waits.
    ///
    /// # Errors
    /// Also when the log went back behind what was had of it, is another one, or may become one.
    pub async fn next(&mut self, wait: Duration) -> Result<Stretch, FeedError> {
        let until = Instant::now() + wait;
        loop {
            let next = if self.behind {
                self.next_page().await?
            } else {
                match self.listener.next(self.position, until, PAGE_BYTES_MAX).await {
                    Heard::Events(stretch) => stretch,
                    Heard::Nothing => Stretch::default(),
                    Heard::AnotherLog(log_id) => return Err(FeedError::AnotherLog(log_id)),
                    Heard::Behind => {
                        self.behind = true;
                        Stretch::default()
                    }
                }
            };
            if let Some(last) = next.events.last() {
                self.position = last.position;
            }
            let something = !next.events.is_empty() || !next.malformed.is_empty();
            if something || (!self.behind && Instant::now() >= until) {
                return Ok(next);
            }
        }
    }

    /// Reads Postgres until the log has no more for now: the tail, which was listened to before,
    /// brings what comes after.
    async fn next_page(&mut self) -> Result<Stretch, FeedError> {
        let Self { tail, position, .. } = self;
        let Page { events, cut } = read::page(&tail.db, None, *position, &self.page_size).await?;
        // After the page: what is in force now was so when the page was read.
        let log = read::log(&tail.db).await?;
        if !log.in_force {
            return Err(FeedError::Unsettled);
        }
        self.listener.must_be(log.id)?;
        // A standby may be behind what the tail has brought, and knows nothing of the past then.
        let is_ahead = log.head < *position;
        if is_ahead && !log.standby {
            return Err(FeedError::WentBack { head: log.head, position: *position });
        }
        self.behind = self.page_size.learn(events.len() as i64, cut) && !is_ahead;
        Ok(Stretch::from(events))
    }
}
