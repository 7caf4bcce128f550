//! What the tests share: requests to give, and a stream of one's own on NATS.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use chrono::Utc;
use domain::{CartId, Command, OrderId, ProductId};
use event_store::writer::Settings;
use event_store::{Answer, Outcome, Request, Writer};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use kit::{add, create_cart, create_product};
pub use kit_log::append_raw as raw;

pub fn request(command: Command) -> Request {
    Request::new(command, Utc::now())
}

pub fn keyed(key: &str, command: Command) -> Request {
    Request { key: Some(key.to_owned()), ..request(command) }
}

pub fn writer(db: &PgPool) -> Writer {
    Writer::start(db, Settings::default()).0
}

pub fn cart_id() -> CartId {
    CartId(Uuid::now_v7())
}

/// Buys what is in a cart.
pub fn check_out(id: CartId) -> Command {
    kit::check_out(id, OrderId(Uuid::now_v7()))
}

/// One more unit of a SKU.
pub fn receive(sku: &str) -> Command {
    kit::receive(sku, 1)
}

/// A correction of a SKU's units.
pub fn adjust(sku: &str, delta: i64) -> Command {
    let (location, reason) = ("main".parse().unwrap(), "counted".parse().unwrap());
    let adjust = domain::command::stock::Command::Adjust { location, delta, reason };
    Command::Stock(sku.parse().unwrap(), adjust)
}

/// A published product with one variant, and `units` of it in stock.
pub async fn on_sale(writer: &Writer, sku: &str, units: u32) {
    for command in kit::sell(ProductId(Uuid::now_v7()), sku, units) {
        accept(writer, command).await;
    }
}

pub async fn accept(writer: &Writer, command: Command) -> Answer {
    kit_log::accept(writer, request(command)).await
}

/// Which log it is.
pub async fn log_id(db: &PgPool) -> Uuid {
    event_store::read::log(db).await.unwrap().id
}

/// Puts the log back to a position, as a restore does.
pub async fn restore(db: &PgPool, position: i64) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "ALTER TABLE events DISABLE TRIGGER events_append_only;
         DELETE FROM events WHERE position > {position}"
    )))
    .execute(db)
    .await
    .unwrap();
}

/// The code of a refusal.
pub fn code(answer: &Answer) -> &str {
    match &answer.outcome {
        Outcome::Refused(refusal) => refusal.code().0,
        Outcome::Accepted { .. } => "accepted",
    }
}

/// Lets a test write events by itself, which only `append` may.
pub async fn by_hand(db: &PgPool) {
    let allow = "ALTER TABLE events DISABLE TRIGGER events_by_append";
    sqlx::query(allow).execute(db).await.unwrap();
}

/// JetStream, and a name for a stream that no other test uses.
pub async fn bus() -> (Context, String) {
    let client = async_nats::connect(harness::required("NATS_URL")).await.unwrap();
    (jetstream::new(client), format!("t{}", Uuid::now_v7().simple()))
}

/// Each stream reserves room on the server; a test that leaves its own behind fails others later.
pub async fn tidy_up(bus: &Context, name: &str, relaying: &CancellationToken) {
    relaying.cancel();
    // The relay would make it again once more.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let _ = bus.delete_stream(name).await;
}

/// The promise about positions: 1 … n without a hole, versions too.
pub async fn assert_contiguous(db: &PgPool) {
    let events = event_store::read::after(db, 0, event_store::read::PAGE_EVENTS_MAX).await.unwrap();
    let mut versions = std::collections::HashMap::new();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position, index as i64 + 1);
        let version = versions.entry(event.stream.clone()).or_insert(0);
        *version += 1;
        assert_eq!(event.version, *version, "{}", event.stream);
        event.decode().unwrap();
    }
    assert_eq!(event_store::read::head(db).await.unwrap(), events.len() as i64);
}
