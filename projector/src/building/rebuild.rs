//! A new build beside the one that is read: folded from the log, compared with it, and put in its
//! place in one step. Readers see the old one until then, whole, and the new one after, whole.
//!
//! The comparison needs both builds at one position, range by range: a snapshot is taken of the
//! live one, the new one is cut where that is and each part catches up with where its range stands,
//! and a snapshot is taken of the new one. The live workers are not held for that; they are for the
//! switch ([`super::switching`]), while the last few events are folded.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use indicatif::ProgressBar;
use sqlx::PgPool;

use crate::building::candidate::Candidate;
use crate::building::compare::{self, Difference, Side};
use crate::building::error::RebuildError;
use crate::building::switching::{Filled, Switched, show};
use crate::builds;
use crate::checkpoint::RENEWAL;
use crate::projection::Projection;
use crate::search::Meili;
use crate::working::parking::ParkedStreams;

/// How many times, [`RENEWAL`] apart, the live build is given to come to where the new one is. It
/// is behind for a moment when a crash of the database has taken its last commits away.
const COMPARE_TRIES: u32 = 10;

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
    /// Whether the build that was read before is kept: not one that stands beyond the log.
    pub kept: bool,
    /// What was sent to the new search index, if there is one.
    pub filled: Option<Filled>,
}

/// Rebuilds a projection and switches readers to it, unless its build is of a newer program. The
/// build before is kept. `meili` is needed for the search projection only. The bar counts
/// positions.
pub fn rebuild<'a>(
    db: &'a PgPool,
    projection: &'static Projection,
    meili: Option<&'a Meili>,
    owner: &'a str,
    progress: &'a ProgressBar,
) -> BoxFuture<'a, Result<Report, RebuildError>> {
    // Boxed, so that its code is made here once and not in each program anew.
    async move {
        builds::active(db, projection).await?.refuse_newer(projection)?;
        let mut candidate = Candidate::create(db, projection, meili, owner, progress).await?;
        let mut report = compare_with_live(&mut candidate).await?;
        Switched { kept: report.kept, filled: report.filled } = show(&mut candidate, meili).await?;
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
    let (kept, filled) = (false, None);
    Ok(Report { from, to, compared_at, differences, parked, parked_before, kept, filled })
}
