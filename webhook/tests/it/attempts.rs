//! What is not taken: sent again under the same id, given up in the end, and the end of it.

use axum::http::{Method, StatusCode};
use kit_log::eventually;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::house::House;
use crate::receiver::{Receiver, Said};

fn refusal() -> Said {
    Said(StatusCode::INTERNAL_SERVER_ERROR, vec![], "no\r\n\u{1b}[31mway")
}

fn taken() -> Said {
    Said(StatusCode::OK, vec![], "ok")
}

/// Attempts that are made of a delivery.
const ATTEMPTS: usize = 10;

#[sqlx::test(migrations = "../migrations")]
async fn what_nobody_takes_is_tried_for_days_and_then_a_dead_letter(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::that_says([refusal()]).await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    house.product().await;
    for made in 1..ATTEMPTS {
        eventually("the attempt is kept", async || {
            let waiting = house.deliveries(&path, "pending").await;
            waiting.first().is_some_and(|one| one["attempts"] == made && one["last_status"] == 500)
        })
        .await;
        let due =
            "SELECT extract(epoch FROM due_at - attempted_at)::float8 FROM webhook_deliveries";
        let pause: f64 = sqlx::query_scalar(due).fetch_one(&db).await.unwrap();
        let least = [4.0, 270.0, 1_600.0, 6_400.0, 16_000.0][made.min(5) - 1];
        assert!(pause > least, "attempt {made}: {pause} s");
        house.make_due().await;
    }
    let dead = house.has(&path, "failed", 1).await;
    assert_eq!(dead[0]["attempts"], ATTEMPTS);
    assert_eq!(dead[0]["last_error"], "no   [31mway");
    let disabled = house.becomes(&path, "disabled").await;
    assert_eq!(disabled["reason"], "failing");
    let heard = receiver.heard();
    assert_eq!(heard.len(), ATTEMPTS);
    let (first, body) = (heard[0].header("webhook-id"), &heard[0].body);
    assert!(heard.iter().all(|one| one.header("webhook-id") == first && one.body == *body));

    // Somebody repaired it.
    receiver.says(taken());
    let retry = format!("{path}/deliveries/{}/retry", dead[0]["id"].as_str().unwrap());
    assert_eq!(house.post(&retry, &Value::Null).await.status, StatusCode::ACCEPTED);
    house.set_state(&path, "active").await;
    let delivered = house.has(&path, "delivered", 1).await;
    sending.stop().await;
    assert_eq!(delivered[0]["attempts"], 1);
    assert_eq!(receiver.heard()[ATTEMPTS].header("webhook-id"), first);
    assert_eq!(house.post(&retry, &Value::Null).await.refused(), (409, "already_delivered", ""));
}

/// One event that a receiver cannot take costs that event alone.
#[sqlx::test(migrations = "../migrations")]
async fn who_takes_others_is_not_disabled(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::that_says([refusal(), taken()]).await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    house.product().await;
    receiver.hears(1).await;
    house.product().await;
    house.has(&path, "delivered", 1).await;
    receiver.says(refusal());
    house.sql("UPDATE webhook_deliveries SET attempts = 9 WHERE state = 'pending'").await;
    house.make_due().await;
    house.has(&path, "failed", 1).await;
    sending.stop().await;
    assert_eq!(house.get(&path).await["state"], "active");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_receiver_that_is_gone_is_told_nothing_more(db: PgPool) {
    let gone = Said(StatusCode::GONE, vec![], "");
    let (house, receiver) = (House::open(&db), Receiver::that_says([gone]).await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    house.product().await;
    assert_eq!(house.becomes(&path, "disabled").await["reason"], "gone");
    let failed = house.has(&path, "failed", 1).await;
    assert_eq!((&failed[0]["attempts"], &failed[0]["last_status"]), (&json!(1), &json!(410)));
    let beside = Receiver::listen().await;
    let (other, _) = house.subscribe(&beside.url, &["product.published"]).await;
    house.product().await;
    house.has(&other, "delivered", 1).await;
    assert_eq!(receiver.heard().len(), 1);

    // It was a proxy that said so: nothing is missing.
    receiver.says(taken());
    house.set_state(&path, "active").await;
    let delivered = house.has(&path, "delivered", 2).await;
    sending.stop().await;
    assert_eq!(delivered[1]["id"], failed[0]["id"]);
    let heard = receiver.heard();
    let sent = heard.iter().filter(|one| one.header("webhook-id") == heard[0].header("webhook-id"));
    assert_eq!((heard.len(), sent.count()), (3, 2));
}

/// What it was disabled for is told once it is active again; what it could not take while it took
/// others stays a dead letter.
#[sqlx::test(migrations = "../migrations")]
async fn who_was_disabled_lacks_nothing_of_that_time(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::that_says([refusal(), taken()]).await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    house.product().await;
    receiver.hears(1).await;
    house.product().await;
    house.has(&path, "delivered", 1).await;
    receiver.says(refusal());
    for given_up in 1..=2 {
        let last = "UPDATE webhook_deliveries SET attempts = 9, due_at = now()
                    WHERE state = 'pending' AND leased_until IS NULL";
        house.has(&path, "pending", 1).await;
        eventually("it is given up", async || {
            house.sql(last).await;
            house.deliveries(&path, "failed").await.len() == given_up
        })
        .await;
        if given_up == 1 {
            house.product().await;
        }
    }
    assert_eq!(house.becomes(&path, "disabled").await["reason"], "failing");
    let dead = house.has(&path, "failed", 2).await;
    receiver.says(taken());
    house.set_state(&path, "active").await;
    let delivered = house.has(&path, "delivered", 2).await;
    sending.stop().await;
    assert_eq!(delivered[0]["id"], dead[0]["id"]);
    assert_eq!(house.has(&path, "failed", 1).await[0]["id"], dead[1]["id"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_asks_for_a_pause_has_it(db: PgPool) {
    let later = Said(StatusCode::TOO_MANY_REQUESTS, vec![("retry-after", "3600")], "");
    let (house, receiver) = (House::open(&db), Receiver::that_says([later]).await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    house.product().await;
    receiver.hears(1).await;
    eventually("it rests", async || {
        let rests = "SELECT count(*) FROM webhook_subscriptions
                     WHERE rests_until > now() + interval '59 minutes'";
        sqlx::query_scalar::<_, i64>(rests).fetch_one(&db).await.unwrap() == 1
    })
    .await;
    let pause = "SELECT min(due_at) > now() + interval '59 minutes' FROM webhook_deliveries";
    assert!(sqlx::query_scalar::<_, bool>(pause).fetch_one(&db).await.unwrap());
    // The next one waits with it.
    let beside = Receiver::listen().await;
    let (other, _) = house.subscribe(&beside.url, &["product.published"]).await;
    house.product().await;
    house.has(&other, "delivered", 1).await;
    house.has(&path, "pending", 2).await;
    assert_eq!(receiver.heard().len(), 1);
    receiver.says(taken());
    house.sql("UPDATE webhook_subscriptions SET rests_until = now()").await;
    house.make_due().await;
    house.has(&path, "delivered", 2).await;
    sending.stop().await;
}

/// Nobody is sent where an answer points.
#[sqlx::test(migrations = "../migrations")]
async fn a_redirect_is_not_followed(db: PgPool) {
    let elsewhere = Said(StatusCode::TEMPORARY_REDIRECT, vec![("location", "/else")], "");
    let (house, receiver) = (House::open(&db), Receiver::that_says([elsewhere]).await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    house.product().await;
    eventually("it failed", async || {
        let waiting = house.deliveries(&path, "pending").await;
        waiting.first().is_some_and(|one| one["last_status"] == 307)
    })
    .await;
    sending.stop().await;
    assert!(receiver.heard().iter().all(|one| one.path == "/hooks"));
}

/// The dead letters of a subscription, page by page.
#[sqlx::test(migrations = "../migrations")]
async fn dead_letters_are_listed_in_pages(db: PgPool) {
    let gone = Said(StatusCode::BAD_REQUEST, vec![], "");
    let (house, receiver) = (House::open(&db), Receiver::that_says([gone]).await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    for _ in 0..5 {
        house.product().await;
    }
    let sending = house.send();
    receiver.hears(5).await;
    house.has(&path, "pending", 5).await;
    sending.stop().await;
    house.sql("UPDATE webhook_deliveries SET state = 'failed', ended_at = now()").await;
    let (mut positions, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = house.get(&format!("{path}/deliveries?limit=2{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        positions.extend(items.iter().map(|one| one["position"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(items.len(), 2);
        cursor = format!("&cursor={next}");
    }
    assert_eq!(positions.len(), 5);
    assert!(positions.is_sorted_by(|one, next| one > next), "{positions:?}");
    for (wrong, code) in [
        ("limit=0", "invalid_query"),
        ("limit=201", "invalid_query"),
        ("state=lost", "invalid_query"),
        ("page=2", "invalid_query"),
        ("cursor=x", "invalid_cursor"),
    ] {
        let path = format!("{path}/deliveries?{wrong}");
        let refused = house.ask(Method::GET, &path, &Value::Null).await;
        assert_eq!(refused.refused(), (400, code, ""), "{wrong}");
    }
}
