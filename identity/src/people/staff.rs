//! Those who work here, as the owner sees to them: given another role, disabled, sent away; the
//! latter two also of customers, as the back office does it. How they come is in `inviting`. What
//! takes something from somebody also voids the tokens they have.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use service::finish::finish;
use service::paging::Limit;
use sqlx::PgConnection;
use uuid::Uuid;

use super::account::AccountError;
use super::{People, SignInError};
use crate::principal::Role;
use crate::token::LIFE_MAX;

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
    /// Those who work here after somebody, who came last first; and one more than is wanted.
    ///
    /// # Errors
    /// The database does not answer, or the master key is another.
    pub async fn staff(
        &self,
        after: Option<Uuid>,
        limit: Limit,
    ) -> Result<Vec<Colleague>, SignInError> {
        let rows = sqlx::query!(
            r#"SELECT p.id, p.email_sealed, p.role AS "role!", p.disabled_at, p.created_at,
                      i.expires_at AS "invited_until?", f.confirmed_at AS "confirmed_at?"
               FROM people p
               LEFT JOIN invitations i ON i.person_id = p.id
               LEFT JOIN second_factors f ON f.person_id = p.id
               WHERE p.role IS NOT NULL AND p.id < $1 ORDER BY p.id DESC LIMIT $2"#,
            after.unwrap_or(Uuid::max()),
            limit.and_one()
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
            if disabled {
                people.disable(id, true, now).await
            } else {
                people.enable(id, true, now).await
            }
        })
        .await
    }

    /// Lets a customer in no more, or again; whether there is such a one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn set_customer_disabled(
        &self,
        id: Uuid,
        disabled: bool,
        now: DateTime<Utc>,
    ) -> sqlx::Result<bool> {
        let people = self.clone();
        let changed = finish(async move {
            if disabled {
                people.disable(id, false, now).await
            } else {
                people.enable(id, false, now).await
            }
        });
        Ok(changed.await? == StaffChange::Done)
    }

    /// Only to be done [to its end](finish): a transaction that is dropped stays open.
    async fn disable(
        &self,
        id: Uuid,
        works_here: bool,
        now: DateTime<Utc>,
    ) -> sqlx::Result<StaffChange> {
        let mut transaction = self.db.begin().await?;
        if works_here && is_last_owner(&mut transaction, id).await? {
            transaction.rollback().await?;
            return Ok(StaffChange::LastOwner);
        }
        // Whoever was signing in at this moment may get a token yet.
        let before = now + LIFE_MAX;
        let disabled = sqlx::query_scalar!(
            "WITH changed AS (UPDATE people SET disabled_at = coalesce(disabled_at, $2)
                 WHERE id = $1 AND (role IS NOT NULL) = $5 RETURNING id)
             SELECT id FROM changed, shut_out(id, $2), void_tokens(id, $2, $3, $4)",
            id,
            now,
            before,
            before + LIFE_MAX,
            works_here
        );
        let disabled = disabled.fetch_optional(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(StaffChange::of(disabled))
    }

    async fn enable(
        &self,
        id: Uuid,
        works_here: bool,
        now: DateTime<Utc>,
    ) -> sqlx::Result<StaffChange> {
        let enabled = sqlx::query_scalar!(
            "WITH changed AS (UPDATE people SET disabled_at = NULL
                 WHERE id = $1 AND (role IS NOT NULL) = $4 RETURNING id),
             ended AS (DELETE FROM sessions USING changed WHERE person_id = changed.id),
             voided AS (
                 INSERT INTO voided_tokens (person_id, before, until) SELECT id, $2, $3 FROM changed
                 ON CONFLICT (person_id) DO UPDATE SET before = $2, until = $3)
             SELECT id FROM changed",
            id,
            now,
            now + LIFE_MAX,
            works_here
        );
        enabled.fetch_optional(&self.db).await.map(StaffChange::of)
    }

    /// Ends all by which somebody who works here is let in but their password; whether there is
    /// such a one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn send_away(&self, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
        self.sign_out(id, true, now).await
    }

    /// The same of a customer.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn send_customer_away(&self, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
        self.sign_out(id, false, now).await
    }

    async fn sign_out(&self, id: Uuid, works_here: bool, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let sent = sqlx::query!(
            "WITH sent AS (SELECT id FROM people WHERE id = $1 AND (role IS NOT NULL) = $3)
             SELECT id FROM sent, shut_out(id, $2)",
            id,
            now,
            works_here
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
