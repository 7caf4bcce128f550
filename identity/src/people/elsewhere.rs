//! Customers of another shop's books: they have an account here before they were ever here, and no
//! password until they choose one by having it reset.

use uuid::Uuid;

use super::{Email, PURPOSE, People, Person};

/// Who has an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmailHolder {
    /// Who.
    pub person: Person,
    /// Whether nobody gets in but who reads its mails: it was shown to be theirs, or there is no
    /// password yet. Anybody can have registered with any other.
    pub is_theirs: bool,
}

impl People {
    /// Who has this address.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn with_email(&self, email: &Email) -> sqlx::Result<Option<EmailHolder>> {
        let digests = self.digests(email);
        let found = sqlx::query!(
            r#"SELECT id, role, (verified_at IS NOT NULL OR password IS NULL) AS "is_theirs!"
               FROM people WHERE email_digest = ANY($1)"#,
            &digests
        );
        let found = found.fetch_optional(&self.db).await?;
        Ok(found.and_then(|found| {
            let person = Person::of(found.id, found.role)?;
            Some(EmailHolder { person, is_theirs: found.is_theirs })
        }))
    }

    /// An account for a customer of other books, whose id is `id` there or is to be it here. Says
    /// whether it was made: an address that somebody has, and an id that has an address, stay as
    /// they are.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take_over(&self, id: Uuid, email: &Email) -> sqlx::Result<bool> {
        let made = sqlx::query!(
            "INSERT INTO people (id, email_digest, email_sealed)
             SELECT $1, $2, $3
             WHERE NOT EXISTS (SELECT FROM people WHERE email_digest = ANY($4))
             ON CONFLICT DO NOTHING",
            id,
            &self.digest(email)[..],
            self.master.seal(PURPOSE, email.as_str().as_bytes()),
            &self.digests(email),
        );
        Ok(made.execute(&self.db).await?.rows_affected() > 0)
    }
}
