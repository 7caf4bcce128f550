//! A second factor: codes of an app on somebody's phone, and recovery codes for when it is gone.
//! Who has confirmed one signs in with it from then on. With it and without it again, all else ends
//! by which they were let in: whoever was signed in may have known the password alone.

use chrono::{DateTime, TimeDelta, Utc};
use mail::letter::Template;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;
use vault::VaultError;

use super::account::AccountError;
use super::sign_ins::What;
use super::{Password, People, SignInError, totp};
use crate::master::random;

/// What secrets of apps are sealed as.
const PURPOSE: &[u8] = b"commerce second factor\0";
/// What recovery codes are digested as.
const RECOVERY: &[u8] = b"commerce recovery code\0";
/// Recovery codes that somebody gets, each good once.
const RECOVERY_CODES: usize = 10;
/// Bytes of one: 128 bits, so that a keyed digest of it needs no slow hash (ASVS 5.0, 6.5.2). Those
/// that an older program gave have 80.
const RECOVERY_BYTES: usize = 16;
/// Letters between two dashes of one.
const RECOVERY_GROUP: usize = 4;
/// How long an enrolment waits for the code that confirms it.
const BEGUN_LIFE: TimeDelta = TimeDelta::minutes(15);
/// Characters of a code that is looked at.
const GIVEN_CHARS_MAX: usize = 40;

/// What an app is told, once.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "SecondFactorEnrolment")]
pub struct Enrolment {
    /// The secret, for who types it.
    pub secret: String,
    /// The same for who scans it as a QR code.
    pub uri: String,
}

impl People {
    /// A new secret for somebody's app, who knows their password. It is asked for once it is
    /// confirmed; one that was not yet confirmed is replaced.
    ///
    /// # Errors
    /// The password is wrong, or there is a second factor already.
    pub async fn enrol(
        &self,
        person: Uuid,
        password: Password,
        shop: &str,
        now: DateTime<Utc>,
    ) -> Result<Enrolment, SignInError> {
        let known = self.prove(person, password, now).await?;
        let email = self.open_email(&known.email_sealed)?;
        let secret = totp::secret();
        let enrolled = sqlx::query!(
            "INSERT INTO second_factors AS f (person_id, sealed, created_at, last_step)
             VALUES ($1, $2, $3, 0)
             ON CONFLICT (person_id) DO UPDATE SET sealed = $2, created_at = $3
             WHERE f.confirmed_at IS NULL",
            person,
            self.master.seal(PURPOSE, &secret),
            now,
        );
        if enrolled.execute(&self.db).await?.rows_affected() == 0 {
            return Err(SignInError::SecondFactorThere);
        }
        let secret = totp::base32(&secret);
        let (shop, email) = (escaped(shop), escaped(email.as_str()));
        let uri = format!("otpauth://totp/{shop}:{email}?secret={secret}&issuer={shop}");
        Ok(Enrolment { secret, uri })
    }

    /// Asks for a code from now on, whenever somebody signs in, if this one is right, which may be
    /// tried as often as a password. The recovery codes are shown this once. Whatever else lets
    /// them in, or would, is good no more: they sign in with their next code.
    ///
    /// # Errors
    /// It is not, or it was tried too often, or nothing is to be confirmed.
    pub async fn confirm(
        &self,
        person: Uuid,
        code: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<String>, SignInError> {
        let begun = sqlx::query_scalar!(
            "SELECT sealed FROM second_factors
             WHERE person_id = $1 AND confirmed_at IS NULL AND created_at > $2",
            person,
            now - BEGUN_LIFE
        );
        let begun = begun.fetch_optional(&self.db).await?.ok_or(SignInError::NoSecondFactor)?;
        let tries = self.own_tries(person);
        tries.claim(&self.db, now).await?;
        let secret = self.master.open(PURPOSE, &begun)?;
        let step = totp::step_of(&secret, code, now, 0);
        let step = step.ok_or(SignInError::SecondFactorWrong)?;
        let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
        let digests: Vec<Vec<u8>> =
            codes.iter().map(|code| self.recovery_digest(person, code)).collect();
        // The person first: so do all who end codes.
        let confirmed = sqlx::query!(
            "WITH person AS (SELECT id FROM people WHERE id = $1 FOR UPDATE),
             confirmed AS (
                 UPDATE second_factors SET confirmed_at = $2, last_step = $3 FROM person
                 WHERE person_id = person.id AND confirmed_at IS NULL AND sealed = $4
                 RETURNING person_id),
             recovery AS (
                 INSERT INTO recovery_codes (person_id, digest)
                 SELECT person_id, digest FROM confirmed, unnest($5::bytea[]) AS digest)
             SELECT person_id FROM confirmed, shut_out(person_id, $2)",
            person,
            now,
            step,
            begun,
            &digests,
        );
        // Another call may have been first.
        confirmed.fetch_optional(&self.db).await?.ok_or(SignInError::NoSecondFactor)?;
        tries.forget(&self.db).await?;
        Ok(codes)
    }

    /// Whether somebody signs in with a second factor.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn has_second_factor(&self, person: Uuid) -> sqlx::Result<bool> {
        sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM second_factors
                              WHERE person_id = $1 AND confirmed_at IS NOT NULL) AS "has!""#,
            person
        )
        .fetch_one(&self.db)
        .await
    }

    /// Takes the second factor away from somebody who knows their password and has it, or a
    /// recovery code. They sign in anew.
    ///
    /// # Errors
    /// They do not, or have none.
    pub async fn remove_second_factor(
        &self,
        person: Uuid,
        password: Password,
        code: &str,
        now: DateTime<Utc>,
    ) -> Result<(), SignInError> {
        let known = self.prove_first(person, password, now).await?;
        if !self.has_second_factor(person).await? {
            return Err(SignInError::NoSecondFactor);
        }
        self.prove_second(person, Some(code), now).await?;
        known.tries.forget(&self.db).await?;
        self.forget_second_factor(person, now).await?;
        Ok(())
    }

    /// Takes the second factor away from somebody, whoever that is, and with it whatever lets them
    /// in but their password; whether they had one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn forget_second_factor(
        &self,
        person: Uuid,
        now: DateTime<Utc>,
    ) -> sqlx::Result<bool> {
        let taken = sqlx::query!(
            "WITH person AS (SELECT id FROM people WHERE id = $1 FOR UPDATE),
             taken AS (DELETE FROM second_factors USING person WHERE person_id = person.id
                 RETURNING person_id)
             SELECT person_id FROM taken, shut_out(person_id, $2)",
            person,
            now
        );
        taken.fetch_optional(&self.db).await.map(|it| it.is_some())
    }

    /// Tells somebody that they have a second factor now, or none any more.
    ///
    /// # Errors
    /// The mail could not be written down.
    pub async fn tell_of_factor(
        &self,
        person: Uuid,
        has_one: bool,
        now: DateTime<Utc>,
    ) -> Result<(), AccountError> {
        let Some(account) = self.account(person).await? else { return Ok(()) };
        let template =
            if has_one { Template::SecondFactorAdded } else { Template::SecondFactorRemoved };
        self.write_to(person, account.email, template, json!({}), now).await
    }

    /// Takes it away from a customer, or from somebody who works here, who has lost it and their
    /// recovery codes, and tells them. Whether there is such a one who had it.
    ///
    /// # Errors
    /// The database does not answer, or the mail could not be written down.
    pub async fn rescue(
        &self,
        person: Uuid,
        works_here: bool,
        now: DateTime<Utc>,
    ) -> Result<bool, AccountError> {
        let account = self.account(person).await?;
        if account.is_none_or(|it| it.role.is_some() != works_here)
            || !self.forget_second_factor(person, now).await?
        {
            return Ok(false);
        }
        tracing::info!(%person, "a second factor was taken away by who works here");
        self.note(person, What::FactorRemoved, None, now).await;
        self.tell_of_factor(person, false, now).await?;
        Ok(true)
    }

    /// Refuses somebody who has a second factor and does not show it: the try that was claimed for
    /// their address has failed then. A code that was right is good no more.
    pub(super) async fn prove_second(
        &self,
        person: Uuid,
        given: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), SignInError> {
        let has = sqlx::query!(
            "SELECT sealed, last_step FROM second_factors
             WHERE person_id = $1 AND confirmed_at IS NOT NULL",
            person
        );
        let Some(has) = has.fetch_optional(&self.db).await? else { return Ok(()) };
        let Some(given) = given.filter(|given| given.chars().count() <= GIVEN_CHARS_MAX) else {
            return Err(SignInError::SecondFactorWanted);
        };
        let secret = self.master.open(PURPOSE, &has.sealed)?;
        let taken = match totp::step_of(&secret, given, now, has.last_step) {
            // Of two that bring the same code, one is first.
            Some(step) => sqlx::query!(
                "UPDATE second_factors SET last_step = $2 WHERE person_id = $1 AND last_step < $2",
                person,
                step
            )
            .execute(&self.db)
            .await?
            .rows_affected(),
            None => sqlx::query!(
                "DELETE FROM recovery_codes WHERE person_id = $1 AND digest = ANY($2)",
                person,
                &self.master.digests(RECOVERY, &recovery_text(person, given))
            )
            .execute(&self.db)
            .await?
            .rows_affected(),
        };
        if taken == 0 {
            return Err(SignInError::SecondFactorWrong);
        }
        Ok(())
    }

    /// As it is kept.
    fn recovery_digest(&self, person: Uuid, code: &str) -> Vec<u8> {
        self.master.digest(RECOVERY, &recovery_text(person, code)).to_vec()
    }

    /// Seals the secrets of all apps under the first master key of the ring. Recovery codes are
    /// known by their digests alone: those of a key that goes are good no more.
    pub(super) async fn reseal_second_factors(&self) -> Result<(), VaultError> {
        let all = sqlx::query!("SELECT person_id, sealed FROM second_factors");
        for row in all.fetch_all(&self.db).await? {
            let anew = self.master.reseal(PURPOSE, &row.sealed);
            let anew = anew.map_err(|why| VaultError::Sealed(row.person_id, why))?;
            let Some(anew) = anew else { continue };
            sqlx::query!(
                "UPDATE second_factors SET sealed = $2 WHERE person_id = $1 AND sealed = $3",
                row.person_id,
                anew,
                row.sealed
            )
            .execute(&self.db)
            .await?;
        }
        Ok(())
    }
}

/// What is digested of a recovery code, however it is typed.
fn recovery_text(person: Uuid, code: &str) -> Vec<u8> {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    let letters: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
    [person.as_bytes(), letters.as_bytes()].concat()
}

/// Letters in groups of four.
fn recovery_code() -> String {
    let letters = totp::base32(&random::<RECOVERY_BYTES>()).to_ascii_lowercase();
    let groups = letters.as_bytes().chunks(RECOVERY_GROUP);
    let groups: Vec<&str> =
        groups.map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
    groups.join("-")
}

/// For a URI: what is no plain letter is escaped.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte);
    let letters = text.bytes().map(|byte| match byte {
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    letters.collect()
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enrolment(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_code_is_written_in_groups() {
        let code = recovery_code();
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4, 4, 4, 4, 4, 4, 2]);
        assert!(code.len() <= GIVEN_CHARS_MAX);
        assert_ne!(recovery_code(), code);
        assert_eq!(escaped("https://shop.example/ä"), "https%3A%2F%2Fshop.example%2F%C3%A4");
    }
}
