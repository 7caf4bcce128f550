//! Who is told of what: subscriptions, as they are kept. Their secrets are sealed, and shown once.

use chrono::{DateTime, TimeDelta, Utc};
use identity::master::{Master, NotSealed};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use crate::signing::SigningSecret;

/// Subscriptions there may be. With what one may have under way, and what the sender may, none of
/// them holds up another.
pub const SUBSCRIPTIONS_MAX: u16 = 64;
/// How long a secret is good beside the one that took its place.
pub const PREVIOUS_SECRET_LIFE: TimeDelta = TimeDelta::hours(24);

/// A subscription, as it is shown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Webhook")]
pub(crate) struct Subscription {
    /// Its id.
    pub id: Uuid,
    /// Where the receiver listens.
    pub url: String,
    /// Of what it is told.
    pub event_types: Vec<String>,
    /// What for, in somebody's words.
    pub description: String,
    /// `active`, `paused`, or `disabled` for a reason.
    pub state: String,
    /// Why it is disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// It is told of what comes after this position.
    pub began_after: i64,
    /// How far the log was read for it.
    pub position: i64,
    /// The replay that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
    /// Until when the secret before this one is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When somebody last changed it.
    pub updated_at: DateTime<Utc>,
}

/// A replay, as it is shown.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookReplay")]
pub(crate) struct Replay {
    /// Which: ids of its deliveries end in it.
    #[serde(rename = "replay")]
    pub number: i32,
    /// How far the log was read for it.
    pub position: i64,
    /// Where it ends.
    pub until_position: i64,
}

/// What somebody wants of a subscription that is to be made.
pub(crate) struct New {
    pub id: Uuid,
    pub url: String,
    pub event_types: Vec<String>,
    pub description: String,
    /// The secret, sealed.
    pub sealed: Vec<u8>,
}

/// What somebody wants changed; the rest stays as it is.
#[derive(Default)]
pub(crate) struct Change {
    pub url: Option<String>,
    pub event_types: Option<Vec<String>>,
    pub description: Option<String>,
    /// Whether it is to be told, or to wait.
    pub state: Option<&'static str>,
}

/// Makes one, which is told of what comes after this moment. Says whether there was room; two that
/// are made at once may be one more.
pub(crate) async fn create(db: &PgPool, new: &New) -> sqlx::Result<bool> {
    let made = sqlx::query!(
        "WITH made AS (
             INSERT INTO webhook_subscriptions
                 (id, url, event_types, description, state, log_id, began_after, secret)
             SELECT $1, $2, $3, $4, 'active', log_id, position, $5 FROM log_head
             WHERE (SELECT count(*) FROM webhook_subscriptions WHERE state <> 'deleted') < $6
             RETURNING id, began_after)
         INSERT INTO webhook_readings (subscription_id, replay, position)
         SELECT id, 0, began_after FROM made",
        new.id,
        new.url,
        &new.event_types,
        new.description,
        new.sealed,
        i64::from(SUBSCRIPTIONS_MAX),
    );
    Ok(made.execute(db).await?.rows_affected() > 0)
}

/// One of them, or all, the newest first.
pub(crate) async fn read(db: &PgPool, id: Option<Uuid>) -> sqlx::Result<Vec<Subscription>> {
    let rows = sqlx::query!(
        r#"SELECT s.id, s.url, s.event_types, s.description, s.state, s.reason, s.began_after,
                  l.position, r.replay AS "replay?", r.position AS "replayed?",
                  r.until_position AS "until_position?",
                  CASE WHEN s.previous_until > now() THEN s.previous_until END AS previous_until,
                  s.created_at, s.updated_at
           FROM webhook_subscriptions s
           JOIN webhook_readings l ON l.subscription_id = s.id AND l.replay = 0
           LEFT JOIN webhook_readings r ON r.subscription_id = s.id AND r.replay > 0
           WHERE s.state <> 'deleted' AND ($1::uuid IS NULL OR s.id = $1) ORDER BY s.id DESC"#,
        id,
    );
    let shown = rows.fetch_all(db).await?.into_iter().map(|row| Subscription {
        id: row.id,
        url: row.url,
        event_types: row.event_types,
        description: row.description,
        state: row.state,
        reason: row.reason,
        began_after: row.began_after,
        position: row.position,
        replay: match (row.replay, row.replayed, row.until_position) {
            (Some(number), Some(position), Some(until_position)) => {
                Some(Replay { number, position, until_position })
            }
            _ => None,
        },
        previous_secret_until: row.previous_until,
        created_at: row.created_at,
        updated_at: row.updated_at,
    });
    Ok(shown.collect())
}

/// Changes one. Says whether it is there. One that is made active again goes on where it stopped,
/// in whichever log this is by now: what it was disabled for, that is, what was answered 410 or
/// given up since it last took something, is sent again. A pause was for the receiver that asked
/// for it.
pub(crate) async fn change(db: &PgPool, id: Uuid, change: &Change) -> sqlx::Result<bool> {
    let changed = sqlx::query_scalar!(
        "WITH was AS (
             SELECT s.id, h.log_id, s.log_id = h.log_id AND $5 = 'active'
                        AND s.reason IN ('gone', 'failing') AS again
             FROM webhook_subscriptions s, log_head h
             WHERE s.id = $1 AND s.state <> 'deleted' FOR UPDATE OF s),
         again AS (
             UPDATE webhook_deliveries d
             SET state = 'pending', attempts = 0, due_at = now(), leased_until = NULL,
                 ended_at = NULL
             FROM was WHERE was.again AND d.subscription_id = was.id AND d.state = 'failed'
               AND (d.status = 410 OR NOT EXISTS (
                   SELECT FROM webhook_deliveries t
                   WHERE t.subscription_id = was.id AND t.state = 'delivered'
                     AND t.ended_at > d.created_at)))
         UPDATE webhook_subscriptions AS s SET
             url = coalesce($2, url), event_types = coalesce($3, event_types),
             description = coalesce($4, description), state = coalesce($5, state),
             reason = CASE WHEN $5::text IS NULL THEN reason END,
             rests_until = CASE WHEN $2::text IS NULL AND $5 IS NULL THEN rests_until END,
             log_id = CASE WHEN $5 = 'active' THEN was.log_id ELSE s.log_id END,
             updated_at = now()
         FROM was WHERE s.id = was.id RETURNING s.id",
        id,
        change.url.as_deref(),
        change.event_types.as_deref(),
        change.description.as_deref(),
        change.state,
    );
    Ok(changed.fetch_optional(db).await?.is_some())
}

/// Gives one another secret; the one before it is good for a while. Says whether it is there.
pub(crate) async fn rotate(db: &PgPool, id: Uuid, sealed: &[u8]) -> sqlx::Result<bool> {
    let rotated = sqlx::query!(
        "UPDATE webhook_subscriptions
         SET previous_secret = secret, secret = $2, updated_at = now(),
             previous_until = now() + make_interval(secs => $3)
         WHERE id = $1 AND state <> 'deleted'",
        id,
        sealed,
        PREVIOUS_SECRET_LIFE.as_seconds_f64(),
    );
    Ok(rotated.execute(db).await?.rows_affected() > 0)
}

/// Seals all secrets under the first master key of the ring.
///
/// # Errors
/// One is sealed under a key that is not in it, or the database does not answer.
pub async fn reseal(db: &PgPool, master: &Master) -> Result<(), ResealError> {
    let all = sqlx::query!("SELECT id, secret, previous_secret FROM webhook_subscriptions");
    for row in all.fetch_all(db).await? {
        let anew = |sealed: &[u8]| SigningSecret::reseal(master, row.id, sealed);
        let secret = anew(&row.secret)?;
        let previous = row.previous_secret.as_deref().map(anew).transpose()?.flatten();
        // Unless it became another meanwhile, which is sealed as it should be.
        sqlx::query!(
            "UPDATE webhook_subscriptions
             SET secret = coalesce($2, secret), previous_secret = coalesce($3, previous_secret)
             WHERE id = $1 AND secret = $4",
            row.id,
            secret,
            previous,
            row.secret
        )
        .execute(db)
        .await?;
    }
    Ok(())
}

/// Why secrets could not be sealed anew.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// One is sealed under a key that is not in the ring.
    #[error("the secret of a subscription cannot be opened")]
    Sealed(#[from] NotSealed),
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Deletes one, with its secrets. Says whether it was there. What was sent to it goes by and by.
pub(crate) async fn delete(db: &PgPool, id: Uuid) -> sqlx::Result<bool> {
    let deleted = sqlx::query!(
        "WITH gone AS (
             UPDATE webhook_subscriptions
             SET state = 'deleted', url = '', secret = '', previous_secret = NULL
             WHERE id = $1 AND state <> 'deleted' RETURNING id),
         unread AS (DELETE FROM webhook_readings r USING gone WHERE r.subscription_id = gone.id)
         SELECT id FROM gone",
        id,
    );
    Ok(deleted.fetch_optional(db).await?.is_some())
}

/// What becomes of a wish to replay.
pub(crate) enum Replayed {
    /// It is under way.
    Begun(Replay),
    /// Another one is.
    Busy,
    /// The log does not reach so far.
    Unknown { head: i64 },
}

/// Begins to tell one again of what it wants of a stretch of the log, up to the head if nothing is
/// said.
pub(crate) async fn replay(
    db: &PgPool,
    id: Uuid,
    from: i64,
    until: Option<i64>,
) -> sqlx::Result<Replayed> {
    let head = event_store::read::head(db).await?;
    let until = until.unwrap_or(head);
    if from < 1 || from > until || until > head {
        return Ok(Replayed::Unknown { head });
    }
    // Of two that begin at once an index refuses one.
    let begun = sqlx::query_scalar!(
        "WITH next AS (
             UPDATE webhook_subscriptions s SET replays = replays + 1
             WHERE id = $1 AND NOT EXISTS (
                 SELECT FROM webhook_readings r WHERE r.subscription_id = s.id AND r.replay > 0)
             RETURNING id, replays)
         INSERT INTO webhook_readings (subscription_id, replay, position, until_position)
         SELECT id, replays, $2, $3 FROM next ON CONFLICT DO NOTHING RETURNING replay",
        id,
        from - 1,
        until,
    );
    Ok(match begun.fetch_optional(db).await? {
        Some(number) => {
            Replayed::Begun(Replay { number, position: from - 1, until_position: until })
        }
        None => Replayed::Busy,
    })
}

/// What it takes to send something to one: where to, and its sealed secrets.
pub(crate) struct Address {
    pub url: String,
    pub secret: Vec<u8>,
    /// The one before, as long as it is good.
    pub previous_secret: Option<Vec<u8>>,
}

/// That of one, whatever its state.
pub(crate) async fn address(db: &PgPool, id: Uuid) -> sqlx::Result<Option<Address>> {
    sqlx::query_as!(
        Address,
        "SELECT url, secret,
                CASE WHEN previous_until > now() THEN previous_secret END AS previous_secret
         FROM webhook_subscriptions WHERE id = $1 AND state <> 'deleted'",
        id,
    )
    .fetch_optional(db)
    .await
}

/// Why a subscription is disabled that nobody disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The receiver said that it is gone: 410.
    Gone,
    /// It took nothing for as long as it is tried.
    Failing,
}

impl Reason {
    fn code(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }
}

/// Disables one that is active.
pub(crate) async fn disable(db: &PgPool, id: Uuid, reason: Reason) -> sqlx::Result<()> {
    let disabled = sqlx::query!(
        "UPDATE webhook_subscriptions SET state = 'disabled', reason = $2, updated_at = now()
         WHERE id = $1 AND state = 'active'",
        id,
        reason.code(),
    );
    if disabled.execute(db).await?.rows_affected() > 0 {
        tracing::warn!(subscription = %id, reason = reason.code(), "a webhook is disabled");
    }
    Ok(())
}

/// Disables those of another log: this one is a copy, whose events are not theirs to be told. Those
/// of this log under an id that it had before go on with it: how far each was told is as old as the
/// log, which may have lost its end.
pub(crate) async fn disable_strangers(db: &PgPool) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE webhook_subscriptions s SET log_id = h.log_id, updated_at = now()
         FROM log_head h
         WHERE s.log_id <> h.log_id AND s.log_id IN (SELECT log_id FROM log_lineage)"
    )
    .execute(db)
    .await?;
    let disabled = sqlx::query_scalar!(
        "UPDATE webhook_subscriptions s
         SET state = 'disabled', reason = 'another_log', updated_at = now()
         FROM log_head h WHERE s.state = 'active' AND s.log_id <> h.log_id RETURNING s.id"
    );
    for id in disabled.fetch_all(db).await? {
        tracing::warn!(subscription = %id, reason = "another_log", "a webhook is disabled");
    }
    Ok(())
}
