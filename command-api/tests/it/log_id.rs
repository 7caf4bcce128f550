//! Which log an answer is about, and what is for another one.

use axum::http::StatusCode;
use event_store::identity;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::shop::{Shop, post};

#[sqlx::test(migrations = "../migrations")]
async fn what_is_for_another_log_is_refused(db: PgPool) {
    let shop = Shop::open(&db);
    let cart = || post("/v1/carts", &json!({"currency": "EUR"}));
    let made = shop.done(cart()).await;
    let log_id = identity::current(&db).await.unwrap().log_id.to_string();
    assert_eq!(made.header("log-id"), Some(log_id.as_str()));
    shop.done(cart().with("log-id", &log_id)).await;
    let head = shop.head().await;

    let other = shop.send(cart().with("log-id", Uuid::now_v7().to_string())).await;
    assert_eq!((other.status, other.code()), (StatusCode::CONFLICT, "another_log"));
    assert_eq!((&other.body["log_id"], other.header("log-id")), (&json!(log_id), Some(&*log_id)));
    let malformed = shop.send(cart().with("log-id", "mine")).await;
    assert_eq!((malformed.status, malformed.code()), (StatusCode::BAD_REQUEST, "invalid_log_id"));
    assert_eq!(shop.head().await, head);

    // The log goes on as another one, which is known at once to who asks for it.
    let mut connection = db.acquire().await.unwrap();
    let (_, adopted) = identity::adopt(&mut connection).await.unwrap();
    let adopted = adopted.log_id.to_string();
    let made = shop.done(cart().with("log-id", &adopted)).await;
    assert_eq!(made.header("log-id"), Some(adopted.as_str()));
    let former = shop.send(cart().with("log-id", &log_id)).await;
    assert_eq!(former.code(), "another_log");

    // It goes on as another one that shares its past, as after a failover.
    let turn = "UPDATE log_head SET timeline = log_timeline() - 1";
    sqlx::query(turn).execute(&db).await.unwrap();
    let turned = identity::settle(&mut connection).await.unwrap().log_id.to_string();
    // With the next command the writer knows.
    shop.done(cart()).await;
    let id = made.body["id"].as_str().unwrap();
    let note = || post(format!("/v1/carts/{id}/abandon"), &json!({}));
    for tag in ["\"1\"", "\"1.1.1\""] {
        let former = shop.send(note().with("log-id", &adopted).with("if-match", tag)).await;
        assert_eq!((former.code(), &former.body["log_id"]), ("another_log", &json!(turned)));
    }
    // Nor is it done where the log becomes another one under the command, as nobody yet knows.
    sqlx::query("UPDATE log_head SET timeline = log_timeline() - 1").execute(&db).await.unwrap();
    let unnoticed = note().with("log-id", &turned).with("if-match", "\"1\"");
    assert_eq!(shop.send(unnoticed).await.code(), "another_log");
    let turned = identity::current(&db).await.unwrap().log_id.to_string();
    sqlx::query("UPDATE log_head SET timeline = log_timeline() - 1").execute(&db).await.unwrap();
    let line = json!({"command": "cart.abandon", "id": id, "if_match": 1});
    let batch = post("/v1/batch", &line).with("content-type", "application/x-ndjson");
    let verdict = shop.send(batch.with("log-id", &turned)).await;
    assert_eq!(verdict.body["problem"]["code"], "another_log", "{}", verdict.body);
    // What goes by nothing that was read there may be done, and says where.
    let made = shop.done(note().with("log-id", &adopted)).await;
    let turned = identity::current(&db).await.unwrap().log_id.to_string();
    assert_eq!(made.header("log-id"), Some(turned.as_str()));
}

/// A payment is the same to the gateway if it is asked again after its first time was lost.
#[sqlx::test(migrations = "../migrations")]
async fn a_payment_is_named_by_its_key(db: PgPool) {
    let pay = async |shop: &Shop, sku: &str, key: &str| {
        let order = shop.order(sku, 1).await;
        let body = json!({"order_id": order, "method": "card", "token": "tok_success"});
        let made = shop.done(post("/v1/payments", &body).with("idempotency-key", key)).await;
        made.body["id"].as_str().unwrap().to_owned()
    };
    let shop = Shop::open(&db);
    let first = pay(&shop, "TOTE", "pay-1").await;
    assert_ne!(first, pay(&shop, "PURSE", "pay-2").await);
    // As if the first had never been.
    sqlx::raw_sql(
        "ALTER TABLE events DISABLE TRIGGER events_append_only;
         UPDATE events SET stream = 'payment-' || gen_random_uuid()
         WHERE stream LIKE 'payment-%';
         DELETE FROM commands",
    )
    .execute(&db)
    .await
    .unwrap();
    assert_eq!(pay(&Shop::open(&db), "BELT", "pay-1").await, first);
}
