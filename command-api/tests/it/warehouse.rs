//! Locations, and what a warehouse tells of its units, over HTTP.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, keyed, post, put};

#[sqlx::test(migrations = "../migrations")]
async fn a_location_is_set_before_it_is_used(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 0).await;
    let receive = json!({"location": "depot", "quantity": 5});
    let arrived = keyed("/v1/stock/TOTE/receive", &receive);
    let refused = shop.send(arrived.clone()).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, "unknown_location"));
    assert_eq!(
        (&refused.body["locations"], &refused.body["passing"]),
        (&json!(["depot"]), &json!(true))
    );

    let depot = json!({"sellable": true, "name": "Depot North", "address_ref": "sites/7"});
    let set = shop.send(put("/v1/locations/depot", &depot)).await;
    assert_eq!((set.status, set.id()), (StatusCode::OK, "depot".to_owned()));
    // Under the key under which there was none: somebody made it meanwhile.
    shop.done(arrived).await;
    let closed = shop.send(put("/v1/locations/depot", &json!({"sellable": false}))).await;
    assert_eq!((closed.status, closed.code()), (StatusCode::CONFLICT, "location_sellable_stays"));
    assert_eq!(closed.body["sellable"], true);
    let unnamed = shop.send(put("/v1/locations/a%20b", &depot)).await;
    assert_eq!(unnamed.code(), "invalid_path");
}

#[sqlx::test(migrations = "../migrations")]
async fn units_are_counted_carried_and_watched(db: PgPool) {
    let shop = Shop::open(&db);
    let product = shop.sell("TOTE", 5).await;
    // Where nobody says, it is at main.
    shop.done(keyed("/v1/stock/TOTE/receive", &json!({"quantity": 1}))).await;
    shop.done(put("/v1/stock/TOTE/threshold", &json!({"threshold": 2}))).await;
    let unsaid = shop.send(put("/v1/stock/TOTE/threshold", &json!({}))).await;
    let wrong = &unsaid.body["errors"][0];
    assert_eq!(
        (&wrong["pointer"], &wrong["code"]),
        (&json!("/threshold"), &json!("missing_field"))
    );
    shop.done(put("/v1/stock/TOTE/policy", &json!({"backorder_max": 1}))).await;
    let away = json!({"from": "main", "to": "returns", "quantity": 2, "reason": "scratched"});
    let keyless = shop.send(post("/v1/stock/TOTE/transfer", &away)).await;
    assert_eq!(keyless.code(), "idempotency_key_required");
    shop.done(keyed("/v1/stock/TOTE/transfer", &away)).await;
    let cart = shop.fill("TOTE", 6).await;
    let checkout = format!("/v1/carts/{cart}/checkout");
    let refused = shop.send(keyed(&checkout, &json!({}))).await;
    assert_eq!(refused.body["lines"][0]["available"], 5, "four, and one later");
    shop.done(put(format!("/v1/carts/{cart}/lines/TOTE"), &json!({"quantity": 5}))).await;
    let order = shop.done(keyed(&checkout, &json!({}))).await.id();
    let count = json!({"on_hand": 3, "reason": "one was broken"});
    let count = keyed("/v1/stock/TOTE/count", &count).with("prefer", "return=representation");
    let counted = shop.done(count).await;
    let short = json!([{"order_id": order, "quantity": 2}]);
    assert_eq!((&counted.body["short"], &counted.body["short_orders"]), (&json!(2), &short));
    assert_eq!(
        shop.history("stock-TOTE").await,
        [
            "stock.received",
            "stock.received",
            "stock.threshold_set",
            "stock.policy_set",
            "stock.transferred",
            "stock.reserved",
            "stock.low",
            "stock.counted",
        ]
    );
    let far = json!({"from": "returns", "to": "main", "quantity": 9});
    let refused = shop.send(keyed("/v1/stock/TOTE/transfer", &far)).await;
    assert_eq!((refused.code(), &refused.body["on_hand"]), ("stock_would_go_negative", &json!(2)));

    // Nobody sells it any more: what is left can still be counted.
    shop.done(post(format!("/v1/products/{product}/archive"), &json!({}))).await;
    let off = json!({"location": "returns", "delta": -2, "reason": "sold off"});
    shop.done(keyed("/v1/stock/TOTE/adjust", &off)).await;
}
