//! A shop to react to: the kit's, the commands that lead to a payment, and the reactor over it.

use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use domain::command::{fulfilment, payment};
use domain::order::{PaymentMethod, Units};
use domain::payment::CapturePolicy;
use domain::{By, Command, FulfilmentId, OrderId, PaymentId, Shopper};
use event_store::{Metadata, Request, Writer, read, writer};
use kit_log::eventually;
use reactor::Correspondence;
use reactor::gateway::settings::Settings;
use service::config::Secret;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vault::{Master, Vault};

/// A shop that sells totes, of which there are enough.
pub struct Shop {
    pub db: PgPool,
    shop: kit_log::Shop,
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
    react_with(db, Correspondence::default())
}

/// The same, who knows people and writes to them.
pub fn react_with(db: &PgPool, people: Correspondence) -> Running {
    react_to_carts(db, None, people)
}

/// The same, who gives carts up that nobody touches for so long.
pub fn react_to_carts(db: &PgPool, term: Option<TimeDelta>, people: Correspondence) -> Running {
    let (writer, _) = Writer::start(db, writer::Settings::default());
    let (stop, settings) = (CancellationToken::new(), Settings::default());
    let reacting = reactor::run(db, writer, &settings, term, people, None, stop.clone()).unwrap();
    let task = tokio::spawn(reacting);
    Running { stop, task }
}

/// What is known of people, under a key of its own.
pub fn vault(db: &PgPool) -> Vault {
    let master = Master::read(&Secret::from(Master::generate().as_str())).unwrap();
    Vault::new(db.clone(), Arc::new(master))
}

impl Shop {
    pub async fn open(db: &PgPool) -> Self {
        let shop = kit_log::Shop::open(db);
        shop.sell("TOTE", 1_000).await;
        Self { db: db.clone(), shop }
    }

    /// Gives a command that must be accepted.
    pub async fn ask(&self, command: Command) {
        self.shop.ask(command).await;
    }

    /// The same of a shopper, about what is theirs.
    pub async fn ask_as(&self, shopper: Shopper, command: Command) {
        let by = By::Shopper(shopper);
        let request = Request { by, ..Request::new(command, Utc::now()) };
        kit_log::accept(&self.shop.writer, request).await;
    }

    /// An order whose units are reserved for so many minutes from now.
    pub async fn order(&self, minutes: i64) -> OrderId {
        self.shop.order_until("TOTE", 1, Utc::now() + TimeDelta::minutes(minutes)).await
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
        self.pay_by("sandbox", order_id, token, correlation_id).await
    }

    /// The same, by another gateway.
    pub async fn pay_by(
        &self,
        gateway: &str,
        order_id: OrderId,
        token: Option<&str>,
        correlation_id: Option<Uuid>,
    ) -> PaymentId {
        let id = PaymentId(Uuid::now_v7());
        let by_card = token.is_some();
        let start = payment::Start {
            method: if by_card { PaymentMethod::Card } else { PaymentMethod::CashOnDelivery },
            gateway: by_card.then(|| gateway.parse().unwrap()),
            token: token.map(|token| token.parse().unwrap()),
            capture: CapturePolicy::ByHand,
            once: false,
            return_url: None,
        };
        let start = Command::Payment(id, payment::Command::Start { order_id, start });
        let request = Request { correlation_id, ..Request::new(start, Utc::now()) };
        kit_log::accept(&self.shop.writer, request).await;
        id
    }

    /// An order and its card payment.
    pub async fn card(&self, token: &str) -> (OrderId, PaymentId) {
        let order = self.order(15).await;
        (order, self.pay(order, Some(token)).await)
    }

    /// The types of a stream's events.
    pub async fn history(&self, stream: &str) -> Vec<String> {
        kit_log::history(&self.db, stream).await
    }

    /// The last event of a stream comes to be this one.
    pub async fn until(&self, stream: &str, kind: &str) {
        kit_log::until(&self.db, stream, kind).await;
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

    /// So many of an order's totes in a parcel that is on its way.
    pub async fn ship(&self, order: OrderId, totes: u32) -> FulfilmentId {
        self.ship_as(order, totes, Some("JD01")).await
    }

    /// The same, under this number, or under none that is known by then.
    pub async fn ship_as(
        &self,
        order: OrderId,
        totes: u32,
        tracking: Option<&str>,
    ) -> FulfilmentId {
        let parcel = FulfilmentId(Uuid::now_v7());
        let ship = labelled(tracking);
        let (sku, quantity) = ("TOTE".parse().unwrap(), totes.try_into().unwrap());
        let lines = vec![Units { sku, quantity }];
        let plan = fulfilment::Command::Create { order_id: order, lines, location: None };
        for step in [plan, fulfilment::Command::Pack, ship] {
            self.ask(Command::Fulfilment(parcel, step)).await;
        }
        parcel
    }

    /// It is known by now under which number a parcel travels.
    pub async fn track(&self, parcel: FulfilmentId, tracking: &str) {
        self.ask(Command::Fulfilment(parcel, labelled(Some(tracking)))).await;
    }

    /// Nobody knows where a parcel is.
    pub async fn lose(&self, parcel: FulfilmentId) {
        let reason = "the van burnt out".parse().unwrap();
        self.ask(Command::Fulfilment(parcel, fulfilment::Command::Lose { reason, at: Utc::now() }))
            .await;
    }

    /// Every reaction has come as far as the log, and has written all that it had to.
    pub async fn settled(&self) {
        self.until_read().await;
        let left = "SELECT subject FROM reaction_tasks WHERE reaction LIKE 'mail_%'
                    UNION ALL SELECT id::text FROM mails WHERE state = 'waiting'";
        eventually("all is written", async || self.texts(left).await.is_empty()).await;
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

fn labelled(tracking: Option<&str>) -> fulfilment::Command {
    let (carrier, tracking) =
        (Some("DHL".parse().unwrap()), tracking.map(|it| it.parse().unwrap()));
    fulfilment::Command::Ship { carrier, tracking }
}
