//! The shop's own tokens, as they are taken: with which keys, and whose are void. Both are read
//! from Postgres aside, so that a Postgres that hangs holds nobody up whose token is known to be
//! good.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{CustomerId, GuestId};
use sqlx::PgPool;
use uuid::Uuid;

use crate::keys::{self, Public};
use crate::mirror::{Mirror, Pace, Stale};
use crate::principal::{Member, Principal};
use crate::token::{self, Named, Worthless};

/// A key that is gone, or somebody whose tokens are void, is known everywhere within 10 s; where
/// Postgres does not answer, what is known is believed for ten minutes.
const PACE: Pace = Pace {
    every: Duration::from_secs(10),
    again_after: Duration::from_millis(100),
    read_max: Duration::from_secs(5),
    wait_max: Duration::from_secs(3),
    believed: Duration::from_mins(10),
};
/// People whose tokens are void that are looked at, about 100 bytes each: those who sign out in the
/// life of an access token. Where there are more, what was given out before the earliest of these
/// is void, whoever's it is: they get another by their session.
const VOIDED_MAX: i64 = 50_000;
/// The same of guests, who get no other token: of those who left, the latest.
const LEFT_MAX: i64 = 50_000;

/// Knows the shop's own tokens.
#[derive(Debug)]
pub(crate) struct Own {
    /// Who signs them.
    pub issuer: String,
    facts: Mirror<Facts>,
}

struct Facts {
    keys: Vec<Public>,
    /// Whose tokens are void that were given out before then.
    voided: HashMap<Uuid, DateTime<Utc>>,
    /// Before when everybody's are, for there were too many to tell.
    all_before: Option<DateTime<Utc>>,
}

impl Own {
    /// Those that the issuer of that name signed with a key in the database.
    pub fn start(db: PgPool, issuer: String) -> Self {
        let read = move || {
            let db = db.clone();
            async move { read(&db, Utc::now()).await }
        };
        Self { issuer, facts: Mirror::start("the keys of tokens".to_owned(), PACE, read) }
    }

    /// Whether a token that was good still is, but for its time.
    pub async fn holds(&self, named: &Named) -> Result<bool, Stale> {
        let facts = self.facts.known().await?;
        let has_key = facts.keys.iter().any(|key| key.mark == named.key);
        Ok(has_key && !facts.is_void(named))
    }

    /// Whom a token names.
    pub async fn read(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Result<Named, Worthless>, Stale> {
        let id = match token::key_of(token) {
            Ok(id) => id,
            Err(worthless) => return Ok(Err(worthless)),
        };
        let facts = self.with_key(&id).await?;
        let Some(key) = facts.keys.iter().find(|key| key.id == id) else {
            return Ok(Err(Worthless::Strange));
        };
        let named = token::read(token, key, &self.issuer, now);
        Ok(named.and_then(|it| if facts.is_void(&it) { Err(Worthless::Void) } else { Ok(it) }))
    }

    /// A key that has just been made is found by who comes with what it signed.
    async fn with_key(&self, id: &str) -> Result<Arc<Facts>, Stale> {
        let facts = self.facts.known().await?;
        let is_known = facts.keys.iter().any(|key| key.id == id);
        if is_known { Ok(facts) } else { self.facts.anew().await }
    }
}

impl Facts {
    fn is_void(&self, named: &Named) -> bool {
        if let Principal::Guest(GuestId(guest)) = named.principal {
            return self.voided.get(&guest).is_some_and(|before| named.issued < *before);
        }
        let (Principal::Customer(CustomerId(person))
        | Principal::Enrolling(person)
        | Principal::Member(Member::Person(person), _)) = named.principal
        else {
            return false;
        };
        let voided = self.voided.get(&person).copied();
        voided.max(self.all_before).is_some_and(|before| named.issued < before)
    }
}

async fn read(db: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Facts> {
    let keys = keys::public(db, now).await?;
    let voided = sqlx::query!(
        "SELECT person_id, before FROM voided_tokens WHERE until > $1 AND has_account
         ORDER BY before DESC LIMIT $2",
        now,
        VOIDED_MAX
    );
    let left = sqlx::query!(
        "SELECT person_id, before FROM voided_tokens WHERE until > $1 AND NOT has_account
         ORDER BY before DESC LIMIT $2",
        now,
        LEFT_MAX
    );
    let left = left.fetch_all(db).await?.into_iter().map(|it| (it.person_id, it.before));
    let voided = voided.fetch_all(db).await?;
    let is_full = voided.len() as i64 >= VOIDED_MAX;
    let all_before = voided.last().filter(|_| is_full).map(|it| it.before);
    let voided = voided.into_iter().map(|it| (it.person_id, it.before)).chain(left).collect();
    Ok(Facts { keys, voided, all_before })
}
