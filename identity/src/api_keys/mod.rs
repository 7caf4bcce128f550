//! Keys of programs: what a program of the shop's, or of somebody the shop works with, sends in
//! place of a token. The owner makes them; each has a role, may be bound to some routes, and is
//! gone when it is revoked.
//!
//! * `written`: how one looks; `scope`: where it may be used; `known`: how one is taken.

pub(crate) mod known;
mod scope;
mod written;

use chrono::{DateTime, TimeDelta, Utc};
use domain::text::{LINE, breaks_line, holds_card_number, visible};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

pub(crate) use scope::why_of_nothing;
pub use scope::{Scope, Scopes};
pub use written::PREFIX;

use crate::principal::Role;

/// Keys that there may be, those included that were revoked and are still shown.
const KEYS_MAX: i64 = 1_000;
/// How long a key that was revoked is shown.
const SHOWN_AFTER: TimeDelta = TimeDelta::days(90);
/// Characters of a key's name.
const NAME_CHARS_MAX: usize = 100;
/// The longest that two keys are good at once, minutes: a week.
pub const OVERLAP_MINUTES_MAX: u32 = 7 * 24 * 60;

/// What a key is called by people.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(rename = "ApiKeyName", extend(
    "minLength" = 1,
    "maxLength" = NAME_CHARS_MAX,
    "pattern" = LINE,
    "examples" = ["stock sync"],
))]
pub struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let chars = text.chars().count();
        let is_line = !text.contains(breaks_line) && visible(&text);
        let fits = chars <= NAME_CHARS_MAX && is_line && !holds_card_number(&text);
        let rule = || {
            let what = "with something to see, without a card number";
            format!("has 1 to {NAME_CHARS_MAX} characters, {what}")
        };
        fits.then_some(Self(text)).ok_or_else(rule)
    }
}

/// What a program may be: anything but the owner.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "Role")]
pub struct ProgramRole(Role);

impl TryFrom<Role> for ProgramRole {
    type Error = &'static str;

    fn try_from(role: Role) -> Result<Self, &'static str> {
        if role == Role::Owner { Err("is staff, analyst, ops or service") } else { Ok(Self(role)) }
    }
}

/// A key as somebody wants it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewApiKey")]
pub struct Wanted {
    /// What it is called.
    pub name: Name,
    /// What it may do.
    pub role: ProgramRole,
    /// Where it may be used.
    #[serde(default)]
    pub scopes: Scopes,
    /// Until when it is good; without that, until it is revoked.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A key as it is shown.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ApiKey {
    /// Its id, which stands in events as who asked.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// How it begins.
    pub hint: String,
    /// What it may do.
    #[schemars(with = "Role")]
    pub role: String,
    /// Where it may be used; everywhere its role may, where there is none.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it is good.
    pub expires_at: Option<DateTime<Utc>>,
    /// Until when the one before it is.
    pub previous_until: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// When it was last used, within two minutes or so.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A key that was made, which is shown once.
#[derive(Clone, Serialize, JsonSchema)]
#[schemars(rename = "ApiKeyMade")]
pub struct Made {
    /// Its id.
    pub id: Uuid,
    /// The key.
    pub key: String,
}

/// All keys of programs.
#[derive(Clone, Debug)]
pub struct ApiKeys(PgPool);

impl ApiKeys {
    /// Those in the database.
    pub fn new(db: PgPool) -> Self {
        Self(db)
    }

    /// Makes a key; none, where there are too many.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn make(&self, wanted: Wanted, now: DateTime<Utc>) -> sqlx::Result<Option<Made>> {
        let Wanted { name, role: ProgramRole(role), scopes, expires_at } = wanted;
        let (id, key) = (Uuid::now_v7(), written::new());
        let made = sqlx::query!(
            "WITH old AS (DELETE FROM api_keys WHERE revoked_at < $9)
             INSERT INTO api_keys (id, name, hint, role, scopes, secret, created_at, expires_at)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8
             WHERE (SELECT count(*) FROM api_keys) < $10",
            id,
            name.0,
            written::hint(&key),
            role.name(),
            &scopes.texts(),
            &digest(&key)[..],
            now,
            expires_at,
            now - SHOWN_AFTER,
            KEYS_MAX,
        );
        let made = made.execute(&self.0).await?.rows_affected();
        Ok((made > 0).then_some(Made { id, key }))
    }

    /// All of them, the newest first.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(&self) -> sqlx::Result<Vec<ApiKey>> {
        sqlx::query_as!(
            ApiKey,
            "SELECT id, name, hint, role, scopes, created_at, expires_at, previous_until,
                    revoked_at, used_at AS last_used_at
             FROM api_keys ORDER BY id DESC LIMIT $1",
            KEYS_MAX
        )
        .fetch_all(&self.0)
        .await
    }

    /// Another key in the place of one, which is good for so long yet; none, where there is none.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn rotate(
        &self,
        id: Uuid,
        overlap: TimeDelta,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Option<Made>> {
        let key = written::new();
        let rotated = sqlx::query!(
            "UPDATE api_keys
             SET previous = secret, previous_until = $4, secret = $2, hint = $3
             WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $5)",
            id,
            &digest(&key)[..],
            written::hint(&key),
            now + overlap,
            now,
        );
        let rotated = rotated.execute(&self.0).await?.rows_affected();
        Ok((rotated > 0).then_some(Made { id, key }))
    }

    /// Revokes a key; whether there was one.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn revoke(&self, id: Uuid, now: DateTime<Utc>) -> sqlx::Result<bool> {
        sqlx::query!(
            "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1",
            id,
            now
        )
        .execute(&self.0)
        .await
        .map(|done| done.rows_affected() > 0)
    }
}

/// What is kept of a key: it has more bits than anybody can try, so it needs no slow hash.
fn digest(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_seen() {
        let fits = |text: &str| Name::try_from(text.to_owned()).is_ok();
        assert!(fits("stock sync") && fits(&"щ".repeat(NAME_CHARS_MAX)));
        for wrong in ["", " ", "\u{200b}", "two\nlines", &"x".repeat(NAME_CHARS_MAX + 1)] {
            assert!(!fits(wrong), "{wrong:?}");
        }
    }
}
