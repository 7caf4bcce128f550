//! The writer: once, all or nothing, in order, whoever else writes.

use std::time::Duration;

use event_store::writer::Settings;
use event_store::{Outcome, SubmitError, Writer, read};
use futures::future::join_all;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{
    accept, add, assert_contiguous, cart_id, check_out, code, create_cart, keyed, on_sale, raw,
    request, writer,
};

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_names_version_and_position(db: PgPool) {
    let writer = writer(&db);
    on_sale(&writer, "TOTE", 5).await;
    let before = read::head(&db).await.unwrap();
    let cart = cart_id();
    let created = accept(&writer, create_cart(cart)).await;
    let added = accept(&writer, add(cart, "TOTE", 1)).await;
    assert_eq!(created.position, before + 1);
    assert_eq!(added.position, before + 2);
    let expected = Outcome::Accepted { id: cart.to_string(), version: 2 };
    assert_eq!(added.outcome, expected);
    assert_contiguous(&db).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_takes_effect_once_and_answers_alike(db: PgPool) {
    let writer = writer(&db);
    let first = writer.submit(keyed("k", create_cart(cart_id()))).await.unwrap();
    let again = writer.submit(keyed("k", create_cart(cart_id()))).await.unwrap();
    // Another process, which has never seen the key, finds it in the log.
    let elsewhere = self::writer(&db).submit(keyed("k", create_cart(cart_id()))).await.unwrap();
    for repeat in [again, elsewhere] {
        assert!(repeat.replayed);
        assert_eq!((repeat.outcome, repeat.position), (first.outcome.clone(), first.position));
    }
    assert_eq!(read::head(&db).await.unwrap(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_under_a_key_stays_a_refusal(db: PgPool) {
    let writer = writer(&db);
    on_sale(&writer, "TOTE", 1).await;
    let cart = cart_id();
    let refused = writer.submit(keyed("k", add(cart, "TOTE", 1))).await.unwrap();
    assert_eq!(code(&refused), "cart_not_found");
    accept(&writer, create_cart(cart)).await;
    let retried = writer.submit(keyed("k", add(cart, "TOTE", 1))).await.unwrap();
    assert_eq!(retried.outcome, refused.outcome);
    assert!(retried.replayed);
    accept(&writer, add(cart, "TOTE", 1)).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_cannot_be_reused_for_something_else(db: PgPool) {
    let writer = writer(&db);
    writer.submit(keyed("k", create_cart(cart_id()))).await.unwrap();
    let mut other = keyed("k", create_cart(cart_id()));
    other.fingerprint = Uuid::max();
    assert_eq!(writer.submit(other).await, Err(SubmitError::KeyReused));
    assert_eq!(read::head(&db).await.unwrap(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_key_many_times_at_once_takes_effect_once(db: PgPool) {
    let writers = [writer(&db), writer(&db)];
    let tries = (0..100).map(|n| writers[n % 2].submit(keyed("k", create_cart(cart_id()))));
    let answers: Vec<_> = join_all(tries).await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| answer.outcome == answers[0].outcome));
    assert_eq!(read::head(&db).await.unwrap(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_expected_version_is_judged_in_the_decision(db: PgPool) {
    let writer = writer(&db);
    on_sale(&writer, "TOTE", 5).await;
    let cart = cart_id();
    accept(&writer, create_cart(cart)).await;
    let mut add = request(add(cart, "TOTE", 1));
    add.expected = Some(1);
    assert_eq!(code(&writer.submit(add.clone()).await.unwrap()), "accepted");
    assert_eq!(code(&writer.submit(add).await.unwrap()), "version_mismatch");
}

/// Two processes, one unit: their caches are stale all the time, and still only one buyer wins.
#[sqlx::test(migrations = "../migrations")]
async fn two_processes_never_oversell(db: PgPool) {
    let writers = [writer(&db), writer(&db)];
    on_sale(&writers[0], "TOTE", 7).await;
    let buyers = (0..120).map(|n| {
        let writer = &writers[n % 2];
        async move {
            let cart = cart_id();
            accept(writer, create_cart(cart)).await;
            accept(writer, add(cart, "TOTE", 1)).await;
            code(&writer.submit(request(check_out(cart))).await.unwrap()).to_owned()
        }
    });
    let answers = join_all(buyers).await;
    assert_eq!(answers.iter().filter(|code| *code == "accepted").count(), 7);
    assert_eq!(answers.iter().filter(|code| *code == "checkout_refused").count(), 113);
    assert_contiguous(&db).await;
}

/// Transactions that take their place in one order and commit in the other are what breaks readers
/// of other stores. Here a reader polling all the while sees every position once, in order.
#[sqlx::test(migrations = "../migrations")]
async fn a_reader_never_meets_a_gap(db: PgPool) {
    let done = tokio_util::sync::CancellationToken::new();
    let reader = tokio::spawn({
        let (db, done) = (db.clone(), done.clone());
        async move {
            let mut last = 0;
            loop {
                let finished = done.is_cancelled();
                let events = read::after(&db, last, 1_000).await.unwrap();
                for event in &events {
                    assert_eq!(event.position, last + 1);
                    last += 1;
                }
                if finished && events.is_empty() {
                    return last;
                }
            }
        }
    });
    let writers: Vec<Writer> = (0..4).map(|_| writer(&db)).collect();
    let commands = (0..2_000).map(|n| writers[n % 4].submit(request(create_cart(cart_id()))));
    for answer in join_all(commands).await {
        answer.unwrap();
    }
    done.cancel();
    assert_eq!(reader.await.unwrap(), 2_000);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_full_queue_refuses_at_once(db: PgPool) {
    let settings = Settings { queue_commands_max: 4, batch_commands_max: 1, ..Settings::default() };
    let (writer, _) = Writer::start(&db, settings);
    let commands = (0..200).map(|_| writer.submit(request(create_cart(cart_id()))));
    let answers = join_all(commands).await;
    let busy = answers.iter().filter(|answer| **answer == Err(SubmitError::Busy)).count();
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count() as i64;
    assert!(busy > 0);
    assert_eq!(read::head(&db).await.unwrap(), accepted);
}

/// Whoever is in a hurry is told so when his turn does not come; whoever is not, waits.
#[sqlx::test(migrations = "../migrations")]
async fn a_command_that_waited_too_long_is_not_begun(db: PgPool) {
    let writer = writer(&db);
    accept(&writer, create_cart(cart_id())).await;
    let mut holder = db.acquire().await.unwrap();
    sqlx::query("BEGIN").execute(&mut *holder).await.unwrap();
    sqlx::query("SELECT FROM log_head FOR UPDATE").execute(&mut *holder).await.unwrap();
    let patience = Duration::from_millis(50);
    let appending = accept(&writer, create_cart(cart_id()));
    let hurried = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let hurried = writer.submit_soon(Box::new(request(create_cart(cart_id()))), patience);
        let patient = writer.submit(request(create_cart(cart_id())));
        let thaw = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            sqlx::query("COMMIT").execute(&mut *holder).await.unwrap();
        };
        let (hurried, patient, ()) = tokio::join!(hurried, patient, thaw);
        (hurried, patient)
    };
    let (_, (hurried, patient)) = tokio::join!(appending, hurried);
    assert_eq!(hurried, Err(SubmitError::Busy));
    assert_eq!(code(&patient.unwrap()), "accepted");
    assert_eq!(read::head(&db).await.unwrap(), 3);
}

/// Nor need he wait for those before him to be given up: the log does not answer, which is no want
/// of room.
#[sqlx::test(migrations = "../migrations")]
async fn who_waits_behind_a_log_that_does_not_answer_is_told_so_in_time(db: PgPool) {
    let writer = writer(&db);
    accept(&writer, create_cart(cart_id())).await;
    let mut holder = db.acquire().await.unwrap();
    sqlx::query("BEGIN").execute(&mut *holder).await.unwrap();
    sqlx::query("SELECT FROM log_head FOR UPDATE").execute(&mut *holder).await.unwrap();
    let appending = accept(&writer, create_cart(cart_id()));
    let hurried = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let patience = Duration::from_secs(3);
        let told = writer.submit_soon(Box::new(request(create_cart(cart_id()))), patience).await;
        // Only now the log answers again.
        sqlx::query("COMMIT").execute(&mut *holder).await.unwrap();
        told
    };
    let (_, told) = tokio::join!(appending, hurried);
    assert_eq!(told, Err(SubmitError::Unavailable));
    accept(&writer, create_cart(cart_id())).await;
    assert_eq!(read::head(&db).await.unwrap(), 3, "it was not begun");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_does_not_fit_a_batch_comes_in_the_next(db: PgPool) {
    let settings = Settings { batch_events_max: 3, ..Settings::default() };
    let (writer, _) = Writer::start(&db, settings);
    let carts: Vec<_> = (0..50).map(|_| cart_id()).collect();
    let commands = carts.iter().map(|cart| writer.submit(request(create_cart(*cart))));
    let answers = join_all(commands).await;
    let positions: Vec<i64> = answers.into_iter().map(|answer| answer.unwrap().position).collect();
    assert_eq!(positions, (1..=50).collect::<Vec<i64>>(), "in the order of submission");
}

#[sqlx::test(migrations = "../migrations")]
async fn closing_answers_what_was_accepted(db: PgPool) {
    let (writer, task) = Writer::start(&db, Settings::default());
    let commands: Vec<_> = (0..100)
        .map(|_| {
            let writer = writer.clone();
            tokio::spawn(async move { writer.submit(request(create_cart(cart_id()))).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    writer.close();
    task.await.unwrap();
    let mut accepted = 0;
    for command in commands {
        match command.await.unwrap() {
            Ok(_) => accepted += 1,
            Err(error) => assert_eq!(error, SubmitError::Closed),
        }
    }
    assert_eq!(read::head(&db).await.unwrap(), accepted);
    let late = writer.submit(request(create_cart(cart_id()))).await;
    assert_eq!(late, Err(SubmitError::Closed));
}

/// The connection is cut in the middle, again and again: nothing is lost and nothing happens twice.
#[sqlx::test(migrations = "../migrations")]
async fn cut_connections_lose_and_double_nothing(db: PgPool) {
    let writer = writer(&db);
    let cutter = tokio::spawn({
        let db = db.clone();
        async move {
            loop {
                tokio::time::sleep(Duration::from_millis(7)).await;
                sqlx::query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND query LIKE '%append_batch(%'",
                )
                .execute(&db)
                .await
                .unwrap();
            }
        }
    });
    let mut cuts = 0;
    for round in 0..12 {
        let keys: Vec<String> = (0..40).map(|n| format!("{round}-{n}")).collect();
        let commands = keys.iter().map(|key| writer.submit(keyed(key, create_cart(cart_id()))));
        for answer in join_all(commands).await {
            let answer = answer.unwrap();
            cuts += usize::from(answer.replayed);
            assert!(matches!(answer.outcome, Outcome::Accepted { version: 1, .. }));
        }
    }
    cutter.abort();
    let _ = cutter.await;
    assert_eq!(read::head(&db).await.unwrap(), 480, "after {cuts} answers found by their keys");
    assert_contiguous(&db).await;
}

/// Commands that build on each other in one batch, none of whose states is in memory: a chain of
/// carts, each filled with another SKU and checked out.
#[sqlx::test(migrations = "../migrations")]
async fn a_cold_batch_of_dependent_commands_is_decided_in_order(db: PgPool) {
    let setup = writer(&db);
    for number in 0..30 {
        on_sale(&setup, &format!("SKU-{number}"), 1).await;
    }
    let cold = writer(&db);
    let mut commands = Vec::new();
    for number in 0..30 {
        let cart = cart_id();
        commands.push(create_cart(cart));
        commands.push(add(cart, &format!("SKU-{number}"), 1));
        commands.push(check_out(cart));
    }
    let answers = join_all(commands.into_iter().map(|c| cold.submit(request(c)))).await;
    for answer in answers {
        assert_eq!(code(&answer.unwrap()), "accepted");
    }
    assert_contiguous(&db).await;
}

/// Whether somebody has the head, or is in the queue for it.
async fn head_is_held(db: &PgPool) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT FROM pg_locks
             WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND (locktype = 'advisory' OR relation = 'log_identity'::regclass)
               AND mode IN ('RowShareLock', 'RowExclusiveLock', 'ExclusiveLock'))",
    )
    .fetch_one(db)
    .await
    .unwrap()
}

/// A batch of nothing but retries takes the head to look its keys up. It must let go of it.
#[sqlx::test(migrations = "../migrations")]
async fn a_retry_does_not_keep_the_head_from_others(db: PgPool) {
    let writers = [writer(&db), writer(&db)];
    writers[0].submit(keyed("k", create_cart(cart_id()))).await.unwrap();
    for _ in 0..3 {
        assert!(writers[0].submit(keyed("k", create_cart(cart_id()))).await.unwrap().replayed);
        assert!(!head_is_held(&db).await, "it was answered, and keeps the head");
        accept(&writers[1], create_cart(cart_id())).await;
    }
}

/// One command that can never be appended, in the midst of others.
#[sqlx::test(migrations = "../migrations")]
async fn one_bad_stream_does_not_stop_the_others(db: PgPool) {
    let bad = cart_id();
    raw(&db, &format!("cart-{bad}"), 1, "cart.teleported", "{}").await;
    let writer = writer(&db);
    on_sale(&writer, "TOTE", 9).await;
    let commands = (0..9).map(|n| match n % 3 {
        0 => writer.submit(request(add(bad, "TOTE", 1))),
        _ => writer.submit(request(create_cart(cart_id()))),
    });
    let answers = join_all(commands).await;
    for (number, answer) in answers.into_iter().enumerate() {
        match number % 3 {
            0 => assert!(matches!(answer, Err(SubmitError::Unreadable { .. }))),
            _ => assert_eq!(code(&answer.unwrap()), "accepted"),
        }
    }
}

/// Postgres was put back to an earlier point while this process lived: what it remembers of the
/// later one must not decide anything.
#[sqlx::test(migrations = "../migrations")]
async fn a_restored_log_makes_the_writer_forget(db: PgPool) {
    let writer = writer(&db);
    on_sale(&writer, "TOTE", 9).await;
    let cart = cart_id();
    accept(&writer, create_cart(cart)).await;
    let restored = read::head(&db).await.unwrap();
    accept(&writer, add(cart, "TOTE", 1)).await;
    // What a restore does, seen from here: the end of the log is gone, and so are the connections.
    for statement in [
        "ALTER TABLE events DISABLE TRIGGER events_append_only",
        &format!("DELETE FROM events WHERE position > {restored}"),
        "ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    ] {
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&db).await.unwrap();
    }
    let added = accept(&writer, add(cart, "TOTE", 1)).await;
    assert_eq!(added.outcome, Outcome::Accepted { id: cart.to_string(), version: 2 });
    assert_contiguous(&db).await;
}

/// A server may be set not to wait for its disk; what is answered is on it all the same.
#[sqlx::test(migrations = "../migrations")]
async fn an_append_is_durable_whatever_the_server_is_set_to(db: PgPool) {
    sqlx::raw_sql(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',
                                    current_database()); END $$;
         CREATE TABLE seen (setting text NOT NULL);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL;
         END $$;
         CREATE TRIGGER see AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION see()",
    )
    .execute(&db)
    .await
    .unwrap();
    accept(&writer(&db), create_cart(cart_id())).await;
    let seen: Vec<String> =
        sqlx::query_scalar("SELECT setting FROM seen").fetch_all(&db).await.unwrap();
    assert_eq!(seen, ["on"]);
}
