//! The build that readers saw before: kept whole and still, until they go back to it, somebody
//! drops it, or another switch puts another in its place. There is one at most.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use event_store::{identity, read};
use service::database;
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use crate::building::error::{NoWayBack, RebuildError};
use crate::builds;
use crate::checkpoint::{self, Lease};
use crate::projection::Projection;

/// A build that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its number.
    pub build: i16,
    /// The version of the program that folded it.
    pub version: i32,
    /// Since when readers have seen another.
    pub kept_at: DateTime<Utc>,
    /// The log that it was folded from.
    pub log_id: Option<Uuid>,
    /// How far it has come, at the furthest.
    pub position: i64,
}

impl Predecessor {
    /// Refuses one that another version of the code has made.
    pub fn check(&self, projection: &Projection) -> Result<(), NoWayBack> {
        let (name, found, known) = (projection.name, self.version, projection.version);
        match found.cmp(&known) {
            Ordering::Equal => Ok(()),
            Ordering::Less => Err(NoWayBack::Older { name, found, known }),
            Ordering::Greater => Err(NoWayBack::Newer { name, found, known }),
        }
    }
}

/// The build of a projection that is kept, if one is.
pub async fn find(
    db: impl PgExecutor<'_>,
    projection: &Projection,
) -> sqlx::Result<Option<Predecessor>> {
    sqlx::query_as!(
        Predecessor,
        r#"SELECT b.build, b.version, b.kept_at AS "kept_at!", b.kept_log AS log_id,
                  (SELECT coalesce(max(s.position), 0) FROM projection_slots s
                   WHERE s.projection = b.projection AND s.build = b.build) AS "position!"
           FROM projection_builds b WHERE b.projection = $1 AND b.kept_at IS NOT NULL"#,
        projection.name,
    )
    .fetch_optional(db)
    .await
}

/// Keeps the build that readers see no more, in the transaction that switches them to another, and
/// says which builds nobody needs from then on. One that stands beyond the log is none to go back
/// to.
pub(crate) async fn instead_of(
    db: &mut PgConnection,
    projection: &Projection,
    before: i16,
    shown: i16,
) -> sqlx::Result<Vec<i16>> {
    let mut needless = release(&mut *db, projection).await?;
    needless.retain(|build| *build != shown);
    let head = read::head(&mut *db).await?;
    let kept = sqlx::query!(
        "UPDATE projection_builds AS b SET kept_at = clock_timestamp(), kept_log = log_in_force()
         WHERE b.projection = $1 AND b.build = $2 AND $3 >= ALL (
             SELECT s.position FROM projection_slots s
             WHERE s.projection = b.projection AND s.build = b.build)",
        projection.name,
        before,
        head,
    )
    .execute(db)
    .await?;
    if kept.rows_affected() == 0 {
        needless.push(before);
    }
    Ok(needless)
}

/// Keeps nothing any more, in the caller's transaction. What was kept is to be deleted.
pub(crate) async fn release(
    db: &mut PgConnection,
    projection: &Projection,
) -> sqlx::Result<Vec<i16>> {
    sqlx::query_scalar!(
        "UPDATE projection_builds SET kept_at = NULL, kept_log = NULL
         WHERE projection = $1 AND kept_at IS NOT NULL RETURNING build",
        projection.name,
    )
    .fetch_all(db)
    .await
}

/// Takes the leases of the build that is kept, to go on with it. It is kept all the same until
/// readers are switched: whatever breaks meanwhile leaves it as it was, or further on. Says too
/// which build readers see.
pub(crate) async fn claim(
    db: &PgPool,
    projection: &Projection,
    owner: &str,
) -> Result<(Predecessor, i16), RebuildError> {
    let mut tx = database::begin(db).await?;
    let busy = builds::lock(&mut tx, projection).await?;
    let kept = find(&mut *tx, projection).await?.ok_or(NoWayBack::Nothing(projection.name))?;
    kept.check(projection)?;
    if busy || !builds::seize(&mut tx, projection, kept.build, owner).await? {
        drop(tx);
        return Err(RebuildError::Busy { maker: builds::maker(db, projection).await? });
    }
    let live = sqlx::query_scalar!(
        "SELECT active_build FROM projections WHERE name = $1",
        projection.name,
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok((kept, live))
}

/// Begins to go on with what is kept, under a lease of it: if all that it holds is in the log of
/// the lease. Whoever sent its documents before sends no more.
pub(crate) async fn go_on(
    db: &PgPool,
    kept: &Predecessor,
    lease: &Lease,
) -> Result<(), RebuildError> {
    let name = lease.projection.name;
    let common = match kept.log_id {
        Some(before) if before != lease.log_id => {
            identity::shared_with(db, before).await?.unwrap_or(0)
        }
        _ => i64::MAX,
    };
    if kept.position > common.min(read::head(db).await?) {
        return Err(NoWayBack::Lost(name).into());
    }
    sqlx::query!(
        "UPDATE projection_builds SET kept_log = $3, sender = $4, sends = false
         WHERE projection = $1 AND build = $2",
        name,
        kept.build,
        lease.log_id,
        lease.epoch,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes what is kept, and says which build it was, unless somebody is going back to it.
pub async fn delete(db: &PgPool, projection: &Projection) -> Result<Option<i16>, RebuildError> {
    let mut tx = database::begin(db).await?;
    // A build that is being made is in nobody's way here.
    let _ = builds::lock(&mut tx, projection).await?;
    let Some(Predecessor { build, .. }) = find(&mut *tx, projection).await? else {
        return Ok(None);
    };
    if !builds::seize(&mut tx, projection, build, "nobody").await? {
        drop(tx);
        return Err(RebuildError::Busy { maker: builds::maker(db, projection).await? });
    }
    checkpoint::free(&mut tx, projection, build).await?;
    release(&mut tx, projection).await?;
    tx.commit().await?;
    builds::delete(db, projection, build).await?;
    Ok(Some(build))
}
