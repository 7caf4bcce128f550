//! Products and stock.

use axum::http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, ask, keyed, post, put};

#[sqlx::test(migrations = "../migrations")]
async fn a_product_is_made_changed_sold_and_withdrawn(db: PgPool) {
    let shop = Shop::open(&db);
    let product = json!({
        "id": "0192f0c1-2345-7000-8000-000000000001",
        "title": "Tote bag",
        "description": "<p>Brown.</p>\nLarge.",
        "brand": "Acme",
        "category": ["Bags", "Totes"],
        "attributes": {"material": "leather"},
        "media": [{"url": "https://example.com/tote.jpg", "alt": "A bag"}],
        "variants": [{
            "sku": "TOTE-BRN",
            "title": "Brown",
            "options": {"Colour": "brown"},
            "prices": [{"amount": "19.99", "currency": "EUR"},
                       {"amount": "3000", "currency": "JPY"}],
            "barcode": "4006381333931",
        }],
    });
    let created = shop.send(post("/v1/products", &product)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    assert_eq!(created.body["id"], product["id"]);
    assert_eq!(created.body["version"], 2);
    assert_eq!(created.body["position"], shop.head().await);
    assert_eq!(created.header("etag"), Some("\"2\""));
    let path = format!("/v1/products/{}", created.id());
    assert_eq!(created.header("location"), Some(path.as_str()));
    assert_eq!(created.header("idempotent-replayed"), None);

    let change = json!({"title": "Large tote bag", "brand": null}).to_string();
    let changed = shop.send(ask(Method::PATCH, &path, change)).await;
    assert_eq!((changed.status, &changed.body["version"]), (StatusCode::OK, &json!(3)));

    let blue = json!({"prices": [{"amount": "21.00", "currency": "EUR"}]});
    shop.done(put(format!("{path}/variants/TOTE-BLU"), &blue)).await;
    // Without a body at all, and without its media type.
    shop.done(ask(Method::DELETE, format!("{path}/variants/TOTE-BRN"), "")).await;
    shop.done(post(format!("{path}/publish"), &json!({}))).await;
    let archived = shop.done(post(format!("{path}/archive"), &json!({}))).await;
    assert_eq!(archived.status, StatusCode::OK);
    assert_eq!(
        shop.history(&format!("product-{}", created.id())).await,
        [
            "product.created",
            "product.variant_set",
            "product.changed",
            "product.variant_set",
            "product.variant_removed",
            "product.published",
            "product.archived",
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sku_belongs_to_one_product(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 0).await;
    let price = json!([{"amount": "1.00", "currency": "EUR"}]);
    let second = json!({"title": "Other", "variants": [{"sku": "TOTE", "prices": price}]});
    let head = shop.head().await;
    let refused = shop.send(post("/v1/products", &second)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "sku_taken"));
    assert_eq!(refused.body["sku"], "TOTE");
    assert_eq!(shop.head().await, head);
}

#[sqlx::test(migrations = "../migrations")]
async fn stock_is_received_and_put_right(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("A+B:1", 0).await;
    // The SKU stands in the path as it is, or percent-encoded.
    let receive = json!({"location": "main", "quantity": 5, "reference": "DN-1"});
    let received = shop.send(keyed("/v1/stock/A+B:1/receive", &receive)).await;
    assert_eq!((received.status, received.id()), (StatusCode::OK, "A+B:1".to_owned()));
    let adjust = json!({"location": "main", "delta": -4, "reason": "broken"});
    let adjusted = shop.send(keyed("/v1/stock/A%2BB%3A1/adjust", &adjust)).await;
    assert_eq!(adjusted.body["version"], 2);
    let refused = shop.send(keyed("/v1/stock/A+B:1/adjust", &adjust)).await;
    assert_eq!(refused.code(), "stock_would_go_negative");
    assert_eq!((&refused.body["sku"], &refused.body["available"]), (&json!("A+B:1"), &json!(1)));
}
