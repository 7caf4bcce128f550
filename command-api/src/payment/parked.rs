//! What the payment process could not understand: to be seen, and taken up again when it can be.

use chrono::{DateTime, Utc};
use event_store::read;
use sqlx::{PgExecutor, PgPool};

use super::process;
use super::tasks;

/// Events of one stream that are taken up again at once: those of one order or payment.
const STREAM_EVENTS_MAX: i64 = read::PAGE_EVENTS_MAX;

/// An event that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Where it stands in the log.
    pub position: i64,
    /// Why it could not be understood.
    pub reason: String,
    /// Since when it waits.
    pub parked_at: DateTime<Utc>,
}

/// The events that wait, up to `limit`, in the log's order.
pub async fn list(db: impl PgExecutor<'_>, limit: i64) -> sqlx::Result<Vec<Parked>> {
    sqlx::query_as!(
        Parked,
        "SELECT position, reason, parked_at FROM payment_process_parked ORDER BY position LIMIT $1",
        limit,
    )
    .fetch_all(db)
    .await
}

/// How many events wait.
pub async fn count(db: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM payment_process_parked"#)
        .fetch_one(db)
        .await
}

/// Whether none waits, for health checks.
pub async fn check(db: &PgPool) -> Result<(), String> {
    match count(db).await {
        Ok(0) => Ok(()),
        Ok(parked) => Err(format!("{parked} events are parked: see `command-api parked`")),
        Err(error) => Err(error.to_string()),
    }
}

/// What became of an event that was taken up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retried {
    /// It is understood now, and what it asks for is on the list.
    Done,
    /// It still is not, or one that came after it in its stream.
    StillParked(String),
    /// No event at this position waits.
    NotParked,
}

/// Takes up the event at a position again, with all that came after it in its stream: what the last
/// of them says counts, and may have been understood long ago.
pub async fn retry(db: &PgPool, position: i64) -> sqlx::Result<Retried> {
    let mut transaction = db.begin().await?;
    // Nobody goes on with the list meanwhile; what is after this position comes by itself.
    let kept = tasks::hold(&mut *transaction).await?;
    let parked = sqlx::query!(
        "SELECT e.stream, e.version FROM payment_process_parked p JOIN events e USING (position)
         WHERE p.position = $1",
        position,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(event) = parked else { return Ok(Retried::NotParked) };
    let page =
        read::of_stream(&mut *transaction, &event.stream, event.version - 1, STREAM_EVENTS_MAX)
            .await?;
    let events: Vec<_> = page.events.into_iter().filter(|event| event.position <= kept).collect();
    let (changes, unreadable) = process::understand(&events);
    if let Some((_, reason)) = unreadable.into_iter().next() {
        return Ok(Retried::StillParked(reason));
    }
    tasks::keep(&mut *transaction, kept, kept, changes, vec![]).await?;
    let positions: Vec<i64> = events.iter().map(|event| event.position).collect();
    sqlx::query!("DELETE FROM payment_process_parked WHERE position = ANY($1)", &positions)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(Retried::Done)
}
