//! What is kept of people: records of a kind, sealed under the key of whom they are about, and
//! found by digests of the words in them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::address::{PostalAddress, Profile};
use crate::index::Word;
use crate::{DataSubject, Vault, VaultError};

/// Records of one kind of one person.
pub const RECORDS_MAX: i64 = 500;
/// Notes of one person, which the shop writes to them too, and as many that it writes about them.
const NOTES_MAX: i64 = 2_000;
/// How long a record is kept that was not to last, and to which no order refers.
const UNUSED_FOR: TimeDelta = TimeDelta::days(30);

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Where something goes, and to whom.
    Address,
    /// Who a customer is.
    Profile,
    /// What a payment is made with.
    PaymentToken,
    /// Where at their bank somebody confirms a payment.
    PaymentAction,
    /// What somebody wrote about an order, or the shop to whose it is.
    Note,
    /// What the shop wrote about an order for itself.
    ShopNote,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Address,
        Self::Profile,
        Self::PaymentToken,
        Self::PaymentAction,
        Self::Note,
        Self::ShopNote,
    ];

    /// What it is called where it is kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Profile => "profile",
            Self::PaymentToken => "payment_token",
            Self::PaymentAction => "payment_action",
            Self::Note => "note",
            Self::ShopNote => "shop_note",
        }
    }

    /// How many of it there may be of one person.
    fn most(self) -> i64 {
        match self {
            Self::Address | Self::Profile | Self::PaymentToken | Self::PaymentAction => RECORDS_MAX,
            Self::Note | Self::ShopNote => NOTES_MAX,
        }
    }

    /// Whether an event names it that is appended after it: the commit of that event, in the same
    /// database, waits until both are on the disk, so that a record need not wait by itself.
    pub fn is_named_by_an_event(self) -> bool {
        match self {
            Self::PaymentToken | Self::PaymentAction | Self::Note | Self::ShopNote => true,
            Self::Address | Self::Profile => false,
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is to be kept.
#[derive(Debug)]
pub struct Record<'a, T> {
    /// Its name.
    pub id: Uuid,
    /// Whom it is about.
    pub subject: DataSubject,
    /// What it is.
    pub kind: Kind,
    /// Whether it is kept though no order refers to it: of who comes back.
    pub lasting: bool,
    /// What it says.
    pub plain: &'a T,
}

/// What is to be written of it.
struct Writing {
    id: Uuid,
    subject: DataSubject,
    kind: Kind,
    until: Option<DateTime<Utc>>,
    digests: Vec<Vec<u8>>,
    now: DateTime<Utc>,
}

/// What was kept.
#[derive(Clone, Debug)]
pub struct KeptRecord<T> {
    /// Its name.
    pub id: Uuid,
    /// Whom it is about.
    pub subject: DataSubject,
    /// When it was first kept.
    pub created_at: DateTime<Utc>,
    /// When it last became another.
    pub changed_at: DateTime<Utc>,
    /// What it says.
    pub plain: T,
}

impl Vault {
    /// Keeps a record, or another one in its place, to be found by these words. What an order may
    /// refer to stays as it is. One [that is named by an event](Kind::is_named_by_an_event) is on
    /// the disk when that event is.
    ///
    /// # Errors
    /// The id is that of somebody else's, or of something else; they were forgotten, or have very
    /// many; or the database does not answer.
    pub async fn keep<T: Serialize + Sync>(
        &self,
        record: Record<'_, T>,
        words: &[Word],
        now: DateTime<Utc>,
    ) -> Result<(), VaultError> {
        let Record { id, subject, kind, lasting, plain } = record;
        let until = (!lasting).then(|| now + UNUSED_FOR);
        let plain = serde_json::to_vec(plain).map_err(|why| VaultError::Unreadable(id, why))?;
        // Who is in one record alone has no key before it.
        let known = if subject.0 == id { None } else { self.key(subject).await? };
        let (key, new_key) = known.map_or_else(
            || {
                let (key, sealed) = self.new_key(subject);
                (key, Some(sealed))
            },
            |key| (key, None),
        );
        let writing = Writing { id, subject, kind, until, digests: self.digests(words), now };
        let sealed = key.seal(&purpose(kind, id), &plain);
        if self.write(&writing, new_key.as_deref(), &sealed).await? {
            return Ok(());
        }
        if new_key.is_some() {
            // Another may have made their key meanwhile.
            let sealed = self.key_or_new(subject).await?.seal(&purpose(kind, id), &plain);
            if self.write(&writing, None, &sealed).await? {
                return Ok(());
            }
        }
        Err(self.why_not(id).await?)
    }

    /// Writes what is sealed, together with the key if that is new. Says whether that may be, which
    /// it may not where the key is another by now.
    async fn write(
        &self,
        writing: &Writing,
        new_key: Option<&[u8]>,
        sealed: &[u8],
    ) -> sqlx::Result<bool> {
        let Writing { id, subject, kind, until, ref digests, now } = *writing;
        let written = sqlx::query!(
            r#"WITH new_key AS (
                   INSERT INTO vault_keys (subject, sealed) SELECT $2, $9
                   WHERE $9::bytea IS NOT NULL
                       AND NOT EXISTS (SELECT FROM vault_erased WHERE subject = $2)
                   ON CONFLICT (subject) DO NOTHING RETURNING subject),
               -- Who is being forgotten waits for this, and forgets it too.
               key AS (SELECT subject FROM vault_keys WHERE $9 IS NULL AND subject = $2
                   FOR KEY SHARE),
               kept AS (
                   INSERT INTO vault_records AS r
                       (id, subject, kind, sealed, created_at, changed_at, kept_until)
                   SELECT $1, $2, $3, $4, $5, $5, $6
                   WHERE EXISTS (SELECT FROM new_key UNION ALL SELECT FROM key)
                       AND ((SELECT count(*) FROM vault_records
                               WHERE subject = $2 AND kind = $3) < $7
                           OR EXISTS (SELECT FROM vault_records WHERE id = $1))
                   -- One that was to last goes on to last.
                   ON CONFLICT (id) DO UPDATE SET sealed = $4, changed_at = $5,
                       kept_until = CASE WHEN r.kept_until IS NOT NULL THEN $6::timestamptz END
                   WHERE r.subject = $2 AND r.kind = $3 AND r.sealed IS NOT NULL AND NOT r.in_use
                   RETURNING id),
               unsaid AS (
                   DELETE FROM vault_index i USING kept
                   WHERE i.record_id = kept.id AND i.digest <> ALL($8)),
               said AS (
                   INSERT INTO vault_index (digest, record_id)
                   SELECT DISTINCT digest, kept.id FROM kept, unnest($8::bytea[]) digest
                   ON CONFLICT DO NOTHING)
               SELECT set_config('synchronous_commit', CASE WHEN $10 THEN 'off'
                   ELSE current_setting('synchronous_commit') END, true) FROM kept"#,
            id,
            subject.0,
            kind.name(),
            sealed,
            now,
            until,
            kind.most(),
            digests,
            new_key,
            kind.is_named_by_an_event()
        );
        Ok(written.fetch_optional(&self.db).await?.is_some())
    }

    async fn why_not(&self, id: Uuid) -> Result<VaultError, VaultError> {
        let there =
            sqlx::query_scalar!("SELECT sealed IS NULL FROM vault_records WHERE id = $1", id);
        Ok(match there.fetch_optional(&self.db).await?.flatten() {
            None => VaultError::TooMuch,
            Some(true) => VaultError::Erased,
            Some(false) => VaultError::NotTheirs,
        })
    }

    /// A record of this kind, if there is one.
    ///
    /// # Errors
    /// Whom it was about was forgotten, or it cannot be read.
    pub async fn kept<T: DeserializeOwned>(
        &self,
        kind: Kind,
        id: Uuid,
    ) -> Result<Option<KeptRecord<T>>, VaultError> {
        let found = sqlx::query!(
            r#"SELECT r.subject, r.sealed, r.created_at, r.changed_at, k.sealed AS "key?"
               FROM vault_records r LEFT JOIN vault_keys k USING (subject)
               WHERE r.id = $1 AND r.kind = $2"#,
            id,
            kind.name()
        );
        let Some(row) = found.fetch_optional(&self.db).await? else { return Ok(None) };
        let (Some(sealed), Some(key)) = (row.sealed, row.key) else {
            return Err(VaultError::Erased);
        };
        let subject = DataSubject(row.subject);
        let plain = self.read(kind, id, (subject, &key), &sealed)?;
        let (created_at, changed_at) = (row.created_at, row.changed_at);
        Ok(Some(KeptRecord { id, subject, created_at, changed_at, plain }))
    }

    /// The records of this kind in somebody's list, the newest first; or all there are about them.
    ///
    /// # Errors
    /// One cannot be read, or the database does not answer.
    pub async fn all<T: DeserializeOwned>(
        &self,
        kind: Kind,
        subject: DataSubject,
        only_listed: bool,
    ) -> Result<Vec<KeptRecord<T>>, VaultError> {
        let rows = sqlx::query!(
            r#"SELECT r.id, r.subject, r.sealed AS "sealed!", r.created_at, r.changed_at,
                      k.sealed AS key
               FROM vault_records r JOIN vault_keys k USING (subject)
               WHERE r.kind = $2 AND r.sealed IS NOT NULL AND (r.listed OR NOT $4)
                   AND (k.subject = $1 OR k.customer = $1)
               ORDER BY r.created_at DESC, r.id DESC LIMIT $3"#,
            subject.0,
            kind.name(),
            kind.most(),
            only_listed
        );
        let mut all = Vec::new();
        for row in rows.fetch_all(&self.db).await? {
            let about = DataSubject(row.subject);
            let plain = self.read(kind, row.id, (about, &row.key), &row.sealed)?;
            let (id, created_at, changed_at) = (row.id, row.created_at, row.changed_at);
            all.push(KeptRecord { id, subject: about, created_at, changed_at, plain });
        }
        Ok(all)
    }

    fn read<T: DeserializeOwned>(
        &self,
        kind: Kind,
        id: Uuid,
        (subject, key): (DataSubject, &[u8]),
        sealed: &[u8],
    ) -> Result<T, VaultError> {
        let plain = self.unsealed(subject, key)?.open(&purpose(kind, id), sealed)?;
        serde_json::from_slice(&plain).map_err(|why| VaultError::Unreadable(id, why))
    }

    /// Whom a record is about. An order refers to it from now on, or is about to: it is not swept.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take_into_use(&self, kind: Kind, id: Uuid) -> sqlx::Result<Option<DataSubject>> {
        let taken = sqlx::query_scalar!(
            "UPDATE vault_records SET in_use = true WHERE id = $1 AND kind = $2 RETURNING subject",
            id,
            kind.name()
        );
        Ok(taken.fetch_optional(&self.db).await?.map(DataSubject))
    }

    /// Writes the words of up to `limit` records after `after` under the first key of the ring.
    /// Says which was the last, if there may be more.
    pub(crate) async fn reindex(
        &self,
        after: Uuid,
        limit: i64,
    ) -> Result<Option<Uuid>, VaultError> {
        let rows = sqlx::query!(
            r#"SELECT r.id, r.subject, r.kind, r.sealed AS "sealed!", k.sealed AS key
               FROM vault_records r JOIN vault_keys k USING (subject)
               WHERE r.id > $1 AND r.sealed IS NOT NULL ORDER BY r.id LIMIT $2"#,
            after,
            limit
        );
        let rows = rows.fetch_all(&self.db).await?;
        let last = rows.last().map(|row| row.id);
        for row in rows {
            let key = (DataSubject(row.subject), &row.key[..]);
            let words = match Kind::of(&row.kind) {
                Some(kind @ Kind::Address) => {
                    self.read::<PostalAddress>(kind, row.id, key, &row.sealed)?.words()
                }
                Some(kind @ Kind::Profile) => {
                    self.read::<Profile>(kind, row.id, key, &row.sealed)?.words()
                }
                // Nobody looks for one; and what a newer program keeps, it writes anew itself.
                Some(Kind::PaymentToken | Kind::PaymentAction | Kind::Note | Kind::ShopNote)
                | None => continue,
            };
            sqlx::query!(
                "WITH old AS (DELETE FROM vault_index WHERE record_id = $1 AND digest <> ALL($2))
                 INSERT INTO vault_index (digest, record_id)
                 SELECT DISTINCT digest, $1 FROM unnest($2::bytea[]) digest ON CONFLICT DO NOTHING",
                row.id,
                &self.digests(&words)
            )
            .execute(&self.db)
            .await?;
        }
        Ok(last)
    }

    fn digests(&self, words: &[Word]) -> Vec<Vec<u8>> {
        words.iter().map(|word| self.master().index().written(word)).collect()
    }

    /// Whom a record is about.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn subject_of(&self, kind: Kind, id: Uuid) -> sqlx::Result<Option<DataSubject>> {
        let found = sqlx::query_scalar!(
            "SELECT subject FROM vault_records WHERE id = $1 AND kind = $2",
            id,
            kind.name()
        );
        Ok(found.fetch_optional(&self.db).await?.map(DataSubject))
    }

    /// Takes a record out of somebody's list. One that no order refers to is gone with that. Says
    /// whether it was there and theirs.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn let_go(&self, kind: Kind, id: Uuid, of: DataSubject) -> sqlx::Result<bool> {
        let gone = sqlx::query!(
            "UPDATE vault_records SET listed = false
             WHERE id = $1 AND kind = $2 AND listed AND subject IN
                 (SELECT k.subject FROM vault_keys k WHERE k.subject = $3 OR k.customer = $3)",
            id,
            kind.name(),
            of.0
        );
        let was_there = gone.execute(&self.db).await?.rows_affected() > 0;
        sqlx::query!("DELETE FROM vault_records WHERE id = $1 AND NOT in_use AND NOT listed", id)
            .execute(&self.db)
            .await?;
        Ok(was_there)
    }
}

fn purpose(kind: Kind, id: Uuid) -> Vec<u8> {
    [b"commerce record\0", kind.name().as_bytes(), b"\0", &id.as_bytes()[..]].concat()
}
