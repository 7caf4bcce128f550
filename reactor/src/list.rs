//! The list of things to do: kept from the log, claimed by whoever does them.
//!
//! The list and the position it was kept up to change in one statement. A claim is a lease: if its
//! holder dies, the next one does the thing again, under the same keys.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::notes::{Change, Changes, Notes, StuckStreams};
use crate::reaction::Registered;
use crate::task::Task;

/// How far the log was read for a reaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub reaction: String,
    pub position: i64,
    /// How often streams that waited were taken up.
    pub taken_up: i64,
    /// Whether streams wait now.
    pub waits: bool,
    /// The log in which that is; none while it has yet to get another id.
    pub log_id: Option<Uuid>,
}

/// Enters the reactions that were never here before, at the head of the log.
pub(crate) async fn register(db: &PgPool, names: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO reactions (name, position)
         SELECT wanted.name, log_head.position FROM unnest($1::text[]) AS wanted (name), log_head
         ON CONFLICT (name) DO NOTHING",
        names,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How far the log was read for each of these reactions, the hindmost first.
pub(crate) async fn places(db: &PgPool, names: &[String]) -> sqlx::Result<Vec<Place>> {
    sqlx::query_as!(
        Place,
        r#"SELECT name AS reaction, position, taken_up, EXISTS (
               SELECT FROM reaction_waiting WHERE reaction = reactions.name) AS "waits!",
               log_in_force() AS log_id
           FROM reactions WHERE name = ANY($1) ORDER BY position"#,
        names,
    )
    .fetch_all(db)
    .await
}

/// The same of one, which then nobody else changes until the end of the transaction.
pub(crate) async fn hold(
    connection: impl PgExecutor<'_>,
    reaction: &'static Registered,
) -> sqlx::Result<Option<Place>> {
    sqlx::query_as!(
        Place,
        r#"SELECT name AS reaction, position, taken_up, true AS "waits!", log_in_force() AS log_id
           FROM reactions WHERE name = $1 FOR UPDATE"#,
        reaction.name,
    )
    .fetch_optional(connection)
    .await
}

/// Takes a stretch of the log into the list, for reactions for which it was read as far as `places`
/// say, all equally far, and is now read up to `to`. False if somebody has moved one of them, or
/// has taken up streams of it: then nothing was done for that one; or if the log is another one
/// than was read.
pub(crate) async fn keep(
    db: impl PgExecutor<'_>,
    places: &[Place],
    to: i64,
    notes: Notes,
) -> sqlx::Result<bool> {
    let from = places.first().map_or(to, |place| place.position);
    let log_id = places.first().and_then(|place| place.log_id);
    let (names, taken_up): (Vec<String>, Vec<i64>) =
        places.iter().map(|place| (place.reaction.clone(), place.taken_up)).unzip();
    let Columns { settled, listed, due, causes } = Columns::of(notes.changes);
    let Stopped { reactions, streams, versions, positions, reasons } = Stopped::of(notes.stuck);
    // One round trip: it is made for every few orders. A thing is either settled or listed here.
    // Rows are locked by name, so that two programs that share some of them do not wait for each
    // other.
    let kept = sqlx::query_scalar!(
        r#"WITH held AS (
               SELECT r.name FROM reactions r
               JOIN unnest($1::text[], $2::bigint[]) AS k (name, taken_up) USING (name, taken_up)
               WHERE r.position = $3 AND log_in_force() = $16 ORDER BY r.name FOR UPDATE OF r),
           moved AS (
               UPDATE reactions SET position = $4 FROM held
               WHERE reactions.name = held.name RETURNING reactions.name),
           settled AS (
               DELETE FROM reaction_tasks AS t
               USING moved, unnest($5::text[], $6::text[]) AS s (reaction, subject)
               WHERE s.reaction = moved.name AND t.reaction = s.reaction AND t.subject = s.subject),
           listed AS (
               INSERT INTO reaction_tasks (reaction, subject, due_at, cause)
               SELECT l.*
               FROM unnest($7::text[], $8::text[], $9::timestamptz[], $10::bigint[])
                   AS l (reaction, subject, due_at, cause)
               JOIN moved ON moved.name = l.reaction
               ON CONFLICT (reaction, subject) DO UPDATE
               SET due_at = excluded.due_at, cause = excluded.cause, attempts = 0,
                   leased_until = NULL),
           stopped AS (
               INSERT INTO reaction_waiting (reaction, stream, version, position, reason)
               SELECT w.*
               FROM unnest($11::text[], $12::text[], $13::bigint[], $14::bigint[], $15::text[])
                   AS w (reaction, stream, version, position, reason)
               JOIN moved ON moved.name = w.reaction
               ON CONFLICT (reaction, stream) DO UPDATE
               SET version = excluded.version, position = excluded.position,
                   reason = excluded.reason)
           SELECT count(*) = cardinality($1) AS "kept!" FROM moved"#,
        &names,
        &taken_up,
        from,
        to,
        &settled.0,
        &settled.1,
        &listed.0,
        &listed.1,
        &due,
        &causes,
        &reactions,
        &streams,
        &versions,
        &positions,
        &reasons,
        log_id,
    )
    .fetch_one(db)
    .await?;
    Ok(kept)
}

/// Changes, column by column.
#[derive(Default)]
struct Columns {
    /// Reactions and subjects.
    settled: (Vec<String>, Vec<String>),
    /// The same of what is due.
    listed: (Vec<String>, Vec<String>),
    due: Vec<DateTime<Utc>>,
    causes: Vec<i64>,
}

impl Columns {
    fn of(changes: Changes) -> Self {
        let mut columns = Self::default();
        for ((reaction, subject), change) in changes {
            let (reactions, subjects) = match change {
                Change::Settled => &mut columns.settled,
                Change::Due { at, cause } => {
                    columns.due.push(at);
                    columns.causes.push(cause);
                    &mut columns.listed
                }
            };
            reactions.push(reaction.to_owned());
            subjects.push(subject);
        }
        columns
    }
}

/// Streams that wait, column by column.
#[derive(Default)]
struct Stopped {
    reactions: Vec<String>,
    streams: Vec<String>,
    versions: Vec<i64>,
    positions: Vec<i64>,
    reasons: Vec<String>,
}

impl Stopped {
    fn of(stuck: StuckStreams) -> Self {
        let mut columns = Self::default();
        for ((reaction, stream), stuck) in stuck {
            columns.reactions.push(reaction.to_owned());
            columns.streams.push(stream);
            columns.versions.push(stuck.version);
            columns.positions.push(stuck.position);
            columns.reasons.push(stuck.reason);
        }
        columns
    }
}

/// Claims up to `limit` things of these reactions that are due, for that time. Nothing while the
/// log has yet to get another id.
pub(crate) async fn claim(
    db: &PgPool,
    reactions: &'static [Registered],
    limit: i64,
    lease: Duration,
) -> sqlx::Result<Vec<(&'static Registered, Task<String>)>> {
    let names: Vec<String> = reactions.iter().map(|known| known.name.to_owned()).collect();
    let rows = sqlx::query!(
        r#"WITH due AS MATERIALIZED (
             SELECT reaction, subject, cause, log_in_force() AS log_id FROM reaction_tasks
             WHERE log_in_force() IS NOT NULL AND due_at <= now()
               AND (leased_until IS NULL OR leased_until < now())
               AND reaction = ANY($3)
             ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED)
         UPDATE reaction_tasks AS task
         SET leased_until = now() + make_interval(secs => $2), attempts = attempts + 1
         FROM due LEFT JOIN events AS event ON event.position = due.cause
         WHERE task.reaction = due.reaction AND task.subject = due.subject
         RETURNING task.reaction, task.subject, task.cause, task.attempts,
             due.log_id AS "log_id!",
             (event.metadata->>'correlation_id')::uuid AS correlation_id,
             event.metadata->>'traceparent' AS traceparent"#,
        limit,
        lease.as_secs_f64(),
        &names,
    )
    .fetch_all(db)
    .await?;
    let tasks = rows.into_iter().filter_map(|row| {
        let reaction = reactions.iter().find(|known| known.name == row.reaction)?;
        let task = Task {
            reaction: reaction.name,
            subject: row.subject,
            cause: row.cause,
            log_id: row.log_id,
            correlation_id: row.correlation_id,
            trace: row.traceparent.and_then(|trace| trace.parse().ok()),
            attempts: row.attempts,
        };
        Some((reaction, task))
    });
    Ok(tasks.collect())
}

/// These things are done. Leaves those that the log has asked for anew meanwhile, and all where it
/// is another one: what was done there may never have been asked for here.
pub(crate) async fn finish(db: impl PgExecutor<'_>, tasks: &[Task<String>]) -> sqlx::Result<()> {
    let reactions: Vec<String> = tasks.iter().map(|task| task.reaction.to_owned()).collect();
    let subjects: Vec<String> = tasks.iter().map(|task| task.subject.clone()).collect();
    let causes: Vec<i64> = tasks.iter().map(|task| task.cause).collect();
    let logs: Vec<Uuid> = tasks.iter().map(|task| task.log_id).collect();
    sqlx::query!(
        "DELETE FROM reaction_tasks AS t
         USING unnest($1::text[], $2::text[], $3::bigint[], $4::uuid[])
             AS done (reaction, subject, cause, log_id)
         WHERE t.reaction = done.reaction AND t.subject = done.subject AND t.cause = done.cause
           AND done.log_id = (SELECT log_in_force())",
        &reactions,
        &subjects,
        &causes,
        &logs,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The thing is to be tried again later.
pub(crate) async fn postpone(
    db: impl PgExecutor<'_>,
    task: &Task<String>,
    pause: Duration,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE reaction_tasks
         SET due_at = now() + make_interval(secs => $4), leased_until = NULL
         WHERE reaction = $1 AND subject = $2 AND cause = $3 AND log_in_force() = $5",
        task.reaction,
        task.subject,
        task.cause,
        pause.as_secs_f64(),
        task.log_id,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// How many things of these reactions are overdue: due for longer than that, and at most `limit` of
/// them.
pub(crate) async fn overdue(
    db: &PgPool,
    reactions: &'static [Registered],
    since: Duration,
    limit: i64,
) -> sqlx::Result<i64> {
    let names: Vec<String> = reactions.iter().map(|known| known.name.to_owned()).collect();
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM reaction_tasks
               WHERE due_at < now() - make_interval(secs => $1) AND reaction = ANY($3) LIMIT $2
           ) AS overdue"#,
        since.as_secs_f64(),
        limit,
        &names,
    )
    .fetch_one(db)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reactions;

    async fn all(db: &PgPool) -> Vec<Place> {
        let names: Vec<String> = reactions::ALL.iter().map(|known| known.name.into()).collect();
        places(db, &names).await.unwrap()
    }

    fn due(reaction: &'static str) -> Notes {
        let change = Change::Due { at: Utc::now(), cause: 1 };
        Notes { changes: [((reaction, "somebody".to_owned()), change)].into(), ..Notes::default() }
    }

    async fn listed(db: &PgPool) -> i64 {
        let count = "SELECT count(*) FROM reaction_tasks";
        sqlx::query_scalar(count).fetch_one(db).await.unwrap()
    }

    /// Two programs read the same stretch: one of them takes it into the list.
    #[sqlx::test(migrations = "../migrations")]
    async fn a_stretch_is_taken_in_once(db: PgPool) {
        let places = all(&db).await;
        assert!(keep(&db, &places, 7, Notes::default()).await.unwrap());
        assert!(!keep(&db, &places, 7, due("ask_gateway")).await.unwrap());
        assert_eq!(listed(&db).await, 0);
    }

    /// Who left a stream out because it waited, and is late to say so, has to read it after all.
    #[sqlx::test(migrations = "../migrations")]
    async fn what_was_read_before_streams_were_taken_up_is_not_taken_in(db: PgPool) {
        let places = all(&db).await;
        let taken_up = "UPDATE reactions SET taken_up = taken_up + 1 WHERE name = 'expire_order'";
        sqlx::query(taken_up).execute(&db).await.unwrap();
        assert!(!keep(&db, &places, 7, due("expire_order")).await.unwrap());
        assert_eq!(listed(&db).await, 0);
        // The others, of which nothing was taken up, have gone on.
        let at: Vec<i64> = all(&db).await.iter().map(|place| place.position).collect();
        assert_eq!(at, [0, 7, 7]);
    }

    /// What was read of a log that may have lost its end is not taken in; and what was done there
    /// is not off the list, for it may have been asked for since.
    #[sqlx::test(migrations = "../migrations")]
    async fn another_log_changes_nothing(db: PgPool) {
        assert!(keep(&db, &all(&db).await, 7, due("ask_gateway")).await.unwrap());
        let before = all(&db).await;
        let claimed = claim(&db, reactions::ALL, 9, Duration::from_mins(1)).await.unwrap();
        let tasks: Vec<_> = claimed.into_iter().map(|(_, task)| task).collect();
        assert_eq!(tasks.len(), 1);
        let turned = "UPDATE log_head SET log_id = gen_random_uuid()";
        sqlx::query(turned).execute(&db).await.unwrap();
        assert!(!keep(&db, &before, 9, due("expire_order")).await.unwrap());
        finish(&db, &tasks).await.unwrap();
        assert_eq!(listed(&db).await, 1);
        let turning = "UPDATE log_head SET timeline = log_timeline() - 1";
        sqlx::query(turning).execute(&db).await.unwrap();
        assert!(!keep(&db, &all(&db).await, 9, due("expire_order")).await.unwrap());
        let later = claim(&db, reactions::ALL, 9, Duration::from_mins(1)).await.unwrap();
        assert_eq!(later.len(), 0);
    }
}
