//! Codes that are mailed to somebody, to show that an address is theirs or to choose another
//! password. Nobody can guess one, and each is good once: it goes in the statement that does what
//! it is for, which finds it gone where another was first.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::People;
use crate::master::random;

/// Bytes of a code.
const BYTES: usize = 32;
/// Codes somebody may have for one purpose: who asks twice may follow the first mail.
const CODES_MAX: i64 = 5;
/// Codes that have run out and are swept with one that is made, at the most: more than are added.
const SWEPT_AT_ONCE: i64 = 10;

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To show that the address is theirs.
    Verify,
    /// To choose another password.
    Reset,
    /// To have another address.
    ChangeAddress,
}

impl Purpose {
    pub fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::ChangeAddress => "change_address",
        }
    }

    /// How long such a code is good.
    pub fn life(self) -> TimeDelta {
        match self {
            Self::Verify | Self::ChangeAddress => TimeDelta::hours(24),
            // Who reads the mail has the account (ASVS 5.0, 6.4.3).
            Self::Reset => TimeDelta::hours(1),
        }
    }
}

/// Whose a code is.
pub(super) struct Mailed {
    pub person: Uuid,
    pub sealed: Option<Vec<u8>>,
}

impl People {
    /// A new code for somebody, that brings about what is `sealed`.
    pub(super) async fn make_code(
        &self,
        person: Uuid,
        purpose: Purpose,
        sealed: Option<&[u8]>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<String> {
        let code = new_code();
        sqlx::query!(
            "WITH old AS (DELETE FROM person_codes WHERE digest IN (
                 (SELECT digest FROM person_codes WHERE person_id = $2 AND purpose = $3
                  ORDER BY expires_at DESC OFFSET $7)
                 UNION
                 (SELECT digest FROM person_codes WHERE expires_at < $5 LIMIT $8)))
             INSERT INTO person_codes (digest, person_id, purpose, sealed, expires_at)
             VALUES ($1, $2, $3, $4, $6)",
            &digest(&code)[..],
            person,
            purpose.name(),
            sealed,
            now,
            now + purpose.life(),
            CODES_MAX - 1,
            SWEPT_AT_ONCE,
        )
        .execute(&self.db)
        .await?;
        Ok(code)
    }

    /// Whose code it is, if it is one for that purpose and good; which it stays.
    pub(super) async fn code(
        &self,
        code: &str,
        purpose: Purpose,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Mailed>> {
        sqlx::query_as!(
            Mailed,
            "SELECT person_id AS person, sealed FROM person_codes
             WHERE digest = $1 AND purpose = $2 AND expires_at > $3",
            &digest(code)[..],
            purpose.name(),
            now
        )
        .fetch_optional(&self.db)
        .await
    }
}

/// One that nobody has yet.
pub(super) fn new_code() -> String {
    URL_SAFE_NO_PAD.encode(random::<BYTES>())
}

/// As it is kept.
pub(super) fn digest(code: &str) -> [u8; 32] {
    Sha256::digest(code).into()
}
