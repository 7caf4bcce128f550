//! What the tests share: requests to give, and a stream of one's own on NATS.

use std::time::Duration;

use async_nats::jetstream::{self, Context};
use chrono::Utc;
use domain::command::product as products;
use domain::command::{cart, stock};
use domain::product::{Details, VariantSet};
use domain::{CartId, Command, ProductId, Quantity};
use event_store::writer::Settings;
use event_store::{Answer, Outcome, Request, Writer};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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

pub fn create_cart(id: CartId) -> Command {
    let currency = "EUR".parse().unwrap();
    Command::Cart(id, cart::Command::Create { currency, customer_id: None })
}

pub fn add_line(id: CartId, sku: &str, quantity: u32) -> Command {
    let quantity = quantity.try_into().unwrap();
    Command::Cart(id, cart::Command::AddLine { sku: sku.parse().unwrap(), quantity })
}

pub fn check_out(id: CartId) -> Command {
    let order_id = domain::OrderId(Uuid::now_v7());
    let reserved_until = Utc::now() + chrono::Duration::minutes(15);
    Command::Cart(id, cart::Command::CheckOut { order_id, reserved_until })
}

pub fn create_product(id: ProductId, variants: Vec<VariantSet>) -> Command {
    let details = Details {
        title: "Tote".to_owned().try_into().unwrap(),
        description: None,
        brand: None,
        category: vec![],
        attributes: [].into(),
        media: vec![],
    };
    Command::Product(id, products::Command::Create { details, variants })
}

/// One more unit of a SKU.
pub fn receive(sku: &str) -> Command {
    receive_units(sku, 1.try_into().unwrap())
}

fn receive_units(sku: &str, quantity: Quantity) -> Command {
    let location = "main".parse().unwrap();
    let receive = stock::Command::Receive { location, quantity, reference: None };
    Command::Stock(sku.parse().unwrap(), receive)
}

/// A published product with one variant, and `units` of it in stock.
pub async fn on_sale(writer: &Writer, sku: &str, units: u32) {
    let id = ProductId(Uuid::now_v7());
    let variant = VariantSet {
        sku: sku.parse().unwrap(),
        title: None,
        options: [].into(),
        prices: vec![serde_json::from_str(r#"{"amount":"19.99","currency":"EUR"}"#).unwrap()],
        barcode: None,
    };
    accept(writer, create_product(id, vec![variant])).await;
    accept(writer, Command::Product(id, products::Command::Publish)).await;
    if let Ok(quantity) = units.try_into() {
        accept(writer, receive_units(sku, quantity)).await;
    }
}

pub async fn accept(writer: &Writer, command: Command) -> Answer {
    let answer = writer.submit(request(command)).await.unwrap();
    assert!(matches!(answer.outcome, Outcome::Accepted { .. }), "{answer:?}");
    answer
}

/// The code of a refusal.
pub fn code(answer: &Answer) -> &'static str {
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

/// Appends an event as it comes, whatever it is; returns its position.
pub async fn raw(db: &PgPool, stream: &str, version: i64, kind: &str, data: &str) -> i64 {
    sqlx::query_scalar::<_, i64>(
        "SELECT append(log_id, position, false, NULL, '{}', '{}', '{}', '{}', '{}', '{}',
                       ARRAY[$1], ARRAY[$2], ARRAY[$3], '{1}', '{0}', ARRAY[now()],
                       ARRAY['{\"command\":\"test\"}'], ARRAY[$4]) + 1 FROM log_head",
    )
    .bind(stream)
    .bind(version)
    .bind(kind)
    .bind(data)
    .fetch_one(db)
    .await
    .unwrap()
}

/// JetStream, and a name for a stream that no other test uses.
pub async fn bus() -> (Context, String) {
    let url = std::env::var("NATS_URL").expect("NATS_URL: cargo xtask test sets it");
    let client = async_nats::connect(url).await.unwrap();
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
