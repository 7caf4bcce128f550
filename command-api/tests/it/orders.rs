//! Orders.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, keyed, post};

#[sqlx::test(migrations = "../migrations")]
async fn a_cancelled_order_gives_its_units_back(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 2).await;
    let cancel = || post(format!("/v1/orders/{order}/cancel"), &json!({"reason": "changed mind"}));
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
    let cancel = post(format!("/v1/orders/{order}/cancel"), &json!({"reason": "late"}));
    let refused = shop.send(cancel).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "order_already_shipped"));
    let twice = json!({"order_id": order, "method": "cash_on_delivery"});
    let refused = shop.send(keyed("/v1/payments", &twice)).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
}
