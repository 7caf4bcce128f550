//! Which webhooks were taken and what became of each, for a term: what to look at when a gateway
//! and the log tell different stories. Nothing is read from here by a program. What a webhook says
//! is not kept, for it may tell who paid: the gateway shows it under its own name for the event.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

/// Rows that go at once.
const FORGOTTEN_AT_ONCE_MAX: i64 = 1_000;
/// How often it is looked whether some are to go.
const FORGET: Duration = Duration::from_mins(10);

/// A webhook, as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// Whose it is.
    pub gateway: &'a str,
    /// The gateway's name for the event.
    pub event_id: &'a str,
    /// Its kind, in the gateway's words.
    pub kind: &'a str,
    /// What became of it: `told`, `nothing`, or the code with which the log refused it.
    pub outcome: &'a str,
}

/// Keeps that a webhook came. One that is sent again is counted.
pub async fn keep(db: &PgPool, webhook: Kept<'_>) -> sqlx::Result<()> {
    let Kept { gateway, event_id, kind, outcome } = webhook;
    sqlx::query!(
        "INSERT INTO gateway_events (gateway, event_id, kind, outcome) VALUES ($1, $2, $3, $4)
         ON CONFLICT (gateway, event_id) DO UPDATE SET times = gateway_events.times + 1",
        gateway,
        event_id,
        kind,
        outcome,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets go, for ever, of what came longer ago than the term.
pub(crate) async fn forget(db: PgPool, term: TimeDelta) {
    loop {
        match forget_some(&db, Utc::now() - term).await {
            Ok(gone) if gone == FORGOTTEN_AT_ONCE_MAX as u64 => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "old webhooks could not be removed"),
        }
        tokio::time::sleep(FORGET).await;
    }
}

async fn forget_some(db: &PgPool, before: DateTime<Utc>) -> sqlx::Result<u64> {
    let gone = sqlx::query!(
        "DELETE FROM gateway_events WHERE (gateway, event_id) IN (
             SELECT gateway, event_id FROM gateway_events
             WHERE received_at < $1 ORDER BY received_at LIMIT $2)",
        before,
        FORGOTTEN_AT_ONCE_MAX,
    )
    .execute(db)
    .await?;
    Ok(gone.rows_affected())
}
