//! From the log to a receiver: what is told, once, of whom, and again when somebody wants it.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use event_store::{identity, read};
use kit_log::eventually;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::house::House;
use crate::receiver::Receiver;

#[sqlx::test(migrations = "../migrations")]
async fn an_event_is_told_once_as_a_cloud_event(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    house.product().await;
    let sending = house.send();
    let (path, _) = house.subscribe(&receiver.url, &["product.published", "stock.*"]).await;
    let product = house.shop.sell("TOTE", 3).await;
    let heard = receiver.hears(2).await;
    house.has(&path, "delivered", 2).await;
    sending.stop().await;
    assert_eq!(receiver.heard().len(), 2, "nothing else was wanted, or happened since");

    let published = heard.iter().find(|heard| heard.event()["type"] == "product.published");
    let (published, stream) = (published.unwrap(), format!("product-{}", product.0));
    assert_eq!(published.path, "/hooks");
    assert_eq!(published.header("content-type"), "application/cloudevents+json; charset=utf-8");
    let event = published.event();
    let position: i64 = event["id"].as_str().unwrap().parse().unwrap();
    let stored = read::after(&db, position - 1, 1).await.unwrap().remove(0);
    let log = read::log(&db).await.unwrap();
    assert_eq!(stored.stream, stream);
    let expected = json!({
        "specversion": "1.0", "source": format!("urn:uuid:{}", log.id), "id": event["id"],
        "type": "product.published", "subject": stream, "time": stored.occurred_at,
        "datacontenttype": "application/json", "dataschema": "urn:commerce:product.published:1",
        "recordedtime": stored.recorded_at, "sequence": format!("{position:019}"),
        "streamversion": stored.version,
        "data": serde_json::from_str::<Value>(stored.data.get()).unwrap(),
    });
    assert_eq!(event, expected);

    let delivered = house.deliveries(&path, "delivered").await;
    let ids: BTreeSet<&str> = heard.iter().map(|heard| heard.header("webhook-id")).collect();
    let known: BTreeSet<&str> =
        delivered.iter().map(|one| one["webhook_id"].as_str().unwrap()).collect();
    assert_eq!(ids, known);
    for one in &delivered {
        let told = (&one["attempts"], &one["last_status"], &one["last_error"]);
        assert_eq!(told, (&json!(1), &json!(204), &Value::Null));
    }
}

/// Who waits is read for later, and lacks nothing.
#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_sent_to_who_waits_and_nothing_is_lost(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let beside = Receiver::listen().await;
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let (other, _) = house.subscribe(&beside.url, &["product.published"]).await;
    house.set_state(&path, "paused").await;
    let sending = house.send();
    for _ in 0..3 {
        house.product().await;
    }
    house.has(&other, "delivered", 3).await;
    let waits = house.get(&path).await;
    assert_eq!((&waits["position"], receiver.heard().len()), (&waits["began_after"], 0));
    house.set_state(&path, "active").await;
    house.has(&path, "delivered", 3).await;
    sending.stop().await;
}

/// Several processes follow and send at once, and one is none the worse for it.
#[sqlx::test(migrations = "../migrations")]
async fn many_that_send_at_once_tell_everything_once(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, _) = house.subscribe(&receiver.url, &["product.*"]).await;
    let sending = [house.send(), house.send()];
    for _ in 0..20 {
        house.product().await;
    }
    let wanted = "SELECT position FROM events WHERE split_part(type, '.', 1) = 'product'";
    let wanted: BTreeSet<i64> =
        sqlx::query_scalar(wanted).fetch_all(&db).await.unwrap().into_iter().collect();
    house.has(&path, "delivered", wanted.len()).await;
    for one in sending {
        one.stop().await;
    }
    let heard = receiver.heard();
    let told: BTreeSet<i64> =
        heard.iter().map(|one| one.event()["id"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!((heard.len(), told), (wanted.len(), wanted));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stretch_of_the_log_is_told_again(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    for _ in 0..3 {
        house.product().await;
    }
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let replay = format!("{path}/replay");
    let head = read::head(&db).await.unwrap();
    for (from, until, pointer) in [
        (0, None, "/from_position"),
        (head + 1, None, "/from_position"),
        (1, Some(head + 1), "/until_position"),
        (2, Some(1), "/until_position"),
    ] {
        let stretch = json!({"from_position": from, "until_position": until});
        assert_eq!(house.post(&replay, &stretch).await.refused(), (400, "invalid_body", pointer));
    }
    let whole = json!({"from_position": 1});
    let begun = house.post(&replay, &whole).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED);
    assert_eq!(begun.body, json!({"replay": 1, "position": 0, "until_position": head}));
    assert_eq!(house.get(&path).await["replay"], begun.body);
    // One at a time.
    assert_eq!(house.post(&replay, &whole).await.refused(), (409, "replay_under_way", ""));

    let sending = house.send();
    let first = receiver.hears(3).await;
    house.has(&path, "delivered", 3).await;
    assert_eq!(house.get(&path).await["replay"], Value::Null);
    // The second one of a part: the same events, as other webhooks.
    let positions: BTreeSet<String> =
        first.iter().map(|one| one.event()["id"].as_str().unwrap().to_owned()).collect();
    let last: i64 = positions.iter().map(|it| it.parse::<i64>().unwrap()).max().unwrap();
    let part = json!({"from_position": last, "until_position": last});
    assert_eq!(house.post(&replay, &part).await.body["replay"], 2);
    let heard = receiver.hears(4).await;
    house.has(&path, "delivered", 4).await;
    sending.stop().await;
    let (again, others) = heard.split_last().unwrap();
    assert_eq!(again.event()["id"], last.to_string());
    assert!(others.iter().all(|one| one.header("webhook-id") != again.header("webhook-id")));
}

/// A copy of the log tells nobody what is not its own, until somebody says so.
#[sqlx::test(migrations = "../migrations")]
async fn another_log_tells_nobody(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    house.product().await;
    let (_, log) = identity::adopt(&mut db.acquire().await.unwrap()).await.unwrap();
    let sending = house.send();
    assert_eq!(house.becomes(&path, "disabled").await["reason"], "another_log");
    assert_eq!(receiver.heard().len(), 0);
    house.set_state(&path, "active").await;
    let heard = receiver.hears(1).await;
    assert_eq!(heard[0].event()["source"], format!("urn:uuid:{}", log.log_id));
    sending.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_deleted_goes_with_all_that_was_sent(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    house.product().await;
    house.has(&path, "delivered", 1).await;
    sending.stop().await;
    let gone = house.ask(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    for (method, path) in [
        (Method::GET, path.clone()),
        (Method::DELETE, path.clone()),
        (Method::POST, format!("{path}/rotate-secret")),
        (Method::POST, format!("{path}/test")),
        (Method::GET, format!("{path}/deliveries")),
        (Method::POST, format!("{path}/deliveries/1-0/retry")),
    ] {
        let refused = house.ask(method, &path, &Value::Null).await;
        assert_eq!(refused.refused(), (404, "webhook_not_found", ""), "{path}");
    }
    let kept = "SELECT octet_length(secret) FROM webhook_subscriptions";
    let kept: Vec<i32> = sqlx::query_scalar(kept).fetch_all(&db).await.unwrap();
    assert_eq!(kept, [0], "its secret went at once");
    let sending = house.send();
    eventually("all of it is gone", async || {
        let rows = "SELECT (SELECT count(*) FROM webhook_subscriptions)
                         + (SELECT count(*) FROM webhook_deliveries)";
        sqlx::query_scalar::<_, i64>(rows).fetch_one(&db).await.unwrap() == 0
    })
    .await;
    sending.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_sent_is_kept_for_a_term(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    house.product().await;
    house.product().await;
    let delivered = house.has(&path, "delivered", 2).await;
    sending.stop().await;
    let old = &delivered[1]["position"];
    house
        .sql(&format!(
            "UPDATE webhook_deliveries SET ended_at = ended_at - interval '31 days'
             WHERE position = {old}"
        ))
        .await;
    let sending = house.send();
    let left = house.has(&path, "delivered", 1).await;
    sending.stop().await;
    assert_eq!(left[0]["position"], delivered[0]["position"]);
    assert_ne!(house.get(&path).await["id"], Uuid::nil().to_string());
}
