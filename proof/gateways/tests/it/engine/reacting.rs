//! PayPal because of what stands in the log: the reactor asks it, and the log hears what it says,
//! each webhook twice, while some answers are lost.

use std::path::PathBuf;

use chrono::Utc;
use domain::command::payment::{Command as Ask, Start};
use domain::order::PaymentMethod;
use domain::payment::CapturePolicy;
use domain::{Command, OrderId, PaymentId};
use event_store::Request;
use gateways::play::Play;
use reactor::Correspondence;
use reactor::gateway::Gateway;
use reactor::gateway::paypal::Paypal;
use reactor::gateway::settings::Settings;
use serde_json::Value;
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::paypal::stand_in;

/// A shop that is paid by PayPal.
struct Shop {
    log: kit_log::Shop,
    play: Play,
    paypal: Paypal,
    stop: CancellationToken,
    reacting: JoinHandle<()>,
}

impl Shop {
    async fn open(db: &PgPool) -> Self {
        let (play, of_paypal) = stand_in().await;
        let log = kit_log::Shop::open(db);
        let settings = Settings {
            paypal_client_id: Some(of_paypal.client_id.clone()),
            paypal_client_secret: Some(of_paypal.client_secret.clone()),
            paypal_webhook_id: Some(of_paypal.webhook_id.clone()),
            paypal_api_base: Some(of_paypal.base.clone()),
            ..Settings::default()
        };
        let (stop, people) = (CancellationToken::new(), Correspondence::default());
        let writer = log.writer.clone();
        let reacting =
            reactor::run(db, writer, &settings, None, people, None, stop.clone()).unwrap();
        let paypal = Paypal::new(of_paypal).unwrap();
        log.sell("TOTE", 9).await;
        Self { log, play, paypal, stop, reacting: tokio::spawn(reacting) }
    }

    async fn close(self) {
        self.stop.cancel();
        self.reacting.await.unwrap();
        // For PayPal's own schemas to judge, which are not ours: `clients/judge.py`.
        if let Some(folder) = std::env::var_os("ASKED_FOLDER") {
            let file = PathBuf::from(folder).join(format!("{}.json", Uuid::now_v7()));
            std::fs::write(file, self.play.asked().await.unwrap().to_string()).unwrap();
        }
    }

    /// Begins to pay; gives the payment's stream when the payer is asked.
    async fn pay(&self, order_id: OrderId) -> (PaymentId, String) {
        let id = PaymentId(Uuid::now_v7());
        let start = Start {
            method: PaymentMethod::Paypal,
            gateway: Some(kit::gateway("paypal")),
            token: None,
            capture: CapturePolicy::AtShipment,
            once: false,
            return_url: Some("https://shop.example/back".parse().unwrap()),
        };
        self.log.ask(kit::to_payment(id, Ask::Start { order_id, start })).await;
        let stream = format!("payment-{id}");
        self.until(&stream, "payment.action_required").await;
        (id, stream)
    }

    /// The payer does this on PayPal's page.
    async fn choose(&self, stream: &str, outcome: &str) {
        let page = self.payload(stream, "payment.action_required").await["url"].clone();
        self.play.choose(page.as_str().unwrap(), outcome).await.unwrap();
    }

    /// What PayPal tells of this, told to the log twice, as a webhook that comes again is.
    async fn hears(&self, kind: &str) {
        for heard in self.play.hears(kind, 1).await.unwrap() {
            let body = heard.body.as_bytes();
            let read = self.paypal.read_webhook(&heard.headers, body, Utc::now()).await;
            for said in read.unwrap().heard {
                let at = Utc::now();
                let report = Ask::Report { report: said.report, at };
                let report = Command::Payment(said.payment_id, report);
                for _ in 0..2 {
                    let key = Some(format!("w:paypal:{}", said.event_id));
                    let told = Request { key, ..Request::new(report.clone(), at) };
                    kit_log::accept(&self.log.writer, told).await;
                }
            }
        }
    }

    /// The last event of a stream comes to be this one.
    async fn until(&self, stream: &str, kind: &str) {
        kit_log::until(&self.log.db, stream, kind).await;
    }

    async fn history(&self, stream: &str) -> Vec<String> {
        kit_log::history(&self.log.db, stream).await
    }

    async fn times(&self, stream: &str, kind: &str) -> usize {
        self.history(stream).await.iter().filter(|other| *other == kind).count()
    }

    /// What the last event of that type says.
    async fn payload(&self, stream: &str, kind: &str) -> Value {
        kit_log::payload(&self.log.db, stream, kind).await
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_order_is_paid_sent_and_given_back_in_part(db: PgPool) {
    let shop = Box::pin(Shop::open(&db)).await;
    let order = shop.log.order("TOTE", 2).await;
    let (payment, stream) = shop.pay(order).await;
    shop.choose(&stream, "approve").await;
    shop.hears("CHECKOUT.ORDER.APPROVED").await;
    shop.until(&stream, "payment.authorized").await;
    shop.hears("PAYMENT.AUTHORIZATION.CREATED").await;
    shop.until(&format!("order-{order}"), "order.confirmed").await;

    // The answer is lost after the deed: it is found, and taken once.
    shop.play.fault("/capture", "lose_answer").await.unwrap();
    let parcel = shop.log.send(order).await;
    shop.until(&stream, "payment.captured").await;
    shop.hears("PAYMENT.CAPTURE.COMPLETED").await;
    assert_eq!(shop.times(&stream, "payment.outcome_unknown").await, 1);
    assert_eq!(shop.times(&stream, "payment.captured").await, 1);
    assert_eq!(shop.payload(&stream, "payment.captured").await["amount"]["amount"], "39.98");

    let back = domain::ReturnId(Uuid::now_v7());
    let (line, at) = ([("TOTE", 1)], [("TOTE", 1, Some("returns"))]);
    let lines = kit::arrivals(&at);
    let receive = domain::command::return_::Command::Receive { lines, withheld: None };
    for step in [
        kit::deliver(parcel),
        kit::request_return(back, order, &line),
        kit::approve(back),
        kit::to_return(back, receive),
    ] {
        shop.log.ask(step).await;
    }
    shop.until(&stream, "payment.refunded").await;
    shop.hears("PAYMENT.CAPTURE.REFUNDED").await;
    assert_eq!(shop.times(&stream, "payment.refunded").await, 1);
    assert_eq!(shop.payload(&stream, "payment.refunded").await["amount"]["amount"], "19.99");
    // Somebody disputes what is left.
    let captured = shop.payload(&stream, "payment.captured").await["reference"].clone();
    let dispute = serde_json::json!({ "capture_id": captured });
    shop.play.control("disputes", dispute).await.unwrap();
    shop.hears("CUSTOMER.DISPUTE.CREATED").await;
    shop.until(&format!("payment-{payment}"), "payment.disputed").await;
    shop.close().await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_declines_pays_again_and_what_is_set_aside_is_let_go(db: PgPool) {
    let shop = Box::pin(Shop::open(&db)).await;
    let order = shop.log.order("TOTE", 1).await;
    shop.play.fault("POST /v2/checkout/orders", "lose_answer").await.unwrap();
    let (declined, stream) = shop.pay(order).await;
    shop.choose(&stream, "decline").await;
    shop.log.ask(kit::to_payment(declined, Ask::CompleteAction)).await;
    shop.until(&stream, "payment.failed").await;
    shop.until(&format!("order-{order}"), "order.payment_ended").await;

    let (_, stream) = shop.pay(order).await;
    shop.choose(&stream, "approve").await;
    shop.hears("CHECKOUT.ORDER.APPROVED").await;
    shop.until(&stream, "payment.authorized").await;
    shop.play.fault("/void", "lose_answer").await.unwrap();
    shop.log.ask(kit::cancel(order)).await;
    shop.until(&stream, "payment.voided").await;
    assert_eq!(shop.times(&stream, "payment.voided").await, 1);
    shop.close().await;
}
