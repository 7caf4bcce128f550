//! Many commands in one stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use chrono::TimeDelta;
use command_api::App;
use command_api::batch::lines::LINE_BYTES_MAX;
use futures::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;
use uuid::Uuid;

use crate::shop::{Shop, ask, open, post};

fn request(body: Body) -> Request<Body> {
    let request = Request::post("/v1/batch").header("content-type", "application/x-ndjson");
    request.body(body).unwrap()
}

/// The verdicts on a batch sent at once.
async fn send(shop: &Shop, body: impl Into<Body>) -> Vec<Value> {
    let response = shop.router.clone().oneshot(request(body.into())).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let body = to_bytes(response.into_body(), 64 << 20).await.unwrap();
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

fn lines(commands: &[Value]) -> String {
    commands.iter().fold(String::new(), |lines, command| format!("{lines}{command}\n"))
}

fn statuses(verdicts: &[Value]) -> Vec<u64> {
    verdicts.iter().map(|verdict| verdict["status"].as_u64().unwrap()).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn lines_may_depend_on_those_before_them(db: PgPool) {
    let shop = Shop::open(&db);
    let [product, cart, order, payment, parcel] = [(); 5].map(|()| Uuid::now_v7());
    let price = json!([{"amount": "19.99", "currency": "EUR"}]);
    let add = json!({"sku": "TOTE", "quantity": 2});
    let verdicts = send(
        &shop,
        lines(&[
            json!({"command": "product.create", "data": {"id": product, "title": "Tote",
                   "variants": [{"sku": "TOTE", "prices": price}]}}),
            json!({"command": "product.set_variant", "id": product,
                   "data": {"sku": "TOTE-2", "prices": price}}),
            json!({"command": "product.remove_variant", "id": product, "data": {"sku": "TOTE-2"}}),
            json!({"command": "product.publish", "id": product}),
            json!({"command": "stock.receive", "key": "b-0", "id": "TOTE",
                   "data": {"location": "main", "quantity": 9}}),
            json!({"command": "cart.create", "key": "b-1",
                   "data": {"id": cart, "currency": "EUR"}}),
            json!({"command": "cart.add_line", "key": "b-2", "id": cart, "if_match": 1,
                   "data": add}),
            json!({"command": "cart.change_line", "id": cart,
                   "data": {"sku": "TOTE", "quantity": 3}}),
            json!({"command": "cart.checkout", "key": "b-3", "id": cart,
                   "data": {"order_id": order}}),
            json!({"command": "payment.start", "key": "b-4", "data": {"id": payment,
                   "order_id": order, "method": "cash_on_delivery"}}),
            json!({"command": "fulfilment.create", "data": {"id": parcel, "order_id": order}}),
            json!({"command": "fulfilment.pack", "id": parcel, "data": {}}),
        ]),
    )
    .await;
    let want = [201, 200, 200, 200, 200, 201, 200, 200, 201, 201, 201, 200];
    assert_eq!(statuses(&verdicts), want, "{verdicts:#?}");
    let head = shop.head().await;
    assert_eq!(
        verdicts[11],
        json!({"line": 12, "status": 200, "id": parcel, "version": 2, "position": head})
    );

    // Sent again, the lines with keys are answered as before.
    let again = json!({"command": "cart.checkout", "key": "b-3", "id": cart,
                       "data": {"order_id": order}});
    let again = send(&shop, lines(&[again])).await;
    let was = &verdicts[8];
    assert_eq!(again[0]["replayed"], true);
    assert_eq!(again[0]["position"], was["position"]);
    assert_eq!(shop.head().await, head);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_bad_line_spoils_only_itself(db: PgPool) {
    let shop = Shop::open(&db);
    let good = json!({"command": "cart.create", "data": {"currency": "EUR"}}).to_string();
    let long = format!("{{\"command\":\"{}\"}}", "x".repeat(LINE_BYTES_MAX));
    let id = Uuid::now_v7();
    let bad: [(&[u8], u64, &str, Option<&str>); 14] = [
        (b"{\"command\":", 400, "malformed_json", None),
        (b"not json", 400, "malformed_json", None),
        (b"{\"command\":\"\xff\"}", 400, "malformed_json", None),
        (b"[]", 400, "invalid_body", Some("")),
        (b"{\"command\":\"cart.create\",\"extra\":1}", 400, "invalid_body", Some("/extra")),
        (b"{\"command\":\"cart.burn\"}", 400, "unknown_command", Some("/command")),
        (
            b"{\"command\":\"cart.create\",\"data\":{\"currency\":1}}",
            400,
            "invalid_body",
            Some("/data/currency"),
        ),
        (
            b"{\"command\":\"cart.create\",\"id\":\"x\",\"data\":{\"currency\":\"EUR\"}}",
            400,
            "invalid_body",
            Some("/id"),
        ),
        (b"{\"command\":\"cart.abandon\",\"id\":\"x\"}", 400, "invalid_path", None),
        (b"{\"command\":\"cart.abandon\"}", 400, "invalid_path", None),
        (b"{\"command\":\"cart.create\",\"if_match\":-1}", 400, "invalid_body", Some("/if_match")),
        (b"{\"command\":\"cart.create\",\"key\":\"\"}", 400, "invalid_idempotency_key", None),
        (
            b"{\"command\":\"cart.remove_line\",\"id\":\"x\",\"data\":{}}",
            400,
            "invalid_body",
            Some("/data/sku"),
        ),
        (long.as_bytes(), 413, "line_too_long", None),
    ];
    let mut body = Vec::new();
    for (line, ..) in bad {
        body.extend_from_slice(line);
        body.extend_from_slice(b"\n\r\n  \n");
        body.extend_from_slice(good.as_bytes());
        body.push(b'\n');
    }
    let keyless = json!({"command": "cart.checkout", "id": id}).to_string();
    body.extend_from_slice(keyless.as_bytes());
    let verdicts = send(&shop, body).await;
    assert_eq!(verdicts.len(), bad.len() * 2 + 1);
    for (n, (line, status, code, pointer)) in bad.into_iter().enumerate() {
        let (refused, made) = (&verdicts[2 * n], &verdicts[2 * n + 1]);
        let line = String::from_utf8_lossy(&line[..line.len().min(80)]);
        assert_eq!(refused["line"], 4 * n + 1, "{line}");
        assert_eq!(
            (&refused["status"], &refused["problem"]["code"]),
            (&json!(status), &json!(code)),
            "{line}"
        );
        let place = refused["problem"]["errors"][0]["pointer"].as_str();
        assert_eq!(place, pointer, "{line}");
        assert_eq!((&made["line"], &made["status"]), (&json!(4 * n + 4), &json!(201)), "{line}");
    }
    let last = verdicts.last().unwrap();
    assert_eq!(last["problem"]["code"], "idempotency_key_required");
    assert_eq!(shop.head().await, bad.len() as i64);
}

#[sqlx::test(migrations = "../migrations")]
async fn verdicts_stream_while_lines_come(db: PgPool) {
    let shop = Shop::open(&db);
    let (mut caller, body) = futures::channel::mpsc::channel::<Result<Bytes, Infallible>>(1);
    let response = shop.router.clone().oneshot(request(Body::from_stream(body))).await.unwrap();
    let mut verdicts = response.into_body().into_data_stream();
    let line = lines(&[json!({"command": "cart.create", "data": {"currency": "EUR"}})]);
    for number in 1..=3 {
        let (first, rest) = line.split_at(20);
        caller.send(Ok(Bytes::from(first.to_owned()))).await.unwrap();
        caller.send(Ok(Bytes::from(rest.to_owned()))).await.unwrap();
        // The answer to this line comes before the next one is sent.
        let next = tokio::time::timeout(Duration::from_secs(10), verdicts.next());
        let verdict: Value =
            serde_json::from_slice(&next.await.unwrap().unwrap().unwrap()).unwrap();
        assert_eq!((&verdict["line"], &verdict["status"]), (&json!(number), &json!(201)));
    }
    drop(caller);
    assert!(verdicts.next().await.is_none());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_batch_that_lasts_too_long_ends_with_a_verdict(db: PgPool) {
    let mut shop = Shop::open(&db);
    let app = App::new(shop.writer.clone(), TimeDelta::minutes(15));
    let app = app.with_batch_time(Duration::from_millis(300));
    shop.router = open(&app);
    // Blank lines without an end: none of them is a sign of life.
    let blank = futures::stream::repeat(Ok::<_, Infallible>(Bytes::from_static(&[b'\n'; 4096])));
    let first = json!({"command": "cart.create", "data": {"currency": "EUR"}});
    let first = futures::stream::iter([Ok(Bytes::from(lines(&[first])))]);
    let verdicts = send(&shop, Body::from_stream(first.chain(blank))).await;
    assert_eq!(statuses(&verdicts), [201, 408]);
    assert_eq!(verdicts[1]["problem"]["code"], "long_batch");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_caller_who_does_not_read_is_not_read_from(db: PgPool) {
    let shop = Shop::open(&db);
    let (mut caller, body) = futures::channel::mpsc::channel::<Result<Bytes, Infallible>>(1);
    let response = shop.router.clone().oneshot(request(Body::from_stream(body))).await.unwrap();
    let line = Bytes::from(lines(&[json!({"command": "none"})]));
    let mut sent = 0_usize;
    // Nobody reads the verdicts: after a bounded number of lines no more are taken.
    let wait = Duration::from_millis(500);
    while let Ok(taken) = tokio::time::timeout(wait, caller.send(Ok(line.clone()))).await {
        taken.unwrap();
        sent += 1;
        assert!(sent < 5_000);
    }
    drop(caller);
    let verdicts = response.into_body().collect().await.unwrap().to_bytes();
    let answered = verdicts.split(|byte| *byte == b'\n').count() - 1;
    assert!((sent..=sent + 2).contains(&answered), "{answered} of {sent}");
}

#[sqlx::test(migrations = "../migrations")]
async fn many_lines_are_answered_in_order(db: PgPool) {
    const LINES: usize = 3_000;
    let shop = Shop::open(&db);
    shop.sell("TOTE", 0).await;
    let cart = shop.done(post("/v1/carts", &json!({"currency": "EUR"}))).await.id();
    let add =
        json!({"command": "cart.add_line", "id": cart, "data": {"sku": "TOTE", "quantity": 1}});
    let verdicts = send(&shop, lines(&vec![add; LINES])).await;
    assert_eq!(verdicts.len(), LINES);
    for (n, verdict) in verdicts.iter().enumerate() {
        // Each was decided after the one before it.
        assert_eq!((&verdict["line"], &verdict["version"]), (&json!(n + 1), &json!(n + 2)));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_batch_of_another_type_is_refused(db: PgPool) {
    let shop = Shop::open(&db);
    let refused = shop.send(ask(axum::http::Method::POST, "/v1/batch", "{}")).await;
    assert_eq!(refused.code(), "unsupported_media_type");
    assert!(send(&shop, "").await.is_empty());
    assert!(send(&shop, "\n \r\n").await.is_empty());
}
