//! Who works on a projection or would, and on which slots.

use sqlx::{PgConnection, PgExecutor};

use crate::checkpoint::{LEASE, Lease};
use crate::projection::{ALL_SLOTS, Projection};
use crate::sharing::plan::{Range, Sight};

/// Says that a member is there, for as long as a lease lasts. Whoever has not said so for longer is
/// forgotten.
pub async fn join(
    db: impl PgExecutor<'_>,
    projection: &Projection,
    member: &str,
) -> sqlx::Result<()> {
    if projection.grain == ALL_SLOTS {
        return Ok(());
    }
    sqlx::query!(
        "WITH gone AS (
             DELETE FROM projection_members
             WHERE projection = $1 AND member <> $2 AND seen_until < clock_timestamp())
         INSERT INTO projection_members (projection, member, seen_until)
         VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
         ON CONFLICT (projection, member) DO UPDATE SET seen_until = excluded.seen_until",
        projection.name,
        member,
        LEASE.as_secs_f64(),
    )
    .execute(db)
    .await
    .map(drop)
}

/// Says that a member is there no more.
pub async fn leave(
    db: impl PgExecutor<'_>,
    projection: &Projection,
    member: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM projection_members WHERE projection = $1 AND member = $2",
        projection.name,
        member,
    )
    .execute(db)
    .await
    .map(drop)
}

/// What the holder of a lease sees, who says that it is there.
pub(super) async fn look<'a>(
    db: &mut PgConnection,
    lease: &Lease,
    me: &'a str,
    unreadable: Option<i64>,
) -> sqlx::Result<Sight<'a>> {
    let projection = lease.projection;
    join(&mut *db, projection, me).await?;
    let members = sqlx::query_scalar!(
        "SELECT member FROM projection_members
         WHERE projection = $1 AND seen_until > clock_timestamp() ORDER BY member",
        projection.name,
    )
    .fetch_all(&mut *db)
    .await?;
    let ranges = sqlx::query_as!(
        Range,
        r#"SELECT slot_from AS "from", slot_to AS "to",
                  CASE WHEN lease_until > clock_timestamp() THEN owner END AS holder,
                  (released_by IS DISTINCT FROM $3 OR released_until < clock_timestamp())
                      AND (waits_at IS NULL OR waits_at <= position OR waits_at < $4)
                      AS "open!",
                  CASE WHEN released_until > clock_timestamp() THEN released_by END AS barred
           FROM projection_slots WHERE projection = $1 AND build = $2 ORDER BY slot_from"#,
        projection.name,
        lease.build,
        me,
        unreadable.unwrap_or(i64::MAX),
    )
    .fetch_all(db)
    .await?;
    Ok(Sight { me, mine: lease.slot_from, ranges, members, grain: projection.grain })
}
