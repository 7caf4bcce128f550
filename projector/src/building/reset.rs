//! A projection begun anew in an empty build, which is what readers see while it grows: for a disk
//! that has no room for two. All that was made before goes first, what is parked and skipped too.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use indicatif::ProgressBar;
use service::database;
use sqlx::PgPool;

use crate::building::candidate::Candidate;
use crate::building::error::RebuildError;
use crate::builds;
use crate::projection::Projection;
use crate::search::Meili;
use crate::{checkpoint, kept};

/// Shows readers an empty build, deletes all others, and lets those who run the projection fill it,
/// unless its build is of a newer program. Says which build it is. `meili` is needed for the search
/// projection only.
pub fn reset<'a>(
    db: &'a PgPool,
    projection: &'static Projection,
    meili: Option<&'a Meili>,
    owner: &'a str,
) -> BoxFuture<'a, Result<i16, RebuildError>> {
    // Boxed, so that its code is made here once and not in each program anew.
    async move {
        builds::active(db, projection).await?.refuse_newer(projection)?;
        if let Some(meili) = meili {
            // Before anything is thrown away.
            meili.check().await?;
        }
        let bar = ProgressBar::hidden();
        let candidate = Candidate::create(db, projection, meili, owner, &bar).await?;
        let needless = show_empty(&candidate).await?;
        // Nobody fills it before there is room.
        let clearing = async {
            for build in needless {
                builds::delete(db, projection, build).await?;
            }
            if let Some(meili) = meili {
                meili.live().drop_index().await?;
                meili.live().ensure().await?;
            }
            Ok::<_, RebuildError>(())
        };
        candidate.keeping(clearing).await??;
        candidate.parts.release(db).await?;
        Ok(candidate.parts.lease().build)
    }
    .boxed()
}

/// Switches readers to the new build, which its maker goes on to hold. Says which builds nobody
/// needs any more.
async fn show_empty(candidate: &Candidate<'_>) -> Result<Vec<i16>, RebuildError> {
    let Candidate { db, projection, live, ref parts, .. } = *candidate;
    let build = parts.lease().build;
    let mut tx = database::begin(db).await?;
    // Before the row of the projection, as whoever pauses it locks them.
    checkpoint::free(&mut tx, projection, live).await?;
    parts.renew(&mut tx).await?;
    builds::switch(&mut tx, projection, live, build).await?;
    builds::set_sends(&mut *tx, projection, build, true).await?;
    let mut needless = kept::release(&mut tx, projection).await?;
    needless.push(live);
    sqlx::query!("DELETE FROM skipped_events WHERE projection = $1", projection.name)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    tracing::warn!(projection = projection.name, live, build, "readers see an empty build");
    Ok(needless)
}
