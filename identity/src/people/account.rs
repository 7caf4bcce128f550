//! What somebody does with an account of theirs beyond signing in: chooses another password, says
//! who they are, is forgotten. What is mailed about it is said here too; of its address that is in
//! `verifying`.

use chrono::{DateTime, Utc};
use mail::Letter;
use mail::letter::Template;
use serde_json::{Value, json};
use service::finish::finish;
use uuid::Uuid;
use vault::address::Profile;
use vault::records::{Kind, Record};
use vault::{DataSubject, Email, VaultError};

use super::codes::{self, Purpose};
use super::failures::Counters;
use super::{PURPOSE, Password, People, SignInError};
use crate::principal::Role;

/// Addresses sealed anew in one page.
const RESEALED_AT_ONCE: i64 = 1_000;

/// Why nothing came of it.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The code is none, or was used, or has run out; or the address is somebody's by now.
    #[error("this code is good no more")]
    NoCode,
    /// They are not who they say, or it was tried too often.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// What is known of them cannot be kept or read.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Nothing can be mailed.
    #[error("this service sends no mails")]
    NoMail,
}

impl From<sqlx::Error> for AccountError {
    fn from(error: sqlx::Error) -> Self {
        Self::Vault(error.into())
    }
}

/// An account, as it is shown to whose it is.
#[derive(Clone, Debug)]
pub struct Account {
    /// What they do for the shop.
    pub role: Option<Role>,
    /// Where they are written to.
    pub email: Email,
    /// Since when that is known to be theirs.
    pub verified_at: Option<DateTime<Utc>>,
    /// Since when they are here.
    pub created_at: DateTime<Utc>,
}

impl People {
    /// Somebody forgot their password: mails a code by which another is chosen, if anybody has the
    /// address.
    ///
    /// # Errors
    /// Nothing can be mailed, or it could not be written down.
    pub async fn forgot(&self, email: &Email, now: DateTime<Utc>) -> Result<(), AccountError> {
        if self.post.is_none() {
            return Err(AccountError::NoMail);
        }
        let Some(id) = self.who_has(email).await? else { return Ok(()) };
        let Some(account) = self.account(id).await? else { return Ok(()) };
        let code = self.make_code(id, Purpose::Reset, None, now).await?;
        let about = with_code(&code, Purpose::Reset);
        self.write_to(id, account.email, Template::ResetPassword, about, now).await
    }

    /// Another password for who has such a code. Whatever else let them in, or would, is good no
    /// more, and the address is known to be theirs. Where a customer's was not, whoever registered
    /// with it may be somebody else: of what they put there nothing stays, neither a second factor
    /// nor who they said they are nor their addresses.
    ///
    /// # Errors
    /// The code is good no more, or too many passwords are being looked at.
    pub async fn reset(
        &self,
        code: &str,
        new: Password,
        now: DateTime<Utc>,
    ) -> Result<Uuid, AccountError> {
        // Before a password is hashed, which is for those who have a code; and before it is taken:
        // who is turned away because many are here comes back.
        let mailed = self.code(code, Purpose::Reset, now).await?;
        let id = mailed.ok_or(AccountError::NoCode)?.person;
        let password = self.hashing.hash(new).await.map_err(SignInError::from)?;
        // The person first: so do all who end codes. Nobody can have taken an address of which the
        // shop says whose it is, as of who works here or is in its books: these have no password
        // before they choose one.
        let reset = sqlx::query!(
            r#"WITH person AS (
                 SELECT id, verified_at IS NULL AND role IS NULL AND password IS NOT NULL
                     AS was_taken
                 FROM people WHERE id = $1 FOR UPDATE),
             taken AS (DELETE FROM person_codes USING person
                 WHERE digest = $2 AND person_id = person.id RETURNING person_id, was_taken),
             changed AS (UPDATE people
                 SET password = $3, verified_at = coalesce(people.verified_at, $4)
                 FROM taken WHERE id = taken.person_id RETURNING id, email_digest, was_taken)
             SELECT email_digest, was_taken AS "was_taken!"
             FROM changed, shut_out(id, $4), clear_out(id, was_taken)"#,
            id,
            &codes::digest(code)[..],
            password,
            now
        );
        let reset = reset.fetch_optional(&self.db).await?.ok_or(AccountError::NoCode)?;
        Counters::one(reset.email_digest).forget(&self.db).await?;
        if reset.was_taken {
            let email = self.account(id).await?.map(|account| account.email);
            self.say(id, &Profile { email, ..Profile::default() }, now).await?;
        }
        self.tell_of_password(id, now).await?;
        Ok(id)
    }

    /// Tells somebody that their password is another.
    ///
    /// # Errors
    /// The mail could not be written down.
    pub async fn tell_of_password(&self, id: Uuid, now: DateTime<Utc>) -> Result<(), AccountError> {
        let Some(account) = self.account(id).await? else { return Ok(()) };
        self.write_to(id, account.email, Template::PasswordChanged, json!({}), now).await
    }

    /// Somebody's account, if they have one here.
    ///
    /// # Errors
    /// The database does not answer, or the address is sealed under another master key.
    pub async fn account(&self, id: Uuid) -> Result<Option<Account>, AccountError> {
        let found = sqlx::query!(
            "SELECT role, email_sealed, verified_at, created_at FROM people WHERE id = $1",
            id
        );
        let Some(row) = found.fetch_optional(&self.db).await? else { return Ok(None) };
        let email =
            self.open_email(&row.email_sealed).map_err(|why| VaultError::Sealed(id, why))?;
        let role = row.role.and_then(|role| serde_json::from_value(role.into()).ok());
        let (verified_at, created_at) = (row.verified_at, row.created_at);
        Ok(Some(Account { role, email, verified_at, created_at }))
    }

    /// What somebody has said of themselves.
    ///
    /// # Errors
    /// They were forgotten, or it cannot be read.
    pub async fn profile(&self, id: Uuid) -> Result<Profile, VaultError> {
        let kept = self.vault.kept(Kind::Profile, id).await?;
        Ok(kept.map(|kept| kept.plain).unwrap_or_default())
    }

    /// Keeps what somebody says of themselves.
    ///
    /// # Errors
    /// They were forgotten, or the database does not answer.
    pub async fn say(
        &self,
        id: Uuid,
        profile: &Profile,
        now: DateTime<Utc>,
    ) -> Result<(), VaultError> {
        let (subject, kind) = (DataSubject(id), Kind::Profile);
        let record = Record { id, subject, kind, lasting: true, plain: profile };
        self.vault.keep(record, &profile.words(), now).await
    }

    /// Forgets a shopper, at once and everywhere: their account, what was sealed for them, mails
    /// that wait; and voids their tokens, those of the guests they were too. Orders stay, without
    /// anybody's name. Says whether anything was known of them.
    ///
    /// # Errors
    /// The database does not answer. Who asks again forgets the rest.
    pub async fn forget(&self, id: Uuid, now: DateTime<Utc>) -> Result<bool, AccountError> {
        let all = self.clone();
        finish(async move { all.forget_whole(id, false, now).await }).await
    }

    /// The same, or somebody who worked here too: only to be done [to its end](finish).
    pub(super) async fn forget_whole(
        &self,
        id: Uuid,
        worked_here: bool,
        now: DateTime<Utc>,
    ) -> Result<bool, AccountError> {
        // Before it is forgotten who they were.
        let mut guests = self.vault.with_guests(DataSubject(id)).await?;
        guests.retain(|guest| *guest != id);
        self.let_guests_go(&guests, now).await?;
        let known = self.vault.erase(DataSubject(id), now).await?;
        let gone = sqlx::query_scalar!(
            "DELETE FROM people
             WHERE id = $1 AND (role IS NULL OR ($2 AND disabled_at IS NOT NULL))
             RETURNING email_digest",
            id,
            worked_here
        );
        let gone = gone.fetch_optional(&self.db).await?;
        if let Some(digest) = &gone {
            Counters::one(digest.clone()).forget(&self.db).await?;
            self.own_tries(id).forget(&self.db).await?;
            self.void_tokens(id, now).await?;
        } else {
            self.let_guests_go(&[id], now).await?;
        }
        self.forget_sign_ins(id).await?;
        Ok(known || gone.is_some())
    }

    /// Seals all addresses under the first master key of the ring, by which they are found then;
    /// and second factors.
    ///
    /// # Errors
    /// One is sealed under a key that is not in it, or the database does not answer.
    pub async fn reseal(&self) -> Result<(), VaultError> {
        let mut after = Uuid::nil();
        loop {
            let page = sqlx::query!(
                "SELECT id, email_sealed FROM people WHERE id > $1 ORDER BY id LIMIT $2",
                after,
                RESEALED_AT_ONCE
            );
            let page = page.fetch_all(&self.db).await?;
            let Some(last) = page.last() else {
                self.forget_registrations().await?;
                return self.reseal_second_factors().await;
            };
            after = last.id;
            for row in page {
                let sealed = |why| VaultError::Sealed(row.id, why);
                let anew = self.master.reseal(PURPOSE, &row.email_sealed).map_err(sealed)?;
                let Some(anew) = anew else { continue };
                let email = self.open_email(&anew).map_err(sealed)?;
                // Unless it became another meanwhile.
                sqlx::query!(
                    "UPDATE people SET email_sealed = $2, email_digest = $3
                     WHERE id = $1 AND email_sealed = $4",
                    row.id,
                    anew,
                    &self.digest(&email)[..],
                    row.email_sealed
                )
                .execute(&self.db)
                .await?;
            }
        }
    }

    pub(super) async fn who_has(&self, email: &Email) -> sqlx::Result<Option<Uuid>> {
        let digests = self.digests(email);
        let found =
            sqlx::query_scalar!("SELECT id FROM people WHERE email_digest = ANY($1)", &digests);
        found.fetch_optional(&self.db).await
    }

    pub(super) async fn write_to(
        &self,
        id: Uuid,
        to: Email,
        template: Template,
        about: Value,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        let Some(post) = &self.post else { return Ok(()) };
        let locale = self.profile(id).await?.locale;
        let letter = Letter { to, locale, template, about };
        Ok(post.send(Uuid::now_v7(), DataSubject(id), &letter, now).await?)
    }
}

pub(super) fn with_code(code: &str, purpose: Purpose) -> Value {
    json!({ "code": code, "hours": purpose.life().num_hours() })
}
