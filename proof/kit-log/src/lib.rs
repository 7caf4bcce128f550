//! The kit's shop with a log: the test's own database and a writer on it. What is asked is the
//! kit's; here it is asked of the writer, and must be accepted.
//!
//! For integration tests, of `event-store` too: to a unit test inside it, the types here would be
//! those of another build of it.

#![allow(missing_docs, reason = "what they do is said by their names")]
#![allow(clippy::missing_panics_doc, reason = "a test ends where something is not as it should be")]
#![allow(clippy::unwrap_used, reason = "the same")]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::payment::Verdict;
use domain::product::VariantSet;
use domain::{CartId, Command, FulfilmentId, OrderId, PaymentId, ProductId};
use event_store::writer::Settings;
use event_store::{Answer, Outcome, Request, Writer, read};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

/// The most events of a stream that are looked at.
const HISTORY_EVENTS_MAX: i64 = 1_000;
/// How long something may take to come by itself.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked whether it has.
const POLL: Duration = Duration::from_millis(25);

/// Submits what must be accepted.
pub async fn accept(writer: &Writer, request: Request) -> Answer {
    let answer = writer.submit(request).await.unwrap();
    assert!(matches!(answer.outcome, Outcome::Accepted { .. }), "{answer:?}");
    answer
}

/// The types of a stream's events.
pub async fn history(db: &PgPool, stream: &str) -> Vec<String> {
    let events = read::of_stream(db, stream, 0, HISTORY_EVENTS_MAX).await.unwrap().events;
    events.into_iter().map(|event| event.kind).collect()
}

/// The payload of a stream's last event of a type.
pub async fn payload(db: &PgPool, stream: &str, kind: &str) -> Value {
    let events = read::of_stream(db, stream, 0, HISTORY_EVENTS_MAX).await.unwrap().events;
    let event = events.iter().rfind(|event| event.kind == kind).unwrap();
    serde_json::from_str(event.data.get()).unwrap()
}

/// Something comes to be so by itself.
pub async fn eventually(what: &str, holds: impl AsyncFnMut() -> bool) {
    assert!(comes(holds).await, "never: {what}");
}

/// The last event of a stream comes to be this one.
pub async fn until(db: &PgPool, stream: &str, kind: &str) {
    let is_last = async || history(db, stream).await.last().is_some_and(|last| last == kind);
    assert!(comes(is_last).await, "never {kind} in {stream}: {:?}", history(db, stream).await);
}

async fn comes(mut holds: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..PATIENCE.as_millis() / POLL.as_millis() {
        if holds().await {
            return true;
        }
        tokio::time::sleep(POLL).await;
    }
    false
}

/// A pool of sessions that have the rights of a role.
pub async fn acting_as(db: &PgPool, role: &str) -> PgPool {
    let options = (*db.connect_options()).clone().options([("role", role)]);
    PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap()
}

/// Appends an event as it comes, whatever it is; returns its position.
pub async fn append_raw(db: &PgPool, stream: &str, version: i64, kind: &str, data: &str) -> i64 {
    sqlx::query_scalar::<_, i64>(
        "SELECT head + 1 FROM log_head, append_batch(
             log_id, position, false, NULL, '{}', '{}', '{}', '{}', '{}', '{}',
             ARRAY[$1], ARRAY[$2], ARRAY[$3], '{1}', '{0}', ARRAY[now()],
             ARRAY['{\"command\":\"test\"}'], ARRAY[$4])",
    )
    .bind(stream)
    .bind(version)
    .bind(kind)
    .bind(data)
    .fetch_one(db)
    .await
    .unwrap()
}

/// A shop with its log.
pub struct Shop {
    pub db: PgPool,
    pub writer: Writer,
    /// When everything happens; now, if nothing is said.
    at: Option<DateTime<Utc>>,
}

impl Shop {
    /// One without a catalogue.
    pub fn open(db: &PgPool) -> Self {
        let (writer, _ends_by_itself) = Writer::start(db, Settings::default());
        Self { db: db.clone(), writer, at: None }
    }

    /// One in which everything happens at that time.
    pub fn open_at(db: &PgPool, at: DateTime<Utc>) -> Self {
        Self { at: Some(at), ..Self::open(db) }
    }

    fn now(&self) -> DateTime<Utc> {
        self.at.unwrap_or_else(Utc::now)
    }

    /// Gives a command that must be accepted. Returns its position.
    pub async fn ask(&self, command: Command) -> i64 {
        accept(&self.writer, Request::new(command, self.now())).await.position
    }

    /// A published product of these variants.
    pub async fn offer(&self, variants: Vec<VariantSet>) -> ProductId {
        let id = ProductId(Uuid::now_v7());
        self.ask(kit::create_product(id, variants)).await;
        self.ask(kit::publish(id)).await;
        id
    }

    /// A published product with one variant at 19.99 EUR, and `units` of it in stock.
    pub async fn sell(&self, sku: &str, units: u32) -> ProductId {
        let id = ProductId(Uuid::now_v7());
        for command in kit::sell(id, sku, units) {
            self.ask(command).await;
        }
        id
    }

    pub async fn cart(&self) -> CartId {
        let id = CartId(Uuid::now_v7());
        self.ask(kit::create_cart(id)).await;
        id
    }

    /// An order of some units, reserved for an hour and not paid yet.
    pub async fn order(&self, sku: &str, units: u32) -> OrderId {
        self.order_until(sku, units, self.now() + TimeDelta::hours(1)).await
    }

    /// The same, reserved until then.
    pub async fn order_until(&self, sku: &str, units: u32, until: DateTime<Utc>) -> OrderId {
        let (cart, order) = (self.cart().await, OrderId(Uuid::now_v7()));
        self.ask(kit::add(cart, sku, units)).await;
        self.ask(kit::check_out_until(cart, order, until)).await;
        order
    }

    /// What the gateway answered to a request.
    pub async fn record(&self, payment: PaymentId, request: u32, verdict: Verdict) -> i64 {
        self.ask(kit::record(payment, request, verdict)).await
    }

    /// Pays an order by card: authorised and captured.
    pub async fn paid(&self, order: OrderId) -> PaymentId {
        let payment = PaymentId(Uuid::now_v7());
        self.ask(kit::pay_by_card(payment, order)).await;
        let (reference, expires_at) = (kit::token("ref"), self.now() + TimeDelta::days(7));
        self.record(payment, 1, Verdict::Authorized { reference, expires_at }).await;
        self.ask(kit::capture(payment, None)).await;
        self.record(payment, 2, kit::was_captured()).await;
        payment
    }

    /// Gives some money back, which is the payment's request of that number.
    pub async fn refund(&self, payment: PaymentId, amount: &str, request: u32) -> i64 {
        self.ask(kit::refund(payment, Some(kit::eur(amount)))).await;
        self.record(payment, request, kit::was_refunded()).await
    }

    /// All that is left of an order, on its way.
    pub async fn send(&self, order: OrderId) -> FulfilmentId {
        let parcel = FulfilmentId(Uuid::now_v7());
        for step in [kit::plan(parcel, order, &[]), kit::pack(parcel), kit::ship(parcel)] {
            self.ask(step).await;
        }
        parcel
    }
}
