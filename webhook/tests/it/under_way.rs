//! What is under way: a crash in between, and a receiver that takes its time.

use std::collections::BTreeSet;

use kit_log::eventually;
use sqlx::PgPool;

use crate::house::House;
use crate::receiver::Receiver;

/// Deliveries of one subscription that may be under way at once.
const OF_EACH_MAX: usize = 4;

/// Whoever dies while it sends leaves a lease; who takes over sends the same under the same id.
#[sqlx::test(migrations = "../migrations")]
async fn a_crash_while_sending_costs_nothing(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    receiver.falls_silent();
    let dies = house.send();
    house.product().await;
    receiver.hears(1).await;
    dies.crash().await;
    receiver.speaks_again();
    house.sql("UPDATE webhook_deliveries SET leased_until = now() - interval '1 s'").await;
    let sending = house.send();
    let delivered = house.has(&path, "delivered", 1).await;
    sending.stop().await;
    assert_eq!(delivered[0]["attempts"], 2);
    let heard = receiver.heard();
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].header("webhook-id"), heard[1].header("webhook-id"));
    assert_eq!(heard[0].body, heard[1].body);
}

/// What was listed before a crash is sent after it, and not listed again.
#[sqlx::test(migrations = "../migrations")]
async fn a_crash_before_sending_costs_nothing(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    // It is listed, and nothing is sent: its receiver wants to be left alone.
    house.sql("UPDATE webhook_subscriptions SET rests_until = 'infinity'").await;
    let dies = house.send();
    house.product().await;
    house.has(&path, "pending", 1).await;
    dies.crash().await;
    house.sql("UPDATE webhook_subscriptions SET rests_until = NULL").await;
    let sending = house.send();
    house.has(&path, "delivered", 1).await;
    house.product().await;
    house.has(&path, "delivered", 2).await;
    sending.stop().await;
    let ids: BTreeSet<String> =
        receiver.heard().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!((receiver.heard().len(), ids.len()), (2, 2));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_receiver_that_takes_its_time_holds_up_nobody_else(db: PgPool) {
    let house = House::open(&db);
    let (slow, quick) = (Receiver::listen().await, Receiver::listen().await);
    slow.falls_silent();
    let (slow_path, _) = house.subscribe(&slow.url, &["product.published"]).await;
    let (quick_path, _) = house.subscribe(&quick.url, &["product.published"]).await;
    let sending = house.send();
    for _ in 0..12 {
        house.product().await;
    }
    house.has(&quick_path, "delivered", 12).await;
    slow.hears(OF_EACH_MAX).await;
    assert_eq!(slow.heard().len(), OF_EACH_MAX);
    let leased = "SELECT count(*) FROM webhook_deliveries WHERE leased_until > now()";
    let leased: i64 = sqlx::query_scalar(leased).fetch_one(&db).await.unwrap();
    assert_eq!(leased, OF_EACH_MAX as i64);
    slow.speaks_again();
    house.has(&slow_path, "delivered", 12).await;
    sending.stop().await;
    let ids: BTreeSet<String> =
        slow.heard().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!((slow.heard().len(), ids.len()), (12, 12));
}

/// Not even who comes when it has all that one may have under way.
#[sqlx::test(migrations = "../migrations")]
async fn who_comes_later_does_not_wait_for_it(db: PgPool) {
    let house = House::open(&db);
    let (slow, quick) = (Receiver::listen().await, Receiver::listen().await);
    slow.falls_silent();
    house.subscribe(&slow.url, &["product.published"]).await;
    for _ in 0..OF_EACH_MAX {
        house.product().await;
    }
    let sending = house.send();
    slow.hears(OF_EACH_MAX).await;
    let (path, _) = house.subscribe(&quick.url, &["product.published"]).await;
    house.product().await;
    house.has(&path, "delivered", 1).await;
    // It had not answered by then, nor had its time run out.
    let under_way =
        "SELECT count(*) FROM webhook_deliveries WHERE state = 'pending' AND attempts = 1
                    AND leased_until > now()";
    let under_way: i64 = sqlx::query_scalar(under_way).fetch_one(&db).await.unwrap();
    assert_eq!(under_way, OF_EACH_MAX as i64);
    slow.speaks_again();
    sending.stop().await;
}

/// Who is told to end finishes what is under way.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_under_way_is_finished_first(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, _) = house.subscribe(&receiver.url, &["product.published"]).await;
    receiver.falls_silent();
    let sending = house.send();
    house.product().await;
    receiver.hears(1).await;
    let stopping = tokio::spawn(sending.stop());
    receiver.speaks_again();
    stopping.await.unwrap();
    eventually("it is kept", async || house.deliveries(&path, "delivered").await.len() == 1).await;
}
