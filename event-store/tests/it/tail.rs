//! The tail: one feed for many followers, each of whom gets every event once, in order.

use std::time::Duration;

use event_store::relay;
use event_store::tail::{Follower, Tail};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::support::{accept, bus, cart_id, create_cart, tidy_up, writer};

const WAIT: Duration = Duration::from_secs(3);

/// Reads until the follower is at `position`, from `last` on.
async fn read_to(follower: &mut Follower, mut last: i64, position: i64) {
    while last < position {
        let next = follower.next(WAIT).await.unwrap();
        assert!(!next.events.is_empty(), "stuck at {last}");
        for event in next.events {
            assert_eq!(event.position, last + 1);
            last += 1;
        }
    }
}

/// Until the number of consumers of the stream is this.
async fn consumers(bus: &async_nats::jetstream::Context, name: &str, wanted: usize) {
    for _ in 0..200 {
        let stream = bus.get_stream(name).await;
        if stream.is_ok_and(|stream| stream.cached_info().state.consumer_count == wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("there are not {wanted} consumers");
}

#[sqlx::test(migrations = "../migrations")]
async fn all_who_follow_share_one_consumer(db: PgPool) {
    let (bus, name) = bus().await;
    let stop = CancellationToken::new();
    tokio::spawn(relay::run(db.clone(), bus.clone(), name.clone(), stop.clone()));
    let writer = writer(&db);
    accept(&writer, create_cart(cart_id())).await;
    let tail = Tail::start(db.clone(), Some(bus.clone()), name.clone());
    let mut followers: Vec<Follower> = (0..12).map(|_| tail.follow(0)).collect();
    for follower in &mut followers {
        read_to(follower, 0, 1).await;
    }
    consumers(&bus, &name, 1).await;
    for _ in 0..50 {
        accept(&writer, create_cart(cart_id())).await;
    }
    let read = followers.iter_mut().map(|follower| read_to(follower, 1, 51));
    tokio::time::timeout(WAIT, futures::future::join_all(read)).await.unwrap();
    tidy_up(&bus, &name, &stop).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_slow_misses_nothing(db: PgPool) {
    let writer = writer(&db);
    let tail = Tail::start(db.clone(), None, String::new());
    let (mut slow, mut quick) = (tail.follow(0), tail.follow(0));
    accept(&writer, create_cart(cart_id())).await;
    read_to(&mut slow, 0, 1).await;
    read_to(&mut quick, 0, 1).await;
    // More parts than are kept: each command is answered before the next one comes.
    for position in 2..=200 {
        accept(&writer, create_cart(cart_id())).await;
        read_to(&mut quick, position - 1, position).await;
    }
    read_to(&mut slow, 1, 200).await;
    // And it is back at the end of the log.
    accept(&writer, create_cart(cart_id())).await;
    let soon = tokio::time::timeout(Duration::from_millis(700), read_to(&mut slow, 200, 201));
    soon.await.expect("brought by the tail");
}

#[sqlx::test(migrations = "../migrations")]
async fn it_goes_back_with_a_log_that_was_restored(db: PgPool) {
    let writer = writer(&db);
    let tail = Tail::start(db.clone(), None, String::new());
    let mut follower = tail.follow(0);
    for _ in 0..5 {
        accept(&writer, create_cart(cart_id())).await;
    }
    read_to(&mut follower, 0, 5).await;
    sqlx::raw_sql(
        "ALTER TABLE events DISABLE TRIGGER events_append_only;
         DELETE FROM events WHERE position > 2;
         UPDATE log_head SET position = 2",
    )
    .execute(&db)
    .await
    .unwrap();
    follower.rewind(2);
    drop(writer);
    let writer = crate::support::writer(&db);
    // The tail has noticed by then.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    accept(&writer, create_cart(cart_id())).await;
    let soon = tokio::time::timeout(Duration::from_millis(700), read_to(&mut follower, 2, 3));
    soon.await.expect("brought by the tail");
}
