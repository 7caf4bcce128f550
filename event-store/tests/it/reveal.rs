//! The two halves of an append: what is in the log is shown, and answered, once it is durable.

use std::time::Duration;

use event_store::read;
use sqlx::{PgConnection, PgPool};

use crate::support::{accept, assert_contiguous, cart_id, create_cart, keyed, request, writer};

/// Keeps the head where it is until it is let go, as a disk does that takes its time.
async fn hold_the_head(connection: &mut PgConnection) {
    sqlx::query("BEGIN").execute(&mut *connection).await.unwrap();
    sqlx::query("SELECT FROM log_head FOR UPDATE").execute(connection).await.unwrap();
}

async fn tail(db: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT position FROM log_tail").fetch_one(db).await.unwrap()
}

async fn until_the_tail_is(db: &PgPool, position: i64) {
    for _ in 0..200 {
        if tail(db).await == position {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the tail is not {position}");
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_shown_or_answered_before_it_is_durable(db: PgPool) {
    let writer = writer(&db);
    accept(&writer, create_cart(cart_id())).await;
    let mut disk = db.acquire().await.unwrap();
    hold_the_head(&mut disk).await;
    let cart = cart_id();
    let mut answer = tokio::spawn({
        let writer = writer.clone();
        async move { accept(&writer, create_cart(cart)).await }
    });
    until_the_tail_is(&db, 2).await;
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut answer).await.is_err());
    assert_eq!(read::head(&db).await.unwrap(), 1);
    assert_eq!(read::after(&db, 0, 10).await.unwrap().len(), 1);
    let stream = format!("cart-{cart}");
    assert!(read::of_stream(&db, &stream, 0, 10).await.unwrap().is_empty());
    sqlx::query("COMMIT").execute(&mut *disk).await.unwrap();
    assert_eq!(answer.await.unwrap().position, 2);
    assert_eq!(read::of_stream(&db, &stream, 0, 10).await.unwrap().len(), 1);
}

/// While one batch waits for the disk, others are decided and appended.
#[sqlx::test(migrations = "../migrations")]
async fn the_next_batches_do_not_wait_for_the_disk(db: PgPool) {
    let writer = writer(&db);
    let mut disk = db.acquire().await.unwrap();
    accept(&writer, create_cart(cart_id())).await;
    hold_the_head(&mut disk).await;
    let mut answers = vec![];
    for position in 2..4 {
        let writer = writer.clone();
        answers.push(tokio::spawn(async move {
            accept(&writer, create_cart(cart_id())).await.position
        }));
        until_the_tail_is(&db, position).await;
    }
    sqlx::query("COMMIT").execute(&mut *disk).await.unwrap();
    for (position, answer) in (2..4).zip(answers) {
        assert_eq!(answer.await.unwrap(), position);
    }
}

/// A crash of Postgres takes what was appended and not yet durable, and every connection with it.
/// The callers never heard of it, and are answered by what is then appended anew.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_crash_undoes_is_appended_again(db: PgPool) {
    let writer = writer(&db);
    accept(&writer, create_cart(cart_id())).await;
    let mut disk = db.acquire().await.unwrap();
    hold_the_head(&mut disk).await;
    let answers: Vec<_> = (0..3)
        .map(|number| {
            let (writer, key) = (writer.clone(), number.to_string());
            tokio::spawn(async move { writer.submit(keyed(&key, create_cart(cart_id()))).await })
        })
        .collect();
    until_the_tail_is(&db, 4).await;
    // What a crash does, seen from here.
    for statement in [
        "ALTER TABLE events DISABLE TRIGGER events_append_only",
        "DELETE FROM events WHERE position > 1",
        "ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only",
        "DELETE FROM commands WHERE position > 1",
        "UPDATE log_tail SET position = 1",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "COMMIT",
    ] {
        sqlx::query(statement).execute(&mut *disk).await.unwrap();
    }
    for answer in answers {
        let answer = answer.await.unwrap().unwrap();
        assert!(answer.position > 1 && !answer.replayed, "{answer:?}");
    }
    assert_eq!(read::head(&db).await.unwrap(), 4);
    assert_contiguous(&db).await;
}

/// A process dies between the two halves. Another one shows what it left behind.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_dead_process_appended_is_shown(db: PgPool) {
    let alive = writer(&db);
    accept(&alive, create_cart(cart_id())).await;
    // As the dead one did: the first half alone.
    for statement in [
        "INSERT INTO events SELECT 2, 'cart-' || gen_random_uuid(), 1, type, schema, slot,
                occurred_at, recorded_at, metadata, data FROM events WHERE position = 1",
        "UPDATE log_tail SET position = 2",
    ] {
        sqlx::query(statement).execute(&db).await.unwrap();
    }
    assert_eq!(read::head(&db).await.unwrap(), 1);
    for attempt in 0.. {
        if read::head(&db).await.unwrap() == 2 {
            break;
        }
        assert!(attempt < 100, "it is still hidden");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let next = alive.submit(request(create_cart(cart_id()))).await.unwrap();
    assert_eq!(next.position, 3);
}
