//! Retries and preconditions: once, with the same answer, and only on the version that was meant.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use chrono::{TimeDelta, Utc};
use command_api::App;
use command_api::headers::KEY_CHARS_MAX;
use domain::{CustomerId, GuestId};
use event_store::writer;
use futures::future::join_all;
use identity::principal::Member;
use identity::{Principal, Role};
use serde_json::json;
use sqlx::PgPool;
use uuid::{NoContext, Timestamp, Uuid};

use crate::shop::{Shop, ask, authorized, guarded, keyed, post, put};

#[sqlx::test(migrations = "../migrations")]
async fn a_retry_gets_the_same_answer(db: PgPool) {
    let shop = Shop::open(&db);
    let cart = || post("/v1/carts", &json!({"currency": "EUR"})).with("idempotency-key", "one");
    let first = shop.send(cart()).await;
    let head = shop.head().await;
    // The id was made at the edge; the retry is answered with the first one. Bare or in quotes, it
    // is the same key.
    for retry in [cart(), cart().with("idempotency-key", "\"one\"")] {
        let again = shop.send(retry).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(again.header("etag"), first.header("etag"));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }
    assert_eq!(shop.head().await, head);
    // After a restart, too.
    let again = Shop::open(&db).send(cart()).await;
    assert_eq!(again.body, first.body);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_is_an_answer_that_a_retry_gets_again(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 5).await;
    let line = format!("/v1/orders/{order}/lines/TOTE");
    let grow = |key: &str| put(&line, &json!({"quantity": 9})).with("idempotency-key", key);
    let first = shop.send(grow("more")).await;
    let told = (first.code(), &first.body["passing"], &first.body["has"]);
    assert_eq!(told, ("order_line_cannot_grow", &json!(null), &json!(5)));
    shop.done(put(&line, &json!({"quantity": 3}))).await;
    let again = shop.send(grow("more")).await;
    // Word for word, places and figures and all.
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(shop.send(grow("another")).await.body["has"], 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_that_no_longer_holds_may_be_retried(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 1).await;
    let cart = shop.fill("TOTE", 2).await;
    let path = format!("/v1/carts/{cart}/checkout");
    let checkout = || post(&path, &json!({})).with("idempotency-key", "buy");
    for _ in 0..2 {
        let refused = shop.send(checkout()).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "checkout_refused"));
        assert_eq!(
            (&refused.body["passing"], refused.header("idempotent-replayed")),
            (&json!(true), None)
        );
        assert_eq!(refused.body["position"], shop.head().await);
    }
    let line = json!({"command": "cart.checkout", "key": "buy", "id": cart});
    let batch = || post("/v1/batch", &line).with("content-type", "application/x-ndjson");
    assert_eq!(shop.done(batch()).await.body["problem"]["code"], "checkout_refused");
    shop.done(keyed("/v1/stock/TOTE/receive", &json!({"location": "main", "quantity": 9}))).await;
    let bought = shop.done(checkout()).await;
    assert_eq!((bought.status, bought.header("idempotent-replayed")), (StatusCode::CREATED, None));
    let again = shop.done(batch()).await;
    assert_eq!((&again.body["replayed"], &again.body["id"]), (&json!(true), &bought.body["id"]));
}

/// Decided anew, the second of these would be refused for now; it is a retry all the same.
#[sqlx::test(migrations = "../migrations")]
async fn a_retry_is_known_where_it_would_be_refused_for_now(db: PgPool) {
    let shop = Shop::open(&db);
    let (_, payment) = shop.card("TOTE", authorized()).await;
    let path = format!("/v1/payments/{payment}/capture");
    let capture = || post(&path, &json!({})).with("idempotency-key", "capture");
    let first = shop.done(capture()).await;
    let other = shop.send(keyed(&path, &json!({}))).await;
    assert_eq!((other.code(), &other.body["passing"]), ("payment_request_in_flight", &json!(true)));
    let again = shop.done(capture()).await;
    assert_eq!((&again.body, again.header("idempotent-replayed")), (&first.body, Some("true")));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_used_for_something_else_is_refused(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 5).await;
    let cart = shop.fill("TOTE", 1).await;
    let path = format!("/v1/carts/{cart}/lines");
    let line = json!({"sku": "TOTE", "quantity": 1});
    shop.done(post(&path, &line).with("idempotency-key", "k")).await;
    let head = shop.head().await;
    let others = [
        post(&path, &json!({"sku": "TOTE", "quantity": 2})),
        post(&path, &line).with("if-match", "\"3\""),
        post(format!("/v1/carts/{}/lines", Uuid::now_v7()), &line),
        post("/v1/carts", &json!({"currency": "EUR"})),
        ask(Method::DELETE, format!("{path}/TOTE"), ""),
    ];
    for other in others {
        let refused = shop.send(other.with("idempotency-key", "k")).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused")
        );
    }
    assert_eq!(shop.head().await, head);
}

#[sqlx::test(migrations = "../migrations")]
async fn one_key_sent_many_times_at_once_takes_effect_once(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 100).await;
    let cart = shop.fill("TOTE", 1).await;
    let path = format!("/v1/carts/{cart}/lines");
    let line = json!({"sku": "TOTE", "quantity": 1});
    let sent = (0..20).map(|_| shop.send(post(&path, &line).with("idempotency-key", "k")));
    for answer in join_all(sent).await {
        assert_eq!(answer.body["version"], 3);
    }
    assert_eq!(shop.history(&format!("cart-{cart}")).await.len(), 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_command_meets_the_version_it_was_meant_for(db: PgPool) {
    let shop = Shop::open(&db);
    shop.sell("TOTE", 5).await;
    let cart = shop.fill("TOTE", 1).await;
    let change = |quantity: u32, version: &str| {
        put(format!("/v1/carts/{cart}/lines/TOTE"), &json!({"quantity": quantity}))
            .with("if-match", version)
    };
    let changed = shop.done(change(2, "\"2\"")).await;
    assert_eq!(changed.header("etag"), Some("\"3\""));
    let head = shop.head().await;
    let stale = shop.send(change(3, "\"2\"")).await;
    assert_eq!((stale.status, stale.code()), (StatusCode::PRECONDITION_FAILED, "version_mismatch"));
    assert_eq!((&stale.body["expected"], &stale.body["actual"]), (&json!(2), &json!(3)));
    for malformed in ["3", "W/\"3\"", "\"3\", \"4\"", "\"x\"", ""] {
        let refused = shop.send(change(3, malformed)).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_if_match"));
    }
    assert_eq!(shop.head().await, head);
    shop.done(change(4, "*")).await;

    let create = || post("/v1/carts", &json!({"currency": "EUR"}));
    let starred = shop.send(create().with("if-match", "*")).await;
    assert_eq!(starred.status, StatusCode::PRECONDITION_FAILED);
    shop.done(create().with("if-match", "\"0\"")).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_malformed_key_is_refused(db: PgPool) {
    let shop = Shop::open(&db);
    let cart = || post("/v1/carts", &json!({"currency": "EUR"}));
    for key in ["", "\"", "\"\"", "\"open", "clé", "a\tb", &"k".repeat(256)] {
        let refused = shop.send(cart().with("idempotency-key", key)).await;
        assert_eq!(
            (refused.status, refused.code()),
            (StatusCode::BAD_REQUEST, "invalid_idempotency_key"),
            "{key:?}"
        );
    }
    assert_eq!(shop.head().await, 0);
    shop.done(cart().with("idempotency-key", "k".repeat(255))).await;
}

/// A retry may come from a client that was restarted with another JSON library, or in a batch.
#[sqlx::test(migrations = "../migrations")]
async fn the_same_request_is_known_however_it_is_written(db: PgPool) {
    let shop = Shop::open(&db);
    let product = shop.sell("TOTE", 5).await;
    let customer = Uuid::now_v7();
    let create = |body: String| ask(Method::POST, "/v1/carts", body).with("idempotency-key", "new");
    let cart =
        shop.done(create(format!(r#"{{"currency":"EUR","customer_id":"{customer}"}}"#))).await;
    let again = create(format!(r#"{{ "customer_id" : "{customer}",  "currency": "\u0045UR" }}"#));
    let again = shop.done(again).await;
    assert_eq!((&again.body, again.header("idempotent-replayed")), (&cart.body, Some("true")));

    let price = |amount: &str| json!({"prices": [{"amount": amount, "currency": "EUR"}]});
    let variant = format!("/v1/products/{product}/variants/BLUE");
    let blue = shop.done(put(&variant, &price("21.00")).with("idempotency-key", "blue")).await;
    for amount in ["21", "21.0"] {
        let again = shop.done(put(&variant, &price(amount)).with("idempotency-key", "blue")).await;
        assert_eq!(again.body, blue.body);
    }
    let other = shop.send(put(&variant, &price("21.01")).with("idempotency-key", "blue")).await;
    assert_eq!(other.code(), "idempotency_key_reused");

    // Without a body, with an empty one, under an id in capitals, and in a batch.
    let path = |id: &str| format!("/v1/products/{id}/variants/BLUE");
    let remove = |id: &str, body: &str| {
        ask(Method::DELETE, path(id), body).with("idempotency-key", "remove")
    };
    let removed = shop.done(remove(&product, "")).await;
    for again in [remove(&product, "{}"), remove(&product.to_uppercase(), " { } ")] {
        let again = shop.done(again).await;
        assert_eq!(
            (&again.body, again.header("idempotent-replayed")),
            (&removed.body, Some("true"))
        );
    }
    let line = json!({"command": "product.remove_variant", "key": "remove", "id": product,
                      "data": {"sku": "BLUE"}});
    let batch = post("/v1/batch", &line).with("content-type", "application/x-ndjson");
    let verdict = shop.done(batch).await;
    assert_eq!((&verdict.body["status"], &verdict.body["replayed"]), (&json!(200), &json!(true)));
    assert_eq!(verdict.body["version"], removed.body["version"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_belongs_to_its_caller(db: PgPool) {
    let mut shop = Shop::open(&db);
    let cart = |token: &str| {
        let cart =
            post("/v1/carts", &json!({"currency": "EUR"})).with("idempotency-key", "new-cart");
        cart.with("authorization", format!("Bearer {token}"))
    };
    let mut carts = Vec::new();
    for token in ["one-token", "another-token", "one-token"] {
        let app = App::new(shop.writer.clone(), TimeDelta::minutes(15));
        shop.router = guarded(&app, token);
        carts.push(shop.done(cart(token)).await.body);
    }
    assert_ne!(carts[0]["id"], carts[1]["id"]);
    assert_eq!(carts[0], carts[2]);
    // No token in the log, but who it was.
    let kept = "SELECT string_agg(DISTINCT metadata->>'command', ' ') || ' '
                    || string_agg(DISTINCT metadata->>'actor', ' '),
                       count(DISTINCT metadata->>'actor') FROM events";
    let (text, actors): (String, i64) = sqlx::query_as(kept).fetch_one(&db).await.unwrap();
    assert_eq!(actors, 2, "{text}");
    assert!(!text.contains("token") && text.contains("client:"), "{text}");
}

/// A UUID of version 7 says when it was made: what came of it may have been forgotten.
#[sqlx::test(migrations = "../migrations")]
async fn a_key_that_is_older_than_answers_are_kept_is_told_so(db: PgPool) {
    let shop = Shop::open(&db);
    let of_age = |days: i64| {
        let made = (Utc::now() - TimeDelta::days(days)).timestamp();
        let time = Timestamp::from_unix(NoContext, made.unsigned_abs(), 0);
        Uuid::new_v7(time).to_string()
    };
    let cart =
        |key: String| post("/v1/carts", &json!({"currency": "EUR"})).with("idempotency-key", key);
    let refused = shop.send(cart(of_age(31))).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_expired")
    );
    assert_eq!(shop.head().await, 0);
    for key in [of_age(29), Uuid::nil().to_string(), "2019-01-01".to_owned()] {
        shop.done(cart(key)).await;
    }
}

/// The longest key of anybody fits into the log, and no two callers' keys are one.
#[test]
fn keys_of_callers_are_apart_and_fit() {
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let member = |member| Principal::Member(member, Role::Owner);
    let everybody = [
        Principal::ANYONE,
        Principal::Stranger,
        Principal::Guest(GuestId(one)),
        Principal::Customer(CustomerId(other)),
        member(Member::Token(Uuid::from_u128(3))),
        member(Member::Person(Uuid::from_u128(4))),
        member(Member::Key(Uuid::from_u128(5))),
        Principal::Enrolling(Uuid::from_u128(6)),
    ];
    let longest = "k".repeat(KEY_CHARS_MAX);
    let keys: BTreeSet<String> = everybody.iter().map(|it| it.key(&longest)).collect();
    assert_eq!(keys.len(), everybody.len());
    assert!(keys.iter().all(|key| key.len() <= writer::KEY_BYTES_MAX), "{keys:?}");
}
