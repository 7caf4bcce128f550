//! The list of what is to be sent: claimed by whoever sends, kept for a while once it is delivered
//! or given up. A claim is a lease: if its holder dies, the next one sends it again, under the same
//! id.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

/// Of one subscription, which event for which reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub position: i64,
    /// 0, or the number of a replay.
    pub replay: i32,
}

/// Something that was claimed.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub subscription_id: Uuid,
    pub key: Key,
    /// This one included.
    pub attempts: i32,
}

/// What became of an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Attempted {
    /// Its status, if the receiver answered.
    pub status: Option<u16>,
    /// What it said, or what went wrong; nothing where it took the event.
    pub error: Option<String>,
    /// What follows.
    pub next: Next,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It was taken.
    Delivered,
    /// It is tried again.
    Later(Duration),
    /// It is not: this is a dead letter.
    Failed,
}

/// Whether something was sent, as callers name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "WebhookDeliveryState")]
pub(crate) enum State {
    /// It is to be sent, for the first time or again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was given up: the dead letters.
    #[default]
    Failed,
}

/// One of the list, as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookDelivery")]
pub(crate) struct Delivery {
    pub id: Key,
    /// What the receiver knows it by.
    pub webhook_id: String,
    pub position: i64,
    #[serde(rename = "type")]
    pub kind: String,
    pub state: State,
    pub attempts: i32,
    pub last_status: Option<i16>,
    pub last_error: Option<String>,
    pub last_attempt_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
}

/// Claims up to `limit` that are due, of each subscription of this log no more than `each` at once,
/// for that time. Where several claim at one moment, one may have a few more.
pub(crate) async fn claim(
    db: &PgPool,
    log_id: Uuid,
    limit: i64,
    each: i64,
    lease: Duration,
) -> sqlx::Result<Vec<Claimed>> {
    let rows = sqlx::query!(
        "WITH due AS MATERIALIZED (
             SELECT d.subscription_id, d.position, d.replay
             FROM webhook_subscriptions s
             CROSS JOIN LATERAL (
                 SELECT subscription_id, position, replay, due_at FROM webhook_deliveries
                 WHERE subscription_id = s.id AND state = 'pending' AND due_at <= now()
                   AND (leased_until IS NULL OR leased_until < now())
                 ORDER BY due_at, position
                 LIMIT greatest(0, $3 - (
                     SELECT count(*) FROM webhook_deliveries
                     WHERE subscription_id = s.id AND leased_until >= now()))
                 FOR UPDATE SKIP LOCKED) AS d
             WHERE s.state = 'active' AND s.log_id = $1
               AND (s.rests_until IS NULL OR s.rests_until <= now())
             ORDER BY d.due_at LIMIT $2)
         UPDATE webhook_deliveries AS d
         SET leased_until = now() + make_interval(secs => $4), attempts = attempts + 1,
             attempted_at = now()
         FROM due WHERE d.subscription_id = due.subscription_id AND d.position = due.position
           AND d.replay = due.replay
         RETURNING d.subscription_id, d.position, d.replay, d.attempts",
        log_id,
        limit,
        each,
        lease.as_secs_f64(),
    );
    let claimed = rows.fetch_all(db).await?.into_iter().map(|row| Claimed {
        subscription_id: row.subscription_id,
        key: Key { position: row.position, replay: row.replay },
        attempts: row.attempts,
    });
    Ok(claimed.collect())
}

/// Keeps what became of an attempt, unless another has been made since: its lease ran out.
pub(crate) async fn record(
    db: &PgPool,
    claimed: &Claimed,
    attempted: &Attempted,
) -> sqlx::Result<()> {
    let (state, pause) = match attempted.next {
        Next::Delivered => ("delivered", None),
        Next::Later(pause) => ("pending", Some(pause)),
        Next::Failed => ("failed", None),
    };
    sqlx::query!(
        "UPDATE webhook_deliveries
         SET state = $5, status = $6, error = $7, leased_until = NULL,
             due_at = coalesce(now() + make_interval(secs => $8), due_at),
             ended_at = CASE WHEN $8::float8 IS NULL THEN now() END
         WHERE subscription_id = $1 AND position = $2 AND replay = $3 AND attempts = $4
           AND state = 'pending'",
        claimed.subscription_id,
        claimed.key.position,
        claimed.key.replay,
        claimed.attempts,
        state,
        attempted.status.and_then(|status| i16::try_from(status).ok()),
        attempted.error.as_deref(),
        pause.map(|pause| pause.as_secs_f64()),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Leaves the receiver of a subscription alone for so long.
pub(crate) async fn rest(db: &PgPool, subscription: Uuid, pause: Duration) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE webhook_subscriptions SET rests_until = now() + make_interval(secs => $2)
         WHERE id = $1",
        subscription,
        pause.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the receiver has taken nothing since this one was listed.
pub(crate) async fn took_nothing_since(db: &PgPool, claimed: &Claimed) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (
               SELECT FROM webhook_deliveries
               WHERE subscription_id = $1 AND state = 'delivered' AND ended_at > (
                   SELECT created_at FROM webhook_deliveries
                   WHERE subscription_id = $1 AND position = $2 AND replay = $3)) AS "nothing!""#,
        claimed.subscription_id,
        claimed.key.position,
        claimed.key.replay,
    )
    .fetch_one(db)
    .await
}

/// Those of a subscription in a state, the newest event first, after one of them.
pub(crate) async fn list(
    db: &PgPool,
    subscription: Uuid,
    state: State,
    after: Option<Key>,
    limit: i64,
) -> sqlx::Result<Vec<Delivery>> {
    let Key { position, replay } = after.unwrap_or(Key { position: i64::MAX, replay: i32::MAX });
    let rows = sqlx::query!(
        "SELECT d.position, d.replay, d.type AS kind, d.attempts, d.status, d.error,
                d.attempted_at, d.due_at, d.created_at, d.ended_at, s.log_id
         FROM webhook_deliveries d JOIN webhook_subscriptions s ON s.id = d.subscription_id
         WHERE d.subscription_id = $1 AND d.state = $2 AND (d.position, d.replay) < ($3, $4)
         ORDER BY d.position DESC, d.replay DESC LIMIT $5",
        subscription,
        state.name(),
        position,
        replay,
        limit,
    );
    let shown = rows.fetch_all(db).await?.into_iter().map(|row| {
        let id = Key { position: row.position, replay: row.replay };
        Delivery {
            id,
            webhook_id: id.webhook_id(row.log_id, subscription),
            position: row.position,
            kind: row.kind,
            state,
            attempts: row.attempts,
            last_status: row.status,
            last_error: row.error,
            last_attempt_at: row.attempted_at,
            next_attempt_at: (state == State::Pending).then_some(row.due_at),
            created_at: row.created_at,
            ended_at: row.ended_at,
        }
    });
    Ok(shown.collect())
}

/// Sends one again that was given up, or that waits, from its first attempt on. Says which state it
/// was in; nothing if there is none.
pub(crate) async fn retry(
    db: &PgPool,
    subscription: Uuid,
    Key { position, replay }: Key,
) -> sqlx::Result<Option<State>> {
    let found = sqlx::query_scalar!(
        "WITH found AS (
             SELECT state FROM webhook_deliveries
             WHERE subscription_id = $1 AND position = $2 AND replay = $3 FOR UPDATE),
         again AS (
             UPDATE webhook_deliveries
             SET state = 'pending', attempts = 0, due_at = now(), leased_until = NULL,
                 ended_at = NULL
             WHERE subscription_id = $1 AND position = $2 AND replay = $3
               AND state <> 'delivered' AND (leased_until IS NULL OR leased_until < now()))
         SELECT state FROM found",
        subscription,
        position,
        replay,
    );
    let found = found.fetch_optional(db).await?;
    Ok(found.and_then(|state| State::ALL.into_iter().find(|known| known.name() == state)))
}

/// How many are in a state, of all who are told, counted up to a bound.
pub(crate) async fn count(db: &PgPool, state: State, max: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM webhook_subscriptions s
               JOIN webhook_deliveries d ON d.subscription_id = s.id
               WHERE s.state <> 'deleted' AND d.state = $1 LIMIT $2) AS counted"#,
        state.name(),
        max,
    )
    .fetch_one(db)
    .await
}

impl State {
    const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

impl Key {
    /// What the receiver knows it by: the same at each attempt, and another after a restore, when
    /// the same position may mean another event.
    pub fn webhook_id(self, log_id: Uuid, subscription: Uuid) -> String {
        let of = format!("{subscription}/{self}");
        Uuid::new_v5(&log_id, of.as_bytes()).to_string()
    }
}

/// `position-replay`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.position, self.replay)
    }
}

/// No such id can be.
#[derive(Debug, thiserror::Error)]
#[error("is not the id of a delivery")]
pub(crate) struct NoKey;

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let (position, replay) = text.split_once('-').ok_or(NoKey)?;
        let key = Self {
            position: position.parse().map_err(|_| NoKey)?,
            replay: replay.parse().map_err(|_| NoKey)?,
        };
        // Numbers have many spellings; only ours comes from us.
        let is_ours = key.position >= 0 && key.replay >= 0 && key.to_string() == text;
        if is_ours { Ok(key) } else { Err(NoKey) }
    }
}

impl JsonSchema for Key {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WebhookDeliveryId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The position of the event, and 0 or the number of a replay.",
            "pattern": "^[0-9]{1,19}-[0-9]{1,10}$",
            "examples": ["1024-0"],
        })
    }
}

impl Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let key = Key { position: 42, replay: 3 };
        assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
        for text in ["", "42", "42-", "-3", "042-3", "42-+3", "42-3-1", "x-0"] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_receiver_knows_it_by_an_id_of_this_log_alone() {
        let (log, subscription) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let key = Key { position: 42, replay: 0 };
        let id = key.webhook_id(log, subscription);
        assert_eq!(id, key.webhook_id(log, subscription));
        assert_ne!(id, key.webhook_id(Uuid::from_u128(3), subscription));
        assert_ne!(id, key.webhook_id(log, Uuid::from_u128(3)));
        assert_ne!(id, Key { replay: 1, ..key }.webhook_id(log, subscription));
    }
}
