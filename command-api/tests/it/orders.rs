//! Orders.

use axum::http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::shop::{Shop, ask, keyed, post, put};

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_order_gives_its_units_back(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 2).await;
    let path = format!("/v1/orders/{order}/cancel");
    let cancel = || keyed(&path, &json!({"reason": "changed mind"}));
    let cancelled = shop.send(cancel()).await;
    assert_eq!((cancelled.status, &cancelled.body["version"]), (StatusCode::OK, &json!(2)));
    let stock = shop.history("stock-TOTE").await;
    assert_eq!(stock, ["stock.received", "stock.reserved", "stock.released"]);

    // Asking for what is already so changes nothing.
    let head = shop.head().await;
    let again = shop.done(cancel()).await;
    assert_eq!((&again.body["version"], shop.head().await), (&json!(2), head));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_whose_parcel_is_on_its_way_is_not_cancelled(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 1).await;
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    for step in ["pack", "ship"] {
        shop.done(post(format!("/v1/fulfilments/{parcel}/{step}"), &json!({}))).await;
    }
    let cancel = keyed(format!("/v1/orders/{order}/cancel"), &json!({"reason": "late"}));
    let refused = shop.send(cancel).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "order_already_shipped"));
    let twice = json!({"order_id": order, "method": "cash_on_delivery"});
    let refused = shop.send(keyed("/v1/payments", &twice)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_becomes_smaller_line_by_line(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 5).await;
    let path = format!("/v1/orders/{order}");
    let line = format!("{path}/lines/TOTE");
    let grown = shop.send(put(&line, &json!({"quantity": 6}))).await;
    assert_eq!((grown.status, grown.code()), (StatusCode::CONFLICT, "order_line_cannot_grow"));
    assert_eq!(grown.body["has"], 5);
    shop.done(put(&line, &json!({"quantity": 4, "reason": "one too many"}))).await;
    let lines = json!([{"sku": "TOTE", "quantity": 1}]);
    let cancel = json!({"reason": "another one", "lines": lines});
    let unkeyed = shop.send(post(format!("{path}/cancel"), &cancel)).await;
    assert_eq!(unkeyed.code(), "idempotency_key_required", "twice would be two units");
    shop.done(keyed(format!("{path}/cancel"), &cancel)).await;
    let cancelled = shop.payload(&format!("order-{order}"), "order.units_cancelled").await;
    assert_eq!(cancelled["lines"], lines);
    assert_eq!(cancelled["amount"], json!({"amount": "19.99", "currency": "EUR"}));
    let too_many = json!({"reason": "more", "lines": [{"sku": "TOTE", "quantity": 9}]});
    let refused = shop.send(keyed(format!("{path}/cancel"), &too_many)).await;
    assert_eq!(refused.body["lines"], json!([{"sku": "TOTE", "wanted": 9, "left": 3}]));
    shop.done(ask(Method::DELETE, &line, "")).await;
    assert_eq!(shop.history(&format!("order-{order}")).await.last().unwrap(), "order.cancelled");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_goes_to_another_address_until_it_leaves(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 1).await;
    let cart = shop.fill("TOTE", 1).await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let check_out = keyed(format!("/v1/carts/{cart}/checkout"), &json!({"address_id": first}));
    let order = shop.done(check_out).await.id();
    let placed = shop.payload(&format!("order-{order}"), "order.placed").await;
    assert_eq!(placed["address_id"], json!(first));
    let move_to = |id: Uuid| put(format!("/v1/orders/{order}/address"), &json!({"address_id": id}));
    shop.done(move_to(second)).await;
    let changed = shop.payload(&format!("order-{order}"), "order.address_changed").await;
    assert_eq!(changed["address_id"], json!(second));
    shop.done(keyed("/v1/payments", &json!({"order_id": order, "method": "cash_on_delivery"})))
        .await;
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    for step in ["pack", "ship"] {
        shop.done(post(format!("/v1/fulfilments/{parcel}/{step}"), &json!({}))).await;
    }
    assert_eq!(shop.send(move_to(first)).await.code(), "order_already_shipped");
}
