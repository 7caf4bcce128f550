//! What may be asked, and what is refused.

use axum::http::{Method, StatusCode};
use identity::Guard;
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::PgPool;
use webhook::subscriptions::SUBSCRIPTIONS_MAX;

use crate::house::House;

const URL: &str = "https://1.1.1.1/hooks";

#[sqlx::test(migrations = "../migrations")]
async fn a_subscription_is_made_changed_and_listed(db: PgPool) {
    let house = House::open(&db);
    house.product().await;
    let head = event_store::read::head(&db).await.unwrap();
    let wanted = json!({
        "url": URL, "event_types": ["payment.*", "order.placed", "order.placed"],
        "description": "The warehouse",
    });
    let made = house.post("/v1/webhooks", &wanted).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let path = format!("/v1/webhooks/{}", made.text("id"));
    assert_eq!(made.headers["location"], path.as_str());
    assert_eq!(made.headers["cache-control"], "no-store");
    let shown = house.get(&path).await;
    let expected = json!({
        "id": made.text("id"), "url": URL, "event_types": ["order.placed", "payment.*"],
        "description": "The warehouse", "state": "active", "began_after": head, "position": head,
        "created_at": shown["created_at"], "updated_at": shown["updated_at"],
    });
    assert_eq!(shown, expected);

    let change = json!({"event_types": ["cart.*"], "state": "paused", "description": ""});
    let changed = house.ask(Method::PATCH, &path, &change).await.body;
    assert_eq!(changed["event_types"], json!(["cart.*"]));
    assert_eq!((&changed["state"], &changed["url"]), (&json!("paused"), &json!(URL)));
    house.subscribe(URL, &["cart.*"]).await;
    let all = house.get("/v1/webhooks").await;
    let urls: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|it| &it["url"]).collect();
    assert_eq!(urls, [URL, URL]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_meant_is_refused(db: PgPool) {
    let house = House::open(&db);
    for (name, value, pointer) in [
        ("event_types", json!([]), "/event_types"),
        ("event_types", json!(["order.placed", "order.plaecd"]), "/event_types/1"),
        ("event_types", json!(["*"]), "/event_types/0"),
        ("url", json!("shop.example"), "/url"),
        ("url", json!(7), "/url"),
        ("description", json!("a\u{7}b"), "/description"),
        ("description", json!("a".repeat(501)), "/description"),
        ("description", json!("paid with 4242424242424242"), "/description"),
        ("secret", json!("whsec_mine"), "/secret"),
    ] {
        let mut body = json!({"url": URL, "event_types": ["order.*"]});
        body[name] = value;
        let refused = house.post("/v1/webhooks", &body).await;
        assert_eq!(refused.refused(), (400, "invalid_body", pointer), "{refused:?}");
        if pointer.starts_with("/event_types/") {
            let known = refused.body["event_types"].as_array().unwrap();
            assert!(known.contains(&json!("order.*")) && known.contains(&json!("order.placed")));
        }
    }
    let (path, _) = house.subscribe(URL, &["order.*"]).await;
    for state in ["disabled", "deleted", "gone"] {
        let refused = house.ask(Method::PATCH, &path, &json!({"state": state})).await;
        assert_eq!(refused.refused(), (400, "invalid_body", "/state"));
    }
    let unknown = house.post(&format!("{path}/deliveries/9-9/retry"), &Value::Null).await;
    assert_eq!(unknown.refused(), (404, "delivery_not_found", ""));
    let refused = house.post(&format!("{path}/deliveries/x/retry"), &Value::Null).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrations = "../migrations")]
async fn there_are_so_many_and_no_more(db: PgPool) {
    let house = House::open(&db);
    let mut paths = Vec::new();
    for _ in 0..SUBSCRIPTIONS_MAX {
        paths.push(house.subscribe(URL, &["order.*"]).await.0);
    }
    let body = json!({"url": URL, "event_types": ["order.*"]});
    assert_eq!(house.post("/v1/webhooks", &body).await.refused(), (409, "too_many_webhooks", ""));
    house.ask(Method::DELETE, &paths[0], &Value::Null).await;
    house.subscribe(URL, &["order.*"]).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn without_a_master_key_there_are_none(db: PgPool) {
    let router = webhook::routes::router(None, &Guard::open());
    let house = House { router, ..House::open(&db) };
    for (method, path, ..) in webhook::routes::all() {
        let path = path.replace("{id}", "0190d000-0000-7000-8000-000000000001");
        let path = path.replace("{delivery_id}", "1-0");
        let refused = house.ask(method, &path, &json!({})).await;
        assert_eq!(refused.refused(), (503, "no_master_key", ""), "{path}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn strangers_have_no_webhooks(db: PgPool) {
    let guard = Guard::with_token(&Secret::from("a-token"));
    let router = webhook::routes::router(None, &guard);
    let house = House { router, ..House::open(&db) };
    for (method, path, ..) in webhook::routes::all() {
        let refused = house.ask(method, path, &json!({})).await;
        assert_eq!(refused.refused(), (401, "unauthorized", ""), "{path}");
    }
}
