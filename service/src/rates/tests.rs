//! Whose share a request is of, and how large that is.

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
        .layer(middleware::from_fn(let_in_with_good_ones))
}

/// As who knows tokens does: nobody else says that one is good. It is of a guest, of a customer in
/// whose name it begins, or of somebody of the shop.
async fn let_in_with_good_ones(request: Request, next: Next) -> Response {
    match bearer(request.headers()) {
        Some(token) if !token.starts_with(b"good") => StatusCode::UNAUTHORIZED.into_response(),
        Some(token) => {
            let share = match token {
                [b'g', b'o', b'o', b'd', b' ', b'g', ..] => RateShare::Address,
                [b'g', b'o', b'o', b'd', b' ', b'c', who, ..] => RateShare::shopper(who),
                _ => RateShare::own(&token),
            };
            prove(request.extensions(), share);
            next.run(request).await
        }
        None => next.run(request).await,
    }
}

/// Shares as they are given out, but made good once an hour: nothing comes back while a test
/// asks, however slow the machine.
fn slowed(usual: u32, strict: u32, proxies: u8) -> Lanes {
    let lanes = Lanes::of(&Rates { usual, strict, proxies }, DEAR);
    let slowed = |lane: Lane| {
        let burst = NonZeroU32::new(lane.policy.0).expect("a share");
        let quota = Quota::with_period(Duration::from_hours(1)).expect("an hour is long");
        Lane::new(lane.name, quota.allow_burst(burst), lane.policy)
    };
    let [usual, together, strict] =
        [lanes.usual, lanes.together, lanes.strict].map(|lane| lane.map(slowed));
    Lanes { usual, together, strict, ..lanes }
}

fn router(usual: u32, strict: u32, proxies: u8) -> Router {
    held(things(), Arc::new(slowed(usual, strict, proxies)))
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
async fn let_in(router: &Router, count: usize, method: Method, path: &str, from: &From) -> usize {
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
    // A good token is another caller, wherever it comes from, once it was found to be good; and
    // probes are nobody's share.
    let token = &[("authorization", "Bearer good one")];
    let (here, there) =
        (From { peer: "192.0.2.1", headers: token }, From { peer: "192.0.2.9", headers: token });
    assert_eq!(let_in(&router, 1, get.clone(), "/v1/things/1", &here).await, 0);
    assert_eq!(let_in(&router, 5, get.clone(), "/v1/things/1", &there).await, 3);
    assert_eq!(let_in(&router, 1, get.clone(), "/v1/things/1", &here).await, 0, "the same share");
    assert_eq!(let_in(&router, 9, get, "/live", &ANN).await, 9);
}

/// Whoever makes tokens up asks as often as without, and leaves nothing behind for each.
#[tokio::test]
async fn tokens_that_are_worth_nothing_count_for_their_address() {
    let lanes = Arc::new(slowed(1, 0, 0));
    let router = held(things(), lanes.clone());
    let mut statuses = vec![];
    for token in ["Bearer a", "Bearer b", "Bearer c", "Bearer d", "Bearer good", "Basic x"] {
        let request = Request::get("/v1/things/1").header("authorization", token);
        let mut request = request.body(Body::empty()).expect("a request");
        let (peer, ledger) = ("192.0.2.1".parse().expect("one"), Ledger::new(Instant::now()));
        request.extensions_mut().insert(CameBy { peer, ledger, held: None });
        statuses.push(router.clone().oneshot(request).await.expect("one").status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 429, 429, 429, 429]);
    let usual = lanes.usual.as_ref().expect("a lane");
    assert_eq!((usual.limiter.len(), lanes.good().len()), (1, 0));
}

async fn let_in_with(router: &Router, peer: &'static str, tokens: &[String]) -> usize {
    let mut good = 0;
    for token in tokens {
        let request = Request::get("/v1/things/1").header("authorization", token);
        let mut request = request.body(Body::empty()).expect("a request");
        let (peer, ledger) = (peer.parse().expect("one"), Ledger::new(Instant::now()));
        request.extensions_mut().insert(CameBy { peer, ledger, held: None });
        let response = router.clone().oneshot(request).await.expect("one");
        good += usize::from(response.status() == StatusCode::OK);
    }
    good
}

/// Whoever becomes many guests asks as often as one who is nobody, and leaves nothing behind.
#[tokio::test]
async fn guests_count_for_their_address() {
    let lanes = Arc::new(slowed(1, 0, 0));
    let router = held(things(), lanes.clone());
    let guests: Vec<String> = (0..30).map(|n| format!("Bearer good guest {}", n / 3)).collect();
    assert_eq!(let_in_with(&router, "192.0.2.1", &guests).await, 2);
    assert_eq!(let_in(&router, 1, Method::GET, "/v1/things/1", &ANN).await, 0, "the same share");
    let usual = lanes.usual.as_ref().expect("a lane");
    assert_eq!((usual.limiter.len(), lanes.good().len()), (1, 0));
    assert_eq!(let_in_with(&router, "192.0.2.2", &guests).await, 2);
}

/// A customer has one share, however many tokens they were given; and who makes many accounts has
/// no more at one address than ten.
#[tokio::test]
async fn customers_are_held_together_at_their_address() {
    let router = router(1, 0, 0);
    let of_one: Vec<String> = (0..9).map(|n| format!("Bearer good c1 {n}")).collect();
    // The first request with each token counts for an address.
    for (place, token) in (0..9).zip(&of_one) {
        let peer = ["192.0.2.101", "192.0.2.102", "192.0.2.103", "192.0.2.104", "192.0.2.105"];
        assert_eq!(let_in_with(&router, peer[place / 2], std::slice::from_ref(token)).await, 1);
    }
    assert_eq!(let_in_with(&router, "192.0.2.1", &of_one).await, 2, "one share, nine tokens");
    let names = "abcdefghijklmnopqrstuvwxyz";
    let many: Vec<String> = names.chars().map(|who| format!("Bearer good c{who}")).collect();
    for (place, token) in many.iter().enumerate() {
        let peer: &'static str = Box::leak(format!("198.51.100.{place}").into_boxed_str());
        assert_eq!(let_in_with(&router, peer, std::slice::from_ref(token)).await, 1);
    }
    // Two of the ten shares that are there were taken by nine tokens, and seven tries were in vain.
    let here = let_in_with(&router, "192.0.2.1", &many).await;
    assert_eq!(here, 20 - 9, "twenty at once are ten shares of two");
    assert_eq!(let_in_with(&router, "192.0.2.7", &many).await, 20, "elsewhere they have their own");
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
    for token in [&[("authorization", "Bearer good a")], &[("authorization", "Bearer good b")]] {
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
    let behind =
        |names: &'static [(&'static str, &'static str)]| From { peer: "10.0.0.1", headers: names };
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
    // Some proxies write the port too, and nothing that stands before it changes that.
    let request = |names: &[&[u8]]| {
        let mut headers = HeaderMap::new();
        for name in names {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(name).expect("a value"));
        }
        came_from(&headers, &Extensions::new(), 1).map(|it| it.to_string())
    };
    let odd: [(&[&[u8]], &str); 6] = [
        (&[b"192.0.2.2:443"], "192.0.2.2"),
        (&[b"[2001:db8::1]:443"], "2001:db8::1"),
        (&[b"[2001:db8::1]"], "2001:db8::1"),
        (&[b"2001:db8::1"], "2001:db8::1"),
        (&[b"caf\xe9, 192.0.2.2"], "192.0.2.2"),
        (&[b"\xff", b"192.0.2.2"], "192.0.2.2"),
    ];
    for (names, address) in odd {
        assert_eq!(request(names).as_deref(), Some(address));
    }
    assert_eq!(request(&[b"unknown"]), None);
    // Nobody in front: what a caller says of themselves is nothing.
    let alone = self::router(0, 1, 0);
    assert_eq!(let_in(&alone, 1, post.clone(), "/v1/sessions", &one).await, 1);
    assert_eq!(let_in(&alone, 1, post, "/v1/sessions", &other).await, 0);
}
