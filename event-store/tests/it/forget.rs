//! Answers are kept for their term, and then forgotten in bounded steps.

use event_store::forget::{KEPT_DAYS, STEP_PAGES, Swept, step};
use event_store::read;
use sqlx::PgPool;

use crate::support::{cart_id, code, create_cart, keyed, writer};

async fn keys(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar("SELECT key FROM commands ORDER BY key").fetch_all(db).await.unwrap()
}

async fn insert(db: &PgPool, key: &str, age: &str) {
    let insert = "INSERT INTO commands VALUES
        ($1, gen_random_uuid(), '{\"accepted\":{\"id\":\"x\",\"version\":1}}', 1,
         now() - $2::text::interval)";
    sqlx::query(insert).bind(key).bind(age).execute(db).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn an_answer_is_kept_for_its_term(db: PgPool) {
    for (key, age) in [
        ("c:anyone:old", "31 days"),
        ("c:anyone:young", "29 days"),
        ("g:0192", "2 hours"),
        ("g:0193", "10 minutes"),
        ("import:orders:7", "900 days"),
        ("p:7:verdict:0", "31 days"),
    ] {
        insert(&db, key, age).await;
    }
    let swept = step(&db, KEPT_DAYS, STEP_PAGES).await.unwrap();
    assert_eq!(swept, Some(Swept { forgotten: 3, table_pages: 1 }));
    assert_eq!(keys(&db).await, ["c:anyone:young", "g:0193", "import:orders:7"]);
}

/// What was forgotten is done again; what was not is answered as before.
#[sqlx::test(migrations = "../migrations")]
async fn a_retry_after_the_term_is_another_command(db: PgPool) {
    let writer = writer(&db);
    let cart = cart_id();
    let first = writer.submit(keyed("k", create_cart(cart))).await.unwrap();
    step(&db, KEPT_DAYS, STEP_PAGES).await.unwrap();
    assert!(writer.submit(keyed("k", create_cart(cart))).await.unwrap().replayed);
    let age = "UPDATE commands SET recorded_at = now() - interval '31 days'";
    sqlx::query(age).execute(&db).await.unwrap();
    step(&db, KEPT_DAYS, STEP_PAGES).await.unwrap();
    let again = writer.submit(keyed("k", create_cart(cart))).await.unwrap();
    assert_eq!((code(&first), code(&again)), ("accepted", "cart_already_exists"));
    assert_eq!((read::head(&db).await.unwrap(), again.replayed), (1, false));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_step_is_a_few_pages_and_one_process_at_once(db: PgPool) {
    let fill = "INSERT INTO commands
        SELECT 'c:anyone:' || n, gen_random_uuid(), '{\"accepted\":{}}', n,
               now() - interval '99 days'
        FROM generate_series(1, 2000) AS n";
    sqlx::query(fill).execute(&db).await.unwrap();
    let mut other = db.begin().await.unwrap();
    sqlx::query("SELECT FROM commands_sweep FOR UPDATE").execute(&mut *other).await.unwrap();
    assert_eq!(step(&db, KEPT_DAYS, 1).await.unwrap(), None);
    other.rollback().await.unwrap();

    let first = step(&db, KEPT_DAYS, 1).await.unwrap().unwrap();
    assert!((10..200).contains(&first.forgotten) && first.table_pages > 10, "{first:?}");
    assert_eq!(keys(&db).await.len() as i64, 2_000 - first.forgotten);
    // Round and round: all the rest, and what comes where the first stood.
    for _ in 0..first.table_pages {
        step(&db, KEPT_DAYS, 1).await.unwrap();
    }
    assert!(keys(&db).await.is_empty());
    insert(&db, "c:anyone:late", "31 days").await;
    for _ in 0..=first.table_pages {
        step(&db, KEPT_DAYS, 1).await.unwrap();
    }
    assert!(keys(&db).await.is_empty());
}
