//! How somebody comes to work here: invited by the owner, and joining with a password of their own.

use chrono::{DateTime, TimeDelta, Utc};
use mail::Letter;
use mail::letter::Template;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;
use vault::DataSubject;

use super::account::AccountError;
use super::password::NOBODYS;
use super::sessions::{digest, read, secret, written};
use super::{Email, PURPOSE, Password, People, SignInError};
use crate::principal::Role;

/// How long an invitation is good: over a weekend, for it lies in a mailbox. Who comes too late
/// asks for another password, as who forgot theirs.
const INVITATION_LIFE: TimeDelta = TimeDelta::days(3);

/// What lets somebody choose a password, shown once.
#[derive(Clone, Serialize, JsonSchema)]
pub struct Invitation {
    /// Who.
    pub id: Uuid,
    /// What to send them.
    pub invitation: String,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

impl People {
    /// Invites somebody, who is let in once they have chosen a password; nobody, where somebody
    /// has the address.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn invite(
        &self,
        email: &Email,
        role: Role,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Invitation>> {
        let (id, secret, expires_at) = (Uuid::now_v7(), secret(), now + INVITATION_LIFE);
        let invited = sqlx::query!(
            "WITH made AS (
                 INSERT INTO people (id, role, email_digest, email_sealed, password)
                 SELECT $1, $2, $3, $4, $5
                 WHERE NOT EXISTS (SELECT FROM people WHERE email_digest = ANY($8))
                 ON CONFLICT (email_digest) DO NOTHING RETURNING id)
             INSERT INTO invitations (person_id, secret, expires_at)
             SELECT id, $6, $7 FROM made",
            id,
            role.name(),
            &self.digest(email)[..],
            self.master.seal(PURPOSE, email.as_str().as_bytes()),
            // None yet, and it takes as long to find that out.
            NOBODYS,
            &digest(&secret)[..],
            expires_at,
            &self.digests(email),
        );
        let invited = invited.execute(&self.db).await?.rows_affected() > 0;
        let invitation = written(id, &secret);
        Ok(invited.then_some(Invitation { id, invitation, expires_at }))
    }

    /// Gives somebody who has not joined yet another invitation, and the one of before is good no
    /// more; and their address. None, where nobody of this id is invited.
    ///
    /// # Errors
    /// The database does not answer, or the master key is another.
    pub async fn invite_again(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<Option<(Invitation, Email)>, SignInError> {
        let (secret, expires_at) = (secret(), now + INVITATION_LIFE);
        // The person first: so do all who end invitations.
        let sealed = sqlx::query_scalar!(
            r#"WITH person AS (SELECT id, email_sealed FROM people
                 WHERE id = $1 AND role IS NOT NULL AND password = $2 AND disabled_at IS NULL
                 FOR UPDATE),
             given AS (
                 INSERT INTO invitations (person_id, secret, expires_at)
                 SELECT id, $3, $4 FROM person
                 ON CONFLICT (person_id)
                     DO UPDATE SET secret = excluded.secret, expires_at = excluded.expires_at)
             SELECT email_sealed AS "email_sealed!" FROM person"#,
            id,
            NOBODYS,
            &digest(&secret)[..],
            expires_at
        );
        let Some(sealed) = sealed.fetch_optional(&self.db).await? else { return Ok(None) };
        let invitation = written(id, &secret);
        Ok(Some((Invitation { id, invitation, expires_at }, self.open_email(&sealed)?)))
    }

    /// Mails somebody the invitation that they were given, in the language of who gave it.
    ///
    /// # Errors
    /// The mail could not be written down.
    pub async fn mail_invitation(
        &self,
        given: &Invitation,
        email: &Email,
        by: Option<Uuid>,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        let Some(post) = &self.post else { return Ok(()) };
        let locale = match by {
            Some(by) => self.profile(by).await?.locale,
            None => None,
        };
        let days = INVITATION_LIFE.num_days();
        let about = json!({ "invitation": given.invitation, "days": days });
        let (to, template) = (email.clone(), Template::Invitation);
        let letter = Letter { to, locale, template, about };
        Ok(post.send(Uuid::now_v7(), DataSubject(given.id), &letter, now).await?)
    }

    /// Takes an invitation: the password is theirs from now on.
    ///
    /// # Errors
    /// [`SignInError::Wrong`], where it is none, or was taken.
    pub async fn join(
        &self,
        invitation: &str,
        password: Password,
        now: DateTime<Utc>,
    ) -> Result<(), SignInError> {
        let (id, given) = read(invitation).ok_or(SignInError::Wrong)?;
        let is_good = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM invitations
                              WHERE person_id = $1 AND secret = $2 AND expires_at > $3) AS "is!""#,
            id,
            &given[..],
            now
        );
        // Before the password is hashed, which is for those who have one.
        if !is_good.fetch_one(&self.db).await? {
            return Err(SignInError::Wrong);
        }
        let password = self.hashing.hash(password).await?;
        let joined = sqlx::query!(
            "WITH person AS (SELECT id FROM people WHERE id = $1 FOR UPDATE),
             taken AS (DELETE FROM invitations USING person
                       WHERE person_id = person.id AND secret = $2 RETURNING person_id)
             UPDATE people SET password = $3 FROM taken
             WHERE id = person_id AND disabled_at IS NULL",
            id,
            &given[..],
            password
        );
        let joined = joined.execute(&self.db).await?.rows_affected() > 0;
        if joined { Ok(()) } else { Err(SignInError::Wrong) }
    }
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation").field("id", &self.id).finish_non_exhaustive()
    }
}
