//! Indexes that broken rebuilds left behind, or ways back. Numbers of builds are not used again, so
//! nobody would ever come upon them.

use sqlx::PgPool;

use super::Meili;
use super::sender::PushError;
use crate::projections::SEARCH;

/// Deletes the indexes of builds that are not being made. That of the build which readers see has
/// become the live one; what is left under its number holds the documents of the one before.
pub async fn drop_leftovers(db: &PgPool, meili: &Meili) -> Result<(), PushError> {
    // Before the builds are read: a build is written down before its index is made.
    let found = meili.builds().await?;
    let made = sqlx::query_scalar!(
        "SELECT b.build FROM projection_builds b JOIN projections p ON p.name = b.projection
         WHERE b.projection = $1 AND b.build <> p.active_build
           AND (b.kept_at IS NULL OR EXISTS (
               SELECT FROM projection_slots s
               WHERE s.projection = b.projection AND s.build = b.build
                 AND s.lease_until > clock_timestamp()))",
        SEARCH.name,
    )
    .fetch_all(db)
    .await?;
    for build in found.into_iter().filter(|build| !made.contains(build)) {
        tracing::info!(build, "deleting a search index that was left behind");
        meili.of_build(build).drop_index().await?;
    }
    Ok(())
}
