//! An order's money, as it follows by itself from what happens to the order.

use chrono::Utc;
use domain::command::{order, payment};
use domain::payment::Finding;
use domain::{Command, OrderId};
use kit_log::eventually;
use sqlx::{AssertSqlSafe, PgPool};

use crate::shop::{Shop, react};

fn cancel(id: OrderId) -> Command {
    let reason = "changed my mind".parse().unwrap();
    Command::Order(id, order::Command::Cancel { reason, lines: vec![] })
}

#[sqlx::test(migrations = "../migrations")]
async fn after_a_decline_another_card_pays(db: PgPool) {
    let shop = Shop::open(&db).await;
    let reactor = react(&db);
    let (order, declined) = shop.card("tok_decline").await;
    shop.until(&format!("payment-{declined}"), "payment.failed").await;
    let order_stream = format!("order-{order}");
    shop.until(&order_stream, "order.payment_ended").await;
    shop.pay(order, Some("tok_success")).await;
    shop.until(&order_stream, "order.confirmed").await;
    reactor.stop().await;
}

/// The money of an order that is off is given back, though the gateway refuses at first.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_gateway_refused_is_asked_again(db: PgPool) {
    let shop = Shop::open(&db).await;
    let reactor = react(&db);
    let (order, payment) = shop.card("tok_refund_decline").await;
    let stream = format!("payment-{payment}");
    shop.until(&stream, "payment.authorized").await;
    shop.ask(Command::Payment(payment, payment::Command::Capture { amount: None })).await;
    shop.until(&stream, "payment.captured").await;
    shop.ask(cancel(order)).await;
    shop.until(&stream, "payment.request_failed").await;
    let listed = format!(
        "SELECT subject FROM reaction_tasks WHERE reaction = 'settle_order' AND subject = '{order}'"
    );
    eventually("it is to be asked again", async || shop.texts(&listed).await.len() == 1).await;
    // As if a minute had gone by.
    let due = format!("UPDATE reaction_tasks SET due_at = now() WHERE subject = '{order}'");
    sqlx::raw_sql(AssertSqlSafe(due)).execute(&db).await.unwrap();
    shop.until(&stream, "payment.refunded").await;
    eventually("nothing is left to do", async || shop.texts(&listed).await.is_empty()).await;
    let booked = [1, 2, 3, 4].map(|request| format!("{payment}:{request}"));
    assert_eq!(shop.booked().await, booked, "the declined one and the one that was done");
    reactor.stop().await;
}

/// Its keys were taken away while a request was open: a person can settle it, and nothing waits.
#[sqlx::test(migrations = "../migrations")]
async fn what_no_gateway_can_be_asked_about_is_a_persons(db: PgPool) {
    let shop = Shop::open(&db).await;
    let reactor = react(&db);
    let order = shop.order(15).await;
    let payment = shop.pay_by("stripe", order, Some("pm_card_visa"), None).await;
    let stream = format!("payment-{payment}");
    shop.until(&stream, "payment.outcome_unknown").await;
    let finding = Finding::NotDone;
    let note = "asked Stripe, Ann".parse().unwrap();
    let resolve = payment::Command::Resolve { request: 1, finding, note, at: Utc::now() };
    shop.ask(Command::Payment(payment, resolve)).await;
    shop.until(&stream, "payment.failed").await;
    shop.pay(order, Some("tok_success")).await;
    shop.until(&format!("order-{order}"), "order.confirmed").await;
    reactor.stop().await;
}
