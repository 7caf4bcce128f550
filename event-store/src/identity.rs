//! Which log this is. A copy of it that was restored elsewhere begins with all the original's
//! positions and goes on with its own: whoever follows one of them must not be told of the other.
//!
//! `log_identity` keeps the log's id and its home, the server and the database it was last written
//! in. Where it finds itself elsewhere it gets a new id. So does one whose server begins a new
//! timeline, because it was promoted or put back to an earlier point: it may have lost its end.
//! What it has in common with itself under its earlier ids is kept ([`shared_with`]). A log whose
//! files were copied back cannot be told from one that was not: then somebody has to say so, by
//! [`adopt`].

use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

/// A log, as it is at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Tells it from every other log, its own copies included.
    pub log_id: Uuid,
    /// The position of its last event.
    pub head: i64,
    /// Whether it is at home, and in the timeline it was last written in. Otherwise it still has
    /// the id of the log that it is a copy of, or that may have gone further.
    pub settled: bool,
}

/// The log's identity and its head, in one snapshot.
pub async fn current(db: impl PgExecutor<'_>) -> sqlx::Result<Identity> {
    let row = sqlx::query!(
        r#"SELECT log_id AS "log_id!", position AS "position!",
                  home IS NOT DISTINCT FROM coalesce(log_home(), home)
                      AND log_in_force() IS NOT NULL AS "settled!"
           FROM log_head"#
    )
    .fetch_one(db)
    .await?;
    Ok(Identity { log_id: row.log_id, head: row.position, settled: row.settled })
}

/// Gives the log a new id if it is a copy that has come to a new home, or may have lost its end.
/// For those who write.
pub async fn settle(connection: &mut PgConnection) -> sqlx::Result<Identity> {
    let Renewed { former, current, head } = renew(connection, false).await?;
    if former != current {
        tracing::warn!(
            %former, %current, head,
            "the log is a copy, or its server began anew, and has a new id from here on"
        );
    }
    Ok(Identity { log_id: current, head, settled: true })
}

/// Gives the log a new id, wherever it is: it was put back to an earlier point and goes on in its
/// own place. Returns the id that it had, and what it is now.
pub async fn adopt(connection: &mut PgConnection) -> sqlx::Result<(Uuid, Identity)> {
    let Renewed { former, current, head } = renew(connection, true).await?;
    Ok((former, Identity { log_id: current, head, settled: true }))
}

/// Up to which position the log is what it was under an id that it had before, in its own place;
/// nothing for an id that it never had, or has now.
pub async fn shared_with(db: impl PgExecutor<'_>, log_id: Uuid) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar!("SELECT head FROM log_lineage WHERE log_id = $1", log_id)
        .fetch_optional(db)
        .await
}

struct Renewed {
    former: Uuid,
    current: Uuid,
    head: i64,
}

async fn renew(connection: &mut PgConnection, anew: bool) -> sqlx::Result<Renewed> {
    sqlx::query_as!(
        Renewed,
        r#"SELECT former AS "former!", current AS "current!", head AS "head!" FROM settle_log($1)"#,
        anew,
    )
    .fetch_one(connection)
    .await
}
