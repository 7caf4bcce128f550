//! Around the commands: who may ask, health, and turning away what there is no room for.

use std::convert::Infallible;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use chrono::TimeDelta;
use command_api::routes::batch::BATCHES_MAX;
use command_api::{App, http, router};
use event_store::{Writer, writer};
use serde_json::json;
use service::config::Secret;
use service::health::Health;
use sqlx::PgPool;
use tower::ServiceExt;

use crate::shop::{Shop, ask, post};

#[sqlx::test(migrations = "../migrations")]
async fn only_the_token_opens_the_routes(db: PgPool) {
    let mut shop = Shop::open(&db);
    let app = App::new(shop.writer.clone(), TimeDelta::minutes(15));
    shop.router = router(&app, Some(&Secret::from("s3cret")), Health::new());
    let cart = || post("/v1/carts", &json!({"currency": "EUR"}));
    for request in [
        cart(),
        cart().with("authorization", "Bearer wrong"),
        cart().with("authorization", "Basic s3cret"),
        post("/v1/batch", &json!({})),
    ] {
        let refused = shop.send(request).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "unauthorized"));
    }
    assert_eq!(shop.head().await, 0);
    shop.done(cart().with("authorization", "Bearer s3cret")).await;
    for path in ["/live", "/ready", "/health", "/metrics"] {
        assert_eq!(shop.send(ask(Method::GET, path, "")).await.status, StatusCode::OK);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_writer_that_ends_says_when_to_come_back(db: PgPool) {
    let (writer, ended) = Writer::start(&db, writer::Settings::default());
    let mut shop = Shop::open(&db);
    let app = App::new(writer.clone(), TimeDelta::minutes(15));
    shop.router = router(&app, None, Health::new());
    writer.close();
    ended.await.unwrap();
    let refused = shop.send(post("/v1/carts", &json!({"currency": "EUR"}))).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::SERVICE_UNAVAILABLE, "shutting_down")
    );
    assert!(refused.header("retry-after").is_some());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_there_is_no_room_for_is_turned_away_at_once(db: PgPool) {
    let shop = Shop::open(&db);
    // Bodies that never come hold all the places there are.
    let stalled = |path: &'static str, media_type: &'static str| {
        let body = Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>());
        Request::post(path).header("content-type", media_type).body(body).unwrap()
    };
    let mut waiting = Vec::new();
    for _ in 0..http::IN_FLIGHT_MAX {
        let answer = shop.router.clone().oneshot(stalled("/v1/carts", "application/json"));
        let mut answer = Box::pin(answer);
        assert!(futures::poll!(&mut answer).is_pending());
        waiting.push(answer);
    }
    let refused = shop.send(post("/v1/carts", &json!({"currency": "EUR"}))).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "overloaded"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(waiting);
    shop.done(post("/v1/carts", &json!({"currency": "EUR"}))).await;

    let mut batches = Vec::new();
    for _ in 0..BATCHES_MAX {
        let batch = shop.router.clone().oneshot(stalled("/v1/batch", "application/x-ndjson"));
        batches.push(batch.await.unwrap());
    }
    let refused = shop.request(stalled("/v1/batch", "application/x-ndjson")).await;
    assert_eq!(refused.code(), "overloaded");
}
