//! Mails that wait in Postgres, and what became of them. A mail is written down once, whoever asks
//! for it how often, and sent as often as it takes.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use service::paging::Limit;
use sqlx::PgPool;
use tokio::sync::Notify;
use uuid::Uuid;
use vault::{DataSubject, Vault, VaultError};

use crate::letter::{Letter, Template};

/// Mails of one kind to one address within an hour, where strangers can have them sent.
const UNASKED_AN_HOUR_MAX: i64 = 5;
/// How often a mail is tried: with the pauses between, for more than a day.
const ATTEMPTS_MAX: i32 = 12;
/// What addresses are digested as that such mails go to.
const RECIPIENT: &[u8] = b"commerce recipient\0";
/// The pause after the first try; it doubles with each.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// The longest pause.
const PAUSE_MAX: TimeDelta = TimeDelta::hours(12);
/// How long what became of a mail is kept.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Mails forgotten with one look for those that are due, at the most.
const FORGOTTEN_AT_ONCE: i64 = 100;

/// Where mails are written down. Clones share it.
#[derive(Clone, Debug)]
pub struct Post {
    vault: Vault,
    more: Arc<Notify>,
}

/// A mail that somebody has claimed to send.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub id: Uuid,
    pub template: String,
    pub attempts: i32,
    subject: DataSubject,
    sealed: Vec<u8>,
}

/// What became of a mail, for those who keep the programs running: not whose it is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mail")]
pub struct Shown {
    /// Its id.
    pub id: Uuid,
    /// What it is about.
    pub template: String,
    /// `waiting`, `sent` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next, or was last.
    pub due_at: DateTime<Utc>,
    /// What the server said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

impl Post {
    /// Of those whom this vault knows.
    pub fn new(vault: Vault) -> Self {
        Self { vault, more: Arc::default() }
    }

    /// Writes a mail down, unless one of this id is. One that strangers can have sent is left out
    /// where there were many.
    ///
    /// # Errors
    /// Whom it is for was forgotten, or the database does not answer.
    pub async fn send(
        &self,
        id: Uuid,
        subject: DataSubject,
        letter: &Letter,
        now: DateTime<Utc>,
    ) -> Result<(), VaultError> {
        let plain = serde_json::to_vec(letter).map_err(|why| VaultError::Unreadable(id, why))?;
        let sealed = self.vault.seal(subject, &purpose(id), &plain).await?;
        let recipient = is_for_strangers(letter.template).then(|| {
            let master = self.vault.master();
            master.digest(RECIPIENT, letter.to.folded().as_bytes()).to_vec()
        });
        sqlx::query!(
            "WITH old AS (UPDATE mails SET recipient = NULL WHERE id IN
                 (SELECT id FROM mails WHERE recipient IS NOT NULL AND created_at <= $7
                  ORDER BY created_at LIMIT $9 FOR UPDATE SKIP LOCKED))
             INSERT INTO mails (id, subject, template, sealed, due_at, created_at, recipient)
             SELECT $1, $2, $3, $4, $5, $5, $6
             WHERE $6::bytea IS NULL OR $8 > (SELECT count(*) FROM mails
                 WHERE recipient = $6 AND template = $3 AND created_at > $7)
             ON CONFLICT (id) DO NOTHING",
            id,
            subject.0,
            letter.template.name(),
            sealed,
            now,
            recipient,
            now - TimeDelta::hours(1),
            UNASKED_AN_HOUR_MAX,
            FORGOTTEN_AT_ONCE
        )
        .execute(self.db())
        .await?;
        self.more.notify_one();
        Ok(())
    }

    /// Waits until there may be more to send, or that long.
    pub(crate) async fn more(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.more.notified()).await;
    }

    /// Claims up to `limit` mails that are due, for that time, and forgets some that ended long
    /// ago.
    pub(crate) async fn claim(
        &self,
        limit: i64,
        lease: TimeDelta,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Vec<Claimed>> {
        let claimed = sqlx::query!(
            r#"WITH due AS MATERIALIZED (
                   SELECT id FROM mails WHERE state = 'waiting' AND due_at <= $1
                       AND (leased_until IS NULL OR leased_until < $1)
                   ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
               UPDATE mails m SET leased_until = $3, attempts = attempts + 1
               FROM due WHERE m.id = due.id
               RETURNING m.id, m.template, m.attempts, m.subject, m.sealed AS "sealed!""#,
            now,
            limit,
            now + lease
        );
        let claimed = claimed.fetch_all(self.db()).await?;
        sqlx::query!(
            "DELETE FROM mails WHERE id IN (SELECT id FROM mails
                 WHERE state <> 'waiting' AND ended_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            now - KEPT,
            FORGOTTEN_AT_ONCE
        )
        .execute(self.db())
        .await?;
        let each = claimed.into_iter().map(|row| Claimed {
            id: row.id,
            template: row.template,
            attempts: row.attempts,
            subject: DataSubject(row.subject),
            sealed: row.sealed,
        });
        Ok(each.collect())
    }

    /// What a mail says.
    pub(crate) async fn read(&self, mail: &Claimed) -> Result<Letter, VaultError> {
        let plain = self.vault.open(mail.subject, &purpose(mail.id), &mail.sealed).await?;
        serde_json::from_slice(&plain).map_err(|why| VaultError::Unreadable(mail.id, why))
    }

    /// The server has taken it.
    pub(crate) async fn sent(&self, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<()> {
        sqlx::query!(
            "UPDATE mails SET state = 'sent', sealed = NULL, ended_at = $2, last_error = NULL
             WHERE id = $1",
            id,
            now
        )
        .execute(self.db())
        .await
        .map(drop)
    }

    /// Whom it was for was forgotten: so is the mail.
    pub(crate) async fn forget(&self, id: Uuid) -> sqlx::Result<()> {
        sqlx::query!("DELETE FROM mails WHERE id = $1", id).execute(self.db()).await.map(drop)
    }

    /// The server has not. It is tried again, unless that is in vain. Says whether it is.
    pub(crate) async fn not_sent(
        &self,
        mail: &Claimed,
        why: &str,
        in_vain: bool,
        now: DateTime<Utc>,
    ) -> sqlx::Result<bool> {
        let again = !in_vain && mail.attempts < ATTEMPTS_MAX;
        sqlx::query!(
            "UPDATE mails SET state = CASE WHEN $2 THEN 'waiting' ELSE 'failed' END, due_at = $3,
                 ended_at = CASE WHEN $2 THEN NULL ELSE $4::timestamptz END, leased_until = NULL,
                 last_error = $5
             WHERE id = $1",
            mail.id,
            again,
            now + pause(mail.attempts),
            now,
            why
        )
        .execute(self.db())
        .await?;
        Ok(again)
    }

    /// Mails in a state, the oldest first; and one more than is wanted.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(
        &self,
        state: &str,
        after: Option<Uuid>,
        limit: Limit,
    ) -> sqlx::Result<Vec<Shown>> {
        sqlx::query_as!(
            Shown,
            "SELECT id, template, state, attempts, due_at, last_error, created_at FROM mails
             WHERE state = $1 AND id > $2 ORDER BY id LIMIT $3",
            state,
            after.unwrap_or_default(),
            limit.and_one()
        )
        .fetch_all(self.db())
        .await
    }

    /// Tries a mail again that failed. Says whether there is one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn retry(&self, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let taken_up = sqlx::query!(
            "UPDATE mails SET state = 'waiting', attempts = 0, due_at = $2, ended_at = NULL
             WHERE id = $1 AND state = 'failed'",
            id,
            now
        );
        let taken_up = taken_up.execute(self.db()).await?.rows_affected() > 0;
        self.more.notify_one();
        Ok(taken_up)
    }

    /// How many wait for longer than a try takes, and how many failed, up to a bound.
    pub(crate) async fn counts(&self, limit: i64) -> sqlx::Result<(i64, i64)> {
        let counted = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM (SELECT FROM mails WHERE state = 'waiting' LIMIT $1) w)
                   AS "waiting!",
               (SELECT count(*) FROM (SELECT FROM mails WHERE state = 'failed' LIMIT $1) f)
                   AS "failed!""#,
            limit
        );
        let counted = counted.fetch_one(self.db()).await?;
        Ok((counted.waiting, counted.failed))
    }

    fn db(&self) -> &PgPool {
        self.vault.as_ref()
    }
}

fn purpose(id: Uuid) -> Vec<u8> {
    [b"commerce mail\0", &id.as_bytes()[..]].concat()
}

/// Whether anybody can have one sent to anybody, or to whom they know the password of.
fn is_for_strangers(template: Template) -> bool {
    use Template::{AddressChangeAsked, AddressTaken, ResetPassword, VerifyAddress};
    matches!(template, AddressChangeAsked | AddressTaken | ResetPassword | VerifyAddress)
}

fn pause(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts - 1).unwrap_or_default();
    let factor = 2_i32.checked_pow(doublings).unwrap_or(i32::MAX);
    PAUSE.checked_mul(factor).unwrap_or(PAUSE_MAX).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_double_and_end_within_days() {
        let minutes = [1, 2, 3, 10, 11, 40].map(|attempts| pause(attempts).num_minutes());
        assert_eq!(minutes, [1, 2, 4, 512, 720, 720]);
        let all: TimeDelta = (1..ATTEMPTS_MAX).map(pause).sum();
        assert!((24..72).contains(&all.num_hours()), "{all}");
    }
}
