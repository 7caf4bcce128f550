//! Who is told outside of what a command came to: from the API to a receiver.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use chrono::TimeDelta;
use command_api::{App, router};
use event_store::{Writer, writer};
use identity::Guard;
use identity::master::Master;
use serde_json::{Value, json};
use service::config::Secret;
use service::health::Health;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use webhook::Dispatcher;
use webhook::config::Settings;

use crate::shop::{Shop, post};

/// Whoever subscribes through the API is told what the API did, by the same process.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_command_came_to_is_told(db: PgPool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (heard, mut hear) = mpsc::unbounded_channel::<Bytes>();
    let receive = move |body: Bytes| async move {
        heard.send(body).unwrap();
        StatusCode::NO_CONTENT
    };
    let receiver = Router::new().fallback(receive);
    tokio::spawn(async move { axum::serve(listener, receiver).await.unwrap() });

    let master = Arc::new(Master::read(&Secret::from(Master::generate().as_str())).unwrap());
    let settings = Settings { webhooks_allow_private: true, ..Settings::default() };
    let dispatcher = Dispatcher::set_up(&db, Some(master), &settings).unwrap();
    let (writer, _) = Writer::start(&db, writer::Settings::default());
    let app = App::new(writer.clone(), TimeDelta::minutes(15));
    let beside = webhook::routes::router(dispatcher.clone(), &Guard::open());
    let router = router(&app, &Guard::open(), &Health::new(), beside);
    let shop = Shop { router, writer, db: db.clone() };
    let stop = CancellationToken::new();
    let telling = tokio::spawn(webhook::run(dispatcher.unwrap(), settings, stop.clone()));

    let wanted = json!({"url": url, "event_types": ["cart.created"]});
    let made = shop.done(post("/v1/webhooks", &wanted)).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let cart = shop.done(post("/v1/carts", &json!({"currency": "EUR"}))).await;
    let body: Value = serde_json::from_slice(&hear.recv().await.unwrap()).unwrap();
    assert_eq!(
        (&body["type"], &body["id"]),
        (&json!("cart.created"), &json!(cart.body["position"].to_string()))
    );
    assert_eq!(body["subject"], format!("cart-{}", cart.id()));
    assert_eq!(body["data"], shop.payload(&format!("cart-{}", cart.id()), "cart.created").await);
    stop.cancel();
    telling.await.unwrap();
}
