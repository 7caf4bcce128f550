//! One query at a time looks how far the read models have come, however many requests wait for it.
//!
//! What it saw is a hint: whoever was woken by it looks once more in the snapshot it reads from.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use service::Problem;
use sqlx::{PgExecutor, PgPool};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use super::{RETRY_AFTER, Standing, behind};
use crate::progress::Model;

/// The most requests that wait at once; more are refused.
pub const WAITERS_MAX: usize = 1024;
/// The shortest pause between two looks, and the longest, which is reached while nothing moves.
const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(100);

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
    /// Looks at nothing before [`Self::run`].
    pub fn new(db: PgPool) -> Self {
        let seen = Seen { positions: [0; Model::COUNT], head: None, at: Instant::now() };
        Self {
            db,
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

    /// Looks whenever somebody waits, for ever.
    pub async fn run(&self) {
        loop {
            self.somebody_waits.notified().await;
            let mut pause = PAUSE_MIN;
            while self.seen.receiver_count() > 0 {
                let moved = self.look().await;
                pause = if moved { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
                // A newcomer is looked for sooner, but not in a tight loop.
                tokio::time::sleep(PAUSE_MIN).await;
                tokio::select! {
                    () = tokio::time::sleep(pause.saturating_sub(PAUSE_MIN)) => {}
                    () = self.somebody_waits.notified() => pause = PAUSE_MIN,
                }
            }
        }
    }

    /// Looks once, and says whether anything has moved.
    async fn look(&self) -> bool {
        let index = self.index_waiters.load(Ordering::Relaxed) > 0;
        let at = Instant::now();
        let now = match look(&self.db, index).await {
            Ok((positions, head)) => Seen { positions, head: Some(head), at },
            Err(error) => {
                tracing::warn!(%error, "the checkpoints cannot be read");
                Seen { head: None, at, ..*self.seen.borrow() }
            }
        };
        now.positions != self.seen.send_replace(now).positions
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
