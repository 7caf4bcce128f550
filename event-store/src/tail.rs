//! The end of the log, shared: one feed for all who follow it in a process. What each of them would
//! receive and parse anew is received and parsed once.
//!
//! A follower reads Postgres by itself until it is where the tail is, and again whenever something
//! is missing between the two; so nothing depends on what the tail brings, and when.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::Context;
use sqlx::PgPool;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{Notify, broadcast};
use tokio::time::Instant;

use crate::feed::{BATCH_EVENTS_MAX, Batch, Feed, FeedError};
use crate::read;

/// Parts of the log that are kept for those who are slower than the log. Who is slower still reads
/// Postgres, in larger parts.
const PARTS_MAX: usize = 32;
/// How long the tail may be silent before Postgres is asked whether the log has grown all the same,
/// and how long it rests after a failure.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// The end of the log. Clones share it; it rests while nobody follows, and ends with its last clone.
#[derive(Clone)]
pub struct Tail {
    db: PgPool,
    parts: broadcast::Sender<Arc<Batch>>,
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
        let source = Source { db, bus, stream_name, parts: tail.parts.downgrade() };
        let somebody_follows = Arc::downgrade(&tail.somebody_follows);
        tokio::spawn(async move {
            while let Some(notify) = somebody_follows.upgrade() {
                if tokio::time::timeout(SILENCE_MAX, notify.notified()).await.is_ok() {
                    drop(notify);
                    source.bring().await;
                }
            }
        });
        tail
    }

    /// Follows the log after a position.
    pub fn follow(&self, after: i64) -> Follower {
        let parts = self.parts.subscribe();
        self.somebody_follows.notify_one();
        let (tail, silent_until) = (self.clone(), Instant::now());
        Follower { tail, parts, position: after, behind: true, silent_until }
    }
}

/// Where the tail comes from, and goes to.
struct Source {
    db: PgPool,
    bus: Option<Context>,
    stream_name: String,
    parts: broadcast::WeakSender<Arc<Batch>>,
}

impl Source {
    /// Brings what is appended, for as long as somebody follows.
    async fn bring(&self) {
        while self.parts.upgrade().is_some_and(|parts| parts.receiver_count() > 0) {
            // A failure is the followers' to report: they ask the same Postgres.
            if self.feed().await.is_err() {
                tokio::time::sleep(SILENCE_MAX).await;
            }
        }
    }

    async fn feed(&self) -> Result<(), FeedError> {
        let Self { db, bus, stream_name, parts } = self;
        let head = read::head(db).await?;
        let mut feed = Feed::new(db.clone(), bus.clone(), stream_name.clone(), head);
        while let Some(parts) = parts.upgrade()
            && parts.receiver_count() > 0
        {
            let part = feed.next(SILENCE_MAX).await?;
            if !part.events.is_empty() || !part.malformed.is_empty() {
                let _ = parts.send(Arc::new(part));
            } else if read::head(db).await? < feed.position() {
                // The log was restored to an earlier point, and goes on from there.
                return Ok(());
            }
        }
        Ok(())
    }
}

/// One of those who follow the log.
pub struct Follower {
    tail: Tail,
    parts: broadcast::Receiver<Arc<Batch>>,
    position: i64,
    /// Whether there may be events between the position and what the tail brings next.
    behind: bool,
    silent_until: Instant,
}

impl Follower {
    /// Goes on after another position.
    pub fn rewind(&mut self, after: i64) {
        self.position = after;
        self.behind = true;
    }

    /// The next events: as many as are there, at least one unless `wait` passed. Safe to drop
    /// while it waits.
    pub async fn next(&mut self, wait: Duration) -> Result<Batch, FeedError> {
        let until = Instant::now() + wait;
        loop {
            let next = if self.behind {
                self.next_page().await?
            } else {
                self.next_parts(until.min(self.silent_until)).await
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

    /// Reads Postgres until the log has no more for now: the tail, which was followed before, brings
    /// what comes after. A tail that has only just begun may leave something out, which is noticed
    /// at its next part, or when it is silent.
    async fn next_page(&mut self) -> Result<Batch, FeedError> {
        let events = read::after(&self.tail.db, self.position, BATCH_EVENTS_MAX as i64).await?;
        self.behind = events.len() == BATCH_EVENTS_MAX;
        self.silent_until = Instant::now() + SILENCE_MAX;
        Ok(Batch { events: events.into_iter().map(Arc::new).collect(), malformed: vec![] })
    }

    /// Takes what the tail has brought, and waits for it if that is nothing.
    async fn next_parts(&mut self, until: Instant) -> Batch {
        let mut next = Batch::default();
        let Ok(first) = tokio::time::timeout_at(until, self.parts.recv()).await else {
            self.behind = Instant::now() >= self.silent_until;
            return next;
        };
        self.silent_until = Instant::now() + SILENCE_MAX;
        let mut part = first.ok();
        loop {
            match part {
                Some(part) => self.take(&part, &mut next),
                // It was too slow, and some were dropped.
                None => self.behind = true,
            }
            if self.behind || next.events.len() >= BATCH_EVENTS_MAX {
                return next;
            }
            part = match self.parts.try_recv() {
                Err(TryRecvError::Empty) => return next,
                received => received.ok(),
            };
        }
    }

    /// Adds what follows directly on what was had before.
    fn take(&mut self, part: &Batch, next: &mut Batch) {
        next.malformed.extend(part.malformed.iter().cloned());
        let position = next.events.last().map_or(self.position, |last| last.position);
        let known = part.events.partition_point(|event| event.position <= position);
        match part.events.get(known) {
            Some(first) if first.position > position + 1 => self.behind = true,
            Some(_) => next.events.extend_from_slice(&part.events[known..]),
            None => {}
        }
    }
}
