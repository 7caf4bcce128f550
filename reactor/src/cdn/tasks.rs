//! Tags on the list of what is to be done: claimed and done many at once. A tag that was purged
//! stands there once more, under a name of its own, until it was purged a second time.

use std::time::Duration;

use sqlx::{PgExecutor, PgPool};

use crate::list;
use crate::reactions::PURGE_CDN;

/// The tag of all of the catalogue (`query-api/src/caching.rs`).
pub(super) const EVERYTHING: &str = "catalogue";
/// What the second purge of a tag is called, after the tag.
const AGAIN: &str = " again";

/// What is due.
pub(super) struct Waiting {
    /// How many tags, as far as they were counted.
    pub count: i64,
    /// The last position that any on the list is about.
    pub last: i64,
}

/// What is due now, counted up to `most`.
pub(super) async fn waiting(db: impl PgExecutor<'_>, most: i64) -> sqlx::Result<Waiting> {
    sqlx::query_as!(
        Waiting,
        r#"SELECT (SELECT count(*) FROM (
                       SELECT FROM reaction_tasks
                       WHERE reaction = $1 AND due_at <= now() LIMIT $2) AS due) AS "count!",
                  coalesce((SELECT max(cause) FROM reaction_tasks WHERE reaction = $1), 0)
                      AS "last!""#,
        PURGE_CDN.name,
        most,
    )
    .fetch_one(db)
    .await
}

/// Tags that this process purges, as they stand on the list.
pub(super) struct Claimed {
    subjects: Vec<String>,
    causes: Vec<i64>,
    attempts: i32,
}

/// Claims some that are due.
pub(super) async fn claim(db: &PgPool, most: u16, lease: Duration) -> sqlx::Result<Claimed> {
    let tasks = list::claim(db, std::slice::from_ref(&PURGE_CDN), most.into(), lease).await?;
    let attempts = tasks.iter().map(|(_, task)| task.attempts).max().unwrap_or(0);
    let (subjects, causes) = tasks.into_iter().map(|(_, task)| (task.subject, task.cause)).unzip();
    Ok(Claimed { subjects, causes, attempts })
}

impl Claimed {
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// The tags, each once.
    pub fn tags(&self) -> Vec<&str> {
        let mut tags: Vec<&str> =
            self.subjects.iter().map(|it| it.strip_suffix(AGAIN).unwrap_or(it)).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// The last position that they are about.
    pub fn position(&self) -> i64 {
        self.causes.iter().copied().max().unwrap_or(0)
    }

    /// How often the one that was tried most often was.
    pub fn attempts(&self) -> u32 {
        self.attempts.unsigned_abs()
    }
}

/// They were purged: each that was so for the first time comes again after that time. What the log
/// has asked for anew meanwhile stays as it is.
pub(super) async fn purged(
    db: impl PgExecutor<'_>,
    claimed: &Claimed,
    settle: Duration,
) -> sqlx::Result<()> {
    // Of a tag that is purged for the first time and the second at once, there is a second to come.
    sqlx::query!(
        "WITH done AS (
             SELECT * FROM unnest($2::text[], $3::bigint[]) AS done (subject, cause)),
         gone AS (
             DELETE FROM reaction_tasks AS t USING done AS d
             WHERE t.reaction = $1 AND t.subject = d.subject AND t.cause = d.cause
               AND NOT EXISTS (SELECT FROM done AS f WHERE f.subject || $4::text = d.subject)
             RETURNING t.subject, t.cause)
         INSERT INTO reaction_tasks (reaction, subject, due_at, cause)
         SELECT $1, subject || $4::text, now() + make_interval(secs => $5), cause FROM gone
         WHERE right(subject, length($4::text)) <> $4::text
         ON CONFLICT (reaction, subject) DO UPDATE
         SET due_at = excluded.due_at, cause = excluded.cause, attempts = 0, leased_until = NULL",
        PURGE_CDN.name,
        &claimed.subjects,
        &claimed.causes,
        AGAIN,
        settle.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Everything was purged, at that position: nothing up to there is left to do, but all of it once
/// more.
pub(super) async fn purged_all(
    db: impl PgExecutor<'_>,
    position: i64,
    settle: Duration,
) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH gone AS (
             DELETE FROM reaction_tasks WHERE reaction = $1 AND cause <= $2 AND subject <> $3::text)
         INSERT INTO reaction_tasks (reaction, subject, due_at, cause)
         VALUES ($1, $3::text, now() + make_interval(secs => $4), $2)
         ON CONFLICT (reaction, subject) DO UPDATE
         SET due_at = excluded.due_at, cause = excluded.cause, attempts = 0, leased_until = NULL",
        PURGE_CDN.name,
        position,
        format!("{EVERYTHING}{AGAIN}"),
        settle.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// They are to be tried again later.
pub(super) async fn postpone(
    db: impl PgExecutor<'_>,
    claimed: &Claimed,
    pause: Duration,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE reaction_tasks AS t
         SET due_at = now() + make_interval(secs => $4), leased_until = NULL
         FROM unnest($2::text[], $3::bigint[]) AS c (subject, cause)
         WHERE t.reaction = $1 AND t.subject = c.subject AND t.cause = c.cause",
        PURGE_CDN.name,
        &claimed.subjects,
        &claimed.causes,
        pause.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A reaction that is so far behind the others begins where they are, and everything is purged:
/// as where a shop had a CDN, had none for a year, and has one again.
pub(crate) async fn catch_up(db: impl PgExecutor<'_>, behind_max: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH others AS (SELECT max(position) AS position FROM reactions WHERE name <> $1),
         moved AS (
             UPDATE reactions AS r SET position = o.position FROM others AS o
             WHERE r.name = $1 AND r.position < o.position - $2 RETURNING r.position)
         INSERT INTO reaction_tasks (reaction, subject, due_at, cause)
         SELECT $1, $3::text, now(), position FROM moved
         ON CONFLICT (reaction, subject) DO UPDATE
         SET due_at = excluded.due_at, cause = excluded.cause, attempts = 0, leased_until = NULL",
        PURGE_CDN.name,
        behind_max,
        EVERYTHING,
    )
    .execute(db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long something may be leased, and how long it takes to settle, in these tests.
    const LONG: Duration = Duration::from_hours(1);

    async fn list(db: &PgPool, tags: &[(&str, i64)]) {
        for (tag, cause) in tags {
            let task = "INSERT INTO reaction_tasks VALUES ('purge_cdn', $1, now(), $2)";
            sqlx::query(task).bind(tag).bind(cause).execute(db).await.unwrap();
        }
    }

    async fn listed(db: &PgPool) -> Vec<(String, i64, bool)> {
        let tasks = "SELECT subject, cause, due_at <= now() AND leased_until IS NULL
                     FROM reaction_tasks ORDER BY subject";
        sqlx::query_as(tasks).fetch_all(db).await.unwrap()
    }

    fn told(tasks: &[(&str, i64, bool)]) -> Vec<(String, i64, bool)> {
        tasks.iter().map(|(tag, cause, due)| ((*tag).to_owned(), *cause, *due)).collect()
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn a_tag_is_purged_twice(db: PgPool) {
        list(&db, &[("a", 3), ("b", 4), ("b again", 2), ("c again", 5)]).await;
        let claimed = claim(&db, 9, LONG).await.unwrap();
        assert_eq!((claimed.tags(), claimed.position()), (vec!["a", "b", "c"], 5));
        assert!(claim(&db, 9, LONG).await.unwrap().is_empty(), "they are somebody's");
        purged(&db, &claimed, LONG).await.unwrap();
        assert_eq!(listed(&db).await, told(&[("a again", 3, false), ("b again", 4, false)]));
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn what_the_log_asks_for_meanwhile_is_not_lost(db: PgPool) {
        list(&db, &[("a", 3), ("b", 3)]).await;
        let claimed = claim(&db, 9, LONG).await.unwrap();
        let asked = "UPDATE reaction_tasks SET cause = 7, leased_until = NULL WHERE subject = 'a'";
        sqlx::query(asked).execute(&db).await.unwrap();
        purged(&db, &claimed, LONG).await.unwrap();
        assert_eq!(listed(&db).await, told(&[("a", 7, true), ("b again", 3, false)]));
        let claimed = claim(&db, 9, LONG).await.unwrap();
        postpone(&db, &claimed, Duration::ZERO).await.unwrap();
        assert_eq!(listed(&db).await[0], ("a".to_owned(), 7, true), "it is tried again");
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn everything_takes_the_place_of_what_was_before_it(db: PgPool) {
        list(&db, &[("a", 3), ("b", 4), ("b again", 2), ("catalogue again", 1)]).await;
        let due = waiting(&db, 3).await.unwrap();
        assert_eq!((due.count, due.last), (3, 4), "counted up to a bound");
        list(&db, &[("c", 5)]).await;
        purged_all(&db, due.last, LONG).await.unwrap();
        assert_eq!(listed(&db).await, told(&[("c", 5, true), ("catalogue again", 4, false)]));
    }

    #[sqlx::test(migrations = "../migrations")]
    async fn who_is_far_behind_begins_where_the_others_are(db: PgPool) {
        let place = async |position: i64| {
            let places = "UPDATE reactions SET position = $1 WHERE name <> 'purge_cdn'";
            sqlx::query(places).bind(position).execute(&db).await.unwrap();
            catch_up(&db, 100).await.unwrap();
            let own = "SELECT position FROM reactions WHERE name = 'purge_cdn'";
            sqlx::query_scalar::<_, i64>(own).fetch_one(&db).await.unwrap()
        };
        let own = "INSERT INTO reactions (name, position) VALUES ('purge_cdn', 0)";
        sqlx::query(own).execute(&db).await.unwrap();
        assert_eq!(place(100).await, 0);
        assert_eq!(listed(&db).await, []);
        assert_eq!(place(101).await, 101);
        assert_eq!(listed(&db).await, told(&[("catalogue", 101, true)]));
    }
}
