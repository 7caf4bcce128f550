//! What somebody does with an account of theirs beyond signing in: shows that its address is
//! theirs, chooses another password or address, says who they are, is forgotten. What is mailed
//! about it is said here too.

use chrono::{DateTime, Utc};
use mail::Letter;
use mail::letter::Template;
use serde_json::{Value, json};
use uuid::Uuid;
use vault::address::{Locale, Profile};
use vault::records::{Kind, Record};
use vault::{DataSubject, Email, VaultError};

use super::codes::Purpose;
use super::{PURPOSE, Password, People, SignInError, failures};
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
    /// After somebody asked to be registered: asks whether the address is theirs, or tells whose it
    /// is that somebody tried to.
    ///
    /// # Errors
    /// The mail could not be written down.
    pub async fn greet(
        &self,
        email: &Email,
        made: Option<Uuid>,
        locale: Option<Locale>,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        if let Some(id) = made {
            let profile = Profile { email: Some(email.clone()), locale, ..Profile::default() };
            self.say(id, &profile, now).await?;
            return self.ask_whether_theirs(id, email, now).await;
        }
        let Some(id) = self.who_has(email).await? else { return Ok(()) };
        self.tell_of_newcomer(id, now).await
    }

    /// Tells somebody that their address was asked for: at the address as they write it.
    async fn tell_of_newcomer(&self, id: Uuid, now: DateTime<Utc>) -> Result<(), AccountError> {
        let Some(account) = self.account(id).await? else { return Ok(()) };
        self.write_to(id, account.email, Template::AddressTaken, json!({}), now).await
    }

    /// Mails somebody a code that shows that the address of their account is theirs.
    ///
    /// # Errors
    /// The mail could not be written down.
    pub async fn ask_whether_theirs(
        &self,
        id: Uuid,
        email: &Email,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        if self.post.is_none() {
            return Ok(());
        }
        let code = self.make_code(id, Purpose::Verify, None, now).await?;
        let about = with_code(&code, Purpose::Verify);
        self.write_to(id, email.clone(), Template::VerifyAddress, about, now).await
    }

    /// An address is somebody's, as they have shown by a code: the one they have, or another that
    /// they asked for and have from now on.
    ///
    /// # Errors
    /// The code is good no more, or the address is somebody else's by now.
    pub async fn verify(&self, code: &str, now: DateTime<Utc>) -> Result<(), AccountError> {
        if let Some(taken) = self.take_code(code, Purpose::Verify, now).await? {
            sqlx::query!(
                "UPDATE people SET verified_at = coalesce(verified_at, $2) WHERE id = $1",
                taken.person,
                now
            )
            .execute(&self.db)
            .await?;
            return Ok(());
        }
        let taken = self.take_code(code, Purpose::ChangeAddress, now).await?;
        let taken = taken.ok_or(AccountError::NoCode)?;
        let (id, sealed) = (taken.person, taken.sealed.unwrap_or_default());
        let new = self.vault.open(DataSubject(id), NEW_ADDRESS, &sealed).await?;
        let new = String::from_utf8(new).ok().and_then(|text| Email::try_from(text).ok());
        let new = new.ok_or(AccountError::NoCode)?;
        let old = self.account(id).await?.ok_or(AccountError::NoCode)?.email;
        if self.who_has(&new).await?.is_some_and(|other| other != id) {
            return Err(AccountError::NoCode);
        }
        let changed = sqlx::query!(
            "UPDATE people SET email_digest = $2, email_sealed = $3, verified_at = $4
             WHERE id = $1 AND NOT EXISTS
                 (SELECT FROM people WHERE email_digest = $2 AND id <> $1)",
            id,
            &self.digest(&new)[..],
            self.master.seal(PURPOSE, new.as_str().as_bytes()),
            now
        );
        if changed.execute(&self.db).await?.rows_affected() == 0 {
            return Err(AccountError::NoCode);
        }
        let mut profile = self.profile(id).await?;
        profile.email = Some(new);
        self.say(id, &profile, now).await?;
        self.write_to(id, old, Template::AddressChanged, json!({}), now).await
    }

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

    /// Another password for who has such a code. All their sessions end, and the address is known
    /// to be theirs.
    ///
    /// # Errors
    /// The code is good no more, or too many passwords are being looked at.
    pub async fn reset(
        &self,
        code: &str,
        new: Password,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        // Hashed before the code is taken: who is turned away because many are here comes back.
        let password = self.hashing.hash(new).await.map_err(SignInError::from)?;
        let taken = self.take_code(code, Purpose::Reset, now).await?;
        let id = taken.ok_or(AccountError::NoCode)?.person;
        let digest = sqlx::query_scalar!(
            "UPDATE people SET password = $2, verified_at = coalesce(verified_at, $3)
             WHERE id = $1 RETURNING email_digest",
            id,
            password,
            now
        );
        let digest = digest.fetch_one(&self.db).await?;
        self.drop_codes(id, Purpose::Reset).await?;
        self.drop_invitation(id).await?;
        self.end_all(id).await?;
        self.void_tokens(id, now).await?;
        failures::forget(&self.db, &digest).await?;
        self.tell_of_password(id, now).await
    }

    /// Tells somebody that their password is another.
    ///
    /// # Errors
    /// The mail could not be written down.
    pub async fn tell_of_password(&self, id: Uuid, now: DateTime<Utc>) -> Result<(), AccountError> {
        let Some(account) = self.account(id).await? else { return Ok(()) };
        self.write_to(id, account.email, Template::PasswordChanged, json!({}), now).await
    }

    /// Somebody wants another address, and knows their password: mails a code there.
    ///
    /// # Errors
    /// They do not, or it was tried too often, or nothing can be mailed.
    pub async fn change_email(
        &self,
        id: Uuid,
        new: &Email,
        password: Password,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        if self.post.is_none() {
            return Err(AccountError::NoMail);
        }
        self.prove(id, password, now).await?;
        let subject = DataSubject(id);
        if let Some(other) = self.who_has(new).await?.filter(|other| *other != id) {
            // Its owner is told, and who asks is not.
            return self.tell_of_newcomer(other, now).await;
        }
        let sealed = self.vault.seal(subject, NEW_ADDRESS, new.as_str().as_bytes()).await?;
        let code = self.make_code(id, Purpose::ChangeAddress, Some(&sealed), now).await?;
        let about = with_code(&code, Purpose::ChangeAddress);
        self.write_to(id, new.clone(), Template::VerifyAddress, about, now).await
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
        let email = self.open_email(&row.email_sealed);
        let email = email.map_err(|why| VaultError::Sealed(id, why))?;
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
    /// that wait; and voids their tokens. Orders stay, without anybody's name. Says whether
    /// anything was known of them.
    ///
    /// # Errors
    /// The database does not answer. Who asks again forgets the rest.
    pub async fn forget(&self, id: Uuid, now: DateTime<Utc>) -> Result<bool, AccountError> {
        let known = self.vault.erase(DataSubject(id), now).await?;
        let gone = sqlx::query_scalar!(
            "DELETE FROM people WHERE id = $1 AND role IS NULL RETURNING email_digest",
            id
        );
        let gone = gone.fetch_optional(&self.db).await?;
        if let Some(digest) = &gone {
            failures::forget(&self.db, digest).await?;
        }
        self.void_tokens(id, now).await?;
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
            let Some(last) = page.last() else { return self.reseal_second_factors().await };
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

    async fn who_has(&self, email: &Email) -> sqlx::Result<Option<Uuid>> {
        let digests = self.digests(email);
        let found =
            sqlx::query_scalar!("SELECT id FROM people WHERE email_digest = ANY($1)", &digests);
        found.fetch_optional(&self.db).await
    }

    async fn write_to(
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

/// What an address is sealed as that somebody wants to have.
const NEW_ADDRESS: &[u8] = b"commerce new e-mail\0";

fn with_code(code: &str, purpose: Purpose) -> Value {
    json!({ "code": code, "hours": purpose.life().num_hours() })
}
