//! How often somebody may ask: who comes with a token by that token, who does not by their address;
//! and whoever asks for what is dear, or could be guessed, less often, by their address.
//!
//! It knows no route: which are dear, the programs say.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use clap::Args;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::auth::bearer;
use crate::connections::CameBy;
use crate::health;
use crate::problem::Problem;
use crate::unread::refuse;

/// Requests after which those callers are forgotten who have their full share again. So callers
/// that are remembered are no more than those of the last minute and these.
const SWEPT_EVERY: usize = 10_000;
/// Seconds of the usual share that may be taken at once.
const BURST_SECONDS: NonZeroU32 = NonZeroU32::new(2).expect("two is not zero");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const FORWARDED_FOR: &str = "x-forwarded-for";

/// How often somebody may ask.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub struct Rates {
    /// Requests a second of one caller, by their token, or by their address without one; 0 sets no
    /// bound
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
    strict: Option<Lane>,
    dear: &'static [Dear],
    proxies: usize,
}

/// Holds callers to these rates, and those of `dear` routes to the strict one.
pub fn limit(router: Router, rates: &Rates, dear: &'static [Dear]) -> Router {
    held(router, Lanes::of(rates, dear))
}

fn held(router: Router, lanes: Lanes) -> Router {
    if lanes.usual.is_none() && lanes.strict.is_none() {
        return router;
    }
    router.layer(middleware::from_fn_with_state(Arc::new(lanes), hold))
}

async fn hold(State(lanes): State<Arc<Lanes>>, request: Request, next: Next) -> Response {
    if health::is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let address = address(&request, lanes.proxies);
    let (lane, caller) = match (&lanes.strict, &lanes.usual) {
        (Some(strict), _) if lanes.is_dear(&request) => (strict, hashed(&address)),
        (_, Some(usual)) => (usual, caller(request.headers(), address)),
        _ => return next.run(request).await,
    };
    match lane.take(caller) {
        Ok(left) => {
            let mut response = next.run(request).await;
            lane.tell(&mut response, left, Duration::ZERO);
            response
        }
        Err(wait) => {
            metrics::counter!("http_requests_limited_total", "lane" => lane.name).increment(1);
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
        let strict = NonZeroU32::new(rates.strict).map(|each_minute| {
            Lane::new("strict", Quota::per_minute(each_minute), (each_minute.get(), 60))
        });
        Self { usual, strict, dear, proxies: usize::from(rates.proxies) }
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

/// Where a request comes from: what the outermost proxy that is believed says, or the other end of
/// the connection. Of IPv6 the network, which is one customer's.
fn address(request: &Request, proxies: usize) -> IpAddr {
    let told = || {
        let all = request.headers().get_all(FORWARDED_FOR).iter();
        let all: Vec<&str> =
            all.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(',')).collect();
        all.get(all.len().checked_sub(proxies)?)?.trim().parse().ok()
    };
    let peer = request.extensions().get::<CameBy>().map(|came_by| came_by.peer);
    let told = if proxies > 0 { told() } else { None };
    match told.or(peer).unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)).to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
    }
}

fn caller(headers: &HeaderMap, address: IpAddr) -> u64 {
    match bearer(headers) {
        Some(token) => hashed(&token),
        None => hashed(&address),
    }
}

fn hashed(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::{get, post};
    use tokio::time::Instant;
    use tower::ServiceExt as _;

    use super::*;
    use crate::ledger::Ledger;

    const DEAR: &[Dear] = &[(Some(Method::POST), "/v1/sessions")];

    fn things() -> Router {
        Router::new()
            .route("/v1/things/{id}", get(|| async { "a thing" }))
            .route("/v1/sessions", post(|| async { "welcome" }).get(|| async { "nothing" }))
            .route("/live", get(|| async { "yes" }))
    }

    /// Shares as they are given out, but made good once an hour: nothing comes back while a test
    /// asks, however slow the machine.
    fn router(usual: u32, strict: u32, proxies: u8) -> Router {
        let lanes = Lanes::of(&Rates { usual, strict, proxies }, DEAR);
        let slowed = |lane: Lane| {
            let burst = NonZeroU32::new(lane.policy.0).expect("a share");
            let quota = Quota::with_period(Duration::from_hours(1)).expect("an hour is long");
            Lane::new(lane.name, quota.allow_burst(burst), lane.policy)
        };
        let (usual, strict) = (lanes.usual.map(slowed), lanes.strict.map(slowed));
        held(things(), Lanes { usual, strict, ..lanes })
    }

    struct From {
        peer: &'static str,
        headers: &'static [(&'static str, &'static str)],
    }

    async fn ask(router: &Router, method: Method, path: &str, from: &From) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in from.headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).expect("a request");
        let peer = from.peer.parse().expect("an address");
        let ledger = Ledger::new(Instant::now());
        request.extensions_mut().insert(CameBy { peer, ledger, held: None });
        router.clone().oneshot(request).await.expect("an answer")
    }

    /// How many of so many requests are let in.
    async fn let_in(
        router: &Router,
        count: usize,
        method: Method,
        path: &str,
        from: &From,
    ) -> usize {
        let mut good = 0;
        for _ in 0..count {
            let response = ask(router, method.clone(), path, from).await;
            good += usize::from(response.status() == StatusCode::OK);
        }
        good
    }

    const ANN: From = From { peer: "192.0.2.1", headers: &[] };
    const BOB: From = From { peer: "192.0.2.2", headers: &[] };

    #[tokio::test]
    async fn everybody_has_a_share_of_their_own() {
        let router = router(1, 0, 0);
        let get = Method::GET;
        assert_eq!(let_in(&router, 5, get.clone(), "/v1/things/1", &ANN).await, 2);
        assert_eq!(let_in(&router, 5, get.clone(), "/v1/things/2", &BOB).await, 2);
        // A token is another caller, wherever it comes from; and probes are nobody's share.
        let token = &[("authorization", "Bearer one")];
        let (here, there) = (
            From { peer: "192.0.2.1", headers: token },
            From { peer: "192.0.2.9", headers: token },
        );
        assert_eq!(let_in(&router, 1, get.clone(), "/v1/things/1", &here).await, 1);
        assert_eq!(let_in(&router, 5, get.clone(), "/v1/things/1", &there).await, 1);
        assert_eq!(let_in(&router, 9, get, "/live", &ANN).await, 9);
    }

    #[tokio::test]
    async fn who_is_refused_is_told_for_how_long() {
        let rates = Rates { usual: 1, strict: 0, proxies: 0 };
        let router = limit(things(), &rates, DEAR);
        let refused = loop {
            let response = ask(&router, Method::GET, "/v1/things/1", &ANN).await;
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                break response;
            }
        };
        let header = |name: &str| refused.headers()[name].to_str().unwrap_or_default().to_owned();
        assert_eq!(header("ratelimit-policy"), "\"usual\";q=2;w=2");
        assert_eq!(header("ratelimit"), "\"usual\";r=0;t=1");
        assert_eq!(header("retry-after"), "1");
    }

    #[tokio::test]
    async fn what_is_dear_is_counted_by_address_whatever_the_token() {
        let router = router(0, 3, 0);
        let mut good = 0;
        for token in [&[("authorization", "Bearer a")], &[("authorization", "Bearer b")]] {
            let from = From { peer: "2001:db8:1:2::1", headers: token };
            good += let_in(&router, 2, Method::POST, "/v1/sessions", &from).await;
        }
        assert_eq!(good, 3);
        let same_network = From { peer: "2001:db8:1:2:ffff::7", headers: &[] };
        assert_eq!(let_in(&router, 2, Method::POST, "/v1/sessions", &same_network).await, 0);
        let other_network = From { peer: "2001:db8:1:3::1", headers: &[] };
        assert_eq!(let_in(&router, 1, Method::POST, "/v1/sessions", &other_network).await, 1);
        assert_eq!(let_in(&router, 9, Method::GET, "/v1/sessions", &same_network).await, 9);
    }

    /// Whom a proxy names is believed as far as there are proxies; what callers put before it is
    /// not.
    #[tokio::test]
    async fn callers_behind_a_proxy_are_told_apart() {
        let behind = |names: &'static [(&'static str, &'static str)]| From {
            peer: "10.0.0.1",
            headers: names,
        };
        let router = router(0, 2, 1);
        let post = Method::POST;
        for names in [
            &[("x-forwarded-for", "192.0.2.1")],
            &[("x-forwarded-for", "203.0.113.5, 192.0.2.1")],
            &[("x-forwarded-for", "198.51.100.7,192.0.2.1")],
        ] {
            let_in(&router, 1, post.clone(), "/v1/sessions", &behind(names)).await;
        }
        let one = behind(&[("x-forwarded-for", "192.0.2.1")]);
        assert_eq!(let_in(&router, 1, post.clone(), "/v1/sessions", &one).await, 0);
        let other = behind(&[("x-forwarded-for", "192.0.2.2")]);
        assert_eq!(let_in(&router, 1, post.clone(), "/v1/sessions", &other).await, 1);
        // Nobody in front: what a caller says of themselves is nothing.
        let alone = self::router(0, 1, 0);
        assert_eq!(let_in(&alone, 1, post.clone(), "/v1/sessions", &one).await, 1);
        assert_eq!(let_in(&alone, 1, post, "/v1/sessions", &other).await, 0);
    }
}
