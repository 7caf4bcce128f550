//! Any process may die at any time, and the promises stand.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::stack::Stack;

const SHOPPERS: usize = 6;
const UNITS: u32 = 40;

/// What a shopper was told, with what to ask again.
struct Told {
    path: String,
    key: String,
    body: Value,
    status: u16,
    answer: Value,
}

/// Buys one unit after the other until told to stop; keeps what it was told.
async fn shop(stack: &Stack, number: usize, stop: &AtomicBool) -> Vec<Told> {
    let mut told = Vec::new();
    let mut ask = async |path: String, body: Value| {
        let key = Uuid::now_v7().to_string();
        let (status, answer) = stack.post(number % 2, &path, &key, &body).await;
        let id = answer["id"].as_str().map(ToOwned::to_owned);
        told.push(Told { path, key, body, status: status.as_u16(), answer });
        id
    };
    while !stop.load(Ordering::Relaxed) {
        let cart = ask("/v1/carts".into(), json!({"currency": "EUR"})).await.unwrap();
        ask(format!("/v1/carts/{cart}/lines"), json!({"sku": "HOT", "quantity": 1})).await;
        let Some(order) = ask(format!("/v1/carts/{cart}/checkout"), json!({})).await else {
            continue; // sold out
        };
        let token = ["tok_success", "tok_decline", "tok_timeout"][number % 3];
        let pay = json!({"order_id": order, "method": "card", "token": token});
        ask("/v1/payments".into(), pay).await;
    }
    told
}

#[sqlx::test(migrations = "../migrations")]
async fn killed_and_restarted_the_promises_stand(db: PgPool) {
    let mut stack = Stack::start(&db).await;
    stack.sell("HOT", "Flash sale", UNITS).await;
    let nats = async_nats::connect(std::env::var("NATS_URL").unwrap()).await.unwrap();
    let bus = async_nats::jetstream::new(nats);

    let stop = Arc::new(AtomicBool::new(false));
    // The shoppers know the addresses, which stay; the processes behind them come and go.
    let shoppers = Arc::new(stack.addresses());
    let shopping = tokio::spawn({
        let stop = stop.clone();
        async move { join_all((0..SHOPPERS).map(|n| shop(&shoppers, n, &stop))).await }
    });
    for round in 0..3 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        stack.commands[round % 2].kill();
        stack.projectors[round % 2].kill();
        tokio::time::sleep(Duration::from_millis(500)).await;
        stack.commands[round % 2].start().await;
        stack.projectors[round % 2].start().await;
        match round {
            0 => bus.delete_stream(&stack.stream).await.map(drop).unwrap(),
            1 => cut_every_connection(&db).await,
            _ => {
                // Frozen past its lease, then thawed: it must not write what another one wrote.
                stack.projectors[0].signal("STOP");
                tokio::time::sleep(Duration::from_secs(7)).await;
                stack.projectors[0].signal("CONT");
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    let told: Vec<Told> = shopping.await.unwrap().into_iter().flatten().collect();
    assert!(told.len() > 30, "only {} answers", told.len());

    // Asked again under its key, every command gives the answer it gave.
    for chunk in told.chunks(20) {
        join_all(chunk.iter().map(async |told| {
            let (status, answer) = stack.post(0, &told.path, &told.key, &told.body).await;
            assert_eq!(status.as_u16(), told.status, "{} {answer}", told.path);
            assert_eq!(answer.get("id"), told.answer.get("id"));
            assert_eq!(answer.get("position"), told.answer.get("position"));
        }))
        .await;
    }
    positions_have_no_gaps(&db).await;
    nothing_is_oversold(&db, &told).await;
    settled(&db).await;
    let head: i64 =
        sqlx::query_scalar("SELECT position FROM log_head").fetch_one(&db).await.unwrap();
    stack.get("/v1/stock/HOT", &json!(head)).await;
    stack.get("/v1/orders", &json!(head)).await;
    let verified = stack.projector(&["verify"]);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned()
        + &String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{said}");
}

async fn cut_every_connection(db: &PgPool) {
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(db)
    .await
    .unwrap();
}

async fn positions_have_no_gaps(db: &PgPool) {
    let (count, last): (i64, i64) =
        sqlx::query_as("SELECT count(*), max(position) FROM events").fetch_one(db).await.unwrap();
    assert_eq!(count, last);
    let torn: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT stream FROM events GROUP BY stream
                               HAVING count(*) <> max(version)) AS torn",
    )
    .fetch_one(db)
    .await
    .unwrap();
    assert_eq!(torn, 0, "streams with a hole");
}

async fn nothing_is_oversold(db: &PgPool, told: &[Told]) {
    let orders: HashSet<&str> = told
        .iter()
        .filter(|told| told.path.ends_with("/checkout") && told.status < 300)
        .filter_map(|told| told.answer["id"].as_str())
        .collect();
    let placed: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE type = 'order.placed'")
        .fetch_one(db)
        .await
        .unwrap();
    assert_eq!(placed, orders.len() as i64, "each acknowledged order once, and no other");
    let held: i64 = sqlx::query_scalar(
        "SELECT count(*) FILTER (WHERE type = 'stock.reserved')
              - count(*) FILTER (WHERE type = 'stock.released')
         FROM events WHERE stream = 'stock-HOT'",
    )
    .fetch_one(db)
    .await
    .unwrap();
    assert!(held <= i64::from(UNITS), "{held} of {UNITS} sold");
}

/// Every payment that was begun comes to an end by itself.
async fn settled(db: &PgPool) {
    for _ in 0..600 {
        let open: i64 =
            sqlx::query_scalar("SELECT count(*) FROM payment_tasks WHERE kind = 'ask_gateway'")
                .fetch_one(db)
                .await
                .unwrap();
        let unanswered: i64 = sqlx::query_scalar(
            "SELECT count(*) FILTER (WHERE type = 'payment.created')
                  - count(*) FILTER (WHERE type IN ('payment.authorized', 'payment.failed'))
             FROM events",
        )
        .fetch_one(db)
        .await
        .unwrap();
        if open == 0 && unanswered == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("payments are still open");
}
