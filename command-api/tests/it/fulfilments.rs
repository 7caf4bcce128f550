//! Parcels.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, post};

#[sqlx::test(migrations = "../migrations")]
async fn a_parcel_goes_out_and_arrives(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 3).await;
    let some = json!({"order_id": order, "lines": [{"sku": "TOTE", "quantity": 1}]});
    let created = shop.send(post("/v1/fulfilments", &some)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let first = format!("/v1/fulfilments/{}", created.id());
    assert_eq!(created.header("location"), Some(first.as_str()));
    let rest = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    let rest = format!("/v1/fulfilments/{rest}");

    let too_much = shop.send(post("/v1/fulfilments", &some)).await;
    assert_eq!((too_much.status, too_much.code()), (StatusCode::CONFLICT, "nothing_left_to_send"));
    assert_eq!(too_much.body["lines"], json!([{"sku": "TOTE", "wanted": 1, "left": 0}]));

    for parcel in [first, rest] {
        let early = shop.send(post(format!("{parcel}/deliver"), &json!({}))).await;
        assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "fulfilment_wrong_state"));
        assert_eq!(early.body["state"], "created");
        shop.done(post(format!("{parcel}/pack"), &json!({}))).await;
        let label = json!({"carrier": "DHL", "tracking": "JD01"});
        shop.done(post(format!("{parcel}/ship"), &label)).await;
        // Nobody at home: it is tried again.
        let failed = json!({"reason": "nobody at home"});
        shop.done(post(format!("{parcel}/fail"), &failed)).await;
        shop.done(post(format!("{parcel}/deliver"), &json!({}))).await;
    }
    let history = shop.history(&format!("order-{order}")).await;
    assert_eq!(history.last().unwrap(), "order.completed");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_parcel_comes_back_or_never_leaves(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 2).await;
    let one = json!({"order_id": order, "lines": [{"sku": "TOTE", "quantity": 1}]});

    let kept = shop.done(post("/v1/fulfilments", &one)).await.id();
    shop.done(post(format!("/v1/fulfilments/{kept}/cancel"), &json!({}))).await;
    assert_eq!(
        shop.history(&format!("fulfilment-{kept}")).await,
        ["fulfilment.created", "fulfilment.cancelled"]
    );

    let sent = shop.done(post("/v1/fulfilments", &one)).await.id();
    let path = format!("/v1/fulfilments/{sent}");
    shop.done(post(format!("{path}/pack"), &json!({}))).await;
    shop.done(post(format!("{path}/ship"), &json!({}))).await;
    shop.done(post(format!("{path}/fail"), &json!({"reason": "nobody at home"}))).await;
    shop.done(post(format!("{path}/return"), &json!({"location": "main"}))).await;
    assert_eq!(
        shop.history(&format!("fulfilment-{sent}")).await,
        [
            "fulfilment.created",
            "fulfilment.packed",
            "fulfilment.shipped",
            "fulfilment.delivery_failed",
            "fulfilment.returned_to_sender",
        ]
    );
    assert_eq!(shop.history("stock-TOTE").await.last().unwrap(), "stock.received");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_parcel_gets_lost(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, _) = shop.confirmed("TOTE", 1).await;
    for (place, code) in [("nowhere", "unknown_location"), ("returns", "location_not_sellable")] {
        let from_there = json!({"order_id": order, "location": place});
        assert_eq!(shop.send(post("/v1/fulfilments", &from_there)).await.code(), code);
    }
    let parcel = json!({"order_id": order, "location": "main"});
    let parcel = shop.done(post("/v1/fulfilments", &parcel)).await.id();
    let path = format!("/v1/fulfilments/{parcel}");
    let lost = || post(format!("{path}/lose"), &json!({"reason": "the van burnt out"}));
    assert_eq!(shop.send(lost()).await.code(), "fulfilment_wrong_state");
    for step in ["pack", "ship"] {
        shop.done(post(format!("{path}/{step}"), &json!({}))).await;
    }
    shop.done(lost()).await;
    let story = shop.history(&format!("order-{order}")).await;
    assert_eq!(story[story.len() - 2..], ["order.fulfilment_closed", "order.cancelled"]);
    // It turns up at the carrier's.
    shop.done(post(format!("{path}/return"), &json!({"location": "main"}))).await;
    assert_eq!(shop.history("stock-TOTE").await.last().unwrap(), "stock.received");
}
