//! Documents: a command that is for the one that was read, and one that is answered with its own.

use axum::http::StatusCode;
use command_api::streams::EVENTS_MAX;
use futures::future::join_all;
use serde_json::json;
use sqlx::PgPool;

use crate::shop::{Shop, authorized, keyed, post, put};

/// The tag that readers have of an order is of its payments and parcels too.
#[sqlx::test(migrations = "../migrations")]
async fn an_order_is_called_off_only_as_it_was_read(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, payment) = shop.card("TOTE", authorized()).await;
    let cancel = |tag: &str| {
        let cancel = keyed(format!("/v1/orders/{order}/cancel"), &json!({"reason": "late"}));
        cancel.with("if-match", format!("\"{tag}\""))
    };
    let read_at = shop.head().await;
    shop.done(keyed(format!("/v1/payments/{payment}/capture"), &json!({}))).await;
    shop.gateway(&payment, 2, kit::was_captured()).await;
    let head = shop.head().await;
    // The order's own stream is where it was: it is the payment that moved.
    for tag in [format!("3.{read_at}.1"), format!("3.{read_at}")] {
        let stale = shop.send(cancel(&tag)).await;
        assert_eq!(
            (stale.status, stale.code()),
            (StatusCode::PRECONDITION_FAILED, "document_changed")
        );
        let moved = json!([{"stream": format!("payment-{payment}"), "expected": 3, "actual": 5}]);
        assert_eq!(stale.body["moved"], moved);
    }
    let line = json!({"command": "order.cancel", "id": order, "if_match": format!("3.{read_at}.1"),
                      "key": "late", "data": {"reason": "late"}});
    let batch = post("/v1/batch", &line).with("content-type", "application/x-ndjson");
    assert_eq!(shop.done(batch).await.body["problem"]["code"], "document_changed");
    // A parcel shows in the order's own stream when it begins, and in its own from then on.
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    let planned = shop.head().await;
    let other = shop.send(cancel(&format!("3.{head}.1"))).await;
    assert_eq!(other.code(), "version_mismatch");
    shop.done(post(format!("/v1/fulfilments/{parcel}/pack"), &json!({}))).await;
    let packed = shop.send(cancel(&format!("4.{planned}.1"))).await;
    assert_eq!(packed.code(), "document_changed");
    // Nothing else than what the document is made of counts.
    shop.sell("OTHER", 1).await;
    let now = shop.head().await;
    shop.done(cancel(&format!("4.{now}.1"))).await;
}

/// Of any other document the second number is the build it was stored in.
#[sqlx::test(migrations = "../migrations")]
async fn a_build_is_no_condition(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 5).await;
    let cart = shop.fill("TOTE", 1).await;
    let change = |quantity: u32, tag: &str| {
        put(format!("/v1/carts/{cart}/lines/TOTE"), &json!({"quantity": quantity}))
            .with("if-match", format!("\"{tag}\""))
            .with("idempotency-key", format!("{quantity}"))
    };
    let changed = shop.done(change(2, "2.1")).await;
    let again = shop.done(change(2, "2.7")).await;
    assert_eq!((&again.body, again.header("idempotent-replayed")), (&changed.body, Some("true")));
    assert_eq!(shop.send(change(3, "2.1")).await.code(), "version_mismatch");
}

/// Many cancel as they read it while the payment is captured: either before, or not at all.
#[sqlx::test(migrations = "../migrations")]
async fn whoever_comes_after_a_capture_is_told(db: PgPool) {
    let shops = [Shop::open(&db), Shop::open(&db)];
    let (order, payment) = shops[0].card("TOTE", authorized()).await;
    let tag = format!("\"3.{}.1\"", shops[0].head().await);
    let cancel = |n: usize| {
        let cancel = keyed(format!("/v1/orders/{order}/cancel"), &json!({"reason": "late"}));
        shops[n % 2].send(cancel.with("if-match", tag.clone()))
    };
    let capture = keyed(format!("/v1/payments/{payment}/capture"), &json!({}));
    let (cancelled, captured) = tokio::join!(join_all((0..20).map(cancel)), shops[1].send(capture));
    let first = cancelled.iter().filter(|answer| answer.status.is_success()).count();
    if captured.status.is_success() {
        assert_eq!(first, 0, "{cancelled:?}");
        let codes = cancelled.iter().map(|answer| answer.code().to_owned());
        assert!(codes.into_iter().all(|code| code == "document_changed"));
    } else {
        assert_eq!(first, 1, "the others read what was not yet cancelled: {cancelled:?}");
    }
}

/// One request a click: the answer is the document as the command left it.
#[sqlx::test(migrations = "../migrations")]
async fn a_command_is_answered_with_the_document_where_it_is_preferred(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 5).await;
    let cart = shop.fill("TOTE", 1).await;
    let path = format!("/v1/carts/{cart}/lines");
    let line = json!({"sku": "TOTE", "quantity": 2});
    let add = || post(&path, &line).with("prefer", "return=representation");
    let plain = shop.done(post(&path, &line)).await;
    assert_eq!((plain.header("preference-applied"), plain.header("etag")), (None, Some("\"3\"")));
    let added = shop.done(add().with("idempotency-key", "add")).await;
    assert_eq!(added.header("preference-applied"), Some("return=representation"));
    assert_eq!((added.header("etag"), added.status), (Some("\"4\""), StatusCode::OK));
    assert_eq!(added.header("content-type"), Some("application/json"));
    assert_eq!((&added.body["id"], &added.body["version"]), (&json!(cart), &json!(4)));
    assert_eq!(added.body["lines"][0]["quantity"], 5);
    assert_eq!(added.body["total"]["amount"], "99.95");
    let today = &added.body["lines"][0]["today"];
    assert_eq!((&today["available"], &today["problems"]), (&json!(5), &json!([])));
    assert_eq!(today["unit_price"]["amount"], "19.99");
    assert_eq!(added.body["position"], shop.head().await);
    // One more than there are: said before checkout refuses it.
    let six = post(&path, &json!({"sku": "TOTE", "quantity": 1}));
    let six = shop.done(six.with("prefer", "return=representation")).await;
    let problem = &six.body["lines"][0]["today"]["problems"][0];
    assert_eq!(problem["code"], "out_of_stock", "{problem}");
    // A retry is told what the first try was, however the cart has moved on since.
    shop.done(post(&path, &line)).await;
    let again = shop.done(add().with("idempotency-key", "add")).await;
    assert_eq!((&again.body, again.header("idempotent-replayed")), (&added.body, Some("true")));
    // A cart's second number is a digest of what is shown beside it, beyond any position.
    let digest = add().with("if-match", "\"9.18446744073709551615\"");
    assert_eq!(shop.send(digest).await.code(), "version_mismatch");
    let refused = shop.send(add().with("if-match", "\"1\"")).await;
    assert_eq!((refused.code(), refused.header("preference-applied")), ("version_mismatch", None));
}

/// An order with its payments and its parcels, under the tag that the next command takes.
#[sqlx::test(migrations = "../migrations")]
async fn an_order_is_answered_with_its_parts(db: PgPool) {
    let shop = Shop::open(&db);
    let (order, payment) = shop.confirmed("TOTE", 2).await;
    let parcel = shop.done(post("/v1/fulfilments", &json!({"order_id": order}))).await.id();
    let before = shop.head().await;
    let cancel = keyed(format!("/v1/orders/{order}/cancel"), &json!({"reason": "late"}));
    let cancel = cancel.with("if-match", format!("\"4.{before}\""));
    let cancelled = shop.done(cancel.with("prefer", "return=representation")).await;
    assert_eq!(cancelled.body["status"], "cancelled");
    assert_eq!(cancelled.body["payments"][0]["id"], payment.as_str());
    assert_eq!(cancelled.body["fulfilments"][0]["id"], parcel.as_str());
    assert_eq!(cancelled.body["fulfilments"][0]["status"], "cancelled");
    let (version, position) = (&cancelled.body["version"], &cancelled.body["position"]);
    assert_eq!(cancelled.header("etag"), Some(format!("\"{version}.{position}\"").as_str()));
}

/// What is made of too many events is answered as if nobody had asked.
#[sqlx::test(migrations = "../migrations")]
async fn a_long_history_is_left_out(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 0).await;
    let one = json!({"command": "stock.receive", "id": "TOTE",
                     "data": {"location": "main", "quantity": 1}});
    let lines = (1..EVENTS_MAX).map(|n| {
        let mut line = one.clone();
        line["key"] = json!(n.to_string());
        format!("{line}\n")
    });
    let batch = crate::shop::ask(axum::http::Method::POST, "/v1/batch", lines.collect::<String>());
    shop.send(batch.with("content-type", "application/x-ndjson")).await;
    let receive = || {
        keyed("/v1/stock/TOTE/receive", &json!({"location": "main", "quantity": 1}))
            .with("prefer", "return=representation")
    };
    let whole = shop.done(receive()).await;
    assert_eq!(whole.header("preference-applied"), Some("return=representation"));
    assert_eq!(
        (&whole.body["version"], &whole.body["on_hand"]),
        (&json!(EVENTS_MAX), &json!(EVENTS_MAX))
    );
    let plain = shop.done(receive()).await;
    assert_eq!(plain.header("preference-applied"), None);
    assert_eq!(plain.body["version"], EVENTS_MAX + 1);
    assert_eq!(plain.body.as_object().unwrap().len(), 3);
}
