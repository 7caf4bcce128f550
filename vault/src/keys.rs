//! The key of each person, under which all that is known of them is sealed. It is made when the
//! first thing is, lies sealed under the master key, and goes when they are forgotten.

use chrono::{DateTime, Utc};
use service::finish::finish;
use sqlx::PgPool;
use uuid::Uuid;

use crate::digest::KEY_BYTES;
use crate::master::{Seal, random};
use crate::records::Kind;
use crate::{DataSubject, Vault, VaultError};

/// What such keys are sealed as, each for one person.
const PURPOSE: &[u8] = b"commerce data key\0";
/// Guests that somebody was, of which one is told.
const GUESTS_MAX: i64 = 1_000;
/// Addresses of which one is told, the newest.
const ADDRESSES_MAX: i64 = 1_000;

/// Who was forgotten, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Who: a customer's id, a guest's, or an address's of nobody.
    pub subject: Uuid,
    /// When.
    pub at: DateTime<Utc>,
}

/// The key of one person.
pub(crate) struct DataKey {
    subject: DataSubject,
    seal: Seal,
}

impl DataKey {
    pub fn seal(&self, purpose: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal.seal(purpose, plain)
    }

    pub fn open(&self, purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.seal.open(purpose, sealed).map_err(|why| VaultError::Sealed(self.subject.0, why))
    }
}

impl Vault {
    /// `plain`, under the key of whom it is about, for this purpose and no other.
    ///
    /// # Errors
    /// They were forgotten, or the database does not answer.
    pub async fn seal(
        &self,
        subject: DataSubject,
        purpose: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        Ok(self.key_or_new(subject).await?.seal(purpose, plain))
    }

    /// What was sealed under the key of whom it is about.
    ///
    /// # Errors
    /// They were forgotten, it was sealed as something else, or the database does not answer.
    pub async fn open(
        &self,
        subject: DataSubject,
        purpose: &[u8],
        sealed: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.key(subject).await?.ok_or(VaultError::Erased)?.open(purpose, sealed)
    }

    /// A guest, or who is in an address of nobody's, turned out to be this person: who forgets the
    /// one forgets the other, and who was found to be that guest before.
    ///
    /// # Errors
    /// This person was forgotten, so nobody else is found to be them; or the database does not
    /// answer.
    pub async fn unite(&self, guest: DataSubject, customer: DataSubject) -> Result<(), VaultError> {
        // Nothing may be known of the guest yet; what will be is the customer's too.
        let (_, sealed) = self.new_key(guest);
        let gone = sqlx::query_scalar!(
            r#"WITH gone AS (SELECT FROM vault_erased WHERE subject = $3),
                  theirs AS (
                      UPDATE vault_keys SET customer = $3
                      WHERE customer = $1 AND NOT EXISTS (SELECT FROM gone)),
                  united AS (
                      INSERT INTO vault_keys AS k (subject, sealed, customer) SELECT $1, $2, $3
                      WHERE NOT EXISTS (SELECT FROM vault_erased WHERE subject = $1)
                        AND NOT EXISTS (SELECT FROM gone)
                      ON CONFLICT (subject) DO UPDATE SET customer = $3 WHERE k.customer IS NULL)
             SELECT EXISTS (SELECT FROM gone) AS "gone!""#,
            guest.0,
            sealed,
            customer.0
        );
        if gone.fetch_one(&self.db).await? { Err(VaultError::Erased) } else { Ok(()) }
    }

    /// Somebody, and the guests they were: at most `GUESTS_MAX` of these.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn with_guests(&self, person: DataSubject) -> sqlx::Result<Vec<Uuid>> {
        let guests = sqlx::query_scalar!(
            "SELECT subject FROM vault_keys WHERE customer = $1 AND subject <> $1 LIMIT $2",
            person.0,
            GUESTS_MAX
        );
        Ok([vec![person.0], guests.fetch_all(&self.db).await?].concat())
    }

    /// Their addresses, by id alone: at most `ADDRESSES_MAX` of them.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn address_ids(&self, subjects: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
        sqlx::query_scalar!(
            "SELECT id FROM vault_records WHERE subject = ANY($1) AND kind = $2
             ORDER BY created_at DESC LIMIT $3",
            subjects,
            Kind::Address.name(),
            ADDRESSES_MAX
        )
        .fetch_all(&self.db)
        .await
    }

    /// Whether what is about the one is about the other: the same, or a guest they were.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn is_of(&self, subject: DataSubject, person: DataSubject) -> sqlx::Result<bool> {
        if subject == person {
            return Ok(true);
        }
        let united = sqlx::query_scalar!(
            r#"SELECT EXISTS
                   (SELECT FROM vault_keys WHERE subject = $1 AND customer = $2) AS "it!""#,
            subject.0,
            person.0
        );
        united.fetch_one(&self.db).await
    }

    /// Lets go of the keys of those of whom nothing is kept, and who never came: what else was
    /// sealed under them, such as a mail, can be read no more. They are not forgotten by that.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn let_go_of_keys(&self, subjects: &[Uuid]) -> sqlx::Result<()> {
        sqlx::query!(
            "DELETE FROM vault_keys k WHERE subject = ANY($1)
               AND NOT EXISTS (SELECT FROM vault_records r WHERE r.subject = k.subject)",
            subjects
        )
        .execute(&self.db)
        .await
        .map(drop)
    }

    /// Forgets somebody, and the guests they were: nothing that was sealed for them can be read
    /// from now on, by anybody. Says whether anything was known of them.
    ///
    /// # Errors
    /// The database does not answer; nothing is forgotten then.
    pub async fn erase(&self, subject: DataSubject, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let vault = self.clone();
        finish(async move { vault.erase_whole(subject, now).await }).await
    }

    /// Only to be done [to its end](finish): a transaction that is dropped stays open.
    async fn erase_whole(&self, subject: DataSubject, now: DateTime<Utc>) -> sqlx::Result<bool> {
        let mut transaction = self.db.begin().await?;
        let known = sqlx::query_scalar!(
            "DELETE FROM vault_keys WHERE subject = $1 OR customer = $1 RETURNING subject",
            subject.0
        );
        let mut all = known.fetch_all(&mut *transaction).await?;
        let was_known = !all.is_empty();
        if !all.contains(&subject.0) {
            all.push(subject.0);
        }
        sqlx::query!(
            "INSERT INTO vault_erased (subject, erased_at)
             SELECT who, $2 FROM unnest($1::uuid[]) who ON CONFLICT (subject) DO NOTHING",
            &all,
            now
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "DELETE FROM vault_index i USING vault_records r
             WHERE r.id = i.record_id AND r.subject = ANY($1)",
            &all
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!("UPDATE vault_records SET sealed = NULL WHERE subject = ANY($1)", &all)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(was_known)
    }

    /// Who was forgotten after `after`, in the order of their ids, and no more than `limit`.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn erased(&self, after: Uuid, limit: i64) -> sqlx::Result<Vec<Erased>> {
        sqlx::query_as!(
            Erased,
            r#"SELECT subject, erased_at AS "at" FROM vault_erased WHERE subject > $1
               ORDER BY subject LIMIT $2"#,
            after,
            limit
        )
        .fetch_all(&self.db)
        .await
    }

    /// Seals the keys anew that are sealed under a master key which seals no more, of up to `limit`
    /// people after `after`. Says who was the last, if there may be more.
    ///
    /// # Errors
    /// One is sealed under a key that is not in the ring, or the database does not answer.
    pub(crate) async fn reseal(&self, after: Uuid, limit: i64) -> Result<Option<Uuid>, VaultError> {
        let keys = sqlx::query!(
            "SELECT subject, sealed FROM vault_keys WHERE subject > $1 ORDER BY subject LIMIT $2",
            after,
            limit
        );
        let keys = keys.fetch_all(&self.db).await?;
        let last = keys.last().map(|key| key.subject);
        for key in keys {
            let purpose = purpose(DataSubject(key.subject));
            let anew = self.master.reseal(&purpose, &key.sealed);
            let anew = anew.map_err(|why| VaultError::Sealed(key.subject, why))?;
            let Some(anew) = anew else { continue };
            sqlx::query!("UPDATE vault_keys SET sealed = $2 WHERE subject = $1", key.subject, anew)
                .execute(&self.db)
                .await?;
        }
        Ok(last)
    }

    pub(crate) async fn key(&self, subject: DataSubject) -> Result<Option<DataKey>, VaultError> {
        let sealed =
            sqlx::query_scalar!("SELECT sealed FROM vault_keys WHERE subject = $1", subject.0);
        let sealed = sealed.fetch_optional(&self.db).await?;
        sealed.map(|sealed| self.unsealed(subject, &sealed)).transpose()
    }

    pub(crate) async fn key_or_new(&self, subject: DataSubject) -> Result<DataKey, VaultError> {
        if let Some(key) = self.key(subject).await? {
            return Ok(key);
        }
        let (_, sealed) = self.new_key(subject);
        // Two that begin at once take the key of the one who was first.
        let key = sqlx::query_scalar!(
            r#"WITH made AS (
                   INSERT INTO vault_keys (subject, sealed) SELECT $1, $2
                   WHERE NOT EXISTS (SELECT FROM vault_erased WHERE subject = $1)
                   ON CONFLICT (subject) DO NOTHING RETURNING sealed)
               SELECT sealed AS "sealed!" FROM made"#,
            subject.0,
            sealed
        );
        match key.fetch_optional(&self.db).await? {
            Some(sealed) => self.unsealed(subject, &sealed),
            None => self.key(subject).await?.ok_or(VaultError::Erased),
        }
    }

    /// A key that nobody has yet, and what it is sealed as.
    pub(crate) fn new_key(&self, subject: DataSubject) -> (DataKey, Vec<u8>) {
        let bytes = random::<KEY_BYTES>();
        let seal = Seal::new(&bytes).expect("these are as many bytes as a key has");
        (DataKey { subject, seal }, self.master.seal(&purpose(subject), &bytes))
    }

    /// The key that was sealed for them.
    pub(crate) fn unsealed(
        &self,
        subject: DataSubject,
        sealed: &[u8],
    ) -> Result<DataKey, VaultError> {
        let seal = self.master.open(&purpose(subject), sealed);
        let seal = seal.and_then(|bytes| Seal::new(&bytes));
        let seal = seal.map_err(|why| VaultError::Sealed(subject.0, why))?;
        Ok(DataKey { subject, seal })
    }
}

/// One person's key is never taken for another's.
pub(crate) fn purpose(subject: DataSubject) -> Vec<u8> {
    [PURPOSE, subject.0.as_bytes()].concat()
}

/// The database of a vault, for who keeps something sealed in a table of their own.
impl AsRef<PgPool> for Vault {
    fn as_ref(&self) -> &PgPool {
        &self.db
    }
}
