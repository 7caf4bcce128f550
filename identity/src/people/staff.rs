//! Those who work here, as the owner sees to them: invited, given another role, disabled, sent
//! away. What takes something from somebody also voids the tokens they have.

use chrono::{DateTime, TimeDelta, Utc};
use mail::Letter;
use mail::letter::Template;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;
use vault::DataSubject;

use super::account::AccountError;
use super::password::NOBODYS;
use super::sessions::{digest, read, secret, written};
use super::{Email, PURPOSE, Password, People, SignInError};
use crate::principal::Role;
use crate::token::LIFE_MAX;

/// How long an invitation is good: over a weekend, for it lies in a mailbox. Who comes too late
/// asks for another password, as who forgot theirs.
const INVITATION_LIFE: TimeDelta = TimeDelta::days(3);
/// Colleagues that are shown.
const SHOWN_MAX: i64 = 1_000;

/// Somebody who works here.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Colleague {
    /// Their id, which stands in events as who asked.
    pub id: Uuid,
    /// Their address.
    pub email: String,
    /// What they do.
    #[schemars(with = "Role")]
    pub role: String,
    /// Whether they sign in with a second factor.
    pub second_factor: bool,
    /// Until when they can take their invitation, if they have not yet.
    pub invited_until: Option<DateTime<Utc>>,
    /// When they were disabled, if they are.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When they were registered or invited.
    pub created_at: DateTime<Utc>,
}

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
    /// All who work here, those first who came last.
    ///
    /// # Errors
    /// The database does not answer, or the master key is another.
    pub async fn staff(&self) -> Result<Vec<Colleague>, SignInError> {
        let rows = sqlx::query!(
            r#"SELECT p.id, p.email_sealed, p.role AS "role!", p.disabled_at, p.created_at,
                      i.expires_at AS "invited_until?", f.confirmed_at AS "confirmed_at?"
               FROM people p
               LEFT JOIN invitations i ON i.person_id = p.id
               LEFT JOIN second_factors f ON f.person_id = p.id
               WHERE p.role IS NOT NULL ORDER BY p.id DESC LIMIT $1"#,
            SHOWN_MAX
        );
        let rows = rows.fetch_all(&self.db).await?;
        let shown = rows.into_iter().map(|row| {
            Ok(Colleague {
                id: row.id,
                email: self.open_email(&row.email_sealed)?.as_str().to_owned(),
                role: row.role,
                second_factor: row.confirmed_at.is_some(),
                invited_until: row.invited_until,
                disabled_at: row.disabled_at,
                created_at: row.created_at,
            })
        });
        shown.collect()
    }

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
            "WITH taken AS (DELETE FROM invitations WHERE person_id = $1 AND secret = $2
                            RETURNING person_id)
             UPDATE people SET password = $3 FROM taken
             WHERE id = person_id AND disabled_at IS NULL",
            id,
            &given[..],
            password
        );
        let joined = joined.execute(&self.db).await?.rows_affected() > 0;
        if joined { Ok(()) } else { Err(SignInError::Wrong) }
    }

    /// Who has chosen a password otherwise is invited no more.
    pub(super) async fn drop_invitation(&self, id: Uuid) -> sqlx::Result<()> {
        let dropped = sqlx::query!("DELETE FROM invitations WHERE person_id = $1", id);
        dropped.execute(&self.db).await.map(drop)
    }

    /// Gives somebody who works here another role; whether there is such a one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn set_role(&self, id: Uuid, role: Role, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let mut work = self.db.begin().await?;
        let changed = sqlx::query!(
            "UPDATE people SET role = $2 WHERE id = $1 AND role IS NOT NULL",
            id,
            role.name()
        );
        let changed = changed.execute(&mut *work).await?.rows_affected() > 0;
        if changed {
            void_tokens(&mut work, id, now).await?;
        }
        work.commit().await?;
        Ok(changed)
    }

    /// Lets somebody who works here in no more, or again; whether there is such a one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn set_disabled(
        &self,
        id: Uuid,
        disabled: bool,
        now: DateTime<Utc>,
    ) -> sqlx::Result<bool> {
        let mut work = self.db.begin().await?;
        let changed = sqlx::query!(
            "UPDATE people SET disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, $3) END
             WHERE id = $1 AND role IS NOT NULL",
            id,
            disabled,
            now
        );
        let changed = changed.execute(&mut *work).await?.rows_affected() > 0;
        if changed {
            end_sessions(&mut work, id).await?;
            // Whoever was signing in at this moment may get a token yet.
            let before = if disabled { now + LIFE_MAX } else { now };
            void_tokens(&mut work, id, before).await?;
        }
        work.commit().await?;
        Ok(changed)
    }

    /// Ends all sessions of somebody who works here, and voids their tokens; whether there is such
    /// a one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn send_away(&self, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
        if !self.works_here(id).await? {
            return Ok(false);
        }
        let mut work = self.db.begin().await?;
        end_sessions(&mut work, id).await?;
        void_tokens(&mut work, id, now).await?;
        work.commit().await?;
        Ok(true)
    }

    /// Tokens of somebody that were given out before then are worth nothing.
    pub(super) async fn void_tokens(&self, id: Uuid, before: DateTime<Utc>) -> sqlx::Result<()> {
        let mut db = self.db.acquire().await?;
        void_tokens(&mut db, id, before).await
    }

    /// Whether somebody works here.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn works_here(&self, id: Uuid) -> sqlx::Result<bool> {
        sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM people WHERE id = $1 AND role IS NOT NULL) AS "does!""#,
            id
        )
        .fetch_one(&self.db)
        .await
    }
}

async fn end_sessions(work: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sessions WHERE person_id = $1", id).execute(work).await.map(drop)
}

/// Tokens of somebody that were given out before then are worth nothing; forgets whose last token
/// has run out by itself.
async fn void_tokens(work: &mut PgConnection, id: Uuid, before: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "WITH old AS (DELETE FROM voided_tokens WHERE before < $3 AND person_id <> $1)
         INSERT INTO voided_tokens (person_id, before) VALUES ($1, $2)
         ON CONFLICT (person_id) DO UPDATE SET before = $2",
        id,
        before,
        before - LIFE_MAX * 2,
    )
    .execute(work)
    .await
    .map(drop)
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation").field("id", &self.id).finish_non_exhaustive()
    }
}
