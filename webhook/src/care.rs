//! What is let go of in the end: deliveries that were made or given up long ago, secrets whose time
//! is over, what belonged to a subscription that was deleted. And subscriptions of another log are
//! told so.

use std::time::Duration;

use chrono::TimeDelta;
use sqlx::PgPool;

use crate::subscriptions;

/// Rows that go at once.
const SWEPT_AT_ONCE_MAX: i64 = 1_000;
/// How often it is looked whether some are to go.
const PERIOD: Duration = Duration::from_secs(10);

/// Looks after what is kept, for ever; what was sent is kept for a term.
pub(crate) async fn care(db: PgPool, kept: TimeDelta) {
    loop {
        match round(&db, kept).await {
            Ok(swept) if swept >= SWEPT_AT_ONCE_MAX as u64 => continue,
            Ok(_) => {}
            // The follower meets the same outage and reports it.
            Err(error) => tracing::debug!(%error, "webhooks are not looked after for now"),
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// Says how many deliveries went.
async fn round(db: &PgPool, kept: TimeDelta) -> sqlx::Result<u64> {
    subscriptions::disable_strangers(db).await?;
    sqlx::query!(
        "UPDATE webhook_subscriptions SET previous_secret = NULL, previous_until = NULL
         WHERE previous_until <= now()"
    )
    .execute(db)
    .await?;
    Ok(sweep_old(db, kept).await?.max(sweep_deleted(db).await?))
}

async fn sweep_old(db: &PgPool, kept: TimeDelta) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "DELETE FROM webhook_deliveries WHERE (subscription_id, position, replay) IN (
             SELECT d.subscription_id, d.position, d.replay
             FROM webhook_subscriptions s
             CROSS JOIN LATERAL (
                 SELECT subscription_id, position, replay FROM webhook_deliveries
                 WHERE subscription_id = s.id AND state <> 'pending'
                   AND ended_at < now() - make_interval(secs => $1)
                 ORDER BY ended_at LIMIT $2) AS d
             LIMIT $2)",
        kept.as_seconds_f64(),
        SWEPT_AT_ONCE_MAX,
    );
    Ok(swept.execute(db).await?.rows_affected())
}

/// What was sent to a subscription that is no more, and then itself.
async fn sweep_deleted(db: &PgPool) -> sqlx::Result<u64> {
    let swept = sqlx::query!(
        "DELETE FROM webhook_deliveries WHERE (subscription_id, position, replay) IN (
             SELECT d.subscription_id, d.position, d.replay
             FROM webhook_subscriptions s JOIN webhook_deliveries d ON d.subscription_id = s.id
             WHERE s.state = 'deleted' LIMIT $1)",
        SWEPT_AT_ONCE_MAX,
    );
    let swept = swept.execute(db).await?.rows_affected();
    sqlx::query!(
        "DELETE FROM webhook_subscriptions s WHERE s.state = 'deleted' AND NOT EXISTS (
             SELECT FROM webhook_deliveries d WHERE d.subscription_id = s.id)"
    )
    .execute(db)
    .await?;
    Ok(swept)
}
