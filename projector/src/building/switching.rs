//! Readers are switched to a build that is complete: its search index is filled, if it has one, it
//! comes to where the live one stands, which is held there meanwhile, and takes its place in one
//! transaction. The live one is kept from then on, and what was kept before it is deleted.

use std::time::{Duration, Instant};

use event_store::read;
use service::database;
use sqlx::{Postgres, Transaction};

use crate::building::candidate::Candidate;
use crate::building::error::RebuildError;
use crate::search::Meili;
use crate::search::index::Identity;
use crate::search::pusher;
use crate::{builds, checkpoint, kept};

/// How long the live build may be held while this process does not move, milliseconds.
const HOLD_MS: &str = "60000";

/// The filling of a search index.
#[derive(Clone, Copy, Debug)]
pub struct Filled {
    /// Documents sent.
    pub documents: usize,
    /// How long Meilisearch took to index them, with the reading and sending.
    pub took: Duration,
}

/// What came of a switch.
#[derive(Clone, Copy, Debug)]
pub struct Switched {
    /// Whether the build before is kept: not one that stands beyond the log.
    pub kept: bool,
    /// What was sent to the new search index, if there is one.
    pub filled: Option<Filled>,
}

/// Shows readers the build, caught up.
pub async fn show(
    candidate: &mut Candidate<'_>,
    meili: Option<&Meili>,
) -> Result<Switched, RebuildError> {
    let head = read::head(candidate.db).await?;
    candidate.catch_up(head).await?;
    let (index, filled) = fill(candidate, meili).await?.unzip();
    let needless = switch(candidate, meili.zip(index)).await?;
    if let Some(meili) = meili {
        // It has the old documents now.
        meili.of_build(candidate.parts.lease().build).drop_index().await?;
    }
    let kept = !needless.contains(&candidate.live);
    for build in needless {
        builds::delete(candidate.db, candidate.projection, build).await?;
    }
    Ok(Switched { kept, filled })
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
        // What was marked in a build that was read before: not to be sent while readers wait.
        pusher::push(candidate.db, &index, lease, &identity).await?;
        let filled = Filled { documents, took: began.elapsed() };
        Ok::<_, RebuildError>((identity, filled))
    };
    candidate.keeping(fill).await?.map(Some)
}

/// Puts the build in the place of the live one, which is held meanwhile, and kept from then on.
/// Says which builds nobody needs any more.
async fn switch(
    candidate: &mut Candidate<'_>,
    meili: Option<(&Meili, Identity)>,
) -> Result<Vec<i16>, RebuildError> {
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
    // Whoever waits for it gets it at once.
    checkpoint::free(&mut hold, candidate.projection, build).await?;
    let needless = kept::instead_of(&mut hold, candidate.projection, live, build).await?;
    hold.commit().await?;
    tracing::info!(projection = candidate.projection.name, live, build, "readers were switched");
    Ok(needless)
}
