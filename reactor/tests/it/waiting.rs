//! The payment process with the gateway it asks.

use std::time::Duration;

use command_api::payment::parked::{self, Retried};
use command_api::payment::{process, sandbox::Sandbox};
use event_store::{Metadata, read};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::shop::{Shop, keyed};

/// Writes history anew, as nobody but a test may.
async fn rename(db: &PgPool, stream: &str, from: &str, to: &str) {
    let rename = format!(
        "ALTER TABLE events DISABLE TRIGGER events_append_only;
         UPDATE events SET type = '{to}' WHERE stream = '{stream}' AND type = '{from}';
         ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only"
    );
    sqlx::raw_sql(AssertSqlSafe(rename)).execute(db).await.unwrap();
}

async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

/// An event that cannot be understood is kept aside, listed, and taken up again when it can be;
/// what comes of it belongs to what the customer asked.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_parked_is_listed_and_taken_up_again(db: PgPool) {
    let shop = Shop::open(&db);
    let order = shop.order("TOTE", 1).await;
    let request_id = Uuid::now_v7();
    let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let pay = keyed("/v1/payments", &pay).with("x-request-id", request_id.to_string());
    let stream = format!("payment-{}", shop.done(pay).await.id());
    rename(&db, &stream, "payment.requested", "payment.teleported").await;
    let stop = CancellationToken::new();
    let gateway = Sandbox::new(db.clone());
    let paying = tokio::spawn(process::run(db.clone(), shop.writer.clone(), gateway, stop.clone()));
    eventually("it is parked", async || parked::count(&db).await.unwrap() == 1).await;
    let event = parked::list(&db, 10).await.unwrap().remove(0);
    assert!(event.reason.contains("payment.teleported"), "{}", event.reason);
    assert!(parked::check(&db).await.unwrap_err().starts_with("1 events are parked"));

    let still = parked::retry(&db, event.position).await.unwrap();
    assert!(matches!(still, Retried::StillParked(_)), "{still:?}");
    rename(&db, &stream, "payment.teleported", "payment.requested").await;
    assert_eq!(parked::retry(&db, event.position).await.unwrap(), Retried::Done);
    assert_eq!(parked::retry(&db, event.position).await.unwrap(), Retried::NotParked);
    parked::check(&db).await.unwrap();
    eventually("the gateway is asked", async || {
        shop.history(&stream).await.last().is_some_and(|last| last == "payment.authorized")
    })
    .await;
    let events = read::of_stream(&db, &stream, 0, 10).await.unwrap().events;
    let metadata: Metadata = serde_json::from_str(events.last().unwrap().metadata.get()).unwrap();
    assert_eq!(metadata.correlation_id, Some(request_id));
    stop.cancel();
    paying.await.unwrap();
}
