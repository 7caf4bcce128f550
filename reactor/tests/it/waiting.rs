//! An event that no program can read: its stream waits, seen by everybody, and is taken up by
//! itself.

use std::process::{Child, Command, Stdio};

use clap::Parser as _;
use kit_log::eventually;
use reactor::operations::{self, LeftOut, Which};
use reactor::waiting::{self, RetryOutcome};
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgPool};
use uuid::Uuid;

use crate::shop::{Shop, react};

/// Writes history anew, as nobody but a test may.
async fn rename(db: &PgPool, stream: &str, from: &str, to: &str) {
    let rename = format!(
        "ALTER TABLE events DISABLE TRIGGER events_append_only;
         UPDATE events SET type = '{to}' WHERE stream = '{stream}' AND type = '{from}';
         ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only"
    );
    sqlx::raw_sql(AssertSqlSafe(rename)).execute(db).await.unwrap();
}

/// The gateway is asked about what could not be read as soon as it can be, without anybody saying
/// so; meanwhile others are served. What comes of it belongs to what the customer asked.
#[sqlx::test(migrations = "../migrations")]
async fn a_stream_that_cannot_be_read_waits_and_is_taken_up_by_itself(db: PgPool) {
    let shop = Shop::open(&db).await;
    let asked = Uuid::now_v7();
    let order = shop.order(15).await;
    let payment = shop.pay_as(order, Some("tok_success"), Some(asked)).await;
    let stream = format!("payment-{payment}");
    rename(&db, &stream, "payment.requested", "payment.teleported").await;

    let running = react(&db);
    eventually("it waits", async || waiting::count(&db).await.unwrap() == 1).await;
    let event = waiting::list(&db, 10).await.unwrap().remove(0);
    assert!(event.reason.contains("payment.teleported"), "{}", event.reason);
    assert!(waiting::check(&db).await.unwrap_err().starts_with("1 events are parked"));
    let (_, other) = shop.card("tok_success").await;
    shop.until(&format!("payment-{other}"), "payment.authorized").await;
    let late = shop.order(-1).await;
    shop.until(&format!("order-{late}"), "order.cancelled").await;
    assert_eq!(shop.history(&stream).await, ["payment.created", "payment.teleported"]);

    rename(&db, &stream, "payment.teleported", "payment.requested").await;
    shop.until(&stream, "payment.authorized").await;
    eventually("nothing waits", async || waiting::check(&db).await.is_ok()).await;
    assert_eq!(shop.origin(&stream).await.correlation_id, Some(asked));
    let mut both = [format!("{payment}:1"), format!("{other}:1")];
    both.sort();
    assert_eq!(shop.booked().await, both);
    running.stop().await;
}

/// What stands behind it in its stream is not heard before it.
#[sqlx::test(migrations = "../migrations")]
async fn what_comes_after_it_waits_behind_it(db: PgPool) {
    let shop = Shop::open(&db).await;
    let order = shop.order(15).await;
    let (stream, due) = (
        format!("order-{order}"),
        format!(
            "SELECT subject FROM reaction_tasks
             WHERE reaction = 'expire_order' AND subject = '{order}'"
        ),
    );
    shop.pay(order, None).await;
    let confirmed = ["order.placed", "order.payment_started", "order.confirmed"];
    assert_eq!(shop.history(&stream).await, confirmed);
    rename(&db, &stream, "order.payment_started", "order.payment_dreamt_of").await;

    let running = react(&db);
    eventually("it waits", async || waiting::count(&db).await.unwrap() == 1).await;
    shop.until_read().await;
    assert_eq!(shop.texts(&due).await.len(), 1, "that it was confirmed is not known yet");
    rename(&db, &stream, "order.payment_dreamt_of", "order.payment_started").await;
    eventually("that is heard", async || shop.texts(&due).await.is_empty()).await;
    eventually("nothing waits", async || waiting::check(&db).await.is_ok()).await;
    running.stop().await;
}

/// Nobody has to, but it can be tried at once, and it is said what came of it.
#[sqlx::test(migrations = "../migrations")]
async fn it_can_be_taken_up_by_hand(db: PgPool) {
    let shop = Shop::open(&db).await;
    let (_, payment) = shop.card("tok_success").await;
    let stream = format!("payment-{payment}");
    rename(&db, &stream, "payment.requested", "payment.teleported").await;
    let running = react(&db);
    eventually("it waits", async || waiting::count(&db).await.unwrap() == 1).await;
    running.stop().await;
    let position = waiting::list(&db, 10).await.unwrap().remove(0).position;

    let still = waiting::retry(&db, position).await.unwrap();
    assert!(matches!(still, RetryOutcome::StillWaits(_)), "{still:?}");
    rename(&db, &stream, "payment.teleported", "payment.requested").await;
    assert_eq!(waiting::retry(&db, position).await.unwrap(), RetryOutcome::Done);
    assert_eq!(waiting::retry(&db, position).await.unwrap(), RetryOutcome::NotWaiting);
    let running = react(&db);
    shop.until(&stream, "payment.authorized").await;
    running.stop().await;
}

/// What nobody will ever read has a way out: the rest of its stream goes on without it.
#[sqlx::test(migrations = "../migrations")]
async fn it_can_be_left_out_by_hand(db: PgPool) {
    let shop = Shop::open(&db).await;
    let (order, _) = shop.card("tok_success").await;
    let stream = format!("order-{order}");
    rename(&db, &stream, "order.placed", "order.dreamt_of").await;
    let running = react(&db);
    eventually("it waits", async || waiting::count(&db).await.unwrap() == 1).await;
    running.stop().await;
    let waits = waiting::list(&db, 10).await.unwrap().remove(0);
    assert_eq!((&waits.stream, waits.position > 0), (&stream, true));
    assert!(waits.reactions.contains(&"expire_order".to_owned()), "{:?}", waits.reactions);

    assert_eq!(waiting::skip(&db, waits.position).await.unwrap(), RetryOutcome::Done);
    assert_eq!(waiting::count(&db).await.unwrap(), 0);
    assert_eq!(waiting::skip(&db, waits.position).await.unwrap(), RetryOutcome::NotWaiting);
}

/// What is done by hand about an event that is not parked is a mistake, and a runbook stops there.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_parked_is_neither_left_out_nor_taken_up(db: PgPool) {
    let skip = Task::parse_from(["reactor", "skip", "--position", "999", "--reason", "no use"]);
    let retry = Task::parse_from(["reactor", "retry", "--position", "999"]);
    for mistaken in [skip, retry] {
        assert!(!mistaken.done(&db).await);
    }
    assert!(Task::parse_from(["reactor", "retry", "--all"]).done(&db).await, "there are none");
}

#[derive(clap::Parser)]
enum Task {
    Skip(LeftOut),
    Retry(Which),
}

impl Task {
    async fn done(self, db: &PgPool) -> bool {
        let done = match self {
            Self::Skip(which) => operations::skip(db, which).await,
            Self::Retry(which) => operations::retry(db, which).await,
        };
        done.unwrap()
    }
}

/// More streams than are tried at once, all but one of which nobody can read: it has its turn.
#[sqlx::test(migrations = "../migrations")]
async fn those_that_nobody_can_read_keep_no_other_from_its_turn(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut payments = Vec::new();
    for _ in 0..70 {
        payments.push(shop.card("tok_success").await.1);
    }
    for payment in &payments {
        let stream = format!("payment-{payment}");
        rename(&db, &stream, "payment.requested", "payment.teleported").await;
    }
    let running = react(&db);
    eventually("they wait", async || waiting::count(&db).await.unwrap() == 70).await;
    // The last by name: the ids are in the order in which they were made.
    let last = format!("payment-{}", payments[69]);
    rename(&db, &last, "payment.teleported", "payment.requested").await;
    shop.until(&last, "payment.authorized").await;
    // Other reactions read the stream too, each in its own time.
    eventually("one less waits", async || waiting::count(&db).await.unwrap() == 69).await;
    running.stop().await;
}

/// Payments whose requests nobody can read, and which wait.
async fn unreadable(db: &PgPool, count: usize) -> Vec<String> {
    let shop = Shop::open(db).await;
    let mut streams = Vec::new();
    for _ in 0..count {
        let stream = format!("payment-{}", shop.card("tok_success").await.1);
        rename(db, &stream, "payment.requested", "payment.teleported").await;
        streams.push(stream);
    }
    let running = react(db);
    let count = i64::try_from(count).unwrap();
    eventually("they wait", async || waiting::count(db).await.unwrap() == count).await;
    running.stop().await;
    streams
}

/// The program, as those who look after it use it.
fn reactor(db: &PgPool, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reactor"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("DATABASE_URL", db.connect_options().to_url_lossy().as_str());
    command.spawn().unwrap()
}

/// Who hears no more of what is done breaks nothing off.
#[sqlx::test(migrations = "../migrations")]
async fn all_are_taken_up_though_nobody_hears_of_it(db: PgPool) {
    for stream in unreadable(&db, 2).await {
        rename(&db, &stream, "payment.teleported", "payment.requested").await;
    }
    let mut unheard = reactor(&db, &["retry", "--all"]);
    drop(unheard.stdout.take());
    let ended = unheard.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(waiting::count(&db).await.unwrap(), 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn programs_are_told_what_is_parked(db: PgPool) {
    let streams = unreadable(&db, 2).await;
    let told = reactor(&db, &["parked", "--json"]).wait_with_output().unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["parked"], 2, "{told}");
    let events = told["events"].as_array().unwrap();
    let named: Vec<&str> = events.iter().map(|event| event["stream"].as_str().unwrap()).collect();
    assert_eq!(named, streams);
    let event = &events[0];
    assert!(event["reason"].as_str().unwrap().contains("payment.teleported"), "{told}");
    assert!(event["position"].is_i64() && event["parked_at"].is_string(), "{told}");
    assert!(event["reactions"].as_array().unwrap().contains(&"ask_gateway".into()), "{told}");
}
