//! PayPal's gateway against a strict stand-in of PayPal, over HTTP: each verdict, the same key
//! twice, answers that are lost, and what its webhooks say.

use chrono::{TimeDelta, Utc};
use domain::payment::{DisputeStage, Operation, Report, Verdict};
use domain::text::Token;
use domain::{Money, OrderId, PaymentId};
use gateways::paypal::Merchant;
use gateways::play::{Heard, Play};
use reactor::gateway::paypal::Paypal;
use reactor::gateway::settings;
use reactor::gateway::webhook::{Webhook, WebhookError};
use reactor::gateway::{Call, Gateway};
use serde_json::json;
use uuid::Uuid;

const WEBHOOK: &str = "WH-1";

/// PayPal, as the engine asks it.
struct Shop {
    play: Play,
    paypal: Paypal,
}

async fn shop() -> Shop {
    let (play, settings) = stand_in().await;
    Shop { play, paypal: Paypal::new(settings).unwrap() }
}

/// The stand-in, and what the engine is told of it.
pub(super) async fn stand_in() -> (Play, settings::Paypal) {
    let signature = gateways::paypal::signature(WEBHOOK.to_owned());
    let play = Play::start(signature, |base, hooks| {
        let (client_id, client_secret) = ("me".to_owned(), "secret".to_owned());
        let merchant = Merchant { client_id, client_secret, webhook_id: WEBHOOK.to_owned() };
        gateways::paypal::router(merchant, base, hooks)
    });
    let play = play.await.unwrap();
    let (client_id, client_secret) = ("me".into(), "secret".into());
    let (webhook_id, base) = (WEBHOOK.to_owned(), play.base.clone());
    (play, settings::Paypal { client_id, client_secret, webhook_id, base })
}

fn eur(amount: &str) -> Money {
    Money::new(amount.parse().unwrap(), "EUR".parse().unwrap()).unwrap()
}

/// To pay 20 euros.
fn call() -> Call {
    Call {
        payment_id: PaymentId(Uuid::now_v7()),
        order_id: OrderId(Uuid::now_v7()),
        request: 1,
        operation: Operation::Authorize,
        amount: eur("20.00"),
        token: None,
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

impl Shop {
    /// A payment that the payer was asked for and did this about.
    async fn asked(&self, outcome: &str) -> Call {
        let pay = call();
        let asked = self.paypal.perform(&pay).await;
        let Verdict::ActionRequired { url, .. } = &asked else { panic!("{asked:?}") };
        self.play.choose(url.as_str(), outcome).await.unwrap();
        Call { reference: Some(reference(&asked)), ..next(&pay, Operation::Authorize, "20.00") }
    }

    /// A payment that is set aside.
    async fn allowed(&self) -> Call {
        let go_on = self.asked("approve").await;
        let allowed = self.paypal.perform(&go_on).await;
        Call { reference: Some(reference(&allowed)), ..go_on }
    }

    async fn read(&self, heard: &Heard) -> Result<Webhook, WebhookError> {
        self.paypal.read_webhook(&heard.headers, heard.body.as_bytes(), Utc::now()).await
    }

    async fn told(&self, kind: &str) -> (PaymentId, Report) {
        let heard = self.play.hears(kind, 1).await.unwrap().remove(0);
        let webhook = self.read(&heard).await.unwrap();
        let [said]: [_; 1] = webhook.heard.try_into().unwrap();
        (said.payment_id, said.report)
    }
}

#[tokio::test]
async fn the_payer_approves_and_the_rest_is_as_with_a_card() {
    let shop = shop().await;
    let pay = call();
    let asked = shop.paypal.perform(&pay).await;
    assert_eq!(shop.paypal.perform(&pay).await, asked, "asked again, it says the same");
    let early = Call { reference: Some(reference(&asked)), ..pay.clone() };
    let early = next(&early, Operation::Authorize, "20.00");
    assert_eq!(shop.paypal.perform(&early).await, asked, "he has not approved it");

    let allowed = shop.allowed().await;
    let first = next(&allowed, Operation::Capture, "5.00");
    let taken = shop.paypal.perform(&first).await;
    let Verdict::Captured { fee, .. } = &taken else { panic!("{taken:?}") };
    assert_eq!(*fee, Some(eur("0.66")));
    assert_eq!(shop.paypal.perform(&first).await, taken);
    let second = next(&first, Operation::Capture, "10.00");
    assert_ne!(reference(&shop.paypal.perform(&second).await), reference(&taken));
    let too_much = next(&second, Operation::Capture, "5.01");
    let refused = shop.paypal.perform(&too_much).await;
    assert_eq!(declined(&refused), "it is more than was set aside");
    let rest = next(&too_much, Operation::Void, "5.00");
    assert_eq!(shop.paypal.perform(&rest).await, Verdict::Voided);
    assert_eq!(shop.paypal.perform(&rest).await, Verdict::Voided);
    // More than either capture came to.
    let back = next(&rest, Operation::Refund, "12.00");
    let given = shop.paypal.perform(&back).await;
    assert_eq!(shop.paypal.perform(&back).await, given);
    let over = next(&back, Operation::Refund, "3.01");
    let refused = shop.paypal.perform(&over).await;
    assert_eq!(declined(&refused), "it is more than is left of what was taken");
    let left = next(&over, Operation::Refund, "3.00");
    assert!(matches!(shop.paypal.perform(&left).await, Verdict::Refunded { .. }));
}

#[tokio::test]
async fn what_became_of_a_lost_answer_is_found_without_doing_it_again() {
    let shop = shop().await;
    let lose = |on: &'static str| shop.play.fault(on, "lose_answer");
    let pay = call();
    lose("POST /v2/checkout/orders").await.unwrap();
    assert_eq!(shop.paypal.perform(&pay).await, Verdict::Unknown);
    assert_eq!(shop.paypal.find(&pay).await, None, "it moved no money: it is made again");
    assert!(matches!(shop.paypal.perform(&pay).await, Verdict::ActionRequired { .. }));

    let go_on = shop.asked("approve").await;
    assert_eq!(shop.paypal.find(&go_on).await, None);
    lose("/authorize").await.unwrap();
    assert_eq!(shop.paypal.perform(&go_on).await, Verdict::Unknown);
    let found = shop.paypal.find(&go_on).await.unwrap();
    let allowed = Call { reference: Some(reference(&found)), ..go_on };
    let take = next(&allowed, Operation::Capture, "8.00");
    assert_eq!(shop.paypal.find(&take).await, None);
    lose("/capture").await.unwrap();
    assert_eq!(shop.paypal.perform(&take).await, Verdict::Unknown);
    assert!(matches!(shop.paypal.find(&take).await, Some(Verdict::Captured { .. })));
    let more = next(&take, Operation::Capture, "8.00");
    shop.paypal.perform(&more).await;
    // Lost in the middle of two: the rest is given back, and nothing twice.
    let back = next(&more, Operation::Refund, "12.00");
    lose("/refund").await.unwrap();
    assert_eq!(shop.paypal.perform(&back).await, Verdict::Unknown);
    assert_eq!(shop.paypal.find(&back).await, None);
    let given = shop.paypal.perform(&back).await;
    assert_eq!(shop.paypal.find(&back).await, Some(given));
    let over = next(&back, Operation::Refund, "4.01");
    let over = shop.paypal.perform(&over).await;
    assert_eq!(declined(&over), "it is more than is left of what was taken");
    let void = next(&back, Operation::Void, "4.00");
    lose("/void").await.unwrap();
    assert_eq!(shop.paypal.perform(&void).await, Verdict::Unknown);
    assert_eq!(shop.paypal.find(&void).await, Some(Verdict::Voided));
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_and_refusals_are_told_in_words() {
    let shop = shop().await;
    let go_on = shop.asked("decline").await;
    let tokens = shop.play.client.delete(format!("{}/_control/tokens", shop.play.base));
    tokens.send().await.unwrap();
    let refused = shop.paypal.perform(&go_on).await;
    assert_eq!(declined(&refused), "PayPal could not charge the chosen card or account");
    let gone = next(&go_on, Operation::Void, "20.00");
    assert_eq!(shop.paypal.perform(&gone).await, Verdict::Voided, "nothing was set aside");
    let nowhere = Call { return_url: None, ..call() };
    let nowhere = shop.paypal.perform(&nowhere).await;
    assert_eq!(declined(&nowhere), "PayPal needs a page to come back to");
    let dinars = Money::new("1.234".parse().unwrap(), "KWD".parse().unwrap()).unwrap();
    let refused = shop.paypal.perform(&Call { amount: dinars, ..call() }).await;
    assert_eq!(declined(&refused), "this amount cannot be paid with PayPal in this currency");
    for kind in ["fail", "busy"] {
        shop.play.fault("POST /v2/checkout/orders", kind).await.unwrap();
        assert_eq!(shop.paypal.perform(&call()).await, Verdict::Unknown, "{kind}");
    }
}

#[tokio::test]
async fn webhooks_tell_of_our_payments_whoever_did_it() {
    let shop = shop().await;
    let allowed = shop.allowed().await;
    let own = allowed.payment_id;
    assert_eq!(shop.told("CHECKOUT.ORDER.APPROVED").await, (own, Report::Approved));
    let (payment, report) = shop.told("PAYMENT.AUTHORIZATION.CREATED").await;
    let Report::Authorized { reference: told, .. } = report else { panic!("{report:?}") };
    assert_eq!((payment, Some(told)), (own, allowed.reference.clone()));
    let take = next(&allowed, Operation::Capture, "20.00");
    let taken = shop.paypal.perform(&take).await;
    let (_, report) = shop.told("PAYMENT.CAPTURE.COMPLETED").await;
    assert_eq!(report, Report::Answer { request: 3, verdict: taken.clone() });
    let capture = json!({ "capture_id": reference(&taken).as_str() });
    shop.play.control("disputes", capture).await.unwrap();
    let (payment, report) = shop.told("CUSTOMER.DISPUTE.CREATED").await;
    let Report::Disputed { stage, amount, .. } = report else { panic!("{report:?}") };
    assert_eq!((payment, stage, amount), (own, DisputeStage::Opened, eur("20.00")));
    let back = next(&take, Operation::Refund, "3.00");
    let given = shop.paypal.perform(&back).await;
    let (_, report) = shop.told("PAYMENT.CAPTURE.REFUNDED").await;
    let Verdict::Refunded { reference, .. } = given else { panic!("{given:?}") };
    let verdict = Verdict::Refunded { reference, amount: Some(eur("3.00")) };
    assert_eq!(report, Report::Answer { request: 4, verdict });
}

#[tokio::test]
async fn a_webhook_is_not_believed_unless_paypal_says_so() {
    let shop = shop().await;
    shop.allowed().await;
    let heard = shop.play.hears("PAYMENT.AUTHORIZATION.CREATED", 1).await.unwrap().remove(0);
    let forged = Heard { body: heard.body.replace("20.00", "2.00"), ..heard.clone() };
    assert_eq!(shop.read(&forged).await, Err(WebhookError::Signature));
    let late = Utc::now() + TimeDelta::days(4);
    let body = heard.body.as_bytes();
    let late = shop.paypal.read_webhook(&heard.headers, body, late).await;
    assert_eq!(late, Err(WebhookError::Signature));
    shop.play.fault("verify-webhook-signature", "fail").await.unwrap();
    assert_eq!(shop.read(&heard).await, Err(WebhookError::Later));
    assert!(shop.read(&heard).await.is_ok());
}
