//! What each role may do, and what it may not, whatever a program tries.

use event_store::{Outcome, Writer, writer::Settings};
use futures::future::join_all;
use kit_log::acting_as;
use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{accept, assert_contiguous, cart_id, create_cart, on_sale, receive};

async fn may(db: &PgPool, statement: &str) -> bool {
    match sqlx::raw_sql(AssertSqlSafe(statement)).execute(db).await {
        Ok(_) => true,
        Err(error) => {
            let code = error.as_database_error().and_then(DatabaseError::code);
            assert_eq!(code.as_deref(), Some("42501"), "{statement}: {error}");
            false
        }
    }
}

const INSERT: &str = "INSERT INTO events SELECT FROM events";
const APPEND: &str =
    "SELECT append_batch(log_id, position, false, NULL, '{}', '{}', '{}', '{}', '{}', '{}',
    '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}') FROM log_head";

#[sqlx::test(migrations = "../migrations")]
async fn the_writer_appends_by_append_alone(db: PgPool) {
    let role = acting_as(&db, "commerce_writer").await;
    let (writers, _): (Vec<Writer>, Vec<_>) =
        (0..2).map(|_| Writer::start(&role, Settings::default())).unzip();
    // Every way there is to append: alone, in turns, while the head is held; and snapshots.
    on_sale(&writers[0], "TOTE", 0).await;
    for _ in 0..4 {
        join_all((0..150).map(|n| accept(&writers[n % 2], receive("TOTE")))).await;
    }
    let last = accept(&writers[1], receive("TOTE")).await;
    assert_eq!(last.outcome, Outcome::Accepted { id: "TOTE".into(), version: 601 });
    accept(&writers[0], create_cart(cart_id())).await;
    assert_contiguous(&db).await;
    assert!(may(&role, APPEND).await);
    assert!(event_store::forget::step(&role, 30, 1).await.unwrap().is_some());
    assert!(may(&role, "DELETE FROM snapshots; UPDATE reactions SET position = 0").await);
    for statement in [
        INSERT,
        "UPDATE log_head SET timeline = 0",
        "DELETE FROM commands",
        "UPDATE commands_sweep SET page = 0",
        "UPDATE events SET version = 0",
        "ALTER TABLE events DISABLE TRIGGER events_by_append",
        "DELETE FROM orders_rows",
    ] {
        assert!(!may(&role, statement).await, "{statement}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_projector_writes_what_comes_from_the_log(db: PgPool) {
    let role = acting_as(&db, "commerce_projector").await;
    assert!(may(&role, "SELECT FROM events; SELECT FROM log_head; DELETE FROM orders_rows").await);
    assert!(
        may(&role, "SELECT move_checkpoint('orders', 1::smallint, 0::smallint, 0, 0, 0, 1)").await
    );
    // Who does something by hand shows who they are, as those do who read.
    let known = "SELECT id, algorithm, public FROM signing_keys; SELECT FROM voided_tokens;
                 UPDATE api_keys SET used_at = now() WHERE id IS NULL";
    assert!(may(&role, known).await);
    for statement in [
        INSERT,
        APPEND,
        "SELECT FROM commands",
        "DELETE FROM reaction_tasks",
        "SELECT sealed FROM signing_keys",
        "UPDATE api_keys SET role = 'owner'",
        "DELETE FROM voided_tokens",
    ] {
        assert!(!may(&role, statement).await, "{statement}");
    }
    // Tables that come later are its own, too.
    sqlx::query("CREATE TABLE later (id int)").execute(&db).await.unwrap();
    assert!(may(&role, "INSERT INTO later VALUES (1)").await);
}

#[sqlx::test(migrations = "../migrations")]
async fn readers_read(db: PgPool) {
    let reader = acting_as(&db, "commerce_reader").await;
    let analyst = acting_as(&db, "commerce_analyst").await;
    sqlx::query("CREATE TABLE later (id int)").execute(&db).await.unwrap();
    for role in [&reader, &analyst] {
        for statement in ["events", "orders", "sales", "log_head", "projection_positions", "later"]
        {
            assert!(may(role, &format!("SELECT FROM {statement}")).await, "{statement}");
        }
        event_store::identity::current(role).await.unwrap();
        for statement in [
            INSERT,
            APPEND,
            "SELECT settle_log(true)",
            "SELECT hold_head()",
            "SELECT FROM commands",
            "SELECT FROM commands_sweep",
            "SELECT FROM forget_commands(interval '1', interval '1', 1)",
            "SELECT FROM sandbox_gateway",
            "SELECT FROM reaction_tasks",
            "INSERT INTO later VALUES (1)",
            "DELETE FROM orders_rows",
        ] {
            assert!(!may(role, statement).await, "{statement}");
        }
    }
    assert!(may(&reader, "SELECT FROM orders_rows").await);
    assert!(!may(&analyst, "SELECT FROM orders_rows").await);
}
