//! Who is signed in: a session for each time, kept alive by a refresh token that is another after
//! each use. One that comes back after it was replaced was copied: its session ends.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{People, Person, SignInError};
use crate::master::random;

/// How long somebody stays signed in who does not come back.
pub const REFRESH_LIFE: TimeDelta = TimeDelta::days(7);
/// How long a token that was just replaced is still taken: the answer with the next one may have
/// been lost.
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// Sessions somebody may have; the one that was used longest ago ends with another.
const SESSIONS_MAX: i64 = 50;
/// Sessions of anybody that have run out and are swept away with one that begins, at the most: more
/// than are added.
const SWEPT_AT_ONCE: i64 = 10;
/// Bytes of a refresh token that nobody can guess.
const SECRET_BYTES: usize = 32;

/// What keeps somebody signed in.
#[derive(Clone)]
pub struct Grant {
    /// Who.
    pub person: Person,
    /// What to send to stay so.
    pub refresh_token: String,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// A session, as it is shown to whose it is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Session {
    /// Its id.
    pub id: Uuid,
    /// When they signed in.
    pub created_at: DateTime<Utc>,
    /// When they were last here.
    pub used_at: DateTime<Utc>,
    /// When it ends unless they come back.
    pub expires_at: DateTime<Utc>,
}

impl People {
    /// Begins a session.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn begin(&self, person: Person, now: DateTime<Utc>) -> sqlx::Result<Grant> {
        let (id, secret, expires_at) = (Uuid::now_v7(), secret(), now + REFRESH_LIFE);
        sqlx::query!(
            "WITH old AS (DELETE FROM sessions WHERE id IN (
                 (SELECT id FROM sessions WHERE person_id = $2
                  ORDER BY expires_at < $4, used_at DESC OFFSET $6)
                 UNION
                 (SELECT id FROM sessions WHERE expires_at < $4 LIMIT $7)))
             INSERT INTO sessions (id, person_id, secret, created_at, used_at, expires_at)
             VALUES ($1, $2, $3, $4, $4, $5)",
            id,
            person.id,
            &digest(&secret)[..],
            now,
            expires_at,
            SESSIONS_MAX - 1,
            SWEPT_AT_ONCE,
        )
        .execute(&self.db)
        .await?;
        Ok(Grant { person, refresh_token: written(id, &secret), expires_at })
    }

    /// Goes on with a session. The token is another from now on.
    ///
    /// # Errors
    /// [`SignInError::Wrong`], where there is no such session, or where the token was used before:
    /// then its session has ended.
    pub async fn go_on(&self, token: &str, now: DateTime<Utc>) -> Result<Grant, SignInError> {
        let (id, given) = read(token).ok_or(SignInError::Wrong)?;
        let (secret, expires_at) = (secret(), now + REFRESH_LIFE);
        let gone_on = sqlx::query!(
            "UPDATE sessions s SET previous = $2, secret = $3, used_at = $4, expires_at = $5
             FROM people p
             WHERE s.id = $1 AND p.id = s.person_id AND s.expires_at > $4
               AND p.disabled_at IS NULL
               AND (s.secret = $2 OR (s.previous = $2 AND s.used_at > $6))
             RETURNING p.id, p.role",
            id,
            &given[..],
            &digest(&secret)[..],
            now,
            expires_at,
            now - GRACE,
        );
        if let Some(row) = gone_on.fetch_optional(&self.db).await? {
            let person = Person::of(row.id, row.role).ok_or(SignInError::Wrong)?;
            return Ok(Grant { person, refresh_token: written(id, &secret), expires_at });
        }
        // Replaced, and here again: somebody has a copy, and nobody knows which of the two it is.
        let ended = sqlx::query!(
            "DELETE FROM sessions WHERE id = $1 AND previous = $2 RETURNING person_id",
            id,
            &given[..]
        );
        if let Some(ended) = ended.fetch_optional(&self.db).await? {
            let person = ended.person_id;
            tracing::warn!(session = %id, %person, "a refresh token came twice: its session ended");
        }
        Err(SignInError::Wrong)
    }

    /// Ends the session of a token.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end(&self, token: &str) -> sqlx::Result<()> {
        let Some((id, given)) = read(token) else { return Ok(()) };
        sqlx::query!("DELETE FROM sessions WHERE id = $1 AND secret = $2", id, &given[..])
            .execute(&self.db)
            .await
            .map(drop)
    }

    /// Ends one of somebody's sessions; whether it was theirs.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_one(&self, person: Uuid, id: Uuid) -> sqlx::Result<bool> {
        sqlx::query!("DELETE FROM sessions WHERE id = $1 AND person_id = $2", id, person)
            .execute(&self.db)
            .await
            .map(|done| done.rows_affected() > 0)
    }

    /// Ends all of somebody's sessions.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_all(&self, person: Uuid) -> sqlx::Result<()> {
        sqlx::query!("DELETE FROM sessions WHERE person_id = $1", person)
            .execute(&self.db)
            .await
            .map(drop)
    }

    /// Somebody's sessions, the one that was used last first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sessions(&self, person: Uuid, now: DateTime<Utc>) -> sqlx::Result<Vec<Session>> {
        sqlx::query_as!(
            Session,
            "SELECT id, created_at, used_at, expires_at FROM sessions
             WHERE person_id = $1 AND expires_at > $2 ORDER BY used_at DESC, id",
            person,
            now
        )
        .fetch_all(&self.db)
        .await
    }
}

pub(super) fn secret() -> [u8; SECRET_BYTES] {
    random()
}

/// What is kept of a secret: it has more bits than anybody can try, so it needs no slow hash.
pub(super) fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

pub(super) fn written(id: Uuid, secret: &[u8]) -> String {
    format!("{}.{}", id.simple(), URL_SAFE_NO_PAD.encode(secret))
}

/// The session a token is of, and what would be kept of it.
pub(super) fn read(token: &str) -> Option<(Uuid, [u8; 32])> {
    let (id, secret) = token.split_once('.')?;
    let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
    (secret.len() == SECRET_BYTES).then_some((Uuid::try_parse(id).ok()?, digest(&secret)))
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant").field("person", &self.person).finish_non_exhaustive()
    }
}
