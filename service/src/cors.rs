//! Pages of other origins (CORS, the Fetch standard): which may ask, and what of an answer they may
//! read. Without a word none may, which browsers see to; programs are no matter of this.

use std::str::FromStr;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::CorsLayer;

use crate::request_id;

/// How long a browser may remember what it was allowed: what most keep at the most is longer.
const REMEMBERED: Duration = Duration::from_mins(10);
/// What a page may send.
pub(crate) const SENT: [HeaderName; 12] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    HeaderName::from_static("guest-token"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("log-id"),
    HeaderName::from_static("prefer"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    request_id::HEADER,
];
/// What a page may read beside what it always may.
pub(crate) const READ: [HeaderName; 16] = [
    header::ETAG,
    header::LINK,
    header::LOCATION,
    header::RETRY_AFTER,
    header::WWW_AUTHENTICATE,
    HeaderName::from_static("deprecation"),
    HeaderName::from_static("idempotent-replayed"),
    HeaderName::from_static("log-id"),
    HeaderName::from_static("next-after"),
    HeaderName::from_static("parked-streams"),
    HeaderName::from_static("preference-applied"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("search-backend"),
    HeaderName::from_static("sunset"),
    request_id::HEADER,
];

/// An origin, as browsers name it: `https://shop.example`, `http://localhost:3000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOrigin(HeaderValue);

/// Origins, as a setting has them: with commas between, and none of nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<PageOrigin>);

impl FromStr for Origins {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        named.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Origins {
    /// Whether pages of this origin may ask. Browsers ask nobody before they open a WebSocket, so
    /// whoever takes one has to.
    pub fn allow(&self, origin: &HeaderValue) -> bool {
        self.0.iter().any(|PageOrigin(known)| known == origin)
    }

    /// Whether none of them is reached without TLS.
    pub(crate) fn are_encrypted(&self) -> bool {
        self.0.iter().all(|origin| origin.0.as_bytes().starts_with(b"https://"))
    }
}

impl FromStr for PageOrigin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Not `*`: who means everybody names them.
        const WRONG: &str = "an origin is http:// or https:// and a host, without a path";
        let uri: Uri = text.parse().map_err(|_| WRONG)?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
        let (scheme, authority) = scheme.zip(uri.authority()).ok_or(WRONG)?;
        let is_plain = !authority.as_str().contains('@') && !authority.host().contains('*');
        // As browsers write it: nothing after the host, and no capitals.
        let written = format!("{scheme}://{authority}");
        if !is_plain || written != text || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(WRONG);
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| WRONG)
    }
}

/// Lets pages of these origins ask.
pub fn allow(router: Router, Origins(origins): &Origins) -> Router {
    if origins.is_empty() {
        return router;
    }
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let cors = CorsLayer::new()
        .allow_origin(origins.iter().map(|PageOrigin(origin)| origin.clone()).collect::<Vec<_>>())
        .allow_methods(methods)
        .allow_headers(SENT)
        .expose_headers(READ)
        .max_age(REMEMBERED);
    router.layer(cors)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use axum::routing::post;
    use tower::ServiceExt as _;

    use super::*;

    fn origin(text: &str) -> PageOrigin {
        text.parse().expect(text)
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for good in ["https://shop.example", "http://localhost:3000", "http://127.0.0.1:8080"] {
            assert_eq!(origin(good).0, good);
        }
        for bad in [
            "",
            "*",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/a",
            "https://Shop.example",
            "ftp://shop.example",
            "https://*.example",
            "https://a@shop.example",
        ] {
            assert!(bad.parse::<PageOrigin>().is_err(), "{bad}");
        }
        let both = vec![origin("https://a.example"), origin("https://b.example")];
        assert_eq!("https://a.example, https://b.example".parse(), Ok(Origins(both)));
        assert_eq!("".parse(), Ok(Origins::default()));
        assert!("https://a.example,*".parse::<Origins>().is_err());
    }

    #[tokio::test]
    async fn a_page_may_ask_whose_origin_is_named() {
        let router = Router::new().route("/v1/carts", post(|| async { "made" }));
        let router = allow(router, &"https://shop.example".parse().expect("origins"));
        let preflight = |from: &'static str| {
            Request::options("/v1/carts")
                .header("origin", from)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type,idempotency-key")
                .body(Body::empty())
                .expect("a request")
        };
        let ours = router.clone().oneshot(preflight("https://shop.example")).await.expect("one");
        assert_eq!(ours.status(), StatusCode::OK);
        let told = |name: &str| ours.headers()[name].to_str().expect("text").to_owned();
        assert_eq!(told("access-control-allow-origin"), "https://shop.example");
        assert!(told("access-control-allow-headers").contains("idempotency-key"));
        assert_eq!(told("access-control-max-age"), "600");
        let theirs = router.clone().oneshot(preflight("https://evil.example")).await.expect("one");
        assert!(!theirs.headers().contains_key("access-control-allow-origin"));

        let ask = Request::post("/v1/carts").header("origin", "https://shop.example");
        let answer = router.oneshot(ask.body(Body::empty()).expect("a request")).await;
        let headers = answer.expect("one").headers().clone();
        assert_eq!(headers["access-control-allow-origin"], "https://shop.example");
        assert!(headers["access-control-expose-headers"].to_str().unwrap().contains("log-id"));
        // Caches keep the answers of several origins apart.
        assert!(headers.get_all("vary").iter().any(|it| it.to_str().unwrap().contains("origin")));
        assert!(!headers.contains_key("access-control-allow-credentials"));
    }
}
