//! Who signed in, and what happened to that by which they do: for themselves, and for those who
//! keep the programs running, to see that somebody else did. Kept for a term; of an address a
//! network alone, and of an e-mail that nobody has that one was tried.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use service::paging::Limit;
use uuid::Uuid;

use super::{Email, People};

/// How long it is known.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Entries of one person; and of all e-mails that nobody has.
const ENTRIES_MAX: i64 = 1_000;
/// Entries that go with each that comes, of those whose term is over.
const FORGOTTEN_AT_ONCE: i64 = 10;
/// Being locked out is told once in so long.
const LOCKED_OUT_ONCE_IN: TimeDelta = TimeDelta::minutes(15);
/// Stands for whoever has an e-mail that nobody has.
const NOBODY: Uuid = Uuid::nil();

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// They signed in.
    SignedIn,
    /// Somebody tried to, with what was not right.
    Failed,
    /// Somebody tried to, and had to wait.
    LockedOut,
    /// They have another password.
    PasswordChanged,
    /// Somebody who knows their password asked for another e-mail.
    EmailChangeAsked,
    /// They have another e-mail.
    EmailChanged,
    /// They have a second factor.
    FactorAdded,
    /// They have none any more.
    FactorRemoved,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::Failed => "failed",
            Self::LockedOut => "locked_out",
            Self::PasswordChanged => "password_changed",
            Self::EmailChangeAsked => "email_change_asked",
            Self::EmailChanged => "email_changed",
            Self::FactorAdded => "factor_added",
            Self::FactorRemoved => "factor_removed",
        }
    }
}

/// From which network somebody asked: an address without what tells one caller from the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network(String);

impl Network {
    /// That of an address: of IPv4 24 bits, of IPv6 48.
    pub fn of(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(address) => {
                let [a, b, c, ..] = address.segments();
                format!("{}/48", std::net::Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
            }
        })
    }
}

impl Network {
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// An entry.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SignIn {
    /// Its number: later ones are greater.
    pub id: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Whose account it is about; nobody's, where nobody has the e-mail that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
    /// What happened: `signed_in`, `failed`, `locked_out`, `password_changed`,
    /// `email_change_asked`, `email_changed`, `factor_added` or `factor_removed`.
    pub what: String,
    /// From which network; none where that is not known, or the shop did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

impl People {
    /// Writes down what happened to somebody's account. What cannot be is told the operator: nobody
    /// is refused for that.
    pub async fn note(
        &self,
        person: Uuid,
        what: What,
        network: Option<&Network>,
        now: DateTime<Utc>,
    ) {
        if let Err(error) = self.write_down(person, what, network, now).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, what = what.name(), "the log of sign-ins lacks an entry");
        }
    }

    /// The same, of who has this e-mail, or of nobody.
    pub async fn note_of(
        &self,
        email: &Email,
        what: What,
        network: Option<&Network>,
        now: DateTime<Utc>,
    ) {
        let digests = self.digests(email);
        let who =
            sqlx::query_scalar!("SELECT id FROM people WHERE email_digest = ANY($1)", &digests);
        match who.fetch_optional(&self.db).await {
            Ok(person) => self.note(person.unwrap_or(NOBODY), what, network, now).await,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, what = what.name(), "the log of sign-ins lacks an entry");
            }
        }
    }

    async fn write_down(
        &self,
        person: Uuid,
        what: What,
        network: Option<&Network>,
        now: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        sqlx::query!(
            "WITH old AS (DELETE FROM sign_ins WHERE id IN (
                 SELECT id FROM sign_ins WHERE happened_at < $5 ORDER BY happened_at
                 LIMIT $7 FOR UPDATE SKIP LOCKED)),
             too_many AS (DELETE FROM sign_ins WHERE id IN (
                 SELECT id FROM sign_ins WHERE person_id = $1 ORDER BY id DESC
                 OFFSET $6 LIMIT $7 FOR UPDATE SKIP LOCKED))
             INSERT INTO sign_ins (person_id, happened_at, what, network) SELECT $1, $2, $3, $4
             WHERE $3 <> 'locked_out' OR NOT EXISTS (
                 SELECT FROM sign_ins
                 WHERE person_id = $1 AND what = 'locked_out' AND happened_at > $8)",
            person,
            now,
            what.name(),
            network.map(|network| network.0.as_str()),
            now - KEPT,
            ENTRIES_MAX - 1,
            FORGOTTEN_AT_ONCE,
            now - LOCKED_OUT_ONCE_IN
        )
        .execute(&self.db)
        .await
        .map(drop)
    }

    /// Lets go of what happened to somebody's account.
    pub(super) async fn forget_sign_ins(&self, person: Uuid) -> sqlx::Result<()> {
        sqlx::query!("DELETE FROM sign_ins WHERE person_id = $1", person)
            .execute(&self.db)
            .await
            .map(drop)
    }

    /// What happened to somebody's account within the term, before an entry, the latest first; and
    /// one more than is wanted.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sign_ins_of(
        &self,
        person: Uuid,
        (before, limit): (Option<i64>, Limit),
        now: DateTime<Utc>,
    ) -> sqlx::Result<Vec<SignIn>> {
        let rows = sqlx::query_as!(
            SignIn,
            r#"SELECT id, happened_at AS at, nullif(person_id, $5) AS person_id, what, network
               FROM sign_ins WHERE person_id = $1 AND id < $2 AND happened_at >= $3
               ORDER BY id DESC LIMIT $4"#,
            person,
            before.unwrap_or(i64::MAX),
            now - KEPT,
            limit.and_one(),
            NOBODY
        );
        rows.fetch_all(&self.db).await
    }

    /// The same, of all.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn sign_ins(
        &self,
        (before, limit): (Option<i64>, Limit),
        now: DateTime<Utc>,
    ) -> sqlx::Result<Vec<SignIn>> {
        let rows = sqlx::query_as!(
            SignIn,
            r#"SELECT id, happened_at AS at, nullif(person_id, $4) AS person_id, what, network
               FROM sign_ins WHERE id < $1 AND happened_at >= $2 ORDER BY id DESC LIMIT $3"#,
            before.unwrap_or(i64::MAX),
            now - KEPT,
            limit.and_one(),
            NOBODY
        );
        rows.fetch_all(&self.db).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_not_a_caller() {
        for (address, network) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "::/48"),
        ] {
            assert_eq!(Network::of(address.parse().unwrap()).0, network);
        }
    }
}
