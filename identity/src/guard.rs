//! From the headers of a request to who asks.
//!
//! Somebody says who they are by a token, or by the service's own one. Who sends a token means to
//! be known by it: one that is worth nothing is refused on every route, also where nobody needs
//! one. Where a process was told to ask nobody, who says nothing is one of the shop's.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::GuestId;
use lru::LruCache;
use service::Problem;
use service::auth::bearer;
use service::config::Secret;
use service::unread::refuse;
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use subtle::ConstantTimeEq as _;
use tokio::sync::RwLock;
use tokio::time::Instant;
use uuid::Uuid;

use crate::access::{Access, unauthorized};
use crate::keys::{self, KNOWN_FOR, Public};
use crate::principal::{Member, Principal, Role};
use crate::token::{self, Named, Worthless};

/// Tokens that are remembered, about 100 bytes each: to verify one costs more than all else that is
/// done for a small request.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).expect("it is not zero");
/// How soon keys are looked up again for a token whose key is unknown: whoever makes keys up cannot
/// ask the database more often than that.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Set before the service's own token, so that its digest here is not its digest anywhere else.
const PURPOSE: &[u8] = b"commerce caller\0";

/// Knows who asks. Clones share what they remember.
#[derive(Clone)]
pub struct Guard(Arc<Shared>);

struct Shared {
    /// The service's own token, and who has it.
    own: Option<(Secret, Principal)>,
    /// Who those are that say nothing.
    silent: Principal,
    verifier: Option<Verifier>,
}

struct Verifier {
    db: PgPool,
    issuer: String,
    keys: RwLock<Known>,
    remembered: Mutex<LruCache<[u8; 32], Named>>,
}

#[derive(Default)]
struct Known {
    keys: Vec<Public>,
    read_at: Option<Instant>,
}

impl Guard {
    /// Asks nobody, and takes no token.
    pub fn open() -> Self {
        Self::new(None, true, None)
    }

    /// Asks for `token`, which is the owner's.
    pub fn with_token(token: &Secret) -> Self {
        Self::new(Some(token), false, None)
    }

    /// Takes the service's own token, if there is one, and those that the issuer of that name
    /// signed with a key in the database; `is_open` to those who say nothing, or not.
    pub fn new(token: Option<&Secret>, is_open: bool, issuer: Option<(PgPool, String)>) -> Self {
        let own = token.map(|token| {
            let digest = Sha256::new().chain_update(PURPOSE).chain_update(token.expose());
            let digest = u128::from_be_bytes(first_half(digest.finalize().into()));
            let member = Member::Token(Uuid::from_u128(digest));
            (token.clone(), Principal::Member(member, Role::Owner))
        });
        let silent = if is_open { Principal::ANYONE } else { Principal::Stranger };
        let verifier = issuer.map(|(db, issuer)| Verifier {
            db,
            issuer,
            keys: RwLock::default(),
            remembered: Mutex::new(LruCache::new(REMEMBERED)),
        });
        Self(Arc::new(Shared { own, silent, verifier }))
    }

    /// Who sent these headers at `now`.
    ///
    /// # Errors
    /// 401 `unauthorized`, for a token that is worth nothing; 503 where that cannot be known.
    pub async fn principal(
        &self,
        headers: &HeaderMap,
        now: DateTime<Utc>,
    ) -> Result<Principal, Problem> {
        match bearer(headers) {
            Some(given) => self.known_by(given, now).await,
            None => Ok(self.0.silent),
        }
    }

    async fn known_by(&self, given: &[u8], now: DateTime<Utc>) -> Result<Principal, Problem> {
        if let Some((token, principal)) = &self.0.own
            && given.ct_eq(token.expose().as_bytes()).into()
        {
            return Ok(*principal);
        }
        let strange = || unauthorized("this is not a token of this service");
        let verifier = self.0.verifier.as_ref().ok_or_else(strange)?;
        let given = std::str::from_utf8(given).map_err(|_| strange())?;
        match verifier.verify(given, now).await? {
            Ok(principal) => Ok(principal),
            Err(Worthless::Strange) => Err(strange()),
            Err(Worthless::RunOut) => Err(unauthorized("this token has run out: get another one")),
        }
    }

    /// The guest whom a customer was, where they show a guest's token too.
    async fn was_guest(
        &self,
        principal: Principal,
        headers: &HeaderMap,
    ) -> Result<Option<WasGuest>, Problem> {
        let Some(given) = headers.get(GUEST_TOKEN) else { return Ok(None) };
        if !matches!(principal, Principal::Customer(_)) {
            return Ok(None);
        }
        match self.known_by(given.as_bytes(), Utc::now()).await? {
            Principal::Guest(id) => Ok(Some(WasGuest(id))),
            _ => Err(unauthorized("the Guest-Token is no guest's")),
        }
    }

    /// Who asks, if they may.
    ///
    /// # Errors
    /// As [`Self::principal`] and [`Access::check`].
    pub async fn admit(&self, headers: &HeaderMap, access: Access) -> Result<Principal, Problem> {
        let principal = self.principal(headers, Utc::now()).await?;
        access.check(principal)?;
        Ok(principal)
    }
}

/// In which who has signed in shows the guest they were, to take along what they had begun.
const GUEST_TOKEN: HeaderName = HeaderName::from_static("guest-token");

/// The guest whom a customer was before they signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WasGuest(pub GuestId);

/// A middleware for one route: lets those in who may, with their [`Principal`] among the request's
/// extensions, and [`WasGuest`] if they show that.
pub async fn admit(
    State((guard, access)): State<(Guard, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    let admitted = match guard.admit(request.headers(), access).await {
        Ok(principal) => guard.was_guest(principal, request.headers()).await.map(|was_guest| {
            request.extensions_mut().insert(principal);
            if let Some(was_guest) = was_guest {
                request.extensions_mut().insert(was_guest);
            }
        }),
        Err(problem) => Err(problem),
    };
    match admitted {
        Ok(()) => next.run(request).await,
        Err(problem) => refuse(request, problem).await,
    }
}

fn first_half(digest: [u8; 32]) -> [u8; 16] {
    std::array::from_fn(|place| digest[place])
}

impl Verifier {
    async fn verify(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> sqlx::Result<Result<Principal, Worthless>> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        self.look_after_keys(now, None).await?;
        if let Some(named) = self.remembered().get(&digest).copied() {
            let good = named.until > now;
            return Ok(if good { Ok(named.principal) } else { Err(Worthless::RunOut) });
        }
        let id = match token::key_of(token) {
            Ok(id) => id,
            Err(invalid) => return Ok(Err(invalid)),
        };
        self.look_after_keys(now, Some(id)).await?;
        let keys = self.keys.read().await;
        let Some(key) = keys.keys.iter().find(|key| key.id == id) else {
            return Ok(Err(Worthless::Strange));
        };
        let named = match token::read(token, key, &self.issuer, now) {
            Ok(named) => named,
            Err(invalid) => return Ok(Err(invalid)),
        };
        drop(keys);
        self.remembered().put(digest, named);
        Ok(Ok(named.principal))
    }

    /// Reads the keys anew where what is known of them is old, or lacks one that somebody names.
    async fn look_after_keys(&self, now: DateTime<Utc>, named: Option<Uuid>) -> sqlx::Result<()> {
        let lacks =
            |known: &Known| named.is_some_and(|id| known.keys.iter().all(|key| key.id != id));
        let due_in = |known: &Known| {
            let after = if lacks(known) { LOOK_AGAIN } else { KNOWN_FOR };
            known.read_at.map_or(Duration::ZERO, |at| after.saturating_sub(at.elapsed()))
        };
        let wait = {
            let known = self.keys.read().await;
            if !lacks(&known) && !due_in(&known).is_zero() {
                return Ok(());
            }
            due_in(&known)
        };
        // A key that has just been made is found by who comes with what it signed.
        tokio::time::sleep(wait).await;
        let mut known = self.keys.write().await;
        if !due_in(&known).is_zero() {
            return Ok(());
        }
        let keys = keys::public(&self.db, now).await?;
        let gone = known.keys.iter().any(|old| keys.iter().all(|key| key.id != old.id));
        *known = Known { keys, read_at: Some(Instant::now()) };
        if gone {
            // What a key verified that is no longer good is not good either.
            self.remembered().clear();
        }
        Ok(())
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, LruCache<[u8; 32], Named>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
