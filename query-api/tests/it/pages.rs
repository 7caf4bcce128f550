//! What pages of other origins may read of an answer: all that is for clients.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Request};
use axum::response::Response;
use service::cors::{self, Origins};
use service::rates::{self, Rates};
use sqlx::PgPool;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::support::Shop;

const PAGE: &str = "https://shop.example";

/// What a page may always read (the Fetch standard), and what is for browsers, proxies and caches.
const NOT_NAMED: [&str; 15] = [
    "access-control-allow-origin",
    "access-control-expose-headers",
    "allow",
    "cache-control",
    "connection",
    "content-length",
    "content-security-policy",
    "content-type",
    "referrer-policy",
    "surrogate-key",
    "upgrade",
    "vary",
    "x-accel-buffering",
    "x-content-type-options",
    "x-frame-options",
];

fn unread(headers: &HeaderMap) -> Vec<String> {
    let exposed = headers["access-control-expose-headers"].to_str().unwrap();
    let exposed: BTreeSet<&str> = exposed.split(',').map(str::trim).collect();
    let names = headers.keys().map(HeaderName::as_str);
    names
        .filter(|name| !exposed.contains(name) && !NOT_NAMED.contains(name))
        .map(str::to_owned)
        .collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_read_what_answers_say(db: PgPool) {
    let shop = Shop::open(&db).await;
    let order = shop.put_order(1, "pending", 10.0, 0).await;
    shop.put_product(1, "Tote", "published", 0).await;
    shop.put_product(2, "Hat", "published", 1).await;
    shop.log_reaches(9).await;
    shop.park("products", "product-1", 1).await;
    for model in ["products", "orders"] {
        shop.advance(model, 9).await;
    }
    let rates = Rates { usual: 1_000, ..Rates::default() };
    let origins: Origins = PAGE.parse().unwrap();
    let router = cors::allow(rates::limit(shop.router.clone(), &rates, &[]), &origins);
    let ask = async |path: &str| -> Response {
        let request = Request::get(path).header("origin", PAGE).header("prefer", "wait=0");
        router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    };
    let some = Uuid::nil().to_string();
    let mut paths: Vec<String> = query_api::accesses()
        .map(|(path, _)| path.replace("{sku}", "TOTE").replace("{code}", "main"))
        .map(|path| path.replace("{category}", "order").replace("{id}", &some))
        .collect();
    // With what only some answers have: a page after, a stream that is parked, a wait.
    paths.push("/v1/products?limit=1&min_position=9".to_owned());
    paths.push(format!("/v1/orders/{order}?min_position=9"));
    paths.push("/v1/orders?min_position=10".to_owned());
    paths.push("/v1/nothing".to_owned());
    for path in paths {
        let answer = ask(&path).await;
        assert_eq!(unread(answer.headers()), Vec::<String>::new(), "{path}");
    }
}
