//! Follows the log and lists what is to be sent: for each subscription from a place of its own.
//!
//! A stretch of the log and the place it was read up to are one statement, so nothing is missed or
//! listed twice, whatever crashes. Several processes may follow: who holds a place reads on from
//! there, and the others leave it alone. A subscription with much to send yet is not read for: the
//! log is the queue in front of the list, and has room.

use std::time::Duration;

use event_store::heard;
use event_store::listen::HeadListener;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Positions that are read at once for each subscription.
const PAGE_POSITIONS: i64 = 2_000;
/// Deliveries of one subscription that may wait; more stay in the log. A page may come on top.
const PENDING_MAX: i64 = 5_000;
/// How often the log is looked at without a reason.
const POLL: Duration = Duration::from_secs(1);
/// The shortest time between two looks at the end of the log, in which events gather while there
/// are some: it grows for others too, who need not pay for this one by one.
const GATHER: Duration = Duration::from_millis(100);
/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Lists what is to be sent, for ever. Notifies `more` when there is more.
pub(crate) async fn follow(db: PgPool, more: &Notify) {
    let mut failing = false;
    loop {
        if let Err(error) = follow_on(&db, more, &mut failing).await {
            if !failing {
                let error = heard(&db, &error).await;
                tracing::warn!(error, "webhooks are interrupted and will go on");
            }
            failing = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn follow_on(db: &PgPool, more: &Notify, failing: &mut bool) -> sqlx::Result<()> {
    let mut listener = HeadListener::connect(db).await?;
    loop {
        let next = Instant::now() + GATHER;
        let step = step(db, PAGE_POSITIONS, PENDING_MAX).await?;
        *failing = false;
        if step.listed > 0 {
            more.notify_one();
        }
        if step.goes_on {
            continue;
        }
        if step.read == 0 {
            listener.changed(POLL).await;
        }
        tokio::time::sleep_until(next).await;
    }
}

/// What a step did.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    /// Places that were moved.
    read: i64,
    /// Deliveries that were listed.
    listed: i64,
    /// Whether there is more of the log for one of them.
    goes_on: bool,
}

/// Reads a page for all that are behind and have room.
async fn step(db: &PgPool, page: i64, pending_max: i64) -> sqlx::Result<Step> {
    sqlx::query_as!(
        Step,
        r#"WITH behind AS MATERIALIZED (
               SELECT r.subscription_id, r.replay, r.position AS after, s.event_types,
                      least(r.position + $1, r.until_position, h.position) AS until,
                      coalesce(r.until_position, h.position) AS goal, r.until_position
               FROM webhook_readings r
               JOIN webhook_subscriptions s ON s.id = r.subscription_id
               JOIN log_head h ON h.log_id = s.log_id
               WHERE s.state = 'active' AND r.position < h.position
               FOR UPDATE OF r SKIP LOCKED),
           taken AS MATERIALIZED (
               SELECT * FROM behind b WHERE $2 > (
                   SELECT count(*) FROM (
                       SELECT FROM webhook_deliveries d
                       WHERE d.subscription_id = b.subscription_id AND d.state = 'pending'
                       LIMIT $2) AS waiting)),
           listed AS (
               INSERT INTO webhook_deliveries (subscription_id, position, replay, type)
               SELECT t.subscription_id, e.position, t.replay, e.type
               FROM taken t JOIN events e ON e.position > t.after AND e.position <= t.until
               WHERE e.type = ANY(t.event_types)
                  OR split_part(e.type, '.', 1) || '.*' = ANY(t.event_types)
               RETURNING position),
           ended AS (
               DELETE FROM webhook_readings r USING taken t
               WHERE r.subscription_id = t.subscription_id AND r.replay = t.replay
                 AND t.until >= t.until_position),
           moved AS (
               UPDATE webhook_readings AS r SET position = t.until FROM taken t
               WHERE r.subscription_id = t.subscription_id AND r.replay = t.replay
                 AND (t.until_position IS NULL OR t.until < t.until_position))
           SELECT count(*) AS "read!", coalesce(bool_or(until < goal), false) AS "goes_on!",
                  (SELECT count(*) FROM listed) AS "listed!"
           FROM taken"#,
        page,
        pending_max,
    )
    .fetch_one(db)
    .await
}

/// How many positions those are behind who are told of what happens.
pub(crate) async fn behind(db: &PgPool) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(max(h.position - r.position), 0) AS "behind!"
           FROM webhook_readings r
           JOIN webhook_subscriptions s ON s.id = r.subscription_id CROSS JOIN log_head h
           WHERE s.state = 'active' AND r.replay = 0"#
    )
    .fetch_one(db)
    .await
}
