//! A restored copy beside its original, on the same NATS and the same stream: what happens in the
//! one is no news in the other.

use std::time::Duration;

use async_nats::jetstream::Context;
use event_store::feed::Feed;
use event_store::{identity, jetstream, relay};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio_util::sync::CancellationToken;

use crate::support::{accept, bus as nats, cart_id, create_cart, log_id, tidy_up, writer};

/// A copy of a database, as a restore makes it; `db` must not be used meanwhile.
struct Copy {
    name: String,
    admin: PgConnection,
    original: PgPool,
    db: PgPool,
}

impl Copy {
    async fn of(db: PgPool) -> Self {
        let options = (*db.connect_options()).clone();
        let original = options.get_database().unwrap().to_owned();
        let name = format!("copy_{}", uuid::Uuid::now_v7().simple());
        db.close().await;
        let admin = options.clone().database("postgres");
        let mut admin = PgConnection::connect_with(&admin).await.unwrap();
        let free = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{original}'"
        );
        let copy = format!(r#"CREATE DATABASE {name} TEMPLATE "{original}""#);
        loop {
            sqlx::query(AssertSqlSafe(free.as_str())).execute(&mut admin).await.unwrap();
            match sqlx::query(AssertSqlSafe(copy.as_str())).execute(&mut admin).await {
                Ok(_) => break,
                // Somebody came back meanwhile.
                Err(error) => assert!(error.to_string().contains("being accessed"), "{error}"),
            }
        }
        let pool = |name: &str| {
            let options = options.clone().database(name);
            PgPoolOptions::new().max_connections(8).connect_lazy_with(options)
        };
        Self { admin, original: pool(&original), db: pool(&name), name }
    }

    async fn drop(mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::query(AssertSqlSafe(drop)).execute(&mut self.admin).await.unwrap();
    }
}

fn start(db: &PgPool, bus: &Context, name: &str) -> (relay::Condition, CancellationToken) {
    let stop = CancellationToken::new();
    let relay =
        relay::Relay::new(db.clone(), bus.clone(), name.to_owned(), jetstream::Limits::default());
    let condition = relay.condition();
    tokio::spawn(relay.run(stop.clone()));
    (condition, stop)
}

async fn at(bus: &Context, name: &str, position: i64) {
    for _ in 0..200 {
        if let Ok(stream) = bus.get_stream(name).await
            && stream.cached_info().state.last_sequence as i64 == position
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("JetStream never came to {position}");
}

/// Reads on for as long as there is something, and returns the streams that events came from.
async fn read_on(feed: &mut Feed) -> Vec<String> {
    let mut streams = vec![];
    loop {
        let batch = feed.next(Duration::from_millis(1_500)).await.unwrap();
        if batch.events.is_empty() {
            return streams;
        }
        streams.extend(batch.events.iter().map(|event| event.stream.clone()));
    }
}

async fn streams(db: &PgPool, after: i64) -> Vec<String> {
    let events = event_store::read::after(db, after, 1_000).await.unwrap();
    events.into_iter().map(|event| event.stream).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_copy_takes_nothing_from_its_originals_stream(db: PgPool) {
    let (bus, name) = nats().await;
    let (_, stop) = start(&db, &bus, &name);
    at(&bus, &name, 0).await;
    for _ in 0..3 {
        accept(&writer(&db), create_cart(cart_id())).await;
    }
    at(&bus, &name, 3).await;
    stop.cancel();

    let copy = Copy::of(db).await;
    let (original, restored) = (copy.original.clone(), copy.db.clone());
    assert!(identity::current(&original).await.unwrap().settled);
    assert!(!identity::current(&restored).await.unwrap().settled, "it is not at home");
    // The original goes on, and so does the stream.
    let (condition, stop) = start(&original, &bus, &name);
    for _ in 0..5 {
        accept(&writer(&original), create_cart(cart_id())).await;
    }
    at(&bus, &name, 8).await;

    // Who follows the copy hears nothing of that, before it has an id of its own...
    let of_log = |log_id| Feed::new(restored.clone(), log_id, Some(bus.clone()), name.clone(), 3);
    let mut feed = of_log(log_id(&restored).await);
    assert_eq!(read_on(&mut feed).await, Vec::<String>::new());
    assert!(!feed.is_live());
    // ...and after, when other things happen in it at the same positions.
    let other = writer(&restored);
    for _ in 0..2 {
        accept(&other, create_cart(cart_id())).await;
    }
    let (shut_out, stop_copy) = start(&restored, &bus, &name);
    let ours = identity::current(&original).await.unwrap();
    let theirs = identity::current(&restored).await.unwrap();
    assert_ne!(ours.log_id, theirs.log_id);
    assert_eq!(read_on(&mut feed).await, Vec::<String>::new(), "it is not that log any more");
    assert_eq!(read_on(&mut of_log(theirs.log_id)).await, streams(&restored, 3).await);
    assert_ne!(streams(&restored, 3).await, streams(&original, 3).await[..2]);

    // Its relay says whose the stream is, and leaves it alone.
    for _ in 0..100 {
        if shut_out.check().is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let why = shut_out.check().unwrap_err();
    for named in [ours.log_id.to_string(), theirs.log_id.to_string(), "adopt".to_owned()] {
        assert!(why.contains(&named), "{why}");
    }
    accept(&writer(&original), create_cart(cart_id())).await;
    at(&bus, &name, 9).await;
    let stream = bus.get_stream(&name).await.unwrap();
    assert_eq!(stream.cached_info().state.first_sequence, 1, "the original's stream is whole");
    condition.check().unwrap();

    // Until somebody decides that the copy takes its place.
    stop.cancel();
    let settled = identity::current(&restored).await.unwrap();
    let carried = jetstream::take_over(&bus, &name, settled.log_id).await.unwrap();
    assert_eq!(carried, Some(ours.log_id.to_string()));
    accept(&other, create_cart(cart_id())).await;
    at(&bus, &name, 6).await;
    tidy_up(&bus, &name, &stop_copy).await;
    copy.drop().await;
}
