//! API keys as they are taken: looked up, and remembered for a while, so that most requests ask no
//! database. A key that was revoked is worth nothing once that while is over.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::scope::Scopes;
use super::{digest, written};
use crate::mirror::Stale;
use crate::principal::{Member, Principal, Role};
use crate::token::Worthless;

/// How long a key that was looked up is taken for good: until a revoked one is refused everywhere.
const KNOWN_FOR: Duration = Duration::from_secs(30);
/// Keys that are remembered: more than there are.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(2_048).expect("it is not zero");
/// Keys that are looked up at once, of those that were good before and of others each: whoever
/// makes keys up has no more of the database, and nobody's place but that of others who do.
const LOOKED_UP_AT_ONCE: usize = 2;
/// How long a look-up may take, the wait for a place included.
const LOOK_UP_MAX: Duration = Duration::from_secs(3);
/// How exactly it is known when a key was last used.
const USED_WITHIN: TimeDelta = TimeDelta::minutes(1);

/// Who has a key, and where it may be used.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    /// Who.
    pub principal: Principal,
    /// Where.
    pub scopes: Arc<Scopes>,
    /// Until when.
    until: Option<DateTime<Utc>>,
}

/// Knows keys.
#[derive(Debug)]
pub(crate) struct Known {
    db: PgPool,
    places: Semaphore,
    places_of_strangers: Semaphore,
    remembered: Mutex<LruCache<[u8; 32], (Holder, Instant)>>,
}

impl Known {
    /// Those in the database.
    pub fn new(db: PgPool) -> Self {
        let remembered = Mutex::new(LruCache::new(REMEMBERED));
        let places = || Semaphore::new(LOOKED_UP_AT_ONCE);
        Self { db, places: places(), places_of_strangers: places(), remembered }
    }

    /// Whose a key is.
    pub async fn holder(
        &self,
        key: &str,
        now: DateTime<Utc>,
    ) -> Result<Result<Holder, Worthless>, Stale> {
        if !written::is_whole(key) {
            return Ok(Err(Worthless::Strange));
        }
        let digest = digest(key);
        let holder = match self.remembered_holder(&digest) {
            Some(holder) => holder,
            None => match timeout(LOOK_UP_MAX, self.look_up(&digest, now)).await {
                Ok(Ok(Some(holder))) => holder,
                Ok(Ok(None)) => return Ok(Err(Worthless::Strange)),
                Ok(Err(error)) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "an API key cannot be looked up");
                    return Err(Stale);
                }
                Err(_) => return Err(Stale),
            },
        };
        let is_good = holder.until.is_none_or(|until| until > now);
        Ok(if is_good { Ok(holder) } else { Err(Worthless::RunOut) })
    }

    async fn look_up(&self, digest: &[u8; 32], now: DateTime<Utc>) -> sqlx::Result<Option<Holder>> {
        let was_good = self.remembered().contains(digest);
        let places = if was_good { &self.places } else { &self.places_of_strangers };
        let _place = places.acquire().await.map_err(|_| sqlx::Error::PoolClosed)?;
        // Many wait for the same.
        if let Some(holder) = self.remembered_holder(digest) {
            return Ok(Some(holder));
        }
        let at = Instant::now();
        let found = sqlx::query!(
            r#"SELECT id, role, scopes, expires_at, used_at,
                      CASE WHEN secret = $1 THEN NULL ELSE previous_until END AS "replaced_until"
               FROM api_keys WHERE (secret = $1 OR previous = $1) AND revoked_at IS NULL"#,
            &digest[..]
        );
        let Some(found) = found.fetch_optional(&self.db).await? else { return Ok(None) };
        let scopes = serde_json::from_value(found.scopes.into());
        // A role or a scope of a newer program's is nothing here.
        let (Some(role), Ok(scopes)) = (Role::named(&found.role), scopes) else { return Ok(None) };
        let until = [found.expires_at, found.replaced_until].into_iter().flatten().min();
        let principal = Principal::Member(Member::Key(found.id), role);
        let holder = Holder { principal, scopes: Arc::new(scopes), until };
        self.remembered().put(*digest, (holder.clone(), at));
        if found.used_at.is_none_or(|used| now - used > USED_WITHIN) {
            tokio::spawn(note_use(self.db.clone(), found.id, now));
        }
        Ok(Some(holder))
    }

    fn remembered_holder(&self, digest: &[u8; 32]) -> Option<Holder> {
        let mut remembered = self.remembered();
        let (holder, at) = remembered.get(digest)?;
        (at.elapsed() < KNOWN_FOR).then(|| holder.clone())
    }

    fn remembered(&self) -> MutexGuard<'_, LruCache<[u8; 32], (Holder, Instant)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Beside the request, which does not wait for it.
async fn note_use(db: PgPool, id: Uuid, now: DateTime<Utc>) {
    let noted = sqlx::query!(
        "UPDATE api_keys SET used_at = $2 WHERE id = $1 AND (used_at IS NULL OR used_at < $2)",
        id,
        now
    );
    if let Err(error) = noted.execute(&db).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "it was not noted that an API key was used");
    }
}
