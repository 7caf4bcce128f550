//! Turns at the head: fair while all is well, and over when their holder falls silent.

use event_store::Outcome;
use futures::future::join_all;
use kit_log::eventually;
use sqlx::{PgPool, Row};

use crate::proxy::Proxy;
use crate::support::{accept, assert_contiguous, by_hand, on_sale, raw, receive, writer};

/// The number that writers lock.
const QUEUE: &str = "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()";

/// A process is frozen in its turn. Its session ends, its turn with it, and the other process takes
/// turns again; what the first one wanted is done once it has come back.
#[sqlx::test(migrations = "../migrations")]
async fn a_turn_ends_though_its_holder_is_frozen(db: PgPool) {
    let proxy = Proxy::start(&db).await;
    let frozen = writer(&proxy.pool(&db, "frozen"));
    let other = writer(&db);
    on_sale(&other, "TOTE", 0).await;
    let mut units = 0;
    let mut rounds = 0;
    // Until both have met, and the first one took a turn for the last time.
    proxy.freeze_in_turn();
    let mut waiting = Vec::new();
    while !proxy.has_frozen() {
        let writer = frozen.clone();
        waiting.push(tokio::spawn(async move { accept(&writer, receive("TOTE")).await }));
        join_all((0..3).map(|_| accept(&other, receive("TOTE")))).await;
        units += 4;
        rounds += 1;
        assert!(rounds < 2_000, "they never met");
    }
    // Its session ends, though nobody told the server that it is gone.
    let session = "SELECT pid FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'frozen'";
    let frozen_pid: i32 = sqlx::query_scalar(session).fetch_one(&db).await.unwrap();
    eventually("the frozen one loses its turn", async || {
        let sessions: Vec<i32> = sqlx::query_scalar(session).fetch_all(&db).await.unwrap();
        !sessions.contains(&frozen_pid)
    })
    .await;
    // The proxy passes on that the server has hung up: the process goes on where it was.
    for answer in join_all(waiting).await {
        assert!(matches!(answer.unwrap().outcome, Outcome::Accepted { .. }));
    }
    let last = accept(&other, receive("TOTE")).await;
    assert_eq!(last.outcome, Outcome::Accepted { id: "TOTE".into(), version: units + 1 });
    assert_contiguous(&db).await;
}

/// And whoever neither sends nor takes anything is cut off by the same bound.
#[sqlx::test(migrations = "../migrations")]
async fn the_writers_session_ends_when_its_network_is_silent(db: PgPool) {
    let proxy = Proxy::start(&db).await;
    on_sale(&writer(&db), "TOTE", 0).await;
    // Settings of the session as the server sees them: whoever sends it a function call sees its
    // own.
    let mut connection = db.acquire().await.unwrap();
    sqlx::raw_sql(
        "CREATE TABLE seen (name text, setting text);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
             INSERT INTO seen SELECT name, setting FROM pg_settings
             WHERE name IN ('tcp_user_timeout', 'idle_in_transaction_session_timeout');
             RETURN NULL;
         END $$;
         CREATE TRIGGER see AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION see()",
    )
    .execute(&mut *connection)
    .await
    .unwrap();
    accept(&writer(&proxy.pool(&db, "watched")), receive("TOTE")).await;
    let seen: Vec<(String, String)> =
        sqlx::query_as("SELECT * FROM seen ORDER BY name").fetch_all(&db).await.unwrap();
    let expected = [("idle_in_transaction_session_timeout", "2000"), ("tcp_user_timeout", "2000")];
    assert_eq!(seen, expected.map(|(name, setting)| (name.to_owned(), setting.to_owned())));
}

/// What is told with a turn is bounded, in events and in bytes, and found by index, for nobody else
/// can append while it is read.
#[sqlx::test(migrations = "../migrations")]
async fn a_turn_reads_no_more_than_is_worth_hearing(db: PgPool) {
    by_hand(&db).await;
    sqlx::raw_sql(
        "INSERT INTO events
         SELECT n, 'cart-' || n, 1, 'cart.created', 1, 0, now(), now(), '{\"command\":\"x\"}',
                json_build_object('currency', 'EUR', 'padding', repeat('x', 1000))
         FROM generate_series(1, 2000) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    let told = async |known: i64, events: i32, bytes: i64| -> Vec<Option<i64>> {
        let rows = sqlx::query("SELECT head, position FROM take_turn($1, $2, $3)")
            .bind(known)
            .bind(events)
            .bind(bytes)
            .fetch_all(&db)
            .await
            .unwrap();
        assert!(rows.iter().all(|row| row.get::<i64, _>("head") == 2_000));
        rows.iter().map(|row| row.get("position")).collect()
    };
    let all: Vec<Option<i64>> = std::iter::once(None).chain((1_001..=2_000).map(Some)).collect();
    assert_eq!(told(1_000, 1_000, 1 << 30).await, all);
    assert_eq!(told(2_000, 1_000, 1 << 30).await, [None]);
    assert_eq!(told(999, 1_000, 1 << 30).await, [None], "too many to be told");
    assert_eq!(told(2_001, 1_000, 1 << 30).await, [None], "a log that was put back");
    assert_eq!(told(1_990, 1_000, 3_300).await.len(), 1 + 3, "more bytes than that");
    sqlx::query("SELECT end_turn()").execute(&db).await.unwrap();

    let mut connection = db.acquire().await.unwrap();
    let settings: Vec<String> =
        sqlx::query_scalar("SELECT unnest(proconfig) FROM pg_proc WHERE proname = 'take_turn'")
            .fetch_all(&db)
            .await
            .unwrap();
    for setting in settings.iter().filter(|setting| setting.starts_with("enable")) {
        let set = sqlx::AssertSqlSafe(format!("SET {setting}"));
        sqlx::query(set).execute(&mut *connection).await.unwrap();
    }
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT e.data::text FROM events e
         WHERE e.position > 5 AND e.position <= 5 + 100 ORDER BY e.position",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains("Index Scan using events_pkey") && !plan.contains("Sort"), "{plan}");
}

/// The other has so much news that the cache is emptied rather than told: what comes of it is
/// right.
#[sqlx::test(migrations = "../migrations")]
async fn a_writer_that_is_not_told_all_decides_on_what_is_so(db: PgPool) {
    let writers = [writer(&db), writer(&db)];
    on_sale(&writers[0], "TOTE", 0).await;
    // They meet, and take turns from here on.
    join_all((0..40).map(|n| accept(&writers[n % 2], receive("TOTE")))).await;
    let large = format!(r#"{{"currency":"EUR","padding":"{}"}}"#, "x".repeat(3 << 20));
    raw(&db, &format!("cart-{}", uuid::Uuid::now_v7()), 1, "cart.created", &large).await;
    join_all((0..40).map(|n| accept(&writers[n % 2], receive("TOTE")))).await;
    let last = accept(&writers[0], receive("TOTE")).await;
    assert_eq!(last.outcome, Outcome::Accepted { id: "TOTE".into(), version: 81 });
}

/// Who holds the head does not queue for it again: behind him stands somebody who waits for it.
#[sqlx::test(migrations = "../migrations")]
async fn who_holds_the_head_does_not_queue_for_it(db: PgPool) {
    let other = writer(&db);
    on_sale(&other, "TOTE", 0).await;
    let mut holder = db.acquire().await.unwrap();
    // A deadlock is found out at once; and a timeout of the role's own stays what it is.
    for statement in ["SET deadlock_timeout = '1ms'", "SET lock_timeout = '7s'", "BEGIN"] {
        sqlx::query(statement).execute(&mut *holder).await.unwrap();
    }
    sqlx::query("SELECT FROM log_head FOR UPDATE").execute(&mut *holder).await.unwrap();
    let queueing = tokio::spawn(async move { accept(&other, receive("TOTE")).await });
    eventually("another stands in the queue", async || {
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                     AND wait_event_type = 'Lock' AND query LIKE '%append_batch(%'";
        sqlx::query_scalar::<_, i64>(waits).fetch_one(&db).await.unwrap() == 1
            && !sqlx::query_scalar::<_, String>(QUEUE).fetch_all(&db).await.unwrap().is_empty()
    })
    .await;
    let append = "SELECT head FROM log_head, append_batch(
                      log_id, position, true, NULL, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
                      '{}', '{}', '{}', '{}', '{}', '{}')";
    sqlx::query(append).execute(&mut *holder).await.unwrap();
    let timeout: String =
        sqlx::query_scalar("SHOW lock_timeout").fetch_one(&mut *holder).await.unwrap();
    assert_eq!(timeout, "7s");
    sqlx::query("COMMIT").execute(&mut *holder).await.unwrap();
    queueing.await.unwrap();
    for statement in ["BEGIN", "SELECT hold_head()"] {
        sqlx::query(statement).execute(&mut *holder).await.unwrap();
    }
    let timeout: String =
        sqlx::query_scalar("SHOW lock_timeout").fetch_one(&mut *holder).await.unwrap();
    assert_eq!(timeout, "7s", "what the role has is in force again");
    sqlx::query("ROLLBACK").execute(&mut *holder).await.unwrap();
}
