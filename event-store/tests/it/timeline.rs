//! A server that has begun a new timeline: a replica that was promoted, or a database that was put
//! back to a moment. The log may have lost its end, and nothing that was seen of it is built upon.

use std::time::Duration;

use event_store::feed::FeedError;
use event_store::tail::{Follower, Tail};
use event_store::writer::Settings;
use event_store::{Request, SubmitError, Writer, identity, jetstream, read, relay};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{bus, cart_id, create_cart, log_id, receive, request, restore, writer};

const WAIT: Duration = Duration::from_secs(20);

/// As if the server had just begun another timeline: the log was last written in the one before.
async fn turn(db: &PgPool) {
    identity::settle(&mut db.acquire().await.unwrap()).await.unwrap();
    let turned = "UPDATE log_head SET timeline = log_timeline() - 1";
    sqlx::query(turned).execute(db).await.unwrap();
}

async fn accept(writer: &Writer) -> i64 {
    writer.submit(request(create_cart(cart_id()))).await.unwrap().position
}

#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_is_not_in_force_takes_nothing_until_it_has_another_id(db: PgPool) {
    let connected = writer(&db);
    accept(&connected).await;
    let before = log_id(&db).await;
    turn(&db).await;
    assert!(!read::log(&db).await.unwrap().in_force);
    assert!(!identity::current(&db).await.unwrap().settled);
    // The connection has survived, as behind a pooler. What its writer believes is forgotten.
    accept(&connected).await;
    let log = read::log(&db).await.unwrap();
    assert!(log.in_force && log.id != before && log.head == 2, "{log:?}");
    assert_eq!(identity::shared_with(&db, before).await.unwrap(), Some(1));
    assert_eq!(identity::shared_with(&db, log.id).await.unwrap(), None);
    assert_eq!(connected.log_id(), Some(log.id));
}

/// What a log was under each id that it had, is what all since have in common.
#[sqlx::test(migrations = "../migrations")]
async fn what_was_lost_later_is_common_with_none_before(db: PgPool) {
    let mut ids = vec![];
    for _ in 0..3 {
        accept(&writer(&db)).await;
        ids.push(log_id(&db).await);
        turn(&db).await;
    }
    // Put back to a moment in the midst of the second.
    restore(&db, 1).await;
    accept(&writer(&db)).await;
    let mut shared = vec![];
    for id in &ids {
        shared.push(identity::shared_with(&db, *id).await.unwrap());
    }
    assert_eq!(shared, [Some(1), Some(1), Some(1)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_speaks_of_the_log_before_is_told_unless_that_is_common(db: PgPool) {
    let writer = writer(&db);
    accept(&writer).await;
    let before = log_id(&db).await;
    turn(&db).await;
    accept(&writer).await;
    let now = log_id(&db).await;
    for (seen, told) in [(Some(1), None), (Some(2), Some(now)), (None, Some(now))] {
        assert_eq!(writer.is_another(before, seen).await.unwrap(), told, "{seen:?}");
    }
    assert_eq!(writer.is_another(Uuid::nil(), Some(0)).await.unwrap(), Some(now));
    // A command that something caused there, which may never have happened.
    let caused = Request { log_id: Some(before), ..request(create_cart(cart_id())) };
    assert_eq!(writer.submit(caused).await, Err(SubmitError::AnotherLog(now)));
    let caused = Request { log_id: Some(now), ..request(create_cart(cart_id())) };
    assert_eq!(writer.submit(caused).await.unwrap().position, 3);
}

/// Of its followers nobody goes on as if nothing had been.
#[sqlx::test(migrations = "../migrations")]
async fn who_follows_is_told(db: PgPool) {
    let writer = writer(&db);
    let tail = Tail::start(db.clone(), None, String::new());
    accept(&writer).await;
    let before = log_id(&db).await;
    let mut follower = tail.follow(Some(before), 0);
    assert_eq!(follower.next(WAIT).await.unwrap().events.len(), 1);
    turn(&db).await;
    let noticed = trouble(&mut follower).await;
    assert!(matches!(noticed, FeedError::Unsettled), "{noticed:?}");
    accept(&writer).await;
    follower.rewind(1);
    let noticed = trouble(&mut follower).await;
    let now = log_id(&db).await;
    // From the tail, which may yet be at the log before, or from Postgres.
    assert!(matches!(noticed, FeedError::AnotherLog(id) if id != before), "{noticed:?}");
    let mut follower = tail.follow(Some(now), 1);
    let found = tokio::time::timeout(WAIT, async {
        loop {
            match follower.next(WAIT).await {
                Ok(next) if !next.events.is_empty() => return next.events[0].position,
                Ok(_) => {}
                // The tail notices within a second.
                Err(_) => follower.rewind(1),
            }
        }
    });
    assert_eq!(found.await.unwrap(), 2);
}

async fn trouble(follower: &mut Follower) -> FeedError {
    for _ in 0..100 {
        if let Err(error) = follower.next(Duration::from_millis(100)).await {
            return error;
        }
    }
    panic!("nothing was noticed");
}

/// The stream may hold what never happened: it is made anew, after the head.
#[sqlx::test(migrations = "../migrations")]
async fn the_stream_of_the_log_before_is_made_anew(db: PgPool) {
    let (bus, name) = bus().await;
    let (writer, stop) = (writer(&db), CancellationToken::new());
    let relay =
        relay::Relay::new(db.clone(), bus.clone(), name.clone(), jetstream::Limits::default());
    tokio::spawn(relay.beside(writer.at_hand()).run(stop.clone()));
    let at = async |position: i64, first: i64| {
        for _ in 0..400 {
            if let Ok(stream) = bus.get_stream(&name).await
                && stream.cached_info().state.last_sequence as i64 == position
                && stream.cached_info().state.first_sequence as i64 >= first
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the stream never came to {position} from {first}");
    };
    for _ in 0..3 {
        accept(&writer).await;
    }
    at(3, 0).await;
    // Position 4 was published and is lost.
    let ghost = bus.publish(format!("{name}.events.0.cart.created"), "{}".into());
    ghost.await.unwrap().await.unwrap();
    turn(&db).await;
    // It has grown past that before anybody looks.
    for _ in 0..3 {
        accept(&writer).await;
    }
    at(6, 4).await;
    accept(&writer).await;
    at(7, 4).await;
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}

/// A fold of events that may be lost is not kept for those to come.
#[sqlx::test(migrations = "../migrations")]
async fn no_snapshot_is_taken_over(db: PgPool) {
    let (writer, _) = Writer::start(&db, Settings::default());
    for _ in 0..255 {
        writer.submit(request(receive("TOTE"))).await.unwrap();
    }
    let stored = async || {
        let count = "SELECT count(*) FROM snapshots";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&db).await.unwrap()
    };
    assert_eq!(stored().await, 0);
    // The next batch is appended, and its snapshot comes after the turn.
    sqlx::raw_sql(
        "CREATE FUNCTION turn_first() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             UPDATE log_head SET timeline = log_timeline() - 1;
             RETURN NULL;
         END $$;
         CREATE CONSTRAINT TRIGGER turn_first AFTER INSERT ON events
             INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION turn_first();",
    )
    .execute(&db)
    .await
    .unwrap();
    writer.submit(request(receive("TOTE"))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stored().await, 0);
}
