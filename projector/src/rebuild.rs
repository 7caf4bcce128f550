//! A new build beside the one that is read: folded from the log, compared with it, and put in its
//! place in one step. Readers see the old one until then, whole, and the new one after, whole.
//!
//! The comparison needs both builds at one position. The live worker is held for the moment it
//! takes to catch up the last few events and to take a snapshot; the comparing is done in it.

use std::future::Future;

use event_store::read;
use futures::future::BoxFuture;
use indicatif::ProgressBar;
use sqlx::{PgPool, Postgres, Transaction};

use crate::batch::{self, BatchError};
use crate::builds;
use crate::checkpoint::{self, Fenced, Lease, RENEWAL};
use crate::compare::{self, Difference};
use crate::parking::{self, ParkedStreams};
use crate::projection::Projection;
use crate::search::pusher::{self, PushError};
use crate::search::{IndexError, Meili};

/// Events read and folded at a time.
const PAGE_EVENTS: i64 = 5_000;
/// The live build is held only once the new one is no further behind than this.
const NEAR_EVENTS: i64 = 2_000;
/// How long the live build may be held while this process does not move, milliseconds.
const HOLD_MS: &str = "60000";

/// Why a rebuild ended without a switch. What it has written is deleted by the next one.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// There is another one.
    #[error("it is being rebuilt or verified already")]
    Busy,
    /// It took too long somewhere, and somebody cleared it away.
    #[error(transparent)]
    Fenced(#[from] Fenced),
    /// Events could not be folded.
    #[error("the log could not be folded")]
    Batch(#[source] BatchError),
    /// Postgres is away.
    #[error("the database is in trouble")]
    Database(#[from] sqlx::Error),
    /// Meilisearch did not take the documents.
    #[error("the new search index could not be filled")]
    Push(#[from] PushError),
    /// Meilisearch did not swap the indexes.
    #[error("the search indexes could not be swapped")]
    Index(#[from] IndexError),
}

impl From<BatchError> for RebuildError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Fenced(fenced) => Self::Fenced(fenced),
            error => Self::Batch(error),
        }
    }
}

/// What came of a rebuild or a verification.
#[derive(Clone, Debug)]
pub struct Report {
    /// The build that was read before.
    pub from: i16,
    /// The new build.
    pub to: i16,
    /// Where the two were compared; none if the live one stands at several positions.
    pub compared_at: Option<i64>,
    /// Where they differ, at most [`compare::DIFFERENCES_MAX`] of each table.
    pub differences: Vec<Difference>,
    /// Streams that the new build has parked.
    pub parked: usize,
}

/// A build being made.
struct Candidate<'a> {
    db: &'a PgPool,
    projection: &'static Projection,
    live: i16,
    lease: Lease,
    streams: ParkedStreams,
    progress: &'a ProgressBar,
}

/// Rebuilds a projection and switches readers to it. `meili` is needed for the search projection
/// only. The bar counts positions.
pub async fn rebuild(
    db: &PgPool,
    projection: &'static Projection,
    meili: Option<&Meili>,
    owner: &str,
    progress: &ProgressBar,
) -> Result<Report, RebuildError> {
    let mut candidate = Candidate::create(db, projection, meili, owner, progress).await?;
    let report = candidate.compare_with_live().await?;
    let head = read::head(db).await?;
    candidate.catch_up(head).await?;
    candidate.fill(meili).await?;
    candidate.switch(meili).await?;
    builds::delete(db, projection, report.from).await?;
    if let Some(meili) = meili {
        // It has the old documents now.
        meili.of_build(report.to).drop_index().await?;
    }
    progress.finish();
    Ok(report)
}

/// Folds the log anew and compares; what was folded is thrown away.
pub async fn verify(
    db: &PgPool,
    projection: &'static Projection,
    owner: &str,
    progress: &ProgressBar,
) -> Result<Report, RebuildError> {
    let mut candidate = Candidate::create(db, projection, None, owner, progress).await?;
    let report = candidate.compare_with_live().await?;
    candidate.lease.release(db).await?;
    builds::delete(db, projection, report.to).await?;
    progress.finish();
    Ok(report)
}

impl<'a> Candidate<'a> {
    async fn create(
        db: &'a PgPool,
        projection: &'static Projection,
        meili: Option<&Meili>,
        owner: &str,
        progress: &'a ProgressBar,
    ) -> Result<Self, RebuildError> {
        let live = builds::active(db, projection).await?.build;
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
        let build = builds::create_next(db, projection, owner).await?.ok_or(RebuildError::Busy)?;
        let lease = checkpoint::acquire(db, projection, build, 0, owner).await?.ok_or(Fenced)?;
        let streams = ParkedStreams::default();
        Ok(Self { db, projection, live, lease, streams, progress })
    }

    /// Folds the log up to a position. Already there, it renews the lease.
    async fn catch_up(&mut self, until: i64) -> Result<(), RebuildError> {
        self.progress.set_length(u64::try_from(until).unwrap_or(0));
        self.lease.renew(self.db).await??;
        while self.lease.position < until {
            let page = PAGE_EVENTS.min(until - self.lease.position);
            let events = read::after(self.db, self.lease.position, page).await?;
            batch::apply(self.db, &mut self.lease, &mut self.streams, &events).await?;
            self.progress.set_position(u64::try_from(self.lease.position).unwrap_or(0));
        }
        Ok(())
    }

    /// Catches up with the live build and holds it there, as long as the transaction lasts. Gives
    /// the positions of its ranges of slots.
    async fn meet(&mut self) -> Result<(Transaction<'static, Postgres>, Vec<i64>), RebuildError> {
        loop {
            let live = self.live_position().await?;
            self.catch_up(live).await?;
            if self.live_position().await? - self.lease.position <= NEAR_EVENTS {
                break;
            }
        }
        let mut hold = self.db.begin().await?;
        sqlx::query!(
            "SELECT set_config('idle_in_transaction_session_timeout', $1, true) AS bounded",
            HOLD_MS,
        )
        .fetch_one(&mut *hold)
        .await?;
        let positions = sqlx::query_scalar!(
            "SELECT position FROM projection_slots WHERE projection = $1 AND build = $2
             ORDER BY slot_from FOR UPDATE",
            self.projection.name,
            self.live,
        )
        .fetch_all(&mut *hold)
        .await?;
        self.catch_up(positions.iter().copied().max().unwrap_or(0)).await?;
        Ok((hold, positions))
    }

    async fn live_position(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar!(
            r#"SELECT max(position) AS "position!" FROM projection_slots
               WHERE projection = $1 AND build = $2"#,
            self.projection.name,
            self.live,
        )
        .fetch_one(self.db)
        .await
    }

    /// Compares with the live build at its position.
    async fn compare_with_live(&mut self) -> Result<Report, RebuildError> {
        let (hold, positions) = self.meet().await?;
        let position = self.lease.position;
        let together = positions.iter().all(|other| *other == position);
        let snapshot = compare::snapshot(self.db).await?;
        hold.rollback().await?;
        let differences = if together {
            let found =
                compare::differences(snapshot, self.projection, self.live, self.lease.build);
            keeping(self.db, &self.lease, found).await??
        } else {
            vec![]
        };
        Ok(Report {
            from: self.live,
            to: self.lease.build,
            compared_at: together.then_some(position),
            differences,
            parked: self.streams.len(),
        })
    }

    /// Fills the second index of the search projection.
    async fn fill(&self, meili: Option<&Meili>) -> Result<(), RebuildError> {
        let Some(meili) = meili else { return Ok(()) };
        let index = meili.of_build(self.lease.build);
        let fill = async {
            index.drop_index().await?;
            index.ensure().await?;
            // To be swapped, it must be there; lost, it will be filled as the new one.
            meili.live().ensure().await?;
            pusher::push(self.db, &index, &self.lease).await
        };
        keeping(self.db, &self.lease, fill).await??;
        Ok(())
    }

    /// Puts the new build in the place of the live one, which is held meanwhile.
    async fn switch(&mut self, meili: Option<&Meili>) -> Result<(), RebuildError> {
        let (mut hold, _) = self.meet().await?;
        let (live, build) = (self.live, self.lease.build);
        if let Some(meili) = meili {
            let index = meili.of_build(build);
            let swap = async {
                pusher::push(self.db, &index, &self.lease).await?;
                Ok::<_, RebuildError>(meili.swap_with_live(&index).await?)
            };
            keeping(self.db, &self.lease, swap).await??;
            // What the old build's pusher has under way may still arrive in the new index.
            sqlx::query!(
                "UPDATE search_documents_rows AS new SET dirty = true,
                     dirty_from = CASE WHEN new.dirty THEN least(new.dirty_from, old.dirty_from)
                                       ELSE old.dirty_from END
                 FROM search_documents_rows AS old
                 WHERE old.build = $1 AND old.dirty AND new.build = $2 AND new.id = old.id",
                live,
                build,
            )
            .execute(&mut *hold)
            .await?;
        }
        // Fenced if the lease was lost: the last look before the switch.
        self.lease.renew(&mut *hold).await??;
        builds::switch(&mut hold, self.projection, live, build).await?;
        hold.commit().await?;
        tracing::info!(projection = self.projection.name, live, build, "readers were switched");
        Ok(())
    }
}

/// Does something that takes its time, with the lease renewed meanwhile.
async fn keeping<T>(
    db: &PgPool,
    lease: &Lease,
    work: impl Future<Output = T> + Send,
) -> Result<T, RebuildError> {
    let renewals: BoxFuture<'_, RebuildError> = Box::pin(async {
        loop {
            match lease.renew(db).await {
                Ok(Ok(())) => tokio::time::sleep(RENEWAL).await,
                Ok(Err(fenced)) => return fenced.into(),
                Err(error) => {
                    tracing::warn!(cause = parking::chain(&error), "the lease was not renewed");
                    tokio::time::sleep(RENEWAL).await;
                }
            }
        }
    });
    tokio::select! {
        done = work => Ok(done),
        error = renewals => Err(error),
    }
}
