//! Those who work here, as the owner sees to them: invited, given another role, disabled, sent
//! away. What takes something from somebody also voids the tokens they have.

use chrono::{DateTime, TimeDelta, Utc};
use mail::Letter;
use mail::letter::Template;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use service::finish::finish;
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

/// What became of a change to who works here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaffChange {
    /// It is done.
    Done,
    /// Nobody of that id works here.
    Nobody,
    /// Nobody would be left who may invite and let in again: they are the last owner.
    LastOwner,
}

impl StaffChange {
    fn of(changed: Option<Uuid>) -> Self {
        if changed.is_some() { Self::Done } else { Self::Nobody }
    }
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

    /// Gives somebody who works here another role.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn set_role(
        &self,
        id: Uuid,
        role: Role,
        now: DateTime<Utc>,
    ) -> sqlx::Result<StaffChange> {
        let people = self.clone();
        finish(async move { people.set_role_whole(id, role, now).await }).await
    }

    /// Only to be done [to its end](finish): a transaction that is dropped stays open.
    async fn set_role_whole(
        &self,
        id: Uuid,
        role: Role,
        now: DateTime<Utc>,
    ) -> sqlx::Result<StaffChange> {
        let mut transaction = self.db.begin().await?;
        if role != Role::Owner && is_last_owner(&mut transaction, id).await? {
            transaction.rollback().await?;
            return Ok(StaffChange::LastOwner);
        }
        let changed = sqlx::query_scalar!(
            "WITH changed AS (UPDATE people SET role = $2
                 WHERE id = $1 AND role IS NOT NULL RETURNING id)
             SELECT id FROM changed, void_tokens(id, $3, $3, $4)",
            id,
            role.name(),
            now,
            now + LIFE_MAX
        );
        let changed = changed.fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(StaffChange::of(changed))
    }

    /// Lets somebody who works here in no more, or again.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn set_disabled(
        &self,
        id: Uuid,
        disabled: bool,
        now: DateTime<Utc>,
    ) -> sqlx::Result<StaffChange> {
        let people = self.clone();
        finish(async move {
            if disabled { people.disable(id, now).await } else { people.enable(id, now).await }
        })
        .await
    }

    /// Only to be done [to its end](finish): a transaction that is dropped stays open.
    async fn disable(&self, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<StaffChange> {
        let mut transaction = self.db.begin().await?;
        if is_last_owner(&mut transaction, id).await? {
            transaction.rollback().await?;
            return Ok(StaffChange::LastOwner);
        }
        // Whoever was signing in at this moment may get a token yet.
        let before = now + LIFE_MAX;
        let disabled = sqlx::query_scalar!(
            "WITH changed AS (UPDATE people SET disabled_at = coalesce(disabled_at, $2)
                 WHERE id = $1 AND role IS NOT NULL RETURNING id)
             SELECT id FROM changed, shut_out(id, $2), void_tokens(id, $2, $3, $4)",
            id,
            now,
            before,
            before + LIFE_MAX
        );
        let disabled = disabled.fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(StaffChange::of(disabled))
    }

    async fn enable(&self, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<StaffChange> {
        let enabled = sqlx::query_scalar!(
            "WITH changed AS (UPDATE people SET disabled_at = NULL
                 WHERE id = $1 AND role IS NOT NULL RETURNING id),
             ended AS (DELETE FROM sessions USING changed WHERE person_id = changed.id),
             voided AS (
                 INSERT INTO voided_tokens (person_id, before, until) SELECT id, $2, $3 FROM changed
                 ON CONFLICT (person_id) DO UPDATE SET before = $2, until = $3)
             SELECT id FROM changed",
            id,
            now,
            now + LIFE_MAX
        );
        enabled.fetch_optional(&self.db).await.map(StaffChange::of)
    }

    /// Ends all by which somebody who works here is let in but their password; whether there is
    /// such a one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn send_away(&self, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let sent = sqlx::query!(
            "WITH sent AS (SELECT id FROM people WHERE id = $1 AND role IS NOT NULL)
             SELECT id FROM sent, shut_out(id, $2)",
            id,
            now
        );
        sent.fetch_optional(&self.db).await.map(|it| it.is_some())
    }

    /// Forgets somebody who worked here and is disabled, at once and everywhere; whether there is
    /// such a one. What they did stays in the log, under their id.
    ///
    /// # Errors
    /// The database does not answer. Who asks again forgets the rest.
    pub async fn forget_colleague(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<bool, AccountError> {
        let left = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM people WHERE id = $1 AND role IS NOT NULL
                              AND disabled_at IS NOT NULL) AS "has!""#,
            id
        );
        if !left.fetch_one(&self.db).await? {
            return Ok(false);
        }
        let all = self.clone();
        finish(async move { all.forget_whole(id, true, now).await }).await
    }

    /// Tokens of somebody that were given out before then are worth nothing.
    pub(super) async fn void_tokens(&self, id: Uuid, before: DateTime<Utc>) -> sqlx::Result<()> {
        let until = before + LIFE_MAX;
        sqlx::query!("SELECT FROM void_tokens($1, $2, $2, $3)", id, before, until)
            .execute(&self.db)
            .await
            .map(drop)
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

/// Whether nobody but they is an owner who can sign in. Of two who take that from each other at
/// once, the second waits here for the first.
async fn is_last_owner(connection: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let owners = sqlx::query_scalar!(
        "SELECT p.id FROM people p
         WHERE p.role = $1 AND p.disabled_at IS NULL
           AND NOT EXISTS (SELECT FROM invitations WHERE person_id = p.id)
         ORDER BY p.id FOR UPDATE OF p",
        Role::Owner.name()
    );
    Ok(owners.fetch_all(connection).await? == [id])
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invitation").field("id", &self.id).finish_non_exhaustive()
    }
}
