//! A build being made, or one that was kept and is brought to where the log is: folded from the log
//! as fast as that goes, under a lease of its own.
//!
//! The next page of the log is read and its payloads are parsed while the one before is folded and
//! written: Postgres and this process then work at the same time.

use std::future::Future;
use std::panic::resume_unwind;
use std::time::Duration;

use event_store::read::{self, EntryPage};
use indicatif::ProgressBar;
use sqlx::{PgExecutor, PgPool};
use tokio_util::task::AbortOnDropHandle;

use crate::building::error::RebuildError;
use crate::building::parts::BuildParts;
use crate::builds;
use crate::checkpoint::{self, BuildRange, RENEWAL};
use crate::kept;
use crate::projection::Projection;
use crate::search::Meili;
use crate::working::parking;

/// The live build is near once the new one is no further behind than this.
const NEAR_EVENTS: i64 = 2_000;
/// The fewest positions of the log read at a time, where events are large.
const SCAN_MIN: i64 = 1_000;
/// Failures in a row, each followed by [`PAUSE`], after which it is given up.
const TRIES_MAX: u32 = 60;
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// A build being made.
pub struct Candidate<'a> {
    /// The database.
    pub db: &'a PgPool,
    /// What is built.
    pub projection: &'static Projection,
    /// The build that readers see.
    pub live: i16,
    /// The new build, with the right to write it.
    pub parts: BuildParts,
    progress: &'a ProgressBar,
    /// Positions of the log read at a time.
    scan: i64,
}

impl<'a> Candidate<'a> {
    /// Clears away what broken rebuilds left behind, and begins.
    pub async fn create(
        db: &'a PgPool,
        projection: &'static Projection,
        meili: Option<&Meili>,
        owner: &str,
        progress: &'a ProgressBar,
    ) -> Result<Self, RebuildError> {
        let live = builds::active(db, projection).await?;
        clear_away(db, projection, meili, owner).await?;
        let Some(build) = builds::create_next(db, projection, owner).await? else {
            return Err(RebuildError::Busy { maker: builds::maker(db, projection).await? });
        };
        // From here on nobody else can switch readers; somebody may have until now.
        if builds::active(db, projection).await? != live {
            builds::delete(db, projection, build).await?;
            return Err(RebuildError::Busy { maker: None });
        }
        if meili.is_some() {
            // Its index is filled once the build is complete.
            builds::set_sends(db, projection, build, false).await?;
        }
        let parts = BuildParts::take(db, projection, build, owner).await?;
        let scan = read::ENTRIES_SCAN_MAX;
        Ok(Self { db, projection, live: live.build, parts, progress, scan })
    }

    /// Clears away what broken rebuilds left behind, and takes up the build that is kept, where it
    /// was left. No document of it is marked to be sent until its index is filled.
    pub async fn take_up(
        db: &'a PgPool,
        projection: &'static Projection,
        meili: Option<&Meili>,
        owner: &str,
        progress: &'a ProgressBar,
    ) -> Result<Self, RebuildError> {
        clear_away(db, projection, meili, owner).await?;
        let (kept, live) = kept::claim(db, projection, owner).await?;
        let parts = BuildParts::take(db, projection, kept.build, owner).await?;
        if let Err(error) = kept::go_on(db, &kept, parts.lease()).await {
            parts.release(db).await?;
            return Err(error);
        }
        // How fast it goes is not reckoned from what it had.
        progress.set_position(u64::try_from(kept.position).unwrap_or(0));
        progress.reset_eta();
        let scan = read::ENTRIES_SCAN_MAX;
        Ok(Self { db, projection, live, parts, progress, scan })
    }

    /// Folds the log up to a position, as [`Self::catch_up_each`].
    pub async fn catch_up(&mut self, until: i64) -> Result<(), RebuildError> {
        self.catch_up_each(&self.parts.all_to(until)).await
    }

    /// Folds the log for each part up to a position of its own. What may pass is tried again:
    /// Postgres may be restarted, and the work goes on from where its last commit left it.
    pub async fn catch_up_each(&mut self, targets: &[i64]) -> Result<(), RebuildError> {
        let mut tries = 0;
        loop {
            let before = self.parts.position();
            let Err(error) = self.fold_each(targets).await else { return Ok(()) };
            if self.parts.position() > before {
                tries = 0;
            }
            tries += 1;
            if tries > TRIES_MAX || !error.may_pass() {
                return Err(error);
            }
            let (name, cause) = (self.projection.name, parking::chain(&error));
            tracing::warn!(projection = name, cause, "the rebuild is interrupted; trying again");
            tokio::time::sleep(PAUSE).await;
            match self.parts.resume(self.db).await {
                // Counted at the next try.
                Ok(()) | Err(RebuildError::Database(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Folds the log up to a position, once.
    pub async fn fold_to(&mut self, until: i64) -> Result<(), RebuildError> {
        self.fold_each(&self.parts.all_to(until)).await
    }

    /// Folds the log for each part up to a position of its own, once. Already there, it renews the
    /// lease.
    async fn fold_each(&mut self, targets: &[i64]) -> Result<(), RebuildError> {
        // The live build may stand beyond the log, which is put right by none that does too.
        let head = read::head(self.db).await?;
        let targets: Vec<i64> = targets.iter().map(|target| head.min(*target)).collect();
        let until = targets.iter().copied().max().unwrap_or(0);
        self.progress.set_length(u64::try_from(until).unwrap_or(0));
        self.renew().await?;
        let mut ahead = self.read_ahead(self.parts.position(), until);
        while let Some(page) = ahead {
            let page = page.await.unwrap_or_else(|error| resume_unwind(error.into_panic()))?;
            let EntryPage { scanned_to, cut, .. } = page;
            // Postgres sends a statement's rows to the end: what does not fit is sent in vain.
            let scan = if cut { self.scan / 2 } else { self.scan * 2 };
            self.scan = scan.clamp(SCAN_MIN, read::ENTRIES_SCAN_MAX);
            ahead = self.read_ahead(scanned_to, until);
            self.parts.fold(self.db, page, &targets).await?;
            self.progress.set_position(u64::try_from(scanned_to).unwrap_or(0));
        }
        Ok(())
    }

    /// Renews the leases.
    async fn renew(&self) -> Result<(), RebuildError> {
        self.parts.renew(&mut *self.db.acquire().await?).await
    }

    /// Begins to read the page after a position, unless there is nothing left to read.
    fn read_ahead(&self, from: i64, until: i64) -> Option<Ahead> {
        if from >= until {
            return None;
        }
        let (db, until) = (self.db.clone(), until.min(from + self.scan));
        let categories = self.projection.category_names();
        Some(AbortOnDropHandle::new(tokio::spawn(async move {
            read::entries(&db, from, until, &categories).await
        })))
    }

    /// Catches up with the live build until little is left.
    pub async fn approach(&mut self) -> Result<(), RebuildError> {
        loop {
            // To where the slowest is: no part may be past the range that it is compared with.
            let slowest = async |it: &Self| {
                let ranges = it.live_ranges(it.db).await?.into_iter();
                let slowest = ranges.map(|range| range.position).min().unwrap_or(0);
                Ok::<_, sqlx::Error>(slowest.min(read::head(it.db).await?))
            };
            let live = slowest(self).await?;
            self.catch_up(live).await?;
            if slowest(self).await? - self.parts.position() <= NEAR_EVENTS {
                return Ok(());
            }
        }
    }

    /// Where the ranges of slots of the live build stand.
    pub async fn live_ranges(&self, db: impl PgExecutor<'_>) -> sqlx::Result<Vec<BuildRange>> {
        checkpoint::ranges(db, self.projection, self.live).await
    }

    /// Does something that takes its time, with the lease renewed meanwhile.
    pub async fn keeping<T>(
        &self,
        work: impl Future<Output = T> + Send,
    ) -> Result<T, RebuildError> {
        let renewals = async {
            loop {
                match self.renew().await {
                    Ok(()) => tokio::time::sleep(RENEWAL).await,
                    Err(fenced @ RebuildError::Fenced(_)) => return fenced,
                    Err(error) => {
                        tracing::warn!(cause = parking::chain(&error), "the lease was not renewed");
                        tokio::time::sleep(RENEWAL).await;
                    }
                }
            }
        };
        tokio::select! {
            done = work => Ok(done),
            error = renewals => Err(error),
        }
    }
}

/// Deletes what broken rebuilds left behind.
async fn clear_away(
    db: &PgPool,
    projection: &Projection,
    meili: Option<&Meili>,
    owner: &str,
) -> Result<(), RebuildError> {
    for build in builds::abandoned(db, projection).await? {
        tracing::info!(projection = projection.name, build, "deleting an abandoned build");
        if !builds::fence(db, projection, build, owner).await? {
            continue;
        }
        if let Some(meili) = meili {
            meili.of_build(build).drop_index().await?;
        }
        builds::delete(db, projection, build).await?;
    }
    Ok(())
}

/// A page that is being read.
type Ahead = AbortOnDropHandle<sqlx::Result<EntryPage>>;
