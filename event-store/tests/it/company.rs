//! Several writers on one log: what one appends, the others know before they decide on it.

use domain::ProductId;
use event_store::{Outcome, SubmitError};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{
    accept, add, assert_contiguous, by_hand, cart_id, code, create_cart, create_product, on_sale,
    raw, receive, request, writer,
};

/// One command after the other, each to any of three writers and about any of five SKUs: each has
/// to see all before it. The writers meet every kind of company on the way: alone for a while, the
/// others elsewhere, the others right here.
#[sqlx::test(migrations = "../migrations")]
async fn each_command_sees_all_before_it(db: PgPool) {
    let writers = [writer(&db), writer(&db), writer(&db)];
    let mut versions = [0; 5];
    for sku in 0..versions.len() {
        on_sale(&writers[0], &format!("SKU-{sku}"), 0).await;
    }
    // A fixed sequence without a pattern that the writers could agree with by chance.
    let mut random: u64 = 7;
    let mut choose = |of: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (random >> 33) as usize % of
    };
    let mut who = 0;
    for _ in 0..1_200 {
        // Mostly the same one again.
        if choose(3) == 0 {
            who = choose(writers.len());
        }
        let sku = choose(versions.len());
        let answer = accept(&writers[who], receive(&format!("SKU-{sku}"))).await;
        versions[sku] += 1;
        let expected = Outcome::Accepted { id: format!("SKU-{sku}"), version: versions[sku] };
        assert_eq!(answer.outcome, expected);
    }
    assert_contiguous(&db).await;
}

/// The stream of a new thing is believed to be empty. Where it is not, the append notices, also
/// when the decision made no event that would collide.
#[sqlx::test(migrations = "../migrations")]
async fn a_thing_taken_for_new_is_checked(db: PgPool) {
    let id = ProductId(Uuid::now_v7());
    accept(&writer(&db), create_product(id, vec![])).await;
    let again = writer(&db).submit(request(create_product(id, vec![]))).await.unwrap();
    assert_eq!(code(&again), "product_already_exists");
    let mut expecting = request(create_product(id, vec![]));
    expecting.expected = Some(1);
    let again = writer(&db).submit(expecting).await.unwrap();
    assert_eq!(code(&again), "product_already_exists", "version 1 is what it has");
}

/// During a rolling deploy a newer program may write what an older one cannot read.
#[sqlx::test(migrations = "../migrations")]
async fn an_event_of_a_newer_program_costs_only_who_needs_it(db: PgPool) {
    let (older, id) = (writer(&db), ProductId(Uuid::now_v7()));
    accept(&older, create_product(id, vec![])).await;
    let stream = format!("product-{id}");
    let position = raw(&db, &stream, 2, "product.teleported", "{}").await;
    accept(&older, create_product(ProductId(Uuid::now_v7()), vec![])).await;
    let needs_it = older.submit(request(create_product(id, vec![]))).await;
    let Err(SubmitError::Unreadable { stream: named, position: at, reason }) = needs_it else {
        panic!("{needs_it:?}");
    };
    assert_eq!((named, at), (stream, position));
    assert!(reason.contains("product.teleported"), "{reason}");
    accept(&older, create_product(ProductId(Uuid::now_v7()), vec![])).await;
}

/// One command on a stream that cannot be read costs nobody but whoever gave it: the others of its
/// batch are appended with one another, on the same connection and from the same cache.
#[sqlx::test(migrations = "../migrations")]
async fn an_unreadable_stream_costs_its_batch_nothing(db: PgPool) {
    let bad = cart_id();
    raw(&db, &format!("cart-{bad}"), 1, "cart.teleported", "{}").await;
    let writer = writer(&db);
    on_sale(&writer, "TOTE", 9).await;
    let session = async || -> Vec<i32> {
        let appending = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
                         AND pid <> pg_backend_pid() AND query LIKE '%append_batch(%'";
        sqlx::query_scalar(appending).fetch_all(&db).await.unwrap()
    };
    let before = (event_store::read::head(&db).await.unwrap(), session().await);
    assert_eq!(before.1.len(), 1);
    let commands = (0..60).map(|n| match n % 20 {
        7 => writer.submit(request(add(bad, "TOTE", 1))),
        _ => writer.submit(request(create_cart(cart_id()))),
    });
    for (number, answer) in futures::future::join_all(commands).await.into_iter().enumerate() {
        match number % 20 {
            7 => assert!(matches!(answer, Err(SubmitError::Unreadable { .. })), "{answer:?}"),
            _ => assert_eq!(code(&answer.unwrap()), "accepted"),
        }
    }
    let batches = "SELECT count(*), count(DISTINCT xmin::text) FROM events WHERE position > $1";
    let appended: (i64, i64) = sqlx::query_as(batches).bind(before.0).fetch_one(&db).await.unwrap();
    assert_eq!(appended, (57, 1), "in one transaction");
    // The test shares the pool: a batch may as well go by a session that it has given back.
    assert!(session().await.contains(&before.1[0]), "the session is kept");
}

/// Long after it was alone, a writer has missed more than it cares to read.
#[sqlx::test(migrations = "../migrations")]
async fn a_writer_that_missed_much_starts_afresh(db: PgPool) {
    let idle = writer(&db);
    on_sale(&idle, "TOTE", 0).await;
    accept(&idle, receive("TOTE")).await;
    by_hand(&db).await;
    // As if others had written all night: carts, and one more tote.
    sqlx::query(
        "INSERT INTO events
         SELECT position + n, 'cart-' || gen_random_uuid(), 1, 'cart.created', 1, 0, now(), now(),
                '{\"command\":\"x\"}', '{\"currency\":\"EUR\"}'
         FROM log_head, generate_series(1, 10500) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    let other = accept(&writer(&db), receive("TOTE")).await;
    assert_eq!(other.outcome, Outcome::Accepted { id: "TOTE".into(), version: 2 });
    let answer = accept(&idle, receive("TOTE")).await;
    assert_eq!(answer.outcome, Outcome::Accepted { id: "TOTE".into(), version: 3 });
    assert_eq!(answer.position, other.position + 1);
}
