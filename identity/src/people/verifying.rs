//! How somebody shows that an address is theirs: by a code that was mailed there, and the password
//! of the account that has or is to have it. The code alone would give whoever reads the mailbox,
//! and follows the link, an account that somebody else has the password of: a stranger registers
//! with their address and waits for the click. The password alone shows nothing of the mailbox.

use chrono::{DateTime, Utc};
use mail::letter::Template;
use serde_json::json;
use uuid::Uuid;
use vault::address::Profile;
use vault::{DataSubject, Email};

use super::account::{AccountError, with_code};
use super::codes::{self, Mailed, Purpose};
use super::{PURPOSE, Password, People, SignInError};

/// What an address is sealed as that somebody wants to have.
const NEW_ADDRESS: &[u8] = b"commerce new e-mail\0";

impl People {
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

    /// An address is somebody's, as they have shown by a code and their password: the one they
    /// have, the one they registered with, or another that they asked for and have from now on.
    /// Who has another one by that.
    ///
    /// # Errors
    /// The code is good no more, or the address is somebody else's by now; or the password is
    /// another: then the code stays good.
    pub async fn verify(
        &self,
        code: &str,
        password: Password,
        now: DateTime<Utc>,
    ) -> Result<Option<Uuid>, AccountError> {
        // Before a password is looked at, which is for those who have a code.
        if let Some(mailed) = self.code(code, Purpose::Verify, now).await? {
            self.prove(mailed.person, password, now).await?;
            return self.is_theirs(code, now).await.map(|()| None);
        }
        if let Some(mailed) = self.code(code, Purpose::ChangeAddress, now).await? {
            self.prove(mailed.person, password, now).await?;
            return self.take_other(code, mailed, now).await.map(Some);
        }
        self.let_in(code, password, now).await.map(|()| None)
    }

    /// The address that somebody has is theirs, by a code, if that is still good.
    async fn is_theirs(&self, code: &str, now: DateTime<Utc>) -> Result<(), AccountError> {
        let verified = sqlx::query!(
            "WITH taken AS (DELETE FROM person_codes
                 WHERE digest = $1 AND purpose = $2 AND expires_at > $3 RETURNING person_id)
             UPDATE people SET verified_at = coalesce(verified_at, $3)
             FROM taken WHERE id = taken.person_id",
            &codes::digest(code)[..],
            Purpose::Verify.name(),
            now
        );
        let verified = verified.execute(&self.db).await?.rows_affected();
        if verified > 0 { Ok(()) } else { Err(AccountError::NoCode) }
    }

    /// Somebody has the other address that they asked for, by such a code.
    async fn take_other(
        &self,
        code: &str,
        mailed: Mailed,
        now: DateTime<Utc>,
    ) -> Result<Uuid, AccountError> {
        let (id, sealed) = (mailed.person, mailed.sealed.unwrap_or_default());
        let new = self.vault.open(DataSubject(id), NEW_ADDRESS, &sealed).await?;
        let new = String::from_utf8(new).ok().and_then(|text| Email::try_from(text).ok());
        let new = new.ok_or(AccountError::NoCode)?;
        let old = self.account(id).await?.ok_or(AccountError::NoCode)?.email;
        if self.who_has(&new).await?.is_some_and(|other| other != id) {
            return Err(AccountError::NoCode);
        }
        self.move_to(id, code, &new, now).await?;
        let profile = Profile { email: Some(new), ..self.profile(id).await? };
        self.say(id, &profile, now).await?;
        self.write_to(id, old, Template::AddressChanged, json!({}), now).await.map(|()| id)
    }

    /// Somebody has another address by a code, if that is still good. Whatever else lets them in,
    /// or would, is not from now on: others that they were mailed lie in the mailbox of before.
    async fn move_to(
        &self,
        id: Uuid,
        code: &str,
        new: &Email,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        // The person first: so do all who end codes.
        let moved = sqlx::query_scalar!(
            "WITH person AS (SELECT id FROM people WHERE id = $1 FOR UPDATE),
             taken AS (DELETE FROM person_codes USING person
                 WHERE digest = $2 AND person_id = person.id RETURNING person_id),
             moved AS (UPDATE people SET email_digest = $3, email_sealed = $4, verified_at = $5
                 FROM taken WHERE id = taken.person_id AND NOT EXISTS
                     (SELECT FROM people other WHERE other.email_digest = $3 AND other.id <> $1)
                 RETURNING id)
             SELECT id FROM moved, shut_out(id, $5)",
            id,
            &codes::digest(code)[..],
            &self.digest(new)[..],
            self.master.seal(PURPOSE, new.as_str().as_bytes()),
            now
        );
        moved.fetch_optional(&self.db).await?.map(drop).ok_or(AccountError::NoCode)
    }

    /// Somebody who has shown that they know their password wants another address: mails a code
    /// there, and tells the one they have, whose owner may not be who asks.
    ///
    /// # Errors
    /// Nothing can be mailed, or it could not be written down.
    pub async fn change_email(
        &self,
        id: Uuid,
        new: &Email,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        if self.post.is_none() {
            return Err(AccountError::NoMail);
        }
        let old = self.account(id).await?.ok_or(SignInError::Wrong)?.email;
        self.write_to(id, old, Template::AddressChangeAsked, json!({}), now).await?;
        if let Some(other) = self.who_has(new).await?.filter(|other| *other != id) {
            // Its owner is told, and who asks is not.
            return self.tell_of_newcomer(other, now).await;
        }
        let sealed = self.vault.seal(DataSubject(id), NEW_ADDRESS, new.as_str().as_bytes()).await?;
        let code = self.make_code(id, Purpose::ChangeAddress, Some(&sealed), now).await?;
        let about = with_code(&code, Purpose::ChangeAddress);
        self.write_to(id, new.clone(), Template::VerifyAddress, about, now).await
    }
}
