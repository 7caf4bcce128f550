//! The builds of a projection: which one readers see, making the next one, switching to it, and
//! deleting what nobody reads any more.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use domain::stream::SLOTS;
use service::database;
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, PgPool};

use crate::checkpoint::{self, REBUILD_LEASE};
use crate::projection::Projection;

/// The build of a new projection.
const FIRST_BUILD: i16 = 1;
/// Pages of a table (8 KiB) whose rows are deleted in one transaction.
const DELETE_PAGES: i64 = 512;

/// The build that readers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Active {
    /// Its number.
    pub build: i16,
    /// The version of the program that folds it.
    pub version: i32,
}

/// The rows are of another version of the code than this program's.
#[derive(Debug, thiserror::Error)]
pub enum WrongVersion {
    /// This program must not touch them.
    #[error("{name} was built by version {found} of its code; this program has {known}: update it")]
    Newer {
        /// The projection.
        name: &'static str,
        /// The version of the build.
        found: i32,
        /// The version of this program.
        known: i32,
    },
    /// This program would go on with them as it never began.
    #[error(
        "{name} was built by version {found} of its code; this program has {known}: rebuild it \
         first"
    )]
    Older {
        /// The projection.
        name: &'static str,
        /// The version of the build.
        found: i32,
        /// The version of this program.
        known: i32,
    },
}

impl Active {
    /// Refuses to work on rows that another version of the code has made.
    pub fn check(self, projection: &Projection) -> Result<(), WrongVersion> {
        let (name, found, known) = (projection.name, self.version, projection.version);
        match found.cmp(&known) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(WrongVersion::Newer { name, found, known }),
            Ordering::Less => Err(WrongVersion::Older { name, found, known }),
        }
    }

    /// Refuses to make another of a build that a newer program has made.
    pub fn refuse_newer(self, projection: &Projection) -> Result<(), WrongVersion> {
        match self.check(projection) {
            Err(newer @ WrongVersion::Newer { .. }) => Err(newer),
            Ok(()) | Err(WrongVersion::Older { .. }) => Ok(()),
        }
    }
}

/// The last slot.
pub fn last_slot() -> i16 {
    i16::try_from(SLOTS - 1).unwrap_or(i16::MAX)
}

/// The build that readers see; a projection that never ran gets its first one, empty.
pub async fn active(db: &PgPool, projection: &Projection) -> sqlx::Result<Active> {
    if let Some(active) = find_active(db, projection.name).await? {
        return Ok(active);
    }
    let mut tx = database::begin(db).await?;
    sqlx::query!(
        "INSERT INTO projections (name, active_build) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        projection.name,
        FIRST_BUILD,
    )
    .execute(&mut *tx)
    .await?;
    insert(&mut tx, projection, FIRST_BUILD, None).await?;
    tx.commit().await?;
    // Somebody may have been faster, and further.
    find_active(db, projection.name).await?.ok_or(sqlx::Error::RowNotFound)
}

/// The build that readers of a projection see, if it ever ran.
pub async fn find_active(db: &PgPool, name: &str) -> sqlx::Result<Option<Active>> {
    sqlx::query_as!(
        Active,
        "SELECT b.build, b.version FROM projections p
         JOIN projection_builds b ON b.projection = p.name AND b.build = p.active_build
         WHERE p.name = $1",
        name,
    )
    .fetch_optional(db)
    .await
}

/// Writes a build down with checkpoints for the ranges of the build that readers see, or with one
/// over all slots; held by `owner` if there is one.
async fn insert(
    db: &mut PgConnection,
    projection: &Projection,
    build: i16,
    owner: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO projection_builds (projection, build, version) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        projection.name,
        build,
        projection.version,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "WITH ranges AS (
             SELECT slot_from, slot_to FROM projection_slots s
             JOIN projections p ON p.name = s.projection AND p.active_build = s.build
             WHERE s.projection = $1)
         INSERT INTO projection_slots (projection, build, slot_from, slot_to, owner, lease_until)
         SELECT $1, $2, slot_from, slot_to, $4::text,
                CASE WHEN $4::text IS NOT NULL
                     THEN clock_timestamp() + make_interval(secs => $5) END
         FROM (SELECT * FROM ranges
               UNION ALL
               SELECT 0::smallint, $3::smallint WHERE NOT EXISTS (SELECT FROM ranges)) AS ranges
         ON CONFLICT DO NOTHING",
        projection.name,
        build,
        last_slot(),
        owner,
        REBUILD_LEASE.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Builds that are neither read, nor kept, nor being made: what a broken rebuild left behind.
pub async fn abandoned(db: &PgPool, projection: &Projection) -> sqlx::Result<Vec<i16>> {
    sqlx::query_scalar!(
        "SELECT b.build FROM projection_builds b JOIN projections p ON p.name = b.projection
         WHERE b.projection = $1 AND b.build <> p.active_build AND b.kept_at IS NULL
           AND NOT EXISTS (
             SELECT FROM projection_slots s
             WHERE s.projection = b.projection AND s.build = b.build
               AND s.lease_until > clock_timestamp())",
        projection.name,
    )
    .fetch_all(db)
    .await
}

/// Takes the leases of an abandoned build, so that whoever made it writes nothing more. False if
/// somebody is writing to it after all: its checkpoint is locked, or its lease was renewed.
pub async fn fence(
    db: &PgPool,
    projection: &Projection,
    build: i16,
    owner: &str,
) -> sqlx::Result<bool> {
    let mut tx = database::begin(db).await?;
    let fenced = seize(&mut tx, projection, build, owner).await?;
    let ended = if fenced { tx.commit().await } else { tx.rollback().await };
    ended?;
    Ok(fenced)
}

/// Takes all leases of a build that nobody works on, in the caller's transaction, which is to be
/// rolled back where somebody does.
pub(crate) async fn seize(
    db: &mut PgConnection,
    projection: &Projection,
    build: i16,
    owner: &str,
) -> sqlx::Result<bool> {
    let seized = sqlx::query!(
        "UPDATE projection_slots SET epoch = epoch + 1, owner = $3,
             lease_until = clock_timestamp() + make_interval(secs => $4)
         WHERE ctid = ANY(ARRAY(
             SELECT ctid FROM projection_slots
             WHERE projection = $1 AND build = $2
               AND (lease_until IS NULL OR lease_until < clock_timestamp())
             FOR UPDATE SKIP LOCKED))",
        projection.name,
        build,
        owner,
        REBUILD_LEASE.as_secs_f64(),
    )
    .execute(&mut *db)
    .await?;
    let all = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM projection_slots WHERE projection = $1 AND build = $2"#,
        projection.name,
        build,
    )
    .fetch_one(db)
    .await?;
    Ok(i64::try_from(seized.rows_affected()) == Ok(all))
}

/// Locks the builds of a projection against all others who would make one, or go back to one, until
/// the transaction ends, and says whether somebody is at that. What is only kept is in nobody's
/// way.
pub(crate) async fn lock(db: &mut PgConnection, projection: &Projection) -> sqlx::Result<bool> {
    sqlx::query!("SELECT FROM projections WHERE name = $1 FOR UPDATE", projection.name)
        .fetch_one(&mut *db)
        .await?;
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM projection_builds b JOIN projections p ON p.name = b.projection
               WHERE b.projection = $1 AND b.build <> p.active_build
                 AND (b.kept_at IS NULL OR EXISTS (
                     SELECT FROM projection_slots s
                     WHERE s.projection = b.projection AND s.build = b.build
                       AND s.lease_until > clock_timestamp()))) AS "busy!""#,
        projection.name,
    )
    .fetch_one(db)
    .await
}

/// Makes the next build, held by `owner` for [`REBUILD_LEASE`]. Nothing if somebody else is making
/// one, or goes back to the one before.
pub async fn create_next(
    db: &PgPool,
    projection: &Projection,
    owner: &str,
) -> sqlx::Result<Option<i16>> {
    let mut tx = database::begin(db).await?;
    if lock(&mut tx, projection).await? {
        return Ok(None);
    }
    let next = sqlx::query_scalar!(
        "UPDATE projections SET last_build = 1 + greatest(last_build, active_build, (
             SELECT max(build) FROM projection_builds WHERE projection = $1))
         WHERE name = $1 RETURNING last_build",
        projection.name,
    )
    .fetch_one(&mut *tx)
    .await?;
    insert(&mut tx, projection, next, Some(owner)).await?;
    tx.commit().await?;
    Ok(Some(next))
}

/// Who makes a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maker {
    /// The build.
    pub build: i16,
    /// The process.
    pub owner: String,
    /// Until when it holds the lease, unless it renews it.
    pub until: DateTime<Utc>,
}

/// Who is making a build of a projection, if anybody is.
pub async fn maker(db: &PgPool, projection: &Projection) -> sqlx::Result<Option<Maker>> {
    sqlx::query_as!(
        Maker,
        r#"SELECT s.build, s.owner AS "owner!", s.lease_until AS "until!"
           FROM projection_slots s JOIN projections p ON p.name = s.projection
           WHERE s.projection = $1 AND s.build <> p.active_build AND s.owner IS NOT NULL
             AND s.lease_until > clock_timestamp()
           ORDER BY s.build DESC LIMIT 1"#,
        projection.name,
    )
    .fetch_optional(db)
    .await
}

/// Gives back the number of a build that was deleted whole and that nobody ever read, if it is the
/// last: verifications, of which there may be many, do not use the numbers up.
pub async fn give_back(db: &PgPool, projection: &Projection, build: i16) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE projections SET last_build = last_build - 1
         WHERE name = $1 AND last_build = $2 AND active_build < $2 AND NOT EXISTS (
             SELECT FROM projection_builds b WHERE b.projection = $1 AND b.build = $2)",
        projection.name,
        build,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Whether a build marks what changes in it, to be sent to the search engine.
pub async fn set_sends(
    db: impl PgExecutor<'_>,
    projection: &Projection,
    build: i16,
    sends: bool,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE projection_builds SET sends = $3 WHERE projection = $1 AND build = $2",
        projection.name,
        build,
        sends,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Shows readers another build, in the caller's transaction, and takes the leases of the old one:
/// whoever worked on it is fenced.
pub async fn switch(
    db: &mut PgConnection,
    projection: &Projection,
    from: i16,
    to: i16,
) -> sqlx::Result<()> {
    sqlx::query!("UPDATE projections SET active_build = $2 WHERE name = $1", projection.name, to)
        .execute(&mut *db)
        .await?;
    checkpoint::free(&mut *db, projection, from).await?;
    // Nobody sends documents of the old one any more.
    sqlx::query!(
        "UPDATE projection_builds SET sender = $3 WHERE projection = $1 AND build = $2",
        projection.name,
        from,
        i64::MAX,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a build that nobody reads: its rows in bounded steps, its checkpoint last, so that it
/// can be gone on with after a crash.
pub async fn delete(db: &PgPool, projection: &Projection, build: i16) -> sqlx::Result<()> {
    for table in projection.tables {
        // Again until nothing is left: a row may have moved to a page that was passed, because the
        // pusher of the search documents marks rows without the lease.
        while delete_rows(db, table, build).await? > 0 {}
    }
    sqlx::query!(
        "DELETE FROM projection_builds WHERE projection = $1 AND build = $2",
        projection.name,
        build,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes the rows of a build in one walk over the pages of the table, and says how many there
/// were. Looking for what is left after each step would pass all that is deleted already.
async fn delete_rows(db: &PgPool, table: &'static str, build: i16) -> sqlx::Result<u64> {
    let pages = sqlx::query_scalar!(
        r#"SELECT pg_relation_size(to_regclass($1)) / current_setting('block_size')::bigint
               AS "pages!""#,
        table,
    )
    .fetch_one(db)
    .await?;
    // Not a checked query, because the table varies; its name is a constant of the program. Nor a
    // plain comparison of the build: an index would be used for it, each time from its beginning.
    let statement = format!(
        "DELETE FROM {table} WHERE build IS NOT DISTINCT FROM $1
             AND ctid >= format('(%s,0)', $2::bigint)::tid
             AND ctid < format('(%s,0)', $3::bigint)::tid"
    );
    let (mut from, mut deleted) = (0, 0);
    while from < pages {
        let to = from + DELETE_PAGES;
        let statement = AssertSqlSafe(statement.clone());
        let done = sqlx::query(statement).bind(build).bind(from).bind(to).execute(db).await?;
        deleted += done.rows_affected();
        from = to;
    }
    Ok(deleted)
}
