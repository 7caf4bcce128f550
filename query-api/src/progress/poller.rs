//! How far the read models have come, as the projector tells over NATS; and, because what is told
//! may be lost, as one query at a time sees, however many requests wait for it.
//!
//! Both are hints: whoever was woken by one looks once more in the snapshot it reads from.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::Client;
use async_nats::connection::State;
use axum::http::StatusCode;
use event_store::reached;
use futures::StreamExt as _;
use service::Problem;
use sqlx::{PgExecutor, PgPool};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use super::{RETRY_AFTER, Standing, behind};
use crate::progress::Model;

/// The most requests that wait at once; more are refused.
pub const WAITERS_MAX: usize = 1024;
/// The shortest pause between two looks, with NATS and without; and the longest, which is reached
/// while nothing moves.
const TOLD_PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// The pause before NATS is asked again for news it did not give.
const LISTEN_PAUSE: Duration = Duration::from_secs(1);

/// What the last look saw.
#[derive(Clone, Copy)]
struct Seen {
    /// The position of each model; 0 before the projector first ran.
    positions: [i64; Model::COUNT],
    /// That of the log; `None` if the look failed.
    head: Option<i64>,
    /// When the look began.
    at: Instant,
}

/// Looks while somebody waits.
pub struct Poller {
    db: PgPool,
    bus: Option<Client>,
    seen: watch::Sender<Seen>,
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
    pub fn new(db: PgPool, bus: Option<Client>) -> Self {
        let seen = Seen { positions: [0; Model::COUNT], head: None, at: Instant::now() };
        Self {
            db,
            bus,
            seen: watch::Sender::new(seen),
            somebody_waits: Notify::new(),
            room: Semaphore::new(WAITERS_MAX),
            index_waiters: AtomicUsize::new(0),
        }
    }

    /// Puts right what was seen before the poller last rested, or before a rebuild was switched to.
    pub fn correct(&self, model: Model, position: i64) {
        self.seen.send_if_modified(|seen| {
            std::mem::replace(&mut seen.positions[model as usize], position) != position
        });
    }

    /// Waits until a model has come to `wanted`, as far as is known; or until there is reason to
    /// doubt that it ever will, because the log has not come that far or cannot be asked. Says
    /// whether there was anything to wait for.
    ///
    /// # Errors
    /// When `until` has passed, or so many wait that there is no place for another.
    pub async fn wait(&self, model: Model, wanted: i64, until: Instant) -> Result<bool, Problem> {
        if self.seen.borrow().positions[model as usize] >= wanted {
            return Ok(false);
        }
        let Ok(_place) = self.room.try_acquire() else {
            return Err(Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "too_many_waiting",
                "too many requests wait for a position",
            )
            .retry_after(RETRY_AFTER));
        };
        let _counted = (model == Model::Index).then(|| IndexWaiter::new(&self.index_waiters));
        let (mut seen, came) = (self.seen.subscribe(), Instant::now());
        self.somebody_waits.notify_one();
        let reached = seen.wait_for(|seen| {
            let doubtful = seen.at > came && seen.head.is_none_or(|head| head < wanted);
            seen.positions[model as usize] >= wanted || doubtful
        });
        match tokio::time::timeout_at(until, reached).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(_)) | Err(_) => {
                Err(behind(model, wanted, self.seen.borrow().positions[model as usize]))
            }
        }
    }

    /// Listens to what is told over NATS, for ever.
    pub async fn listen(&self, bus: &Client, stream_name: &str) {
        loop {
            if let Ok(news) = reached::listen(bus, stream_name).await {
                let mut news = pin!(news);
                while let Some((projection, position)) = news.next().await {
                    if let Some(model) = Model::built_by(&projection) {
                        self.hear(model, position);
                    }
                }
            }
            tokio::time::sleep(LISTEN_PAUSE).await;
        }
    }

    /// Takes in what was told; the older news when two have overtaken each other are none.
    fn hear(&self, model: Model, position: i64) {
        self.seen.send_if_modified(|seen| {
            let known = &mut seen.positions[model as usize];
            position > std::mem::replace(known, position.max(*known))
        });
    }

    /// Looks whenever somebody waits, for ever.
    pub async fn run(&self) {
        loop {
            self.somebody_waits.notified().await;
            let mut pause = self.pause_min();
            while self.seen.receiver_count() > 0 {
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
        let told = self.bus.as_ref().is_some_and(|bus| bus.connection_state() == State::Connected);
        let index = self.index_waiters.load(Ordering::Relaxed) > 0;
        if told && !index { TOLD_PAUSE_MIN } else { PAUSE_MIN }
    }

    /// Looks once, and says whether anything has moved.
    async fn look(&self) -> bool {
        let index = self.index_waiters.load(Ordering::Relaxed) > 0;
        let (at, before) = (Instant::now(), self.seen.borrow().positions);
        let looked = look(&self.db, index).await;
        if let Err(error) = &looked {
            tracing::warn!(%error, "the checkpoints cannot be read");
        }
        let (mut positions, head) = match looked {
            Ok((positions, head)) => (positions, Some(head)),
            Err(_) => (before, None),
        };
        let moved = positions != before;
        self.seen.send_modify(|seen| {
            // What was told meanwhile is newer than what was looked at.
            for ((looked, told), before) in positions.iter_mut().zip(seen.positions).zip(before) {
                if told > before {
                    *looked = told.max(*looked);
                }
            }
            *seen = Seen { positions, head, at };
        });
        moved
    }
}

/// The positions of all models and of the log, in one snapshot; that of the index only if it is
/// asked for, else 0.
async fn look(db: impl PgExecutor<'_>, index: bool) -> sqlx::Result<([i64; Model::COUNT], i64)> {
    let rows = sqlx::query!(
        r#"SELECT name AS "name!", min(position) AS "position!",
                  (SELECT position FROM log_head) AS "head!", CASE WHEN $1 AND name = 'search'
               THEN (SELECT min(dirty_from) FROM search_documents_rows WHERE dirty AND build =
                        (SELECT active_build FROM projections WHERE name = 'search')) END AS unsent
           FROM projection_positions GROUP BY name"#,
        index,
    )
    .fetch_all(db)
    .await?;
    let (mut positions, mut head) = ([0; Model::COUNT], 0);
    for row in rows {
        head = row.head;
        let Some(model) = Model::built_by(&row.name) else { continue };
        positions[model as usize] = row.position;
        if index && model == Model::Search {
            positions[Model::Index as usize] = Standing::new(row.position, row.unsent).sent;
        }
    }
    Ok((positions, head))
}
