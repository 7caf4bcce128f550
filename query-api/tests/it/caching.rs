//! What caches in front may share, and what never: whatever is not a stranger's.

use axum::http::{HeaderMap, StatusCode};
use identity::Guard;
use query_api::caching::{Caching, Tags};
use service::config::Secret;
use sqlx::PgPool;

use crate::support::Shop;

const TOKEN: (&str, &str) = ("authorization", "Bearer s3cret");

async fn cached(db: &PgPool, caching: Caching) -> Shop {
    Shop::with(db, |settings| {
        settings.guard = Guard::with_token(&Secret::from("s3cret"));
        settings.caching = caching;
    })
    .await
}

fn told<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_stranger_sees_is_shared_under_its_tags(db: PgPool) {
    let shop = cached(&db, Caching { max_age: 3600, tags: Tags::SurrogateKey }).await;
    let tote = shop.put_product(1, "Tote", "published", 1).await;
    let tag = format!("catalogue product-{tote}");
    for (path, age, tags) in [
        (format!("/v1/products/{tote}"), 3600, tag.as_str()),
        ("/v1/products?brand=Acme&limit=5".to_owned(), 3600, "catalogue products"),
        ("/v1/search?q=tote".to_owned(), 30, "catalogue search"),
        ("/v1/stock".to_owned(), 5, "catalogue stock"),
    ] {
        let answer = shop.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let cache_control = told(&answer.headers, "cache-control").unwrap();
        assert!(cache_control.starts_with("public, max-age="), "{path}: {cache_control}");
        assert!(cache_control.contains(&format!("s-maxage={age},")), "{path}: {cache_control}");
        assert_eq!(told(&answer.headers, "surrogate-key"), Some(tags), "{path}");
        assert_eq!(told(&answer.headers, "vary"), Some("authorization"), "{path}");
    }
    // A cache that asks whether it still stands is told how long it does.
    let path = format!("/v1/products/{tote}");
    let tag = shop.get(&path).await.headers["etag"].clone();
    let same = shop.ask(&path, &[("if-none-match", tag.to_str().unwrap())]).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
    assert!(told(&same.headers, "cache-control").unwrap().contains("s-maxage=3600"));
    assert!(told(&same.headers, "surrogate-key").unwrap().ends_with(&tote));
}

/// Whoever has a list, or what was found, is not sent it again.
#[sqlx::test(migrations = "../migrations")]
async fn what_has_no_version_is_known_by_what_it_shows(db: PgPool) {
    let shop = cached(&db, Caching::default()).await;
    shop.put_product(1, "Tote", "published", 1).await;
    for path in ["/v1/products", "/v1/products?limit=1&fields=id", "/v1/search", "/v1/stock"] {
        let first = shop.get(path).await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        assert!(tag.starts_with("W/\"") && tag.ends_with('"'), "{path}: {tag}");
        for known in [tag.as_str(), "*", &format!("\"1\", {tag}")] {
            let same = shop.ask(path, &[("if-none-match", known)]).await;
            assert_eq!(same.status, StatusCode::NOT_MODIFIED, "{path}");
            assert_eq!((same.text.as_str(), &same.headers["etag"]), ("", &first.headers["etag"]));
            assert_eq!(same.headers["cache-control"], "no-cache", "{path}");
        }
    }
    let tag = shop.get("/v1/products").await.headers["etag"].clone();
    shop.put_product(2, "Hat", "published", 2).await;
    let other = shop.ask("/v1/products", &[("if-none-match", tag.to_str().unwrap())]).await;
    assert_eq!(other.status, StatusCode::OK);
    assert_ne!(other.headers["etag"], tag);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_for_everybody_is_not_shared(db: PgPool) {
    let shop = cached(&db, Caching { max_age: 3600, tags: Tags::CacheTag }).await;
    let tote = shop.put_product(1, "Tote", "published", 1).await;
    let draft = shop.put_product(2, "Draft", "draft", 2).await;
    let (tote, draft) = (format!("/v1/products/{tote}"), format!("/v1/products/{draft}"));
    for path in [&tote, &draft, "/v1/products", "/v1/products?status=any", "/v1/search"] {
        let staff = shop.ask(path, &[TOKEN]).await;
        assert_eq!(staff.status, StatusCode::OK, "{path}");
        assert_eq!(told(&staff.headers, "cache-tag"), None, "{path}");
        let cache_control = told(&staff.headers, "cache-control").unwrap();
        assert!(["private, no-cache", "no-store"].contains(&cache_control), "{cache_control}");
        assert_eq!(told(&staff.headers, "vary"), Some("authorization"), "{path}");
    }
    let fresh = format!("{tote}?min_position=0");
    for (path, headers, status) in [
        (draft.as_str(), vec![], 404),
        ("/v1/products?status=draft", vec![], 401),
        ("/v1/products?colour=red", vec![], 400),
        ("/v1/stock/NONE", vec![], 404),
        (&tote, vec![("authorization", "Bearer wrong")], 401),
        (&tote, vec![("authorization", "Basic czNjcmV0")], 200),
        (&fresh, vec![], 200),
        ("/v1/products?min%5Fposition=0", vec![], 200),
        ("/v1/search?min_position=0", vec![], 200),
    ] {
        let answer = shop.ask(path, &headers).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text);
        let cache_control = told(&answer.headers, "cache-control").unwrap();
        assert!(!cache_control.contains("public"), "{path}: {cache_control}");
        assert_eq!(told(&answer.headers, "cache-tag"), None, "{path}");
    }
    assert_eq!(told(&shop.get(&tote).await.headers, "cache-tag").unwrap().split(',').count(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_shared_unless_it_is_asked_for(db: PgPool) {
    let shop = cached(&db, Caching::default()).await;
    let tote = shop.put_product(1, "Tote", "published", 1).await;
    let answer = shop.get(&format!("/v1/products/{tote}")).await;
    assert_eq!(told(&answer.headers, "cache-control"), Some("no-cache"));
    assert_eq!(told(&answer.headers, "surrogate-key"), None);
    assert_eq!(told(&answer.headers, "vary"), None);
}
