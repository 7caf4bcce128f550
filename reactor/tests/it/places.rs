//! How far the log was read for each reaction: they go on together, and who has not all of them
//! moves none that it has not.

use kit_log::eventually;
use sqlx::PgPool;

use crate::shop::{Shop, react};

async fn set(db: &PgPool, change: &'static str) {
    sqlx::raw_sql(change).execute(db).await.unwrap();
}

/// As after a program that does not have it was the quicker one.
#[sqlx::test(migrations = "../migrations")]
async fn one_that_is_behind_meets_the_others_again(db: PgPool) {
    let shop = Shop::open(&db).await;
    let late = shop.order(-1).await;
    let (_, payment) = shop.card("tok_success").await;
    set(
        &db,
        "UPDATE reactions SET position = (
             SELECT max(position) FROM events WHERE type = 'order.placed')
         WHERE name <> 'expire_order'",
    )
    .await;
    let running = react(&db);
    shop.until(&format!("order-{late}"), "order.cancelled").await;
    shop.until(&format!("payment-{payment}"), "payment.authorized").await;
    shop.until_read().await;
    let places = "SELECT DISTINCT position::text FROM reactions";
    eventually("they are together", async || shop.texts(places).await.len() == 1).await;
    running.stop().await;
}

/// A reaction of a newer program keeps its place, and what it has to do is left to that.
#[sqlx::test(migrations = "../migrations")]
async fn what_another_program_has_to_do_is_left_to_it(db: PgPool) {
    set(
        &db,
        "INSERT INTO reactions (name, position) VALUES ('send_mail', 0);
              INSERT INTO reaction_tasks (reaction, subject, due_at, cause)
              VALUES ('send_mail', 'somebody', now() - interval '1 hour', 1)",
    )
    .await;
    let shop = Shop::open(&db).await;
    let running = react(&db);
    let (_, payment) = shop.card("tok_success").await;
    shop.until(&format!("payment-{payment}"), "payment.authorized").await;
    running.stop().await;
    let left = "SELECT r.position || ' ' || t.attempts || ' ' || (t.leased_until IS NULL)
                FROM reactions r JOIN reaction_tasks t ON t.reaction = r.name
                WHERE name = 'send_mail'";
    assert_eq!(shop.texts(left).await, ["0 0 true"]);
}

/// What happened before a reaction came is not its affair.
#[sqlx::test(migrations = "../migrations")]
async fn a_new_one_begins_at_the_head(db: PgPool) {
    let shop = Shop::open(&db).await;
    let before = shop.order(-1).await;
    set(&db, "DELETE FROM reactions WHERE name = 'expire_order'").await;
    let running = react(&db);
    let place = "SELECT name FROM reactions WHERE name = 'expire_order' AND position > 0";
    eventually("it is entered", async || shop.texts(place).await.len() == 1).await;
    let after = shop.order(-1).await;
    shop.until(&format!("order-{after}"), "order.cancelled").await;
    assert_eq!(shop.history(&format!("order-{before}")).await, ["order.placed"]);
    running.stop().await;
}
