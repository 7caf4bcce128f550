//! What people do to a projection by hand, beside what `building` and `working` have for them: it
//! is paused and resumed, and what was begun is called off. And a record of all of it, with who did
//! it and when.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgExecutor, PgPool};

use crate::builds::{self, Maker};
use crate::projection::Projection;
use crate::{checkpoint, kept};

/// Actions that are listed at most, the last ones.
const LISTED_MAX: i64 = 1_000;
/// The longest outcome that is listed with each, in bytes.
const LISTED_BYTES_MAX: i32 = 4 * 1024;

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// To which projection.
    pub projection: String,
    /// What.
    pub action: String,
    /// The rest of it.
    pub detail: Option<String>,
    /// By whom.
    pub done_by: String,
    /// When; when it was begun, of what takes its time.
    pub done_at: DateTime<Utc>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// What came of it.
    pub outcome: Option<Value>,
}

/// Keeps what is about to be done. Says under which number.
pub async fn record(
    db: impl PgExecutor<'_>,
    projection: &Projection,
    action: &str,
    detail: Option<&str>,
    by: &str,
) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "INSERT INTO projection_actions (projection, action, detail, done_by)
         VALUES ($1, $2, $3, $4) RETURNING id",
        projection.name,
        action,
        detail,
        by,
    )
    .fetch_one(db)
    .await
}

/// Keeps what came of it.
pub async fn came_of(db: impl PgExecutor<'_>, id: i64, outcome: &Value) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE projection_actions SET outcome = $2, ended_at = clock_timestamp() WHERE id = $1",
        id,
        outcome,
    )
    .execute(db)
    .await
    .map(drop)
}

/// What was done to some projections, the last first. What came of it is left out where it is long.
pub async fn actions(db: &PgPool, wanted: &[&'static Projection]) -> sqlx::Result<Vec<Action>> {
    let names: Vec<String> = wanted.iter().map(|projection| projection.name.to_owned()).collect();
    sqlx::query_as!(
        Action,
        r#"SELECT projection, action, detail, done_by, done_at, ended_at,
                  CASE WHEN octet_length(outcome::text) <= $3 THEN outcome END AS "outcome?"
           FROM projection_actions WHERE projection = ANY($1) ORDER BY id DESC LIMIT $2"#,
        &names,
        LISTED_MAX,
        LISTED_BYTES_MAX,
    )
    .fetch_all(db)
    .await
}

/// The last of some actions that was done to a projection, with all that came of it.
pub async fn last(
    db: &PgPool,
    projection: &Projection,
    actions: &[String],
) -> sqlx::Result<Option<Action>> {
    sqlx::query_as!(
        Action,
        "SELECT projection, action, detail, done_by, done_at, ended_at, outcome
         FROM projection_actions WHERE projection = $1 AND action = ANY($2)
         ORDER BY id DESC LIMIT 1",
        projection.name,
        actions,
    )
    .fetch_optional(db)
    .await
}

/// Gives up all that an owner holds of a projection, who does nothing more: what was made of a
/// build is cleared away by the next, who begins at once.
pub async fn let_go(db: &PgPool, projection: &Projection, owner: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE projection_slots SET epoch = epoch + 1, owner = NULL, lease_until = NULL
         WHERE projection = $1 AND owner = $2",
        projection.name,
        owner,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Takes the build that readers see from all who work on it, until it is resumed: it stands still,
/// and is read as it is. Says whether it was not paused before.
pub async fn pause(db: &PgPool, projection: &Projection) -> sqlx::Result<bool> {
    let build = builds::active(db, projection).await?.build;
    let mut tx = db.begin().await?;
    // Nobody takes one before all of this is done.
    checkpoint::free(&mut tx, projection, build).await?;
    let paused = sqlx::query!(
        "UPDATE projections SET paused_at = clock_timestamp()
         WHERE name = $1 AND paused_at IS NULL",
        projection.name,
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(paused.rows_affected() > 0)
}

/// Lets whoever runs it work on it again. Says whether it was paused.
pub async fn resume(db: &PgPool, projection: &Projection) -> sqlx::Result<bool> {
    let resumed = sqlx::query!(
        "UPDATE projections SET paused_at = NULL WHERE name = $1 AND paused_at IS NOT NULL",
        projection.name,
    )
    .execute(db)
    .await?;
    Ok(resumed.rows_affected() > 0)
}

/// A build that was called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalledOff {
    /// Its number.
    pub build: i16,
    /// Whether it is the one that readers saw before, which is kept as it is.
    pub kept: bool,
}

/// Calls off the rebuild, the verification or the way back that is under way: whoever is at it
/// writes nothing more. A build that was new is deleted. Says which it was.
pub async fn cancel(db: &PgPool, projection: &Projection) -> sqlx::Result<Option<CalledOff>> {
    let Some(Maker { build, .. }) = builds::maker(db, projection).await? else { return Ok(None) };
    let mut tx = db.begin().await?;
    checkpoint::free(&mut tx, projection, build).await?;
    // After that: readers may have been switched to it in this moment, and cannot be any more.
    let active = sqlx::query_scalar!(
        "SELECT active_build FROM projections WHERE name = $1",
        projection.name
    );
    if active.fetch_one(&mut *tx).await? == build {
        tx.rollback().await?;
        return Ok(None);
    }
    let kept = kept::find(&mut *tx, projection).await?.is_some_and(|kept| kept.build == build);
    tx.commit().await?;
    if !kept {
        builds::delete(db, projection, build).await?;
        builds::give_back(db, projection, build).await?;
    }
    Ok(Some(CalledOff { build, kept }))
}
