//! A small shop to tell stories with, and the projector driven by hand.

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::command::{fulfilment, product};
use domain::product::Changed;
use domain::{Command, FulfilmentId, OrderId, PaymentId, ProductId};
use event_store::tail::Tail;
use event_store::{RawEvent, read};
pub use kit::{new_id as id, sku};
use projector::checkpoint::{self, LEASE, Lease};
use projector::projection::Projection;
use projector::working::fold::{self, BatchError};
use projector::working::memory::Memory;
use projector::working::worker::{self, Context, Readers};
use projector::{builds, projections};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A shop of one day, with its log.
pub struct Shop(kit_log::Shop);

impl Deref for Shop {
    type Target = kit_log::Shop;

    fn deref(&self) -> &kit_log::Shop {
        &self.0
    }
}

/// Everything happens on this day.
fn today() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

impl Shop {
    pub fn open(db: &PgPool) -> Self {
        Self(kit_log::Shop::open_at(db, today()))
    }

    /// A published product with one variant at 25 EUR.
    pub async fn product(&self, title: &str, sku: &str) -> ProductId {
        let product_id = ProductId(id());
        let details = serde_json::from_value(serde_json::json!({
            "title": title, "brand": "Acme", "category": ["Bags", "Totes"],
            "attributes": { "material": "leather" }, "description": "<p>Made by <b>hand</b></p>",
        }));
        let mut variant = kit::variant(sku, &[kit::eur("25.00")]);
        variant.options = kit::options(&[("Size", "M")]);
        let (details, variants) = (details.unwrap(), vec![variant]);
        self.ask(Command::Product(product_id, product::Command::Create { details, variants }))
            .await;
        self.ask(kit::publish(product_id)).await;
        product_id
    }

    pub async fn retitle(&self, product_id: ProductId, title: &str) -> i64 {
        let changed = Changed { title: Some(kit::label(title)), ..Changed::default() };
        self.ask(Command::Product(product_id, product::Command::Change(changed))).await
    }

    pub async fn receive(&self, sku: &str, units: u32) -> i64 {
        self.ask(kit::receive(sku, units)).await
    }

    pub async fn put(&self, cart_id: domain::CartId, sku: &str, units: u32) -> i64 {
        self.ask(kit::add(cart_id, sku, units)).await
    }

    /// A parcel whose number is known after it has left, and put right after that.
    async fn send_and_label(&self, order_id: OrderId) -> FulfilmentId {
        let parcel = FulfilmentId(id());
        self.ask(kit::plan(parcel, order_id, &[])).await;
        self.ask(kit::pack(parcel)).await;
        for code in [None, Some("1Z 98"), Some("1Z 99")] {
            let tracking = code.map(kit::label);
            let ship = fulfilment::Command::Ship { carrier: None, tracking };
            self.ask(Command::Fulfilment(parcel, ship)).await;
        }
        parcel
    }

    /// A bit of everything: sold, sent, refunded, cancelled.
    pub async fn busy_day(&self) -> (OrderId, PaymentId) {
        self.product("Leather tote", "TOTE").await;
        self.receive("TOTE", 20).await;
        let order_id = self.order("TOTE", 4).await;
        let payment_id = self.paid(order_id).await;
        let parcel = self.send_and_label(order_id).await;
        self.ask(kit::deliver(parcel)).await;
        self.refund(payment_id, "30.00", 3).await;
        let other = self.order("TOTE", 1).await;
        self.paid(other).await;
        self.ask(kit::cancel(other)).await;
        (order_id, payment_id)
    }

    /// More of the same product.
    pub async fn busy_day_again(&self) {
        let order_id = self.order("TOTE", 2).await;
        let payment_id = self.paid(order_id).await;
        self.refund(payment_id, "10.00", 3).await;
        self.order("TOTE", 14).await;
    }

    /// Appends an event as it comes, whatever it is.
    pub async fn append_raw(&self, stream: &str, version: i64, kind: &str, data: &str) -> i64 {
        kit_log::append_raw(&self.db, stream, version, kind, data).await
    }
}

pub fn projection(name: &str) -> &'static Projection {
    projections::find(name).unwrap()
}

/// Takes the lease of a projection's active build.
pub async fn lease(db: &PgPool, name: &str, owner: &str) -> Option<Lease> {
    let projection = projection(name);
    let build = builds::active(db, projection).await.unwrap().build;
    checkpoint::acquire(db, projection, build, None, owner, LEASE).await.unwrap()
}

/// The log after a position.
pub async fn events(db: &PgPool, after: i64) -> Vec<Arc<RawEvent>> {
    let events = read::after(db, after, read::PAGE_EVENTS_MAX).await.unwrap();
    events.into_iter().map(Arc::new).collect()
}

/// Folds all that is after the lease's checkpoint, as one batch.
pub async fn fold(db: &PgPool, lease: &mut Lease) -> Result<usize, BatchError> {
    let events = events(db, lease.position).await;
    let mut memory = Memory::load(db, lease.projection, lease.build).await.unwrap();
    fold::apply(db, lease, &mut memory, &events).await
}

/// Brings a projection up to the head of the log.
pub async fn project(db: &PgPool, name: &str) {
    let mut lease = lease(db, name, "test").await.expect("the lease is free");
    fold(db, &mut lease).await.unwrap();
    lease.release(db).await.unwrap();
}

/// Starts a worker of a projection, as in a process of its own.
pub fn worker_of(
    db: &PgPool,
    name: &'static str,
    owner: &str,
) -> (JoinHandle<()>, CancellationToken) {
    let stop = CancellationToken::new();
    let context = Context {
        db: db.clone(),
        tail: Tail::start(db.clone(), None, String::new()),
        bus: None,
        owner: owner.to_owned(),
        stop: stop.clone(),
    };
    let task = tokio::spawn(async move {
        worker::run(context, projection(name), Readers::default()).await.unwrap();
    });
    (task, stop)
}

/// The documents of a view, by key.
pub async fn documents(db: &PgPool, view: &str) -> Vec<Value> {
    let query = format!("SELECT document FROM {view} ORDER BY id");
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(db).await.unwrap()
}

/// The one document of a view.
pub async fn document(db: &PgPool, view: &str) -> Value {
    let mut documents = documents(db, view).await;
    assert_eq!(documents.len(), 1, "{documents:?}");
    documents.remove(0)
}

/// Streams that a projection has parked.
pub async fn parked(db: &PgPool, name: &str) -> Vec<String> {
    sqlx::query_scalar("SELECT stream FROM parked_streams WHERE projection = $1 ORDER BY position")
        .bind(name)
        .fetch_all(db)
        .await
        .unwrap()
}
