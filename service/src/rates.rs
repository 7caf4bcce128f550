//! How often somebody may ask: who comes with a token that was found good by whom it names, who
//! does not by their address; and whoever asks for what is dear, or could be guessed, less often,
//! by their address.
//!
//! A token is found good by who lets requests in, which is later: the first request with it counts
//! for its address, and so does each with one that is worth nothing. Nobody gets another share by
//! getting another token, nor by being somebody else for nothing: who lets in says whose share it
//! is.
//!
//! It knows no route: which are dear, the programs say.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use clap::Args;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use lru::LruCache;

use crate::auth::bearer;
use crate::health;
use crate::problem::Problem;
use crate::stay::CameBy;
use crate::unread::refuse;

/// Requests after which those callers are forgotten who have their full share again. So callers
/// that are remembered are no more than those of the last minute and these.
const SWEPT_EVERY: usize = 10_000;
/// Seconds of the usual share that may be taken at once.
const BURST_SECONDS: NonZeroU32 = NonZeroU32::new(2).expect("two is not zero");
/// Shares that the customers at one address have together: a household, an office, the one address
/// of many telephones, and no more to who makes accounts.
const TOGETHER: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// Tokens that are remembered to be good, some 60 bytes each. One that was forgotten counts for its
/// address once more.
const GOOD_MAX: NonZeroUsize = NonZeroUsize::new(65_536).expect("it is not zero");
/// What counts those who are turned away.
const LIMITED: &str = "http_requests_limited_total";
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const FORWARDED_FOR: &str = "x-forwarded-for";

/// How often somebody may ask.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub struct Rates {
    /// Requests a second of one caller, by who they are, or by their address without a good token
    /// and as a guest; 0 sets no bound
    #[arg(
        id = "rate-limit",
        long = "rate-limit",
        global = true,
        env = "RATE_LIMIT",
        default_value_t = 0
    )]
    pub usual: u32,
    /// Requests a minute from one address for what is dear or could be guessed: signing in,
    /// registering, checking out; 0 sets no bound
    #[arg(
        id = "strict-rate-limit",
        long = "strict-rate-limit",
        global = true,
        env = "STRICT_RATE_LIMIT",
        default_value_t = 0
    )]
    pub strict: u32,
    /// Proxies in front, whose X-Forwarded-For is believed: so many names at its end are theirs
    #[arg(id = "proxies", long = "proxies", global = true, env = "PROXIES", default_value_t = 0,
          value_parser = clap::value_parser!(u8).range(..=8))]
    pub proxies: u8,
}

/// A route that is dear: its method, none for any, and the template of its path.
pub type Dear = (Option<Method>, &'static str);

type Limiter =
    RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock, StateInformationMiddleware>;

/// One bound, as callers are told of it.
struct Lane {
    name: &'static str,
    limiter: Limiter,
    clock: DefaultClock,
    /// Requests since the last sweep.
    taken: AtomicUsize,
    /// Requests, and in how many seconds.
    policy: (u32, u64),
}

struct Lanes {
    usual: Option<Lane>,
    /// The usual one once more, for the customers at an address together.
    together: Option<Lane>,
    strict: Option<Lane>,
    dear: &'static [Dear],
    proxies: u8,
    /// Tokens that were found good, as they are hashed, and whose share they are of.
    good: Mutex<LruCache<u64, RateShare>>,
}

/// Whose share a request is of that was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateShare {
    /// Of where it comes from: anybody may be such a caller, as often as they like.
    Address,
    /// Of who asks, and of all such callers where it comes from together.
    Shopper(u64),
    /// Of who asks, wherever from.
    Own(u64),
}

impl RateShare {
    /// Of one of many who may be at one address, and whom it costs little to become.
    pub fn shopper(who: &impl Hash) -> Self {
        Self::Shopper(hashed(who))
    }

    /// Of somebody whom nobody becomes without being let.
    pub fn own(who: &impl Hash) -> Self {
        Self::Own(hashed(who))
    }
}

/// A token that nobody knows to be good yet, among the extensions of its request.
#[derive(Clone, Default)]
struct Unproven(Arc<OnceLock<RateShare>>);

/// Says of a request, by its extensions, that it was let in, and whose share it is of where that is
/// by a token.
pub fn prove(extensions: &Extensions, share: RateShare) {
    if let Some(Unproven(proven)) = extensions.get() {
        let _ = proven.set(share);
    }
}

/// Holds callers to these rates, and those of `dear` routes to the strict one.
pub fn limit(router: Router, rates: &Rates, dear: &'static [Dear]) -> Router {
    held(router, Arc::new(Lanes::of(rates, dear)))
}

fn held(router: Router, lanes: Arc<Lanes>) -> Router {
    if lanes.usual.is_none() && lanes.strict.is_none() {
        return router;
    }
    router.layer(middleware::from_fn_with_state(lanes, hold))
}

async fn hold(State(lanes): State<Arc<Lanes>>, mut request: Request, next: Next) -> Response {
    if health::is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let address = hashed(&Whence::of(request.headers(), request.extensions(), lanes.proxies));
    let token = bearer(request.headers()).map(|token| hashed(&token));
    let (lane, outcome) = match (&lanes.strict, &lanes.usual) {
        (Some(strict), _) if lanes.is_dear(&request) => (strict, strict.take(address)),
        (_, Some(usual)) => (usual, lanes.take(usual, token, address)),
        _ => return next.run(request).await,
    };
    match outcome {
        Ok(left) => {
            let unproven = Unproven::default();
            request.extensions_mut().insert(unproven.clone());
            let mut response = next.run(request).await;
            if let (Some(token), Some(share)) = (token, unproven.0.get())
                && *share != RateShare::Address
            {
                lanes.good().put(token, *share);
            }
            // One that was withdrawn is worth nothing any more.
            if let Some(token) = token
                && response.status() == StatusCode::UNAUTHORIZED
            {
                lanes.good().pop(&token);
            }
            lane.tell(&mut response, left, Duration::ZERO);
            response
        }
        Err(wait) => {
            metrics::counter!(LIMITED, "lane" => lane.name).increment(1);
            let detail = "you ask too often";
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail);
            let mut response = refuse(request, problem.retry_after(wait)).await.into_response();
            lane.tell(&mut response, 0, wait);
            response
        }
    }
}

impl Lanes {
    fn of(rates: &Rates, dear: &'static [Dear]) -> Self {
        let usual = NonZeroU32::new(rates.usual).map(|each_second| {
            let burst = each_second.saturating_mul(BURST_SECONDS);
            let quota = Quota::per_second(each_second).allow_burst(burst);
            Lane::new("usual", quota, (burst.get(), BURST_SECONDS.get().into()))
        });
        let together = NonZeroU32::new(rates.usual).map(|each_second| {
            let all = each_second.saturating_mul(TOGETHER);
            let burst = all.saturating_mul(BURST_SECONDS);
            let quota = Quota::per_second(all).allow_burst(burst);
            Lane::new("usual", quota, (burst.get(), BURST_SECONDS.get().into()))
        });
        let strict = NonZeroU32::new(rates.strict).map(|each_minute| {
            Lane::new("strict", Quota::per_minute(each_minute), (each_minute.get(), 60))
        });
        let good = Mutex::new(LruCache::new(GOOD_MAX));
        Self { usual, together, strict, dear, proxies: rates.proxies, good }
    }

    /// Takes one of the share that a token is known for, or of the address where it is for none.
    fn take(&self, usual: &Lane, token: Option<u64>, address: u64) -> Result<u32, Duration> {
        let known = token.and_then(|token| self.good().get(&token).copied());
        match known.unwrap_or(RateShare::Address) {
            RateShare::Address => usual.take(address),
            RateShare::Own(who) => usual.take(who),
            RateShare::Shopper(who) => {
                self.together.as_ref().map_or(Ok(0), |all| all.take(address))?;
                usual.take(who)
            }
        }
    }

    fn good(&self) -> MutexGuard<'_, LruCache<u64, RateShare>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_dear(&self, request: &Request) -> bool {
        let Some(path) = request.extensions().get::<MatchedPath>() else { return false };
        let is_it = |(method, dear): &Dear| {
            *dear == path.as_str() && method.as_ref().is_none_or(|it| it == request.method())
        };
        self.dear.iter().any(is_it)
    }
}

impl Lane {
    fn new(name: &'static str, quota: Quota, policy: (u32, u64)) -> Self {
        metrics::describe_counter!(LIMITED, "Requests refused because their caller asks too often");
        metrics::counter!(LIMITED, "lane" => name).increment(0);
        let limiter = RateLimiter::keyed(quota).with_middleware();
        Self { name, limiter, clock: DefaultClock::default(), taken: AtomicUsize::new(0), policy }
    }

    /// Takes one of a caller's share: how many are left, or how long to wait.
    fn take(&self, caller: u64) -> Result<u32, Duration> {
        if self.taken.fetch_add(1, Ordering::Relaxed) % SWEPT_EVERY == SWEPT_EVERY - 1 {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(&caller) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(until) => Err(until.wait_time_from(self.clock.now())),
        }
    }

    /// As draft-ietf-httpapi-ratelimit-headers has it.
    fn tell(&self, response: &mut Response, left: u32, wait: Duration) {
        let (requests, seconds) = self.policy;
        let name = self.name;
        let wait = wait.as_millis().div_ceil(1_000);
        let headers = response.headers_mut();
        for (header, text) in [
            (RATE_LIMIT_POLICY, format!("\"{name}\";q={requests};w={seconds}")),
            (RATE_LIMIT, format!("\"{name}\";r={left};t={wait}")),
        ] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(header, value);
            }
        }
    }
}

/// How many proxies are in front: among the extensions of requests whose routes want to know where
/// they come from.
#[derive(Clone, Copy, Debug)]
pub struct Proxies(pub u8);

/// Where a request comes from, if that is known: what the outermost proxy that is believed says, or
/// the other end of the connection.
pub fn came_from(headers: &HeaderMap, extensions: &Extensions, proxies: usize) -> Option<IpAddr> {
    let told = || {
        let lines = headers.get_all(FORWARDED_FOR).iter();
        // In bytes: what a caller put before it must not have the whole line left out.
        let all: Vec<&[u8]> =
            lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b',')).collect();
        named(all.get(all.len().checked_sub(proxies)?)?)
    };
    let peer = || extensions.get::<CameBy>().map(|came_by| came_by.peer);
    let told = if proxies > 0 { told() } else { None };
    told.or_else(peer).map(|address: IpAddr| address.to_canonical())
}

/// An address as proxies write it, some of them with a port.
fn named(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse().ok().map(|it: SocketAddr| it.ip());
    text.parse().ok().or_else(with_port).or_else(bracketed)
}

/// Where a request comes from, as callers there are held together: of IPv6 the network, which is
/// one customer's. Where that is not known, all come from one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Whence(pub IpAddr);

impl Whence {
    /// Of a request with these, behind so many proxies.
    pub fn of(headers: &HeaderMap, extensions: &Extensions, proxies: u8) -> Self {
        Self(network(came_from(headers, extensions, usize::from(proxies))))
    }
}

fn network(known: Option<IpAddr>) -> IpAddr {
    match known.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)) {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
    }
}

fn hashed(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
