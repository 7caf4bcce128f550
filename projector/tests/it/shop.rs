//! A small shop to tell stories with, and the projector driven by hand.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::command::product as products;
use domain::command::{cart, fulfilment, order, payment, stock};
use domain::options::VariantOption;
use domain::order::PaymentMethod;
use domain::payment::{CapturePolicy, Start, Verdict};
use domain::product::{Changed, Details, VariantSet};
use domain::{CartId, Command, FulfilmentId, Money, OrderId, Owner, PaymentId, ProductId, Sku};
use event_store::{Outcome, RawEvent, Request, Writer, read};
use projector::checkpoint::{self, LEASE, Lease};
use projector::projection::Projection;
use projector::working::fold::{self, BatchError};
use projector::working::memory::Memory;
use projector::{builds, projections};
use serde_json::Value;
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, PgPool};

/// A shop with its log.
pub struct Shop {
    pub db: PgPool,
    writer: Writer,
}

/// An environment variable that tests cannot do without.
pub fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} must say where the server is"))
}

pub fn id() -> Uuid {
    Uuid::now_v7()
}

pub fn sku(text: &str) -> Sku {
    text.parse().unwrap()
}

pub fn money(amount: &str) -> Money {
    Money::new(amount.parse().unwrap(), "EUR".parse().unwrap()).unwrap()
}

/// Everything happens on this day.
pub fn today() -> DateTime<Utc> {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

impl Shop {
    pub fn open(db: &PgPool) -> Self {
        let (writer, _task) = Writer::start(db, event_store::writer::Settings::default());
        Self { db: db.clone(), writer }
    }

    /// Gives a command that must be accepted. Returns its position.
    pub async fn ask(&self, command: Command) -> i64 {
        let request = Request::new(command, today());
        let answer = self.writer.submit(request).await.unwrap();
        assert!(matches!(answer.outcome, Outcome::Accepted { .. }), "{answer:?}");
        answer.position
    }

    /// A published product with one variant at 25 EUR.
    pub async fn product(&self, title: &str, sku_text: &str) -> ProductId {
        let product_id = ProductId(id());
        let details: Details = serde_json::from_value(serde_json::json!({
            "title": title, "brand": "Acme", "category": ["Bags", "Totes"],
            "attributes": { "material": "leather" }, "description": "<p>Made by <b>hand</b></p>",
        }))
        .unwrap();
        let size = VariantOption { name: "Size".parse().unwrap(), value: "M".parse().unwrap() };
        let variant = VariantSet {
            sku: sku(sku_text),
            title: None,
            options: vec![size].try_into().unwrap(),
            prices: vec![money("25.00")],
            barcode: None,
        };
        let create = products::Command::Create { details, variants: vec![variant] };
        self.ask(Command::Product(product_id, create)).await;
        self.ask(Command::Product(product_id, products::Command::Publish)).await;
        product_id
    }

    pub async fn retitle(&self, product_id: ProductId, title: &str) -> i64 {
        let changed = Changed { title: Some(title.parse().unwrap()), ..Changed::default() };
        self.ask(Command::Product(product_id, products::Command::Change(changed))).await
    }

    pub async fn receive(&self, sku_text: &str, units: u32) -> i64 {
        let receive = stock::Command::Receive {
            location: "main".parse().unwrap(),
            quantity: units.try_into().unwrap(),
            reference: None,
        };
        self.ask(Command::Stock(sku(sku_text), receive)).await
    }

    pub async fn cart(&self) -> CartId {
        let cart_id = CartId(id());
        let create =
            cart::Command::Create { currency: "EUR".parse().unwrap(), owner: Owner::default() };
        self.ask(Command::Cart(cart_id, create)).await;
        cart_id
    }

    pub async fn put(&self, cart_id: CartId, sku_text: &str, units: u32) -> i64 {
        let add =
            cart::Command::AddLine { sku: sku(sku_text), quantity: units.try_into().unwrap() };
        self.ask(Command::Cart(cart_id, add)).await
    }

    /// An order of some units, not paid yet.
    pub async fn order(&self, sku_text: &str, units: u32) -> OrderId {
        let cart_id = self.cart().await;
        self.put(cart_id, sku_text, units).await;
        let order_id = OrderId(id());
        let reserved_until = today() + TimeDelta::hours(1);
        let check_out = cart::Command::CheckOut { order_id, reserved_until, address_id: None };
        self.ask(Command::Cart(cart_id, check_out)).await;
        order_id
    }

    pub async fn pay(&self, payment_id: PaymentId, command: payment::Command) -> i64 {
        self.ask(Command::Payment(payment_id, command)).await
    }

    /// What the gateway answered to a request.
    pub async fn record(&self, payment_id: PaymentId, request: u32, verdict: Verdict) -> i64 {
        self.pay(payment_id, payment::Command::Record { request, verdict, at: today() }).await
    }

    /// Pays an order by card: authorised and captured.
    pub async fn paid(&self, order_id: OrderId) -> PaymentId {
        let payment_id = PaymentId(id());
        let start = Start {
            method: PaymentMethod::Card,
            gateway: Some("sandbox".parse().unwrap()),
            token: Some("tok".parse().unwrap()),
            capture: CapturePolicy::ByHand,
            once: false,
            return_url: None,
        };
        self.pay(payment_id, payment::Command::Start { order_id, start }).await;
        let (reference, expires_at) = ("ref".parse().unwrap(), today() + TimeDelta::days(7));
        self.record(payment_id, 1, Verdict::Authorized { reference, expires_at }).await;
        self.pay(payment_id, payment::Command::Capture { amount: None }).await;
        self.record(payment_id, 2, Verdict::Captured { reference: None, amount: None, fee: None })
            .await;
        payment_id
    }

    pub async fn refund(&self, payment_id: PaymentId, amount: &str, request: u32) -> i64 {
        let (amount, reason) = (Some(money(amount)), None);
        self.pay(payment_id, payment::Command::Refund { amount, reason, by_hand: false }).await;
        self.record(payment_id, request, Verdict::Refunded { reference: None, amount: None }).await
    }

    pub async fn cancel(&self, order_id: OrderId) -> i64 {
        let reason = "changed my mind".parse().unwrap();
        let cancel = order::Command::Cancel { reason, lines: vec![] };
        self.ask(Command::Order(order_id, cancel)).await
    }

    pub async fn send(&self, order_id: OrderId) -> FulfilmentId {
        let parcel = FulfilmentId(id());
        let (lines, location) = (vec![], None);
        let create = fulfilment::Command::Create { order_id, lines, location };
        self.ask(Command::Fulfilment(parcel, create)).await;
        self.ask(Command::Fulfilment(parcel, fulfilment::Command::Pack)).await;
        // The number is known later, and put right after that.
        for code in [None, Some("1Z 98"), Some("1Z 99")] {
            let tracking = code.map(|code| code.parse().unwrap());
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
        let parcel = self.send(order_id).await;
        self.ask(Command::Fulfilment(parcel, fulfilment::Command::Deliver { lines: vec![] })).await;
        self.refund(payment_id, "30.00", 3).await;
        let other = self.order("TOTE", 1).await;
        self.paid(other).await;
        self.cancel(other).await;
        (order_id, payment_id)
    }

    /// Appends an event as it comes, whatever it is.
    pub async fn append_raw(&self, stream: &str, version: i64, kind: &str, data: &str) -> i64 {
        sqlx::query_scalar::<_, i64>(
            "SELECT append(log_id, position, false, NULL, '{}', '{}', '{}', '{}', '{}', '{}',
                           ARRAY[$1], ARRAY[$2], ARRAY[$3], '{1}', '{0}', ARRAY[now()],
                           ARRAY['{\"command\":\"test\"}'], ARRAY[$4]) + 1 FROM log_head",
        )
        .bind(stream)
        .bind(version)
        .bind(kind)
        .bind(data)
        .fetch_one(&self.db)
        .await
        .unwrap()
    }
}

pub fn projection(name: &str) -> &'static Projection {
    projections::find(name).unwrap()
}

/// Takes the lease of a projection's active build.
pub async fn lease(db: &PgPool, name: &str, owner: &str) -> Option<Lease> {
    let projection = projection(name);
    let build = builds::active(db, projection).await.unwrap().build;
    checkpoint::acquire(db, projection, build, 0, owner, LEASE).await.unwrap()
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

impl Shop {
    /// More of the same product.
    pub async fn busy_day_again(&self) {
        let order_id = self.order("TOTE", 2).await;
        let payment_id = self.paid(order_id).await;
        self.refund(payment_id, "10.00", 3).await;
        self.order("TOTE", 14).await;
    }
}
