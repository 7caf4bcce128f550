//! Who is signed in: a session for each time, kept alive by a refresh token that is another after
//! each use. All tokens of a session begin with the same secret, so that any that was spent is
//! known as one. One that comes back after it was replaced was copied: its session ends, and with
//! a session the tokens end that came with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{People, Person, SignInError};
use crate::master::random;
use crate::token::LIFE_MAX;

/// How long who does not come back stays signed in, and a token is good that comes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    /// Of an access token, at most [`LIFE_MAX`].
    pub access: TimeDelta,
    /// Of a refresh token.
    pub refresh: TimeDelta,
}

impl Default for Lives {
    fn default() -> Self {
        Self { access: TimeDelta::hours(24), refresh: TimeDelta::days(7) }
    }
}

/// How long a token that was just replaced is still taken: the answer with the next one may have
/// been lost. It counts from when it was replaced first, however often it comes.
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// Days after which somebody signs in anew, however often they came back: a customer, and who works
/// here.
const SESSION_DAYS_MAX: i32 = 180;
const STAFF_SESSION_DAYS_MAX: i32 = 30;
/// Sessions somebody may have; the one that was used longest ago ends with another.
const SESSIONS_MAX: i64 = 50;
/// Sessions of anybody that have run out and are swept away with one that begins, at the most: more
/// than are added.
const SWEPT_AT_ONCE: i64 = 10;
/// Bytes of a refresh token that nobody can guess, and of them those that all of a session have.
const SECRET_BYTES: usize = 32;
const FAMILY_BYTES: usize = 16;

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
        let (id, secret) = (Uuid::now_v7(), secret());
        let days = if person.role.is_some() { STAFF_SESSION_DAYS_MAX } else { SESSION_DAYS_MAX };
        let expires_at = now + self.lives.refresh.min(TimeDelta::days(days.into()));
        sqlx::query!(
            "WITH old AS (DELETE FROM sessions WHERE id IN (
                 (SELECT id FROM sessions WHERE person_id = $2
                  ORDER BY expires_at < $4, used_at DESC OFFSET $6)
                 UNION
                 (SELECT id FROM sessions WHERE expires_at < $4 LIMIT $7)))
             INSERT INTO sessions
                 (id, person_id, secret, created_at, used_at, expires_at, family, access_until)
             VALUES ($1, $2, $3, $4, $4, $5, $8, $9)",
            id,
            person.id,
            &digest(&secret)[..],
            now,
            expires_at,
            SESSIONS_MAX - 1,
            SWEPT_AT_ONCE,
            &digest(&secret[..FAMILY_BYTES])[..],
            now + self.lives.access,
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
        let (id, given) = parts(token).ok_or(SignInError::Wrong)?;
        let secret = given.next();
        let gone_on = sqlx::query!(
            "UPDATE sessions s SET previous = $2, secret = $3, used_at = $4,
                 expires_at = least($5, s.created_at + make_interval(days =>
                     CASE WHEN p.role IS NULL THEN $9::int ELSE $10::int END)),
                 family = $7, access_until = greatest(s.access_until, $8),
                 replaced_at = CASE WHEN s.secret = $2 THEN $4 ELSE s.replaced_at END
             FROM people p
             WHERE s.id = $1 AND p.id = s.person_id AND s.expires_at > $4
               AND s.created_at + make_interval(days =>
                   CASE WHEN p.role IS NULL THEN $9::int ELSE $10::int END) > $4
               AND p.disabled_at IS NULL
               AND (s.secret = $2
                    OR (s.previous = $2 AND coalesce(s.replaced_at, s.used_at) > $6))
             RETURNING p.id, p.role, s.expires_at",
            id,
            &given.digest()[..],
            &digest(&secret)[..],
            now,
            now + self.lives.refresh,
            now - GRACE,
            &given.family()[..],
            now + self.lives.access,
            SESSION_DAYS_MAX,
            STAFF_SESSION_DAYS_MAX,
        );
        if let Some(row) = gone_on.fetch_optional(&self.db).await? {
            let person = Person::of(row.id, row.role).ok_or(SignInError::Wrong)?;
            let (refresh_token, expires_at) = (written(id, &secret), row.expires_at);
            return Ok(Grant { person, refresh_token, expires_at });
        }
        // Spent, and here again: somebody has a copy, and nobody knows which of the two it is.
        if let Some(person) = self.end_family(id, &given, now, false).await? {
            tracing::warn!(session = %id, %person, "a refresh token came twice: its session ended");
        }
        Err(SignInError::Wrong)
    }

    /// Ends the session of a token, whether it is the last or was spent, and voids the tokens that
    /// its person was given.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end(&self, token: &str, now: DateTime<Utc>) -> sqlx::Result<()> {
        let Some((id, given)) = parts(token) else { return Ok(()) };
        self.end_family(id, &given, now, true).await.map(drop)
    }

    /// Ends a session to which somebody has a token that was spent, or the last one too. Says whose
    /// it was.
    async fn end_family(
        &self,
        id: Uuid,
        given: &Given,
        now: DateTime<Utc>,
        by_the_last: bool,
    ) -> sqlx::Result<Option<Uuid>> {
        let ended = sqlx::query_scalar!(
            "WITH ended AS (DELETE FROM sessions
                 WHERE id = $1 AND (secret = $2 OR previous = $2 OR family = $3)
                   AND ($4 OR secret <> $2)
                 RETURNING person_id, used_at, access_until)
             SELECT person_id FROM ended, void_tokens(person_id, $5, $5,
                 greatest(access_until, used_at + interval '24 hours'))",
            id,
            &given.digest()[..],
            &given.family()[..],
            by_the_last,
            now,
        );
        ended.fetch_optional(&self.db).await
    }

    /// Ends one of somebody's sessions, and voids the tokens that they were given: their other
    /// sessions get others by themselves. Whether it was theirs.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_one(&self, person: Uuid, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
        // What an older program gave out, it gave for 24 hours and did not write down.
        let ended = sqlx::query!(
            "WITH ended AS (DELETE FROM sessions WHERE id = $1 AND person_id = $2
                 RETURNING person_id, used_at, access_until)
             SELECT person_id FROM ended, void_tokens(person_id, $3, $3,
                 greatest(access_until, used_at + interval '24 hours'))",
            id,
            person,
            now,
        );
        ended.fetch_optional(&self.db).await.map(|it| it.is_some())
    }

    /// Tokens of guests that were given out before now are worth nothing: they get no others.
    /// Forgets some that nobody has to look at any more.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn let_guests_go(&self, guests: &[Uuid], now: DateTime<Utc>) -> sqlx::Result<()> {
        sqlx::query!(
            "WITH old AS (DELETE FROM voided_tokens WHERE person_id IN (
                 SELECT person_id FROM voided_tokens WHERE until < $2 AND person_id <> ALL($1)
                 LIMIT $4 FOR UPDATE SKIP LOCKED))
             INSERT INTO voided_tokens AS v (person_id, before, until, has_account)
             SELECT DISTINCT who, $2, $3::timestamptz, false FROM unnest($1::uuid[]) AS who
             ON CONFLICT (person_id) DO UPDATE SET
                 before = greatest(v.before, $2), until = greatest(v.until, $3)",
            guests,
            now,
            now + LIFE_MAX,
            SWEPT_AT_ONCE
        )
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
             WHERE person_id = $1 AND expires_at > $2 ORDER BY used_at DESC, id DESC",
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
    parts(token).map(|(id, given)| (id, given.digest()))
}

fn parts(token: &str) -> Option<(Uuid, Given)> {
    let (id, secret) = token.split_once('.')?;
    let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
    Some((Uuid::try_parse(id).ok()?, Given(secret.try_into().ok()?)))
}

/// The secret of a refresh token that somebody sent.
struct Given([u8; SECRET_BYTES]);

impl Given {
    fn digest(&self) -> [u8; 32] {
        digest(&self.0)
    }

    /// What all tokens of its session have in common, as it is kept.
    fn family(&self) -> [u8; 32] {
        digest(&self.0[..FAMILY_BYTES])
    }

    /// The next of the same session.
    fn next(&self) -> [u8; SECRET_BYTES] {
        let mut next = secret();
        next[..FAMILY_BYTES].copy_from_slice(&self.0[..FAMILY_BYTES]);
        next
    }
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Grant").field("person", &self.person).finish_non_exhaustive()
    }
}
