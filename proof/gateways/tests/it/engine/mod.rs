//! The engine's own gateways, asked as the reactor asks them, against the stand-ins over HTTP; and
//! what the tests of each say of calls and verdicts.

mod paypal;
mod reacting;
mod stripe;

use chrono::{DateTime, Utc};
use domain::payment::{Operation, Report, Verdict};
use domain::text::Token;
use domain::{Money, OrderId, PaymentId};
use gateways::play::{Heard, Play};
use reactor::gateway::webhook::{Webhook, WebhookError};
use reactor::gateway::{Call, Gateway};
use uuid::Uuid;

/// A gateway, as the engine asks it, and the stand-in that it asks.
struct Shop<G> {
    play: Play,
    gateway: G,
}

impl<G: Gateway> Shop<G> {
    async fn read(&self, heard: &Heard, now: DateTime<Utc>) -> Result<Webhook, WebhookError> {
        self.gateway.read_webhook(&heard.headers, heard.body.as_bytes(), now).await
    }

    /// What the first webhook of a kind says, of which payment.
    async fn told(&self, kind: &str) -> (PaymentId, Report) {
        let heard = self.play.hears(kind, 1).await.unwrap().remove(0);
        let webhook = self.read(&heard, Utc::now()).await.unwrap();
        assert_eq!(webhook.kind, kind);
        let [said]: [_; 1] = webhook.heard.try_into().unwrap();
        assert_eq!(said.event_id, webhook.event_id);
        (said.payment_id, said.report)
    }
}

fn eur(amount: &str) -> Money {
    Money::new(amount.parse().unwrap(), "EUR".parse().unwrap()).unwrap()
}

/// To pay 20 euros; with this card, if with one.
fn call(card: Option<&str>) -> Call {
    Call {
        payment_id: PaymentId(Uuid::now_v7()),
        order_id: OrderId(Uuid::now_v7()),
        request: 1,
        operation: Operation::Authorize,
        amount: eur("20.00"),
        token: card.map(|card| card.parse().unwrap()),
        reference: None,
        captures: vec![],
        return_url: Some("https://shop.example/back".parse().unwrap()),
    }
}

/// What is asked next about the same payment.
fn next(call: &Call, operation: Operation, amount: &str) -> Call {
    Call { request: call.request + 1, operation, amount: eur(amount), ..call.clone() }
}

fn reference(verdict: &Verdict) -> Token {
    match verdict {
        Verdict::Authorized { reference, .. }
        | Verdict::ActionRequired { reference: Some(reference), .. }
        | Verdict::Captured { reference: Some(reference), .. }
        | Verdict::Refunded { reference: Some(reference), .. } => reference.clone(),
        other => panic!("{other:?} has no reference"),
    }
}

fn declined(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Declined(why) => why.as_str(),
        other => panic!("{other:?} is no refusal"),
    }
}
