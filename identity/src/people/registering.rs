//! How somebody comes to have an account. Where mails are sent, they have one once they have shown
//! by a code that the address is theirs, and by the password that it was they who registered: until
//! then it is nobody's, and signing in says so. Where none are sent nobody can show anything, and
//! they have it at once.

use chrono::{DateTime, TimeDelta, Utc};
use mail::Letter;
use mail::letter::Template;
use serde_json::json;
use uuid::Uuid;
use vault::address::{Locale, Profile};
use vault::{DataSubject, Email, VaultError};

use super::account::{AccountError, with_code};
use super::codes::{self, Purpose};
use super::{PURPOSE, Password, People, SignInError};

/// Registrations of one address that wait, of an hour: as many as are mailed.
const WAITING_MAX: i64 = 5;
/// The time in which they are counted.
const COUNTED: TimeDelta = TimeDelta::hours(1);
/// Registrations that have run out and are swept with one that is made, at the most: more than are
/// added.
const SWEPT_AT_ONCE: i64 = 10;

/// What is kept of a password.
#[derive(Clone)]
pub struct Hashed(pub(super) String);

impl std::fmt::Debug for Hashed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hashed(…)")
    }
}

impl People {
    /// What will be kept of a password.
    ///
    /// # Errors
    /// Too many are being looked at.
    pub async fn hash(&self, password: Password) -> Result<Hashed, SignInError> {
        Ok(Hashed(self.hashing.hash(password).await?))
    }

    /// Somebody wants an account where no mails are sent: they have it, unless somebody has the
    /// address.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn let_in_unproved(
        &self,
        email: &Email,
        password: Hashed,
        locale: Option<Locale>,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        let Some(id) = self.add(email, password, None).await? else { return Ok(()) };
        let profile = Profile { email: Some(email.clone()), locale, ..Profile::default() };
        Ok(self.say(id, &profile, now).await?)
    }

    /// The same where mails are sent: mails a code to the address by which they come to have it,
    /// or tells whose it is that somebody tried to.
    ///
    /// # Errors
    /// The mail could not be written down.
    pub async fn ask_newcomer(
        &self,
        email: &Email,
        password: Hashed,
        locale: Option<Locale>,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        let Some(post) = &self.post else { return Err(AccountError::NoMail) };
        if let Some(id) = self.who_has(email).await? {
            return self.tell_of_newcomer(id, now).await;
        }
        self.sweep_registrations(now).await?;
        let (id, code, expires_at) =
            (Uuid::now_v7(), codes::new_code(), now + Purpose::Verify.life());
        let waits = sqlx::query!(
            "INSERT INTO registrations
                 (digest, id, email_digest, email_sealed, password, locale, expires_at)
             SELECT $1, $2, $3, $4, $5, $6, $7
             WHERE $8 > (SELECT count(*) FROM registrations
                         WHERE email_digest = ANY($9) AND expires_at > $10)",
            &codes::digest(&code)[..],
            id,
            &self.digest(email)[..],
            self.master.seal(PURPOSE, email.as_str().as_bytes()),
            password.0,
            locale.clone().map(String::from),
            expires_at,
            WAITING_MAX,
            &self.digests(email),
            expires_at - COUNTED
        );
        if waits.execute(&self.db).await?.rows_affected() == 0 {
            return Ok(());
        }
        let (to, template) = (email.clone(), Template::VerifyAddress);
        let letter = Letter { to, locale, template, about: with_code(&code, Purpose::Verify) };
        Ok(post.send(Uuid::now_v7(), DataSubject(id), &letter, now).await?)
    }

    /// Somebody who registered has shown by a code, and by the password that they registered with,
    /// that the address is theirs, and has an account. Others who registered with it have not, and
    /// will not.
    ///
    /// # Errors
    /// There is no such code, or the address is somebody's by now; or the password is another, as
    /// of who reads the mails of an address with which somebody else registered.
    pub(super) async fn let_in(
        &self,
        code: &str,
        password: Password,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        let digest = codes::digest(code);
        let waits = sqlx::query!(
            "SELECT id, email_sealed, password, locale FROM registrations
             WHERE digest = $1 AND expires_at > $2",
            &digest[..],
            now
        );
        let waits = waits.fetch_optional(&self.db).await?.ok_or(AccountError::NoCode)?;
        let tries = self.own_tries(waits.id);
        tries.claim(&self.db, now).await?;
        if !self.look_at(password, Some(waits.password), &tries).await? {
            return Err(SignInError::Wrong.into());
        }
        tries.forget(&self.db).await?;
        let email = self.open_email(&waits.email_sealed);
        let email = email.map_err(|why| VaultError::Sealed(waits.id, why))?;
        let locale = waits.locale.and_then(|locale| Locale::try_from(locale).ok());
        let profile = Profile { email: Some(email.clone()), locale, ..Profile::default() };
        // Before they have an account, which none is to be without.
        self.say(waits.id, &profile, now).await?;
        let all = sqlx::query!(
            r#"WITH waiting AS (DELETE FROM registrations WHERE email_digest = ANY($1)
                   RETURNING digest, id, password),
               made AS (
                   INSERT INTO people (id, email_digest, email_sealed, password, verified_at)
                   SELECT id, $2, $3, password, $4 FROM waiting
                   WHERE digest = $5
                     AND NOT EXISTS (SELECT FROM people WHERE email_digest = ANY($1))
                   ON CONFLICT DO NOTHING RETURNING id)
               SELECT w.id, made.id IS NOT NULL AS "is_made!"
               FROM waiting w LEFT JOIN made USING (id)"#,
            &self.digests(&email),
            &self.digest(&email)[..],
            self.master.seal(PURPOSE, email.as_str().as_bytes()),
            now,
            &digest[..]
        );
        let all = all.fetch_all(&self.db).await?;
        let others: Vec<Uuid> = all.iter().filter(|it| !it.is_made).map(|it| it.id).collect();
        self.vault.let_go_of_keys(&others).await?;
        if all.iter().any(|it| it.is_made) {
            return Ok(());
        }
        self.vault.erase(DataSubject(waits.id), now).await?;
        Err(AccountError::NoCode)
    }

    /// Lets go of some registrations that have run out, and of the keys that their mails were
    /// sealed under.
    async fn sweep_registrations(&self, now: DateTime<Utc>) -> sqlx::Result<()> {
        let gone = sqlx::query_scalar!(
            "DELETE FROM registrations WHERE digest IN
                 (SELECT digest FROM registrations WHERE expires_at < $1
                  ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id",
            now,
            SWEPT_AT_ONCE
        );
        let gone = gone.fetch_all(&self.db).await?;
        self.vault.let_go_of_keys(&gone).await
    }

    /// Lets go of all that wait: they lie sealed under a master key that is about to go. Who waited
    /// registers again.
    pub(super) async fn forget_registrations(&self) -> sqlx::Result<()> {
        sqlx::query!("DELETE FROM registrations").execute(&self.db).await.map(drop)
    }

    /// Tells somebody that their address was asked for: at the address as they write it.
    pub(super) async fn tell_of_newcomer(
        &self,
        id: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        let Some(account) = self.account(id).await? else { return Ok(()) };
        self.write_to(id, account.email, Template::AddressTaken, json!({}), now).await
    }
}
