//! From the headers of a request to who asks.
//!
//! Somebody says who they are by a token, or by the service's own one. Who sends a token means to
//! be known by it: one that is worth nothing is refused on every route, also where nobody needs
//! one. Where a process was told to ask nobody, who says nothing is one of the shop's.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::GuestId;
use lru::LruCache;
use service::auth::bearer;
use service::config::Secret;
use service::openapi::Code;
use service::rates::{self, RateShare};
use service::unread::refuse;
use service::{Problem, unheeded};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::access::{Access, forbidden, unauthorized};
use crate::api_keys::known::{Holder, Known};
use crate::api_keys::{PREFIX, Scopes};
use crate::mirror::Stale;
use crate::oidc::Provider;
use crate::own::Own;
use crate::principal::{Member, Principal, Role};
use crate::token::{self, Named, Worthless};

/// Tokens that are remembered, about 150 bytes each: to verify one costs more than all else that is
/// done for a small request.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).expect("it is not zero");
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
    /// Who knows the shop's own tokens.
    own_tokens: Option<Own>,
    /// Who knows the keys of programs.
    api_keys: Option<Known>,
    /// Other issuers whose tokens are taken.
    providers: Vec<Provider>,
    remembered: Mutex<LruCache<[u8; 32], (Named, Source)>>,
}

/// Who knows a token.
#[derive(Clone, Copy, Debug)]
enum Source {
    Own,
    /// One of the providers.
    Provider(usize),
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
        Self::with_providers(token, is_open, issuer, Vec::new())
    }

    /// The same, and takes the tokens of other issuers too.
    pub fn with_providers(
        token: Option<&Secret>,
        is_open: bool,
        issuer: Option<(PgPool, String)>,
        providers: Vec<Provider>,
    ) -> Self {
        let own = token.map(|token| {
            let digest = Sha256::new().chain_update(PURPOSE).chain_update(token.expose());
            let digest = u128::from_be_bytes(first_half(digest.finalize().into()));
            let member = Member::Token(Uuid::from_u128(digest));
            (token.clone(), Principal::Member(member, Role::Owner))
        });
        let silent = if is_open { Principal::ANYONE } else { Principal::Stranger };
        let api_keys = issuer.as_ref().map(|(db, _)| Known::new(db.clone()));
        let own_tokens = issuer.map(|(db, issuer)| Own::start(db, issuer));
        let remembered = Mutex::new(LruCache::new(REMEMBERED));
        Self(Arc::new(Shared { own, silent, own_tokens, api_keys, providers, remembered }))
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
        Ok(self.caller(headers, now).await?.principal)
    }

    async fn caller(&self, headers: &HeaderMap, now: DateTime<Utc>) -> Result<Caller, Problem> {
        match bearer(headers) {
            Some(given) => self.known_by(given, now).await,
            None => Ok(self.0.silent.into()),
        }
    }

    async fn known_by(&self, given: &[u8], now: DateTime<Utc>) -> Result<Caller, Problem> {
        if let Some((token, principal)) = &self.0.own
            && given.ct_eq(token.expose().as_bytes()).into()
        {
            return Ok((*principal).into());
        }
        let strange = || unauthorized("this is not a token of this service");
        let given = std::str::from_utf8(given).map_err(|_| strange())?;
        let known = match &self.0.api_keys {
            Some(keys) if given.starts_with(PREFIX) => {
                let holder = keys.holder(given, now).await.map_err(not_read)?;
                holder.map(|Holder { principal, scopes, .. }| Caller {
                    scopes,
                    ..Caller::from(principal)
                })
            }
            _ => self.0.verify(given, now).await.map_err(not_read)?.map(Caller::from),
        };
        match known {
            Ok(caller) => Ok(caller),
            Err(Worthless::Strange) => Err(strange()),
            Err(Worthless::RunOut) => Err(unauthorized("this token has run out: get another one")),
            Err(Worthless::Void) => Err(unauthorized("this token was withdrawn: sign in again")),
        }
    }

    /// The guest whom a customer was, where they show a guest's token too.
    async fn was_guest(
        &self,
        principal: Principal,
        headers: &HeaderMap,
    ) -> Result<Option<GuestId>, Problem> {
        let Some(given) = headers.get(GUEST_TOKEN) else { return Ok(None) };
        if !matches!(principal, Principal::Customer(_)) {
            return Ok(None);
        }
        match self.known_by(given.as_bytes(), Utc::now()).await?.principal {
            Principal::Guest(id) => Ok(Some(id)),
            _ => Err(unauthorized("the Guest-Token is no guest's")),
        }
    }

    /// Who asks this, if they may and it is asked as a change can be heeded: whole, for none has
    /// parameters.
    ///
    /// # Errors
    /// As [`Self::let_in`] and [`unheeded::refuse_query`].
    pub async fn heed(
        &self,
        headers: &HeaderMap,
        (method, uri): (&Method, &Uri),
        access: Access,
    ) -> Result<Caller, Problem> {
        let caller = self.let_in(headers, (method, uri.path()), access).await?;
        if !method.is_safe() {
            unheeded::refuse_query(uri.query())?;
        }
        Ok(caller)
    }

    /// Who asks for this path, if they may.
    ///
    /// # Errors
    /// As [`Self::principal`] and [`Access::check`], for a key that is not for that, and for a
    /// guest's token that is none.
    pub async fn let_in(
        &self,
        headers: &HeaderMap,
        (method, path): (&Method, &str),
        access: Access,
    ) -> Result<Caller, Problem> {
        let caller = self.caller(headers, Utc::now()).await?;
        access.check(caller.principal)?;
        caller.scopes.check(method, path)?;
        let was_guest = self.was_guest(caller.principal, headers).await?;
        Ok(Caller { was_guest, ..caller })
    }
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who that is.
    pub principal: Principal,
    /// The guest they were before they signed in, if they show that.
    pub was_guest: Option<GuestId>,
    /// Where what they show may be used.
    scopes: Arc<Scopes>,
}

impl Caller {
    /// Puts who asks among the extensions of what they ask for, where handlers and [`may_reach`]
    /// find it.
    pub fn note(self, extensions: &mut Extensions) {
        self.prove(extensions);
        extensions.insert(self.principal);
        if !self.scopes.are_none() {
            extensions.insert(self.scopes);
        }
    }
}

impl Caller {
    /// Says whose share of the rates a request is of. Anybody becomes a guest, as often as they
    /// like, so guests have that of where they are.
    pub fn prove(&self, extensions: &Extensions) {
        let share = match self.principal {
            Principal::Stranger | Principal::Guest(_) => RateShare::Address,
            Principal::Customer(_) => RateShare::shopper(&self.principal),
            Principal::Enrolling(_) | Principal::Member(..) => RateShare::own(&self.principal),
        };
        rates::prove(extensions, share);
    }
}

impl From<Principal> for Caller {
    fn from(principal: Principal) -> Self {
        Self { principal, was_guest: None, scopes: NO_SCOPES.clone() }
    }
}

impl Scopes {
    fn check(&self, method: &Method, path: &str) -> Result<(), Problem> {
        let allowed = self.allow(method, path);
        if allowed { Ok(()) } else { Err(forbidden("this key is not for that")) }
    }
}

/// Refuses who shows a key that is not for this path too, where an answer has what is asked for
/// there. The extensions are those of a request that was let in.
///
/// # Errors
/// 403 `forbidden`.
pub fn may_reach(extensions: &Extensions, method: &Method, path: &str) -> Result<(), Problem> {
    extensions.get::<Arc<Scopes>>().map_or(Ok(()), |scopes| scopes.check(method, path))
}

/// Of all who have no key.
static NO_SCOPES: LazyLock<Arc<Scopes>> = LazyLock::new(Arc::default);

/// In which who has signed in shows the guest they were, to take along what they had begun.
const GUEST_TOKEN: HeaderName = HeaderName::from_static("guest-token");

/// How somebody is not let in, each with its status.
pub const CODES: &[Code] = &[
    (401, "unauthorized"),
    (403, "forbidden"),
    (403, "second_factor_required"),
    (503, "keys_unavailable"),
];

/// A middleware for one route: lets those in who may, with their [`Principal`] among the request's
/// extensions. Refuses a condition, for none of these routes has an `ETag`. Where each microsecond
/// counts it is [`Guard::heed`] that is called.
pub async fn admit(
    State((guard, access)): State<(Guard, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    let place = (request.method(), request.uri());
    let heeded = guard.heed(request.headers(), place, access).await;
    let unconditional = unheeded::refuse_condition(request.method(), request.headers());
    match heeded.and_then(|caller| unconditional.map(|()| caller)) {
        Ok(caller) => {
            caller.note(request.extensions_mut());
            next.run(request).await
        }
        Err(problem) => refuse(request, problem).await,
    }
}

fn first_half(digest: [u8; 32]) -> [u8; 16] {
    std::array::from_fn(|place| digest[place])
}

fn not_read(_: Stale) -> Problem {
    let detail = "what verifies this token cannot be read now";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "keys_unavailable", detail)
}

impl Shared {
    async fn verify(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Result<Principal, Worthless>, Stale> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let remembered = self.remembered().get(&digest).copied();
        // What a key verified that is no longer good is not good either.
        if let Some((named, source)) = remembered
            && self.holds(&named, source).await?
        {
            let is_good = named.until > now;
            return Ok(if is_good { Ok(named.principal) } else { Err(Worthless::RunOut) });
        }
        let Some(issuer) = token::issuer_of(token) else { return Ok(Err(Worthless::Strange)) };
        let (named, source) = match &self.own_tokens {
            Some(own) if own.issuer == issuer => (own.read(token, now).await?, Source::Own),
            _ => {
                let place = self.providers.iter().position(|it| it.issuer() == issuer);
                let Some(place) = place else { return Ok(Err(Worthless::Strange)) };
                let named = self.providers[place].read(token, now).await?;
                (named, Source::Provider(place))
            }
        };
        Ok(named.map(|named| {
            self.remembered().put(digest, (named, source));
            named.principal
        }))
    }

    async fn holds(&self, named: &Named, source: Source) -> Result<bool, Stale> {
        match source {
            Source::Own => match &self.own_tokens {
                Some(own) => own.holds(named).await,
                None => Ok(false),
            },
            Source::Provider(place) => self.providers[place].holds(named).await,
        }
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, LruCache<[u8; 32], (Named, Source)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
