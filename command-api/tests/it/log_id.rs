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
}
