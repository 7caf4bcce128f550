//! The feed: every event once, in order, from wherever it comes.

use std::time::Duration;

use event_store::feed::Feed;
use event_store::relay;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::support::{accept, bus, cart_id, create_cart, log_id, tidy_up, writer};

const WAIT: Duration = Duration::from_secs(3);

/// Reads until the feed is at `position`; returns how many malformed messages it met.
async fn read_to(feed: &mut Feed, position: i64) -> usize {
    let mut malformed = 0;
    let mut last = feed.position();
    while last < position {
        let batch = feed.next(WAIT).await.unwrap();
        malformed += batch.malformed.len();
        assert!(!batch.events.is_empty() || !batch.malformed.is_empty(), "stuck at {last}");
        for event in batch.events {
            assert_eq!(event.position, last + 1);
            last += 1;
        }
    }
    malformed
}

#[sqlx::test(migrations = "../migrations")]
async fn postgres_alone_is_enough(db: PgPool) {
    let writer = writer(&db);
    let mut feed = Feed::new(db.clone(), log_id(&db).await, None, String::new(), 0);
    for _ in 0..5 {
        accept(&writer, create_cart(cart_id())).await;
    }
    read_to(&mut feed, 5).await;
    let waiting = tokio::spawn(async move {
        read_to(&mut feed, 6).await;
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    accept(&writer, create_cart(cart_id())).await;
    tokio::time::timeout(Duration::from_mins(1), waiting).await.unwrap().unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn an_idle_feed_returns_nothing_after_its_wait(db: PgPool) {
    let mut feed = Feed::new(db.clone(), log_id(&db).await, None, String::new(), 0);
    let batch = feed.next(Duration::from_millis(200)).await.unwrap();
    assert!(batch.events.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn it_goes_live_and_survives_what_happens_to_nats(db: PgPool) {
    let (bus, name) = bus().await;
    let stop = CancellationToken::new();
    let relay = relay::run(db.clone(), bus.clone(), name.clone(), stop.clone());
    tokio::spawn(relay);
    let writer = writer(&db);
    let mut feed = Feed::new(db.clone(), log_id(&db).await, Some(bus.clone()), name.clone(), 0);
    let mut position = 0;
    // Long enough for the relay to be up and the feed to try JetStream again.
    for _ in 0..100 {
        accept(&writer, create_cart(cart_id())).await;
        position += 1;
        read_to(&mut feed, position).await;
        if feed.is_live() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(feed.is_live());
    accept(&writer, create_cart(cart_id())).await;
    position += 1;
    read_to(&mut feed, position).await;
    assert!(feed.is_live());

    bus.delete_stream(&name).await.unwrap();
    for _ in 0..10 {
        accept(&writer, create_cart(cart_id())).await;
        position += 1;
    }
    read_to(&mut feed, position).await;
    tidy_up(&bus, &name, &stop).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_event_is_reported_and_read_from_the_log(db: PgPool) {
    let (bus, name) = bus().await;
    let stop = CancellationToken::new();
    tokio::spawn(relay::run(db.clone(), bus.clone(), name.clone(), stop.clone()));
    let writer = writer(&db);
    let mut feed = Feed::new(db.clone(), log_id(&db).await, Some(bus.clone()), name.clone(), 0);
    let mut position = 0;
    while !feed.is_live() {
        accept(&writer, create_cart(cart_id())).await;
        position += 1;
        read_to(&mut feed, position).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Somebody publishes rubbish into the stream, in the place of the next event.
    let rubbish = bus.publish(format!("{name}.events.0.rubbish"), "{oops".into());
    rubbish.await.unwrap().await.unwrap();
    for _ in 0..5 {
        accept(&writer, create_cart(cart_id())).await;
        position += 1;
    }
    assert_eq!(read_to(&mut feed, position).await, 1);
    tidy_up(&bus, &name, &stop).await;
}
