//! A shop to react to: a writer, the few commands that lead to a payment, and the reactor over it.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use domain::command::{cart, payment, product, stock};
use domain::product::{Details, VariantSet};
use domain::{CartId, Command, OrderId, PaymentId, ProductId};
use event_store::{Metadata, Outcome, Request, Writer, read, writer};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A shop that sells totes, of which there are enough.
pub struct Shop {
    pub db: PgPool,
    pub writer: Writer,
}

/// A reactor that runs.
pub struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// Starts a reactor with a writer of its own, as another process has one.
pub fn react(db: &PgPool) -> Running {
    let (writer, _) = Writer::start(db, writer::Settings::default());
    let stop = CancellationToken::new();
    let task = tokio::spawn(reactor::run(db.clone(), writer, stop.clone()));
    Running { stop, task }
}

pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

impl Shop {
    pub async fn open(db: &PgPool) -> Self {
        let (writer, _) = Writer::start(db, writer::Settings::default());
        let shop = Self { db: db.clone(), writer };
        let details: Details = serde_json::from_value(json!({"title": "Tote"})).unwrap();
        let price = json!({"amount": "19.99", "currency": "EUR"});
        let variant = VariantSet {
            sku: "TOTE".parse().unwrap(),
            title: None,
            options: [].into(),
            prices: vec![serde_json::from_value(price).unwrap()],
            barcode: None,
        };
        let product = ProductId(Uuid::now_v7());
        let create = product::Command::Create { details, variants: vec![variant] };
        shop.ask(Command::Product(product, create)).await;
        shop.ask(Command::Product(product, product::Command::Publish)).await;
        let receive = stock::Command::Receive {
            location: "main".parse().unwrap(),
            quantity: 1_000.try_into().unwrap(),
            reference: None,
        };
        shop.ask(Command::Stock("TOTE".parse().unwrap(), receive)).await;
        shop
    }

    /// Gives a command that must be accepted.
    pub async fn ask(&self, command: Command) {
        self.ask_as(command, None).await;
    }

    async fn ask_as(&self, command: Command, correlation_id: Option<Uuid>) {
        let request = Request {
            key: None,
            fingerprint: Uuid::nil(),
            expected: None,
            at: Utc::now(),
            actor: None,
            correlation_id,
            causation: None,
            command,
        };
        let answer = self.writer.submit(request).await.unwrap();
        assert!(matches!(answer.outcome, Outcome::Accepted { .. }), "{answer:?}");
    }

    /// An order whose units are reserved for so many minutes from now.
    pub async fn order(&self, minutes: i64) -> OrderId {
        let (cart, order_id) = (CartId(Uuid::now_v7()), OrderId(Uuid::now_v7()));
        let create = cart::Command::Create { currency: "EUR".parse().unwrap(), customer_id: None };
        self.ask(Command::Cart(cart, create)).await;
        let (sku, quantity) = ("TOTE".parse().unwrap(), 1.try_into().unwrap());
        self.ask(Command::Cart(cart, cart::Command::AddLine { sku, quantity })).await;
        let reserved_until = Utc::now() + TimeDelta::minutes(minutes);
        let check_out = cart::Command::CheckOut { order_id, reserved_until };
        self.ask(Command::Cart(cart, check_out)).await;
        order_id
    }

    /// Begins to pay an order: by card where there is a token, in cash where there is none.
    pub async fn pay(&self, order_id: OrderId, token: Option<&str>) -> PaymentId {
        self.pay_as(order_id, token, None).await
    }

    /// The same, as part of what a caller asked.
    pub async fn pay_as(
        &self,
        order_id: OrderId,
        token: Option<&str>,
        correlation_id: Option<Uuid>,
    ) -> PaymentId {
        let id = PaymentId(Uuid::now_v7());
        let token = token.map(|token| token.parse().unwrap());
        let start = payment::Command::Start { order_id, token };
        self.ask_as(Command::Payment(id, start), correlation_id).await;
        id
    }

    /// An order and its card payment.
    pub async fn card(&self, token: &str) -> (OrderId, PaymentId) {
        let order = self.order(15).await;
        (order, self.pay(order, Some(token)).await)
    }

    /// The types of a stream's events.
    pub async fn history(&self, stream: &str) -> Vec<String> {
        let events = read::of_stream(&self.db, stream, 0, 1_000).await.unwrap().events;
        events.into_iter().map(|event| event.kind).collect()
    }

    /// The last event of a stream comes to be this one.
    pub async fn until(&self, stream: &str, kind: &str) {
        eventually(&format!("{kind} in {stream}"), async || {
            self.history(stream).await.last().is_some_and(|last| last == kind)
        })
        .await;
    }

    /// Where the last event of a stream came from.
    pub async fn origin(&self, stream: &str) -> Metadata {
        let events = read::of_stream(&self.db, stream, 0, 1_000).await.unwrap().events;
        serde_json::from_str(events.last().unwrap().metadata.get()).unwrap()
    }

    /// The keys under which the gateway did something, in order.
    pub async fn booked(&self) -> Vec<String> {
        self.texts("SELECT key FROM sandbox_gateway ORDER BY key").await
    }

    /// The first column of what is selected.
    pub async fn texts(&self, select: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(select)).fetch_all(&self.db).await.unwrap()
    }

    /// Every reaction has come as far as the log.
    pub async fn until_read(&self) {
        let head = read::head(&self.db).await.unwrap();
        // What is of no interest is not kept at once: something that is, behind it.
        let order = self.order(15).await;
        let sees = format!("SELECT subject FROM reaction_tasks WHERE subject = '{order}'");
        eventually("the log is read", async || self.texts(&sees).await.len() == 1).await;
        let behind = format!("SELECT name FROM reactions WHERE position < {head}");
        eventually("all have read it", async || self.texts(&behind).await.is_empty()).await;
    }
}
