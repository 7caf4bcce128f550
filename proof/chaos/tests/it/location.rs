//! Where an answer says that what it made can be read.

use serde_json::json;
use sqlx::PgPool;

use crate::stack::Stack;

/// Each kind of thing is made, and read where its answer says.
#[sqlx::test(migrations = "../../migrations")]
async fn a_location_leads_to_what_was_made(db: PgPool) {
    let stack = Stack::start(&db).await;
    let product = json!({"title": "Tote", "variants": [
        {"sku": "TOTE", "prices": [{"amount": "19.99", "currency": "EUR"}]}]});
    let product = stack.make("/v1/products", product).await;
    stack.accept(&format!("/v1/products/{product}/publish"), json!({})).await;
    let units = json!({"location": "main", "quantity": 5});
    stack.accept("/v1/stock/TOTE/receive", units).await;
    let cart = stack.make("/v1/carts", json!({"currency": "EUR"})).await;
    let line = json!({"sku": "TOTE", "quantity": 2});
    stack.accept(&format!("/v1/carts/{cart}/lines"), line).await;
    let order = stack.make(&format!("/v1/carts/{cart}/checkout"), json!({})).await;
    // 201 and 202 alike.
    let pay = |method: &str| json!({"order_id": order, "method": method});
    stack.make("/v1/payments", pay("cash_on_delivery")).await;
    let parcel = stack.make("/v1/fulfilments", json!({"order_id": order})).await;
    for step in ["pack", "ship", "deliver"] {
        stack.accept(&format!("/v1/fulfilments/{parcel}/{step}"), json!({})).await;
    }
    let lines = json!([{"sku": "TOTE", "quantity": 1}]);
    let back = json!({"order_id": order, "lines": lines, "reason": "too small"});
    stack.make("/v1/returns", back).await;
    let cart = stack.make("/v1/carts", json!({"currency": "EUR"})).await;
    let line = json!({"sku": "TOTE", "quantity": 1});
    stack.accept(&format!("/v1/carts/{cart}/lines"), line).await;
    let order = stack.make(&format!("/v1/carts/{cart}/checkout"), json!({})).await;
    let card = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let payment = stack.make("/v1/payments", card).await;
    let authorized = ("/status", "authorized");
    stack.until(&format!("/v1/payments/{payment}"), "it", authorized.0, authorized.1).await;
    stack.make(&format!("/v1/payments/{payment}/capture"), json!({})).await;
}
