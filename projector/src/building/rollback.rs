//! Back to the build that readers saw before: it is kept as it was left, so it catches up with the
//! log as a new one does, and takes its place again. What they saw until then is kept in its stead,
//! so the way back from there is the same.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use indicatif::ProgressBar;
use sqlx::PgPool;

use crate::building::candidate::Candidate;
use crate::building::error::RebuildError;
use crate::building::switching::{Filled, Switched, show};
use crate::projection::Projection;
use crate::search::Meili;
use crate::working::parking::ParkedStreams;

/// What came of going back.
#[derive(Clone, Debug)]
pub struct WentBack {
    /// The build that was read before.
    pub from: i16,
    /// The one that is read now.
    pub to: i16,
    /// Whether the one before is kept in its stead: not one that stands beyond the log.
    pub kept: bool,
    /// Streams that it has parked.
    pub parked: usize,
    /// What was sent to its search index, if there is one.
    pub filled: Option<Filled>,
}

/// Brings the build that is kept to the end of the log, and switches readers to it. The build that
/// they see may be a newer program's. `meili` is needed for the search projection only. The bar
/// counts positions.
pub fn rollback<'a>(
    db: &'a PgPool,
    projection: &'static Projection,
    meili: Option<&'a Meili>,
    owner: &'a str,
    progress: &'a ProgressBar,
) -> BoxFuture<'a, Result<WentBack, RebuildError>> {
    // Boxed, so that its code is made here once and not in each program anew.
    async move {
        let mut candidate = Candidate::take_up(db, projection, meili, owner, progress).await?;
        let (from, to) = (candidate.live, candidate.parts.lease().build);
        let shown = show(&mut candidate, meili).await;
        if shown.is_err() {
            // It is kept as it is, and may be gone back to at once. Else that is so in a while.
            let _ = candidate.parts.release(db).await;
        }
        let Switched { kept, filled } = shown?;
        let parked = ParkedStreams::load(db, projection, to).await?.len();
        progress.finish();
        Ok(WentBack { from, to, kept, parked, filled })
    }
    .boxed()
}
