//! The relay: JetStream's sequence is the position, whatever happens to either.

use std::time::Duration;

use async_nats::jetstream::Context;
use event_store::jetstream::{Limits, take_over};
use event_store::{RawEvent, read, relay};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::support::{accept, bus, cart_id, create_cart, raw, writer};

async fn last_sequence(bus: &Context, name: &str) -> i64 {
    match bus.get_stream(name).await {
        Ok(stream) => stream.cached_info().state.last_sequence as i64,
        Err(_) => -1,
    }
}

/// How long the relay is waited for, in looks of 50 ms: a minute.
const LOOKS_MAX: usize = 1_200;

async fn caught_up(db: &PgPool, bus: &Context, name: &str) {
    let head = read::head(db).await.unwrap();
    for _ in 0..LOOKS_MAX {
        if last_sequence(bus, name).await == head {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("JetStream is at {}, the log at {head}", last_sequence(bus, name).await);
}

async fn message(bus: &Context, name: &str, sequence: u64) -> RawEvent {
    let stream = bus.get_stream(name).await.unwrap();
    let message = stream.get_raw_message(sequence).await.unwrap();
    serde_json::from_slice(&message.payload).unwrap()
}

fn start(db: &PgPool, bus: &Context, name: &str) -> CancellationToken {
    let stop = CancellationToken::new();
    tokio::spawn(relay::run(db.clone(), bus.clone(), name.to_owned(), stop.clone()));
    stop
}

#[sqlx::test(migrations = "../migrations")]
async fn the_sequence_is_the_position(db: PgPool) {
    let (bus, name) = bus().await;
    let stop = start(&db, &bus, &name);
    // A stream begins after the head that it finds: it is to be there before there is anything.
    caught_up(&db, &bus, &name).await;
    let writer = writer(&db);
    for _ in 0..30 {
        accept(&writer, create_cart(cart_id())).await;
    }
    caught_up(&db, &bus, &name).await;
    let stored = &read::after(&db, 16, 1).await.unwrap()[0];
    let sent = message(&bus, &name, 17).await;
    assert_eq!((sent.position, &sent.stream), (17, &stored.stream));
    assert_eq!(sent.data.get(), stored.data.get());
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn two_relays_publish_each_event_once(db: PgPool) {
    let (bus, name) = bus().await;
    let stops = [start(&db, &bus, &name), start(&db, &bus, &name)];
    let writer = writer(&db);
    for _ in 0..200 {
        accept(&writer, create_cart(cart_id())).await;
    }
    caught_up(&db, &bus, &name).await;
    // The one at work goes; the other one takes over.
    stops[0].cancel();
    accept(&writer, create_cart(cart_id())).await;
    caught_up(&db, &bus, &name).await;
    let stream = bus.get_stream(&name).await.unwrap();
    let state = &stream.cached_info().state;
    assert_eq!(state.messages, state.last_sequence - state.first_sequence + 1);
    stops[1].cancel();
    bus.delete_stream(&name).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_wiped_stream_goes_on_at_the_next_position(db: PgPool) {
    let (bus, name) = bus().await;
    let stop = start(&db, &bus, &name);
    let writer = writer(&db);
    for _ in 0..10 {
        accept(&writer, create_cart(cart_id())).await;
    }
    caught_up(&db, &bus, &name).await;
    bus.delete_stream(&name).await.unwrap();
    for _ in 0..3 {
        accept(&writer, create_cart(cart_id())).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    caught_up(&db, &bus, &name).await;
    accept(&writer, create_cart(cart_id())).await;
    caught_up(&db, &bus, &name).await;
    assert_eq!(message(&bus, &name, 14).await.position, 14);
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}

/// Whose a stream is that carries something else is not for a relay to judge.
#[sqlx::test(migrations = "../migrations")]
async fn a_stream_of_another_log_is_left_alone(db: PgPool) {
    let (bus, name) = bus().await;
    let stream = async_nats::jetstream::stream::Config {
        name: name.clone(),
        subjects: vec![format!("{name}.events.>")],
        ..Default::default()
    };
    bus.create_stream(stream).await.unwrap();
    for _ in 0..5 {
        bus.publish(format!("{name}.events.1.old"), "old".into()).await.unwrap().await.unwrap();
    }
    accept(&writer(&db), create_cart(cart_id())).await;
    let relay = relay::Relay::new(db.clone(), bus.clone(), name.clone(), Limits::default());
    let (condition, stop) = (relay.condition(), CancellationToken::new());
    tokio::spawn(relay.run(stop.clone()));
    while condition.check().is_ok() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(last_sequence(&bus, &name).await, 5);
    // Somebody says that it may go.
    let log = event_store::identity::current(&db).await.unwrap();
    let carried = take_over(&bus, &name, log.log_id).await.unwrap();
    assert_eq!(carried.as_deref(), Some("no log"));
    caught_up(&db, &bus, &name).await;
    accept(&writer(&db), create_cart(cart_id())).await;
    caught_up(&db, &bus, &name).await;
    assert_eq!(message(&bus, &name, 2).await.position, 2);
    condition.check().unwrap();
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}

/// A stream that is there is brought to the limits that were set since.
#[sqlx::test(migrations = "../migrations")]
async fn limits_are_those_that_are_set(db: PgPool) {
    let (bus, name) = bus().await;
    let stop = start(&db, &bus, &name);
    accept(&writer(&db), create_cart(cart_id())).await;
    caught_up(&db, &bus, &name).await;
    let created = bus.get_stream(&name).await.unwrap().cached_info().created;
    stop.cancel();
    let limits = Limits { bytes_max: 5 << 20, ..Limits::default() };
    let stop = CancellationToken::new();
    let relay = relay::Relay::new(db.clone(), bus.clone(), name.clone(), limits);
    tokio::spawn(relay.run(stop.clone()));
    accept(&writer(&db), create_cart(cart_id())).await;
    caught_up(&db, &bus, &name).await;
    let stream = bus.get_stream(&name).await.unwrap();
    let info = stream.cached_info();
    assert_eq!((info.config.max_bytes, info.created), (5 << 20, created));
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}

/// It stands between two that nobody asks an acknowledgement of: those after it only miss it.
#[sqlx::test(migrations = "../migrations")]
async fn a_message_that_the_stream_refuses_is_told_with_the_reason(db: PgPool) {
    let (bus, name) = bus().await;
    let stop = start(&db, &bus, &name);
    accept(&writer(&db), create_cart(cart_id())).await;
    caught_up(&db, &bus, &name).await;
    stop.cancel();
    let largest = async |bytes| {
        let mut config = bus.get_stream(&name).await.unwrap().cached_info().config.clone();
        config.max_message_size = bytes;
        bus.update_stream(config).await.unwrap();
    };
    largest(2_000).await;
    for padding in [1, 1, 5_000, 1, 1] {
        let data = format!(r#"{{"currency":"EUR","padding":"{}"}}"#, "x".repeat(padding));
        raw(&db, &format!("cart-{}", cart_id().0), 1, "cart.created", &data).await;
    }
    let relay = relay::Relay::new(db.clone(), bus.clone(), name.clone(), Limits::default());
    let (condition, stop) = (relay.condition(), CancellationToken::new());
    tokio::spawn(relay.run(stop.clone()));
    let mut looks = 0;
    let reason = loop {
        match condition.check() {
            Err(reason) => break reason,
            Ok(()) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        looks += 1;
        assert!(looks < LOOKS_MAX, "nobody says that nothing is relayed");
    };
    assert!(reason.contains("message size exceeds maximum allowed"), "{reason}");
    assert_eq!(last_sequence(&bus, &name).await, 3);
    largest(-1).await;
    caught_up(&db, &bus, &name).await;
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}

/// A newer program may write its messages in another form. That is no reason to throw them away.
#[sqlx::test(migrations = "../migrations")]
async fn a_message_of_another_form_is_told_by_its_place(db: PgPool) {
    let (bus, name) = bus().await;
    let stop = start(&db, &bus, &name);
    let writer = writer(&db);
    for _ in 0..2 {
        accept(&writer, create_cart(cart_id())).await;
    }
    caught_up(&db, &bus, &name).await;
    let created = bus.get_stream(&name).await.unwrap().cached_info().created;
    stop.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    accept(&writer, create_cart(cart_id())).await;
    let event = read::after(&db, 2, 1).await.unwrap().remove(0);
    let newer = serde_json::json!({
        "position": 3, "stream": event.stream, "version": 1, "recorded_at": event.recorded_at,
        "what": "happened",
    });
    assert!(serde_json::from_value::<RawEvent>(newer.clone()).is_err());
    let published = bus.publish(format!("{name}.events.0.newer"), newer.to_string().into());
    published.await.unwrap().await.unwrap();
    let stop = start(&db, &bus, &name);
    accept(&writer, create_cart(cart_id())).await;
    caught_up(&db, &bus, &name).await;
    let stream = bus.get_stream(&name).await.unwrap();
    assert_eq!(stream.cached_info().created, created, "it is the same stream");
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}

/// The log was restored to an earlier point and grew past the old end before a relay looked.
#[sqlx::test(migrations = "../migrations")]
async fn a_stream_with_an_end_that_never_happened_is_made_anew(db: PgPool) {
    let (bus, name) = bus().await;
    let stop = start(&db, &bus, &name);
    let writer = writer(&db);
    for _ in 0..3 {
        accept(&writer, create_cart(cart_id())).await;
    }
    caught_up(&db, &bus, &name).await;
    stop.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ghost = read::after(&db, 2, 1).await.unwrap().remove(0);
    sqlx::query("ALTER TABLE events DISABLE TRIGGER events_append_only")
        .execute(&db)
        .await
        .unwrap();
    sqlx::query("DELETE FROM events WHERE position = 3").execute(&db).await.unwrap();
    for _ in 0..4 {
        accept(&writer, create_cart(cart_id())).await;
    }
    let stop = start(&db, &bus, &name);
    caught_up(&db, &bus, &name).await;
    accept(&writer, create_cart(cart_id())).await;
    caught_up(&db, &bus, &name).await;
    let stream = bus.get_stream(&name).await.unwrap();
    assert!(stream.cached_info().state.first_sequence > 3, "the ghost {} is gone", ghost.stream);
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}
