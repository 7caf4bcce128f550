//! How far the read models have come, as the projector tells over NATS; and, because what is told
//! may be lost, as one query at a time sees, however many requests wait for it.
//!
//! Both are hints: whoever was woken by one looks once more where it reads.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::Client;
use domain::ReadModel;
use event_store::awaited::Asker;
use event_store::reached::{self, Reached};
use futures::StreamExt as _;
use sqlx::{PgExecutor, PgPool};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use super::index::IndexPosition;
use super::positions::{Goal, Positions};
use crate::metrics::UnderWay;

/// The most requests that wait at once; more are refused.
pub const WAITERS_MAX: usize = 1024;
/// The shortest pause between two looks, with NATS and without; and the longest, which is reached
/// while nothing moves.
const TOLD_PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// The pause before NATS is asked again for news it did not give.
const LISTEN_PAUSE: Duration = Duration::from_secs(1);

/// What was looked at or told last.
struct Hints {
    positions: Positions,
    /// That of the log when it was looked at last; `None` if that failed.
    head: Option<i64>,
    /// When the last look began.
    at: Instant,
}

/// Why something is not waited for any longer.
pub enum Unreached {
    /// The time is up.
    Late,
    /// So many wait that there is no place for another.
    Crowded,
}

/// Looks while somebody waits.
pub struct Poller {
    db: PgPool,
    bus: Option<Asker>,
    hints: watch::Sender<Hints>,
    somebody_waits: Notify,
    room: Semaphore,
    /// The requests that wait for the index: only for them is its position looked up.
    index_waiters: AtomicUsize,
}

/// Counts one request among those that wait for the index, as long as it does.
struct IndexWaiter<'a>(&'a AtomicUsize);

impl<'a> IndexWaiter<'a> {
    fn new(waiters: &'a AtomicUsize) -> Self {
        waiters.fetch_add(1, Ordering::Relaxed);
        Self(waiters)
    }
}

impl Drop for IndexWaiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Poller {
    /// Looks at nothing before [`Self::run`], and hears nothing before [`Self::listen`].
    pub fn new(db: PgPool, bus: Option<Asker>) -> Self {
        let hints = Hints { positions: Positions::default(), head: None, at: Instant::now() };
        Self {
            db,
            bus,
            hints: watch::Sender::new(hints),
            somebody_waits: Notify::new(),
            room: Semaphore::new(WAITERS_MAX),
            index_waiters: AtomicUsize::new(0),
        }
    }

    /// Puts right what was seen before the poller last rested, or before a rebuild was switched to;
    /// or was told and is not so.
    pub fn correct(&self, goal: Goal, position: i64) {
        self.hints.send_if_modified(|hints| hints.positions.put_right(goal, position));
    }

    /// Waits until a goal has come to `wanted`, as far as is known; or until there is reason to
    /// doubt that it ever will, because the log has not come that far or cannot be asked. Says
    /// whether there was anything to wait for.
    pub async fn wait(&self, goal: Goal, wanted: i64, until: Instant) -> Result<bool, Unreached> {
        if self.hints.borrow().positions.of(goal) >= wanted {
            return Ok(false);
        }
        let Ok(_place) = self.room.try_acquire() else { return Err(Unreached::Crowded) };
        let _waiting = UnderWay::new("reads_waiting");
        let _under_way = (goal == Goal::Index).then(|| IndexWaiter::new(&self.index_waiters));
        let (mut hints, came) = (self.hints.subscribe(), Instant::now());
        self.somebody_waits.notify_one();
        if let (Goal::Model(model) | Goal::Slot(model, _), Some(bus)) = (goal, &self.bus) {
            bus.ask(model.name(), wanted).await;
        }
        let reached = hints.wait_for(|hints| {
            let doubtful = hints.at > came && hints.head.is_none_or(|head| head < wanted);
            hints.positions.of(goal) >= wanted || doubtful
        });
        match tokio::time::timeout_at(until, reached).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(_)) | Err(_) => Err(Unreached::Late),
        }
    }

    /// Listens to what is told over NATS, for ever.
    pub async fn listen(&self, bus: &Client, stream_name: &str) {
        loop {
            if let Ok(news) = reached::listen(bus, stream_name).await {
                let mut news = pin!(news);
                while let Some((projection, reached)) = news.next().await {
                    if let Some(model) = ReadModel::named(&projection) {
                        let goal = Goal::Model(model);
                        self.hints.send_if_modified(|hints| hints.positions.hear(goal, &reached));
                    }
                }
            }
            tokio::time::sleep(LISTEN_PAUSE).await;
        }
    }

    /// Looks whenever somebody waits, for ever.
    pub async fn run(&self) {
        loop {
            self.somebody_waits.notified().await;
            let mut pause = self.pause_min();
            while self.hints.receiver_count() > 0 {
                let (moved, pause_min) = (self.look().await, self.pause_min());
                pause = if moved { pause_min } else { (pause * 2).min(PAUSE_MAX) };
                // A newcomer is looked for sooner, but not in a tight loop.
                tokio::time::sleep(pause_min).await;
                tokio::select! {
                    () = tokio::time::sleep(pause.saturating_sub(pause_min)) => {}
                    () = self.somebody_waits.notified() => pause = pause_min,
                }
            }
        }
    }

    /// Nothing is told about the index.
    fn pause_min(&self) -> Duration {
        let told = self.bus.as_ref().is_some_and(Asker::is_connected);
        let index = self.index_waiters.load(Ordering::Relaxed) > 0;
        if told && !index { TOLD_PAUSE_MIN } else { PAUSE_MIN }
    }

    /// Looks once, and says whether anything has moved.
    async fn look(&self) -> bool {
        let index = self.index_waiters.load(Ordering::Relaxed) > 0;
        let (at, before) = (Instant::now(), self.hints.borrow().positions.clone());
        let looked = look(&self.db, index).await;
        let mut moved = false;
        self.hints.send_modify(|hints| {
            hints.at = at;
            match looked {
                Ok((positions, head)) => {
                    moved = positions != before;
                    hints.positions = Positions::merged(&before, &hints.positions, positions);
                    hints.head = Some(head);
                }
                Err(error) => {
                    tracing::warn!(%error, "the checkpoints cannot be read");
                    hints.head = None;
                }
            }
        });
        moved
    }
}

/// The positions of all models and of the log, in one snapshot; that of the index only if it is
/// asked for, else 0.
async fn look(db: impl PgExecutor<'_>, index: bool) -> sqlx::Result<(Positions, i64)> {
    let rows = sqlx::query!(
        r#"SELECT name AS "name!", slot_from AS "from!", slot_to AS "to!", position AS "position!",
                  (SELECT position FROM log_head) AS "head!", pg_is_in_recovery() AS "standby!",
                  CASE WHEN $1 AND name = 'search'
               THEN (SELECT min(dirty_from) FROM search_documents_rows WHERE dirty AND build =
                        (SELECT active_build FROM projections WHERE name = 'search')) END AS unsent
           FROM projection_positions"#,
        index,
    )
    .fetch_all(db)
    .await?;
    let (mut positions, mut head) = (Positions::default(), 0);
    for row in rows {
        // The log may be ahead of what a standby knows.
        head = if row.standby { i64::MAX } else { row.head };
        let Some(model) = ReadModel::named(&row.name) else { continue };
        let (slots, position) = (row.from..=row.to, row.position);
        positions.hear(Goal::Model(model), &Reached { slots, position });
        if index && model == ReadModel::Search {
            let sent = IndexPosition::new(row.position, row.unsent).sent;
            positions.put_right(Goal::Index, sent);
        }
    }
    Ok((positions, head))
}
