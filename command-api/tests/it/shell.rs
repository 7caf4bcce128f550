//! Around the commands: who may ask, health, and turning away what there is no room for.

use std::convert::Infallible;
use std::task::{Context, Waker};

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use chrono::TimeDelta;
use command_api::batch::BATCHES_MAX;
use command_api::{App, http};
use event_store::{Writer, writer};
use futures::StreamExt as _;
use serde_json::json;
use sqlx::PgPool;
use tower::ServiceExt;

use crate::shop::{Shop, ask, guarded, open, post};

#[sqlx::test(migrations = "../migrations")]
async fn only_the_token_opens_the_routes(db: PgPool) {
    let mut shop = Shop::open(&db);
    let app = App::new(shop.writer.clone(), TimeDelta::minutes(15));
    shop.router = guarded(&app, "s3cret");
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
    shop.router = open(&app);
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
    const COMMANDS: usize = 4;
    let mut shop = Shop::open(&db);
    let app = App::new(shop.writer.clone(), TimeDelta::minutes(15)).with_commands_max(COMMANDS);
    shop.router = open(&app);
    // Bodies that never come hold all the places there are.
    let waiting = wait_for_bodies(&shop, COMMANDS, b"");
    refuses_for_want_of_room(&shop).await;
    drop(waiting);
    shop.done(post("/v1/carts", &json!({"currency": "EUR"}))).await;

    let mut batches = Vec::new();
    for _ in 0..BATCHES_MAX {
        let request = unending("/v1/batch", "application/x-ndjson", Bytes::new());
        batches.push(shop.router.clone().oneshot(request).await.unwrap());
    }
    let one_more = unending("/v1/batch", "application/x-ndjson", Bytes::new());
    let refused = shop.request(one_more).await;
    assert_eq!((refused.code(), refused.header("retry-after")), ("overloaded", Some("1")));
}

#[sqlx::test(migrations = "../migrations")]
async fn many_large_bodies_are_turned_away_before_they_fill_the_memory(db: PgPool) {
    static LARGE: [u8; http::BODY_BYTES_MAX] = [b' '; http::BODY_BYTES_MAX];
    let shop = Shop::open(&db);
    let enough = http::BODIES_BYTES_MAX / http::BODY_BYTES_MAX;
    let waiting = wait_for_bodies(&shop, enough, &LARGE);
    refuses_for_want_of_room(&shop).await;
    drop(waiting);
    shop.done(post("/v1/carts", &json!({"currency": "EUR"}))).await;
}

/// A request whose body begins so and never ends.
fn unending(path: &str, media_type: &str, begin: Bytes) -> Request<Body> {
    let begin = futures::stream::iter((!begin.is_empty()).then_some(Ok::<_, Infallible>(begin)));
    let body = Body::from_stream(begin.chain(futures::stream::pending()));
    Request::post(path).header("content-type", media_type).body(body).unwrap()
}

/// Commands whose bodies are waited for.
fn wait_for_bodies(
    shop: &Shop,
    commands: usize,
    begin: &'static [u8],
) -> Vec<impl Future<Output = impl Sized> + Unpin> {
    let waiting = std::iter::repeat_with(|| {
        let request = unending("/v1/carts", "application/json", Bytes::from_static(begin));
        let mut answer = Box::pin(shop.router.clone().oneshot(request));
        let polled = answer.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        answer
    });
    waiting.take(commands).collect()
}

async fn refuses_for_want_of_room(shop: &Shop) {
    let refused = shop.send(post("/v1/carts", &json!({"currency": "EUR"}))).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "overloaded"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    // Who watches the process is let in.
    assert_eq!(shop.send(ask(Method::GET, "/ready", "")).await.status, StatusCode::OK);
}

/// Who takes nothing that a command answers is refused before it is done.
#[sqlx::test(migrations = "../migrations")]
async fn who_takes_no_json_has_nothing_done(db: PgPool) {
    let shop = Shop::open(&db);
    let cart = |accept| post("/v1/carts", &json!({"currency": "EUR"})).with("accept", accept);
    for accept in ["text/csv", "text/html, image/*", "application/json;q=0, */*"] {
        let refused = shop.send(cart(accept)).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::NOT_ACCEPTABLE, "not_acceptable"),
            "{accept}"
        );
    }
    assert_eq!(shop.head().await, 0);
    for accept in ["text/html,application/xml;q=0.9,*/*;q=0.8", "application/*", ""] {
        shop.done(cart(accept)).await;
    }
}

/// Where what was made is read is the shop's to say, and nobody's who sends a request.
#[sqlx::test(migrations = "../migrations")]
async fn a_location_is_never_made_of_what_a_caller_says(db: PgPool) {
    let shop = Shop::open(&db);
    let app = App::new(shop.writer.clone(), TimeDelta::minutes(15));
    let told = Shop { router: open(&app.with_query_url("https://shop.example/read")), ..shop };
    for (shop, begin) in [(told, "https://shop.example/read"), (Shop::open(&db), "")] {
        let cart = post("/v1/carts", &json!({"currency": "EUR"}))
            .with("host", "elsewhere.example")
            .with("x-forwarded-host", "elsewhere.example")
            .with("forwarded", "host=elsewhere.example");
        let made = shop.done(cart).await;
        let path = format!("{begin}/v1/carts/{}", made.id());
        assert_eq!(made.header("location"), Some(path.as_str()));
    }
}
