//! What those see who send no token, or a wrong one.

use axum::http::StatusCode;
use identity::Guard;
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::Shop;

const TOKEN: (&str, &str) = ("authorization", "Bearer s3cret");

async fn guarded(db: &PgPool) -> Shop {
    Shop::with(db, |settings| settings.guard = Guard::with_token(&Secret::from("s3cret"))).await
}

/// Some of a SKU, of a product that is on offer or not.
pub async fn put_stock(shop: &Shop, n: u32, sku: &str, units: i64, listed: bool) {
    let product_id = Uuid::from_u128(n.into());
    sqlx::query(
        "INSERT INTO search_documents_rows (build, id, document, position, version, listed,
             in_stock, dirty, title, category, words, created_at, updated_at)
         VALUES (1, $1, '{}', 1, 1, $2, true, false, 'Tote', '{}', '', now(), now())",
    )
    .bind(product_id)
    .bind(listed)
    .execute(&shop.db)
    .await
    .unwrap();
    sqlx::query("INSERT INTO search_stock_rows (build, id, document) VALUES (1, $1, $2)")
        .bind(sku)
        .bind(json!({"product_id": product_id, "units": units}))
        .execute(&shop.db)
        .await
        .unwrap();
    sqlx::query(
        "INSERT INTO stock_rows (build, id, document, position, version, on_hand, available,
             created_at, updated_at) VALUES (1, $1, $2, 1, 7, $3, $3, now(), now())",
    )
    .bind(sku)
    .bind(json!({"id": sku, "version": 7, "available": units, "locations": ["north"]}))
    .bind(units)
    .execute(&shop.db)
    .await
    .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_that_is_not_on_offer_shows_through_stock(db: PgPool) {
    let shop = guarded(&db).await;
    for (n, sku, units, listed) in [
        (1, "BAG", 3, true),
        (2, "DRAFT", 5_000, false),
        (3, "MANY", 5_000, true),
        (4, "NONE", -2, true),
    ] {
        put_stock(&shop, n, sku, units, listed).await;
    }
    let shown = |id: &str, available: u32, or_more: bool| {
        let in_stock = available > 0;
        json!({"id": id, "in_stock": in_stock, "available": available, "or_more": or_more,
               "orderable": in_stock})
    };
    let (bag, many, none) =
        (shown("BAG", 3, false), shown("MANY", 10, true), shown("NONE", 0, false));
    let items = async |path: &str| shop.get(path).await.json()["items"].clone();
    assert_eq!(items("/v1/stock").await, json!([bag, many, none]));
    assert_eq!(items("/v1/stock?sku=DRAFT&sku=NONE").await, json!([none]));
    // Nor does it by asking how many there are.
    assert_eq!(items("/v1/stock?available_max=9").await, json!([bag, none]));
    assert_eq!(items("/v1/stock?available_max=10").await, json!([bag, many, none]));
    let first = shop.get("/v1/stock?limit=1").await.json();
    let next = format!("/v1/stock?cursor={}", first["next"].as_str().unwrap());
    assert_eq!(items(&next).await, json!([many, none]));

    let one = shop.get("/v1/stock/MANY").await;
    assert_eq!(one.json(), many);
    assert_eq!(one.headers["content-type"], "application/json");
    // Its tag is of what is shown, and does not tell that more became of it.
    let sold = "UPDATE stock_rows SET version = version + 1, position = position + 1";
    sqlx::query(sold).execute(&db).await.unwrap();
    let tag = one.headers["etag"].to_str().unwrap().to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let same = shop.ask("/v1/stock/MANY", &[("if-none-match", &tag)]).await;
    assert_eq!(
        (same.status, &same.headers["etag"]),
        (StatusCode::NOT_MODIFIED, &one.headers["etag"])
    );
    for sku in ["DRAFT", "UNKNOWN"] {
        let absent = shop.get(&format!("/v1/stock/{sku}")).await;
        assert_eq!((absent.status, absent.code()), (StatusCode::NOT_FOUND, "not_found".into()));
    }
    let whole = shop.ask("/v1/stock/DRAFT", &[TOKEN]).await;
    assert_eq!(whole.json()["available"], 5_000);
    assert!(whole.headers.contains_key("etag"));
    assert_eq!(shop.ask("/v1/stock", &[TOKEN]).await.ids(), ["BAG", "DRAFT", "MANY", "NONE"]);
}

const OPEN: [&str; 5] = [
    "/v1/products",
    "/v1/products/00000000-0000-0000-0000-000000000001",
    "/v1/search",
    "/v1/stock",
    "/v1/stock/BAG",
];

#[sqlx::test(migrations = "../migrations")]
async fn a_wrong_token_is_refused_everywhere(db: PgPool) {
    let shop = guarded(&db).await;
    for path in OPEN.into_iter().chain(["/v1/orders", "/v1/events", "/v1/products?status=draft"]) {
        for token in ["Bearer outdated", "bearer ", "Bearer"] {
            let refused = shop.ask(path, &[("authorization", token)]).await;
            assert_eq!(
                (refused.status, refused.code()),
                (StatusCode::UNAUTHORIZED, "unauthorized".into()),
                "{path}"
            );
            assert_eq!(refused.headers["www-authenticate"], "Bearer", "{path}");
        }
    }
    for path in OPEN {
        for headers in [&[][..], &[TOKEN], &[("authorization", "Basic c3RhZ2luZzpzdGFnaW5n")]] {
            let status = shop.ask(path, headers).await.status;
            assert!(matches!(status, StatusCode::OK | StatusCode::NOT_FOUND), "{path}: {status}");
        }
    }
    let asked = shop.get("/v1/products?status=draft").await;
    assert_eq!(
        (asked.status, &asked.headers["www-authenticate"]),
        (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn how_far_the_log_has_come_is_told_to_those_who_are_trusted(db: PgPool) {
    let shop = guarded(&db).await;
    shop.log_reaches(4711).await;
    for path in OPEN {
        let path = format!("{path}?min_position=9000000000000000000");
        let told = shop.ask(&path, &[TOKEN]).await;
        assert_eq!((told.code(), &told.json()["head"]), ("position_unknown".into(), &4711.into()));
        let untold = shop.get(&path).await;
        assert_eq!(
            (untold.status, untold.code()),
            (StatusCode::BAD_REQUEST, "position_unknown".into())
        );
        assert_eq!(untold.json().get("head"), None::<&Value>);
        assert!(!untold.text.contains("4711"), "{}", untold.text);
    }
}
