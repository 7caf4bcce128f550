//! Two lists kept from one log, by programs that know nothing of each other, as during an upgrade
//! from the time of the tables `payment_*`: whatever is done is done once.

use std::collections::BTreeMap;

use domain::command::payment::Command as Ask;
use domain::{Command, OrderId, PaymentId};
use kit_log::eventually;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::shop::{Shop, react};

/// A pool for which the reactor's tables are others of the same names.
async fn with_tables_of_its_own(db: &PgPool) -> PgPool {
    let make = "CREATE SCHEMA other;
        CREATE TABLE other.reactions (LIKE reactions INCLUDING ALL);
        CREATE TABLE other.reaction_tasks (LIKE reaction_tasks INCLUDING ALL);
        CREATE TABLE other.reaction_waiting (LIKE reaction_waiting INCLUDING ALL);
        INSERT INTO other.reactions SELECT * FROM reactions";
    sqlx::raw_sql(make).execute(db).await.unwrap();
    let options = (*db.connect_options()).clone().options([("search_path", "other,public")]);
    PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn two_lists_on_one_log_do_everything_once(db: PgPool) {
    let other = with_tables_of_its_own(&db).await;
    let shop = Shop::open(&db).await;
    let (one, two) = (react(&db), react(&other));
    let tokens = ["tok_success", "tok_decline", "tok_timeout", "tok_capture_decline"];
    let mut paid: BTreeMap<&str, Vec<(OrderId, PaymentId)>> = BTreeMap::new();
    let mut late = Vec::new();
    for _ in 0..5 {
        for token in tokens {
            paid.entry(token).or_default().push(shop.card(token).await);
        }
        late.push(shop.order(-1).await);
    }
    for (_, payment) in &paid["tok_success"] {
        shop.until(&format!("payment-{payment}"), "payment.authorized").await;
        shop.ask(Command::Payment(*payment, Ask::Capture { amount: None })).await;
    }

    let end = |token| match token {
        "tok_success" => "payment.captured",
        "tok_decline" => "payment.failed",
        _ => "payment.authorized",
    };
    for (token, payments) in &paid {
        for (_, payment) in payments {
            shop.until(&format!("payment-{payment}"), end(token)).await;
        }
    }
    for order in &late {
        shop.until(&format!("order-{order}"), "order.cancelled").await;
    }
    // Until neither has anything to do: whatever either of them does later is done by then.
    for list in ["public", "other"] {
        let due = format!("SELECT subject FROM {list}.reaction_tasks WHERE due_at <= now()");
        eventually("nothing is due", async || shop.texts(&due).await.is_empty()).await;
        let behind = format!("SELECT name FROM {list}.reactions WHERE position = 0");
        assert!(shop.texts(&behind).await.is_empty(), "{list} was kept");
    }
    one.stop().await;
    two.stop().await;

    let twice = "SELECT stream || ' ' || type FROM events WHERE stream ~ '^(payment|order)-'
                 GROUP BY stream, type HAVING count(*) > 1 AND type <> 'payment.requested'";
    assert_eq!(shop.texts(twice).await, [""; 0], "what happened twice");
    let mut booked = Vec::new();
    for (token, payments) in &paid {
        let requests = if *token == "tok_success" { 2 } else { 1 };
        let keys =
            payments.iter().flat_map(|(_, id)| (1..=requests).map(move |n| format!("{id}:{n}")));
        booked.extend(keys);
    }
    booked.sort();
    assert_eq!(shop.booked().await, booked);
    other.close().await;
}
