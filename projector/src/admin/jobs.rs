//! What takes its time: it is begun, goes on beside whoever asked, one at a time and one of each
//! projection, and ends in order with the process. How far it is, `GET /admin/projections/{name}`
//! says, and what came of it afterwards, whichever process is asked that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use service::Problem;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::refused::{problem, under_way};
use crate::operations::{self, Hand, HandError, Lengthy, Tools};
use crate::printout::Speed;
use crate::projection::Projection;
use crate::search::Meili;
use crate::working::parking;

/// How many are under way in a process at a time: each takes all that a database has to give.
const AT_ONCE: usize = 1;

/// What takes its time, of this process: what is under way, and what waits for its turn.
pub struct Jobs {
    meili: Meili,
    owner: String,
    stop: CancellationToken,
    tracker: TaskTracker,
    turns: Semaphore,
    running: Mutex<BTreeMap<&'static str, Running>>,
}

struct Running {
    action: Lengthy,
    by: String,
    asked_at: DateTime<Utc>,
    /// Whether it waits for its turn.
    waits: bool,
    progress: ProgressBar,
}

/// Of one projection; given back however that ends.
struct Place {
    jobs: Arc<Jobs>,
    name: &'static str,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.jobs.running().remove(self.name);
    }
}

impl Jobs {
    /// None yet; `stop` ends them.
    pub fn new(meili: Meili, owner: &str, stop: CancellationToken) -> Self {
        let (tracker, turns) = (TaskTracker::new(), Semaphore::new(AT_ONCE));
        let (owner, running) = (format!("{owner}/admin"), Mutex::default());
        Self { meili, owner, stop, tracker, turns, running }
    }

    /// Waits until all have ended, as they do once they are told to stop.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<&'static str, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What this process is at.
    pub(super) fn under_way(&self, projection: &Projection) -> Option<Value> {
        let running = self.running();
        let Running { action, by, asked_at, waits, .. } = running.get(projection.name)?;
        Some(json!({
            "action": action.name(),
            "by": by,
            "asked_at": asked_at,
            "waits_for_its_turn": waits,
        }))
    }

    /// How fast that goes.
    pub(super) fn speed(&self, projection: &Projection) -> Option<Speed> {
        let running = self.running();
        let progress = &running.get(projection.name)?.progress;
        Some(Speed { events_per_second: progress.per_sec(), left: progress.eta() })
    }

    /// Begins something, unless this process is at something already.
    pub(super) fn begin(
        self: &Arc<Self>,
        db: &PgPool,
        projection: &'static Projection,
        by: String,
        action: Lengthy,
    ) -> Result<(), Problem> {
        if self.stop.is_cancelled() {
            return Err(problem(HandError::Stopped));
        }
        let progress = ProgressBar::hidden();
        let mut running = self.running();
        if running.contains_key(projection.name) {
            return Err(under_way("this process is at it already"));
        }
        let (asked_at, shown) = (Utc::now(), progress.clone());
        let job = Running { action, by: by.clone(), asked_at, waits: true, progress: shown };
        running.insert(projection.name, job);
        drop(running);
        let place = Place { jobs: Arc::clone(self), name: projection.name };
        let db = db.clone();
        self.tracker.spawn(async move {
            let ended = place.jobs.in_turn(&db, projection, &by, action, &progress).await;
            let (projection, action) = (projection.name, action.name());
            match ended {
                Ok(()) => tracing::info!(projection, action, by, "done"),
                Err(error) => {
                    let cause = parking::chain(&error);
                    tracing::warn!(projection, action, by, cause, "not done");
                }
            }
        });
        Ok(())
    }

    /// Does it once those before it have ended.
    async fn in_turn(
        &self,
        db: &PgPool,
        projection: &'static Projection,
        by: &str,
        action: Lengthy,
        progress: &ProgressBar,
    ) -> Result<(), HandError> {
        let _turn = tokio::select! {
            // Never closed.
            turn = self.turns.acquire() => turn,
            () = self.stop.cancelled() => return Err(HandError::Stopped),
        };
        if let Some(job) = self.running().get_mut(projection.name) {
            job.waits = false;
        }
        self.run(db, projection, by, action, progress).await
    }

    async fn run(
        &self,
        db: &PgPool,
        projection: &'static Projection,
        by: &str,
        action: Lengthy,
        progress: &ProgressBar,
    ) -> Result<(), HandError> {
        let hand = Hand { db, projection, by };
        let Self { meili, owner, stop, .. } = self;
        let tools = Tools { meili, owner, progress, stop };
        match action {
            Lengthy::Rebuild => operations::rebuild(hand, tools).await.map(drop),
            Lengthy::Verify => operations::verify(hand, tools).await.map(drop),
            Lengthy::Rollback => operations::rollback(hand, tools).await.map(drop),
            Lengthy::Drop => operations::drop_kept(hand, tools).await.map(drop),
            Lengthy::Reset => operations::reset(hand, tools).await.map(drop),
        }
    }
}
