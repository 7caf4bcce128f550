//! A new build beside the one that is read: folded from the log, compared with it, and put in its
//! place in one step. Readers see the old one until then, whole, and the new one after, whole.
//!
//! The comparison needs both builds at one position, range by range: a snapshot is taken of the
//! live one, the new one is cut where that is and each part catches up with where its range stands,
//! and a snapshot is taken of the new one. The live workers are not held for that; they are for the
//! switch, while the last few events are folded.

use std::time::{Duration, Instant};

use event_store::read;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use indicatif::ProgressBar;
use service::database;
use sqlx::{PgPool, Postgres, Transaction};

use crate::building::candidate::Candidate;
use crate::building::compare::{self, Difference, Side};
use crate::building::error::RebuildError;
use crate::builds::{self, WrongVersion};
use crate::checkpoint::RENEWAL;
use crate::projection::Projection;
use crate::search::Meili;
use crate::search::index::Identity;
use crate::search::pusher;
use crate::working::parking::ParkedStreams;

/// How many times, [`RENEWAL`] apart, the live build is given to come to where the new one is. It
/// is behind for a moment when a crash of the database has taken its last commits away.
const COMPARE_TRIES: u32 = 10;
/// How long the live build may be held while this process does not move, milliseconds.
const HOLD_MS: &str = "60000";

/// What came of a rebuild or a verification.
#[derive(Clone, Debug)]
pub struct Report {
    /// The build that was read before.
    pub from: i16,
    /// The new build.
    pub to: i16,
    /// Where the two were compared, at the furthest; none if the live one fell behind the new one.
    pub compared_at: Option<i64>,
    /// Where they differ, at most [`compare::DIFFERENCES_MAX`] of each table.
    pub differences: Vec<Difference>,
    /// Streams that the new build has parked.
    pub parked: usize,
    /// Streams that the build that was read before has parked: there is nothing to compare in them.
    pub parked_before: usize,
    /// What was sent to the new search index, if there is one.
    pub filled: Option<Filled>,
}

/// The filling of a search index.
#[derive(Clone, Copy, Debug)]
pub struct Filled {
    /// Documents sent.
    pub documents: usize,
    /// How long Meilisearch took to index them, with the reading and sending.
    pub took: Duration,
}

/// Rebuilds a projection and switches readers to it, unless its build is of a newer program.
/// `meili` is needed for the search projection only. The bar counts positions.
pub fn rebuild<'a>(
    db: &'a PgPool,
    projection: &'static Projection,
    meili: Option<&'a Meili>,
    owner: &'a str,
    progress: &'a ProgressBar,
) -> BoxFuture<'a, Result<Report, RebuildError>> {
    // Boxed, so that its code is made here once and not in each program anew.
    async move {
        if let Err(newer @ WrongVersion::Newer { .. }) =
            builds::active(db, projection).await?.check(projection)
        {
            return Err(newer.into());
        }
        let mut candidate = Candidate::create(db, projection, meili, owner, progress).await?;
        let mut report = compare_with_live(&mut candidate).await?;
        let head = read::head(db).await?;
        candidate.catch_up(head).await?;
        let (index, filled) = fill(&candidate, meili).await?.unzip();
        report.filled = filled;
        switch(&mut candidate, meili.zip(index)).await?;
        builds::delete(db, projection, report.from).await?;
        if let Some(meili) = meili {
            // It has the old documents now.
            meili.of_build(report.to).drop_index().await?;
        }
        progress.finish();
        Ok(report)
    }
    .boxed()
}

/// Folds the log anew and compares; what was folded is thrown away. Another version of the code
/// would rightly come to other rows: it is refused.
pub fn verify<'a>(
    db: &'a PgPool,
    projection: &'static Projection,
    owner: &'a str,
    progress: &'a ProgressBar,
) -> BoxFuture<'a, Result<Report, RebuildError>> {
    // Boxed, so that its code is made here once and not in each program anew.
    async move {
        builds::active(db, projection).await?.check(projection)?;
        let mut candidate = Candidate::create(db, projection, None, owner, progress).await?;
        let report = compare_with_live(&mut candidate).await?;
        candidate.parts.release(db).await?;
        builds::delete(db, projection, report.to).await?;
        builds::give_back(db, projection, report.to).await?;
        progress.finish();
        Ok(report)
    }
    .boxed()
}

/// Compares with the live build at its position.
async fn compare_with_live(candidate: &mut Candidate<'_>) -> Result<Report, RebuildError> {
    let mut sides = None;
    for _ in 0..COMPARE_TRIES {
        candidate.approach().await?;
        let mut snapshot = compare::snapshot(candidate.db).await?;
        let ranges = candidate.live_ranges(&mut *snapshot).await?;
        candidate.parts.cut_like(candidate.db, &ranges).await?;
        let targets = candidate.parts.targets(&ranges);
        if candidate.parts.are_before(&targets) {
            candidate.catch_up_each(&targets).await?;
            let at = ranges.iter().map(|range| range.position).max().unwrap_or(0);
            let live = Side { snapshot, build: candidate.live };
            let snapshot = compare::snapshot(candidate.db).await?;
            let fresh = Side { snapshot, build: candidate.parts.lease().build };
            sides = Some((live, fresh, at));
            break;
        }
        tokio::time::sleep(RENEWAL).await;
    }
    let compared_at = sides.as_ref().map(|(_, _, at)| *at);
    let differences = match sides {
        Some((live, fresh, _)) => {
            let found = compare::differences(live, fresh, candidate.projection);
            candidate.keeping(found).await??
        }
        None => vec![],
    };
    let (from, to) = (candidate.live, candidate.parts.lease().build);
    let (db, projection) = (candidate.db, candidate.projection);
    let parked = ParkedStreams::load(db, projection, to).await?.len();
    let parked_before = ParkedStreams::load(db, projection, from).await?.len();
    Ok(Report { from, to, compared_at, differences, parked, parked_before, filled: None })
}

/// Catches up with the live build and holds it there, as long as the transaction lasts.
async fn hold_live(
    candidate: &mut Candidate<'_>,
) -> Result<Transaction<'static, Postgres>, RebuildError> {
    candidate.approach().await?;
    let mut hold = database::begin(candidate.db).await?;
    sqlx::query!(
        "SELECT set_config('idle_in_transaction_session_timeout', $1, true) AS bounded",
        HOLD_MS,
    )
    .fetch_one(&mut *hold)
    .await?;
    let positions = sqlx::query_scalar!(
        "SELECT position FROM projection_slots WHERE projection = $1 AND build = $2
         ORDER BY slot_from FOR UPDATE",
        candidate.projection.name,
        candidate.live,
    )
    .fetch_all(&mut *hold)
    .await?;
    // Nor is anything cleared that was sent of it.
    sqlx::query!(
        "SELECT FROM projection_builds WHERE projection = $1 AND build = $2
         FOR NO KEY UPDATE",
        candidate.projection.name,
        candidate.live,
    )
    .fetch_all(&mut *hold)
    .await?;
    // Not tried again: what fails has probably taken the hold away too.
    candidate.fold_to(positions.iter().copied().max().unwrap_or(0)).await?;
    Ok(hold)
}

/// Fills the second index of the search projection.
async fn fill(
    candidate: &Candidate<'_>,
    meili: Option<&Meili>,
) -> Result<Option<(Identity, Filled)>, RebuildError> {
    let Some(meili) = meili else { return Ok(None) };
    let lease = candidate.parts.lease();
    let index = meili.of_build(lease.build);
    let fill = async {
        index.drop_index().await?;
        let identity = index.ensure().await?;
        // To be swapped, it must be there; lost, it will be filled as the new one.
        meili.live().ensure().await?;
        let began = Instant::now();
        builds::set_sends(candidate.db, candidate.projection, lease.build, true).await?;
        let documents = pusher::fill(candidate.db, &index, lease, &identity).await?;
        let filled = Filled { documents, took: began.elapsed() };
        Ok::<_, RebuildError>((identity, filled))
    };
    candidate.keeping(fill).await?.map(Some)
}

/// Puts the new build in the place of the live one, which is held meanwhile.
async fn switch(
    candidate: &mut Candidate<'_>,
    meili: Option<(&Meili, Identity)>,
) -> Result<(), RebuildError> {
    let mut hold = hold_live(candidate).await?;
    let (live, build) = (candidate.live, candidate.parts.lease().build);
    if let Some((meili, identity)) = meili {
        let index = meili.of_build(build);
        let swap = async {
            pusher::push(candidate.db, &index, candidate.parts.lease(), &identity).await?;
            pusher::expect(&index, &identity).await?;
            Ok::<_, RebuildError>(meili.swap_with_live(&index).await?)
        };
        candidate.keeping(swap).await??;
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
    candidate.parts.renew(&mut hold).await?;
    builds::switch(&mut hold, candidate.projection, live, build).await?;
    hold.commit().await?;
    tracing::info!(projection = candidate.projection.name, live, build, "readers were switched");
    Ok(())
}
