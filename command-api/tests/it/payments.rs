//! Payments, up to what the gateway is asked; what it answers is recorded as the process does.

use axum::http::StatusCode;
use domain::payment::Verdict;
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, keyed, post, succeeded};

#[sqlx::test(migrations = "../migrations")]
async fn a_card_is_authorised_captured_and_refunded(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 2).await;
    let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let started = shop.send(keyed("/v1/payments", &pay)).await;
    // The gateway has yet to be asked.
    assert_eq!(started.status, StatusCode::ACCEPTED);
    let path = format!("/v1/payments/{}", started.id());
    assert_eq!(started.header("location"), Some(path.as_str()));
    let early = shop.send(keyed(format!("{path}/capture"), &json!({}))).await;
    assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "payment_request_in_flight"));
    shop.gateway(&started.id(), 1, succeeded()).await;
    assert_eq!(shop.history(&format!("order-{order}")).await.last().unwrap(), "order.confirmed");

    let part = json!({"amount": {"amount": "10.00", "currency": "EUR"}});
    let captured = shop.send(keyed(format!("{path}/capture"), &part)).await;
    assert_eq!(captured.status, StatusCode::ACCEPTED);
    shop.gateway(&started.id(), 2, succeeded()).await;

    let too_much = json!({"amount": {"amount": "30.00", "currency": "EUR"}});
    let refused = shop.send(keyed(format!("{path}/capture"), &too_much)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "amount_too_large"));
    assert_eq!(refused.body["left"], json!({"amount": "29.98", "currency": "EUR"}));

    let refund = json!({"amount": {"amount": "4.00", "currency": "EUR"}, "reason": "scratched"});
    let refunded = shop.send(keyed(format!("{path}/refund"), &refund)).await;
    assert_eq!(refunded.status, StatusCode::ACCEPTED);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_card_is_voided(db: PgPool) {
    let shop = Shop::open(&db);
    let (_, payment) = shop.card("TOTE", succeeded()).await;
    let voided = shop.send(keyed(format!("/v1/payments/{payment}/void"), &json!({}))).await;
    assert_eq!(voided.status, StatusCode::ACCEPTED);
    let history = shop.history(&format!("payment-{payment}")).await;
    assert_eq!(history.last().unwrap(), "payment.requested");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_card_that_needs_the_customer_is_asked_again(db: PgPool) {
    let shop = Shop::open(&db);
    let bank = Verdict::ActionRequired("https://bank.example/3ds".parse().unwrap());
    let (_, payment) = shop.card("TOTE", bank).await;
    let path = format!("/v1/payments/{payment}");
    let early = shop.send(keyed(format!("{path}/capture"), &json!({}))).await;
    assert_eq!((early.status, early.code()), (StatusCode::CONFLICT, "payment_wrong_state"));
    assert_eq!(early.body["state"], "requires_action");
    let again = shop.send(keyed(format!("{path}/complete-action"), &json!({}))).await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
}

#[sqlx::test(migrations = "../migrations")]
async fn cash_is_collected_and_handed_over(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 1).await;
    let pay = json!({"order_id": order, "method": "cash_on_delivery"});
    let started = shop.send(keyed("/v1/payments", &pay)).await;
    assert_eq!(started.status, StatusCode::CREATED);
    let path = format!("/v1/payments/{}", started.id());
    let early = shop.send(keyed(format!("{path}/remit"), &json!({}))).await;
    assert_eq!(early.code(), "payment_wrong_state");
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    for step in ["pack", "ship", "deliver"] {
        shop.done(post(format!("/v1/fulfilments/{parcel}/{step}"), &json!({}))).await;
    }
    let collected = shop.send(keyed(format!("{path}/collect"), &json!({}))).await;
    assert_eq!(collected.status, StatusCode::OK);
    shop.done(keyed(format!("{path}/remit"), &json!({}))).await;
    assert_eq!(
        shop.history(&format!("payment-{}", started.id())).await,
        ["payment.created", "payment.collection_due", "payment.collected", "payment.remitted"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_method_and_its_token_go_together(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 1).await;
    let head = shop.head().await;
    for wrong in [
        json!({"order_id": order, "method": "card"}),
        json!({"order_id": order, "method": "cash_on_delivery", "token": "tok_success"}),
    ] {
        let refused = shop.send(keyed("/v1/payments", &wrong)).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_body"));
        assert_eq!(refused.body["errors"][0]["pointer"], "/token");
    }
    assert_eq!(shop.head().await, head);
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_paid_or_counted_without_a_key(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, payment) = shop.card("TOTE", succeeded()).await;
    let head = shop.head().await;
    let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let mut asks = vec![post("/v1/payments", &pay)];
    for verb in ["capture", "void", "refund", "complete-action", "collect", "remit"] {
        asks.push(post(format!("/v1/payments/{payment}/{verb}"), &json!({})));
    }
    let units = json!({"location": "main", "quantity": 1});
    asks.push(post("/v1/stock/TOTE/receive", &units));
    let counted = json!({"location": "main", "delta": 1, "reason": "counted"});
    asks.push(post("/v1/stock/TOTE/adjust", &counted));
    let cart = shop.fill("TOTE", 1).await;
    asks.push(post(format!("/v1/carts/{cart}/checkout"), &json!({})));
    let head = head.max(shop.head().await);
    for ask in asks {
        let refused = shop.send(ask).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::BAD_REQUEST, "idempotency_key_required")
        );
    }
    assert_eq!(shop.head().await, head);
}
