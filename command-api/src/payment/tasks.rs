//! The list of things to do: kept from the log, claimed by whoever does them.
//!
//! The list and the position it was kept up to change in one statement. A claim is a lease: if
//! its holder dies, the next one does the thing again, under the same keys.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// Ask the gateway what the payment's open request says.
    AskGateway,
    /// Call an order off that nobody paid in time.
    ExpireOrder,
    /// Let an authorisation go that was not captured in time.
    ExpireAuthorization,
}

impl Kind {
    const ALL: [Self; 3] = [Self::AskGateway, Self::ExpireOrder, Self::ExpireAuthorization];

    pub fn name(self) -> &'static str {
        match self {
            Self::AskGateway => "ask_gateway",
            Self::ExpireOrder => "expire_order",
            Self::ExpireAuthorization => "expire_authorization",
        }
    }
}

/// What the log says about a thing to do: the latest word counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// Do it at that time, because of the event at that position.
    Due(DateTime<Utc>, i64),
    /// It is done, or no longer needed.
    Settled,
}

/// What a stretch of the log makes of the list.
pub(super) type Changes = HashMap<(Kind, Uuid), Change>;

/// A claimed thing to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Task {
    pub kind: Kind,
    pub subject: Uuid,
    pub cause: i64,
    /// What that event belongs to.
    pub correlation_id: Option<Uuid>,
    /// The how manieth try this is, from 1.
    pub attempts: i32,
}

/// How far the list was kept.
pub(super) async fn position(db: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar!("SELECT position FROM payment_process").fetch_one(db).await
}

/// An event that should have been understood.
pub(super) type Parked = (i64, String);

/// Takes a stretch of the log, from `from` to `to`, into the list. False, with nothing done, if
/// another process has done so.
pub(super) async fn keep(
    db: impl PgExecutor<'_>,
    from: i64,
    to: i64,
    changes: Changes,
    parked: Vec<Parked>,
) -> sqlx::Result<bool> {
    let Columns { settled, listed, due, causes } = Columns::of(changes);
    let (positions, reasons): (Vec<i64>, Vec<String>) = parked.into_iter().unzip();
    // One round trip: it is made for every few orders. A thing is either settled or listed here.
    let kept = sqlx::query_scalar!(
        r#"WITH moved AS (
               UPDATE payment_process SET position = $2 WHERE position = $1 RETURNING position),
           settled AS (
               DELETE FROM payment_tasks
               USING moved, unnest($3::text[], $4::uuid[]) AS s (kind, subject)
               WHERE payment_tasks.kind = s.kind AND payment_tasks.subject = s.subject),
           listed AS (
               INSERT INTO payment_tasks (kind, subject, due_at, cause)
               SELECT l.* FROM moved,
                   unnest($5::text[], $6::uuid[], $7::timestamptz[], $8::bigint[]) AS l
               ON CONFLICT (kind, subject) DO UPDATE
               SET due_at = excluded.due_at, cause = excluded.cause, attempts = 0,
                   leased_until = NULL),
           parked AS (
               INSERT INTO payment_process_parked (position, reason)
               SELECT p.* FROM moved, unnest($9::bigint[], $10::text[]) AS p
               ON CONFLICT (position) DO NOTHING)
           SELECT count(*) > 0 AS "kept!" FROM moved"#,
        from,
        to,
        &settled.0,
        &settled.1,
        &listed.0,
        &listed.1,
        &due,
        &causes,
        &positions,
        &reasons,
    )
    .fetch_one(db)
    .await?;
    Ok(kept)
}

/// Changes, column by column.
#[derive(Default)]
struct Columns {
    /// Kinds and subjects.
    settled: (Vec<String>, Vec<Uuid>),
    /// The same of what is due.
    listed: (Vec<String>, Vec<Uuid>),
    due: Vec<DateTime<Utc>>,
    causes: Vec<i64>,
}

impl Columns {
    fn of(changes: Changes) -> Self {
        let mut columns = Self::default();
        for ((kind, subject), change) in changes {
            let (kinds, subjects) = match change {
                Change::Settled => &mut columns.settled,
                Change::Due(at, cause) => {
                    columns.due.push(at);
                    columns.causes.push(cause);
                    &mut columns.listed
                }
            };
            kinds.push(kind.name().to_owned());
            subjects.push(subject);
        }
        columns
    }
}

/// Keeps everybody from changing how far the list was kept, until the end of the transaction.
pub(super) async fn hold(connection: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!("SELECT position FROM payment_process FOR UPDATE")
        .fetch_one(connection)
        .await
}

/// Claims up to `limit` things that are due, for `lease_seconds`.
pub(super) async fn claim(db: &PgPool, limit: i64, lease_seconds: f64) -> sqlx::Result<Vec<Task>> {
    let rows = sqlx::query!(
        "WITH due AS MATERIALIZED (
             SELECT kind, subject FROM payment_tasks
             WHERE due_at <= now() AND (leased_until IS NULL OR leased_until < now())
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         UPDATE payment_tasks AS task
         SET leased_until = now() + make_interval(secs => $2), attempts = attempts + 1
         FROM due WHERE task.kind = due.kind AND task.subject = due.subject
         RETURNING task.kind, task.subject, task.cause, task.attempts,
             (SELECT (e.metadata->>'correlation_id')::uuid FROM events e
              WHERE e.position = task.cause) AS correlation_id",
        limit,
        lease_seconds,
    )
    .fetch_all(db)
    .await?;
    let tasks = rows.into_iter().filter_map(|row| {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == row.kind)?;
        Some(Task {
            kind,
            subject: row.subject,
            cause: row.cause,
            correlation_id: row.correlation_id,
            attempts: row.attempts,
        })
    });
    Ok(tasks.collect())
}

/// The thing is done. Does nothing if the log has asked for it anew meanwhile.
pub(super) async fn finish(db: impl PgExecutor<'_>, task: Task) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM payment_tasks WHERE kind = $1 AND subject = $2 AND cause = $3",
        task.kind.name(),
        task.subject,
        task.cause,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The thing is to be tried again later.
pub(super) async fn postpone(
    db: impl PgExecutor<'_>,
    task: Task,
    seconds: f64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE payment_tasks SET due_at = now() + make_interval(secs => $4), leased_until = NULL
         WHERE kind = $1 AND subject = $2 AND cause = $3",
        task.kind.name(),
        task.subject,
        task.cause,
        seconds,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many things are overdue: due for longer than `seconds`, and at most `limit` of them.
pub(super) async fn overdue(db: &PgPool, seconds: f64, limit: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM payment_tasks WHERE due_at < now() - make_interval(secs => $1) LIMIT $2
           ) AS overdue"#,
        seconds,
        limit,
    )
    .fetch_one(db)
    .await
}
