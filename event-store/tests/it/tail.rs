//! The tail: one feed for many followers, each of whom gets every event once, in order.

use std::time::Duration;

use event_store::feed::FeedError;
use event_store::relay;
use event_store::tail::{Follower, Tail};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::support::{accept, bus, by_hand, cart_id, create_cart, restore, tidy_up, writer};

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

/// Waits for what a follower says when it cannot go on.
async fn trouble(follower: &mut Follower) -> FeedError {
    let following = async {
        loop {
            if let Err(error) = follower.next(WAIT).await {
                return error;
            }
        }
    };
    tokio::time::timeout(4 * WAIT, following).await.expect("noticed")
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
    let mut followers: Vec<Follower> = (0..12).map(|_| tail.follow(None, 0)).collect();
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
    let (mut slow, mut quick) = (tail.follow(None, 0), tail.follow(None, 0));
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
    read_to(&mut slow, 200, 201).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn it_goes_back_with_a_log_that_was_restored(db: PgPool) {
    let writer = writer(&db);
    let tail = Tail::start(db.clone(), None, String::new());
    let mut follower = tail.follow(None, 0);
    for _ in 0..5 {
        accept(&writer, create_cart(cart_id())).await;
    }
    read_to(&mut follower, 0, 5).await;
    restore(&db, 2).await;
    let noticed = trouble(&mut follower).await;
    assert!(matches!(noticed, FeedError::WentBack { head: 2, position: 5 }), "{noticed:?}");
    follower.rewind(2);
    drop(writer);
    let writer = crate::support::writer(&db);
    accept(&writer, create_cart(cart_id())).await;
    read_to(&mut follower, 2, 3).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn another_log_is_told_and_followed_from_where_one_begins_anew(db: PgPool) {
    let writer = writer(&db);
    let tail = Tail::start(db.clone(), None, String::new());
    let mut follower = tail.follow(None, 0);
    accept(&writer, create_cart(cart_id())).await;
    read_to(&mut follower, 0, 1).await;
    let renewed = "UPDATE log_head SET log_id = gen_random_uuid()";
    sqlx::query(renewed).execute(&db).await.unwrap();
    let noticed = trouble(&mut follower).await;
    assert!(matches!(noticed, FeedError::AnotherLog(_)), "{noticed:?}");
    let mut follower = tail.follow(None, 0);
    read_to(&mut follower, 0, 1).await;
}

/// What was heard of a past that never happened is not folded on top of what did.
#[sqlx::test(migrations = "../migrations")]
async fn what_was_heard_before_it_begins_anew_is_forgotten(db: PgPool) {
    let writer = writer(&db);
    let tail = Tail::start(db.clone(), None, String::new());
    let (mut follower, mut other) = (tail.follow(None, 0), tail.follow(None, 0));
    accept(&writer, create_cart(cart_id())).await;
    for follower in [&mut follower, &mut other] {
        read_to(follower, 0, 1).await;
    }
    for position in 2..=4 {
        accept(&writer, create_cart(cart_id())).await;
        read_to(&mut other, position - 1, position).await;
    }
    // The tail has brought 2 to 4 to both; they never happened.
    restore(&db, 1).await;
    drop(writer);
    let writer = crate::support::writer(&db);
    follower.rewind(1);
    accept(&writer, create_cart(cart_id())).await;
    let appended = event_store::read::after(&db, 1, 1).await.unwrap().remove(0);
    let next = loop {
        let next = follower.next(WAIT).await.unwrap();
        if let Some(first) = next.events.into_iter().next() {
            break first;
        }
    };
    assert_eq!((next.position, next.recorded_at), (2, appended.recorded_at));
}

/// A page that was full of bytes is not the end of the log: nothing is waited for in between.
#[sqlx::test(migrations = "../migrations")]
async fn who_is_far_behind_reads_on_without_a_pause(db: PgPool) {
    by_hand(&db).await;
    sqlx::raw_sql(
        "INSERT INTO events
         SELECT n, 'cart-' || n, 1, 'cart.created', 1, 0, now(), now(), '{\"command\":\"x\"}',
                json_build_object('currency', 'EUR', 'padding', repeat('x', 1 << 20))
         FROM generate_series(1, 30) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    let mut follower = Tail::start(db, None, String::new()).follow(None, 0);
    let (mut position, mut pages) = (0, 0);
    while position < 30 {
        let next = follower.next(Duration::ZERO).await.unwrap();
        position = next.events.last().expect("who does not wait has a page").position;
        pages += 1;
    }
    assert_eq!(pages, 4, "8 MiB each");
}
