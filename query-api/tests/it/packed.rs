//! What is sent packed, and what is not: lists and hits, whose tag says that the same is shown, and
//! no document whose tag is of its version.

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use sqlx::PgPool;
use tower::ServiceExt as _;

use crate::support::Shop;

const CODINGS: [&str; 3] = ["gzip", "br", "zstd"];

/// The status, the headers and how many bytes there are.
async fn asked(
    shop: &Shop,
    path: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, usize) {
    let ask =
        headers.iter().fold(Request::get(path), |ask, (name, value)| ask.header(*name, *value));
    let answer = shop.router.clone().oneshot(ask.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().len())
}

fn varies(headers: &HeaderMap) -> bool {
    headers.get_all("vary").iter().any(|it| it.to_str().unwrap().contains("accept-encoding"))
}

#[sqlx::test(migrations = "../migrations")]
async fn lists_are_packed_and_documents_are_not(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut id = String::new();
    for n in 1..60 {
        id = shop.put_product(n, &"A tote of strong cloth ".repeat(9), "published", n).await;
    }
    let (_, plain, bytes) = asked(&shop, "/v1/products?limit=60", &[]).await;
    assert!(varies(&plain) && !plain.contains_key("content-encoding"));
    for coding in CODINGS {
        let wanted = [("accept-encoding", coding)];
        let (status, headers, packed) = asked(&shop, "/v1/products?limit=60", &wanted).await;
        assert_eq!(
            (status, &headers["content-encoding"]),
            (StatusCode::OK, &coding.parse().unwrap())
        );
        assert!(packed * 4 < bytes && varies(&headers), "{coding}: {packed} of {bytes}");
        // The tag is weak, so it is that of what is shown, however it is sent.
        assert_eq!(headers["etag"], plain["etag"]);
        let again = [wanted[0], ("if-none-match", headers["etag"].to_str().unwrap())];
        let (status, same, none) = asked(&shop, "/v1/products?limit=60", &again).await;
        assert_eq!((status, none, varies(&same)), (StatusCode::NOT_MODIFIED, 0, true));

        let (_, short, _) = asked(&shop, "/v1/products?limit=1", &wanted).await;
        assert!(!short.contains_key("content-encoding"));
        let (status, one, _) = asked(&shop, &format!("/v1/products/{id}"), &wanted).await;
        assert_eq!(status, StatusCode::OK);
        let tag = one["etag"].to_str().unwrap();
        assert!(tag.starts_with('"') && !one.contains_key("content-encoding"), "{tag}");
    }
}

/// A stream goes out as it comes.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_followed_is_not_packed(db: PgPool) {
    let shop = Shop::open(&db).await;
    let ask = Request::get("/v1/events").header("accept", "text/event-stream");
    let ask = ask.header("accept-encoding", "gzip").body(Body::empty()).unwrap();
    let answer = shop.router.clone().oneshot(ask).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert!(!answer.headers().contains_key("content-encoding"));
}
