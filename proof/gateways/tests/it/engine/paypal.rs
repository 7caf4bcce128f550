//! PayPal's gateway against a strict stand-in of PayPal, over HTTP: each verdict, the same key
//! twice, answers that are lost, and what its webhooks say.

use chrono::{TimeDelta, Utc};
use domain::Money;
use domain::payment::{DisputeStage, Operation, Report, Verdict};
use gateways::paypal::Merchant;
use gateways::play::{Heard, Play};
use reactor::gateway::paypal::Paypal;
use reactor::gateway::settings;
use reactor::gateway::webhook::WebhookError;
use reactor::gateway::{Call, Gateway as _};
use serde_json::json;

use super::{Shop, call, declined, eur, next, reference};

const WEBHOOK: &str = "WH-1";

async fn shop() -> Shop<Paypal> {
    let (play, settings) = stand_in().await;
    Shop { play, gateway: Paypal::new(settings).unwrap() }
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

impl Shop<Paypal> {
    /// A payment that the payer was asked for and did this about.
    async fn asked(&self, outcome: &str) -> Call {
        let pay = call(None);
        let asked = self.gateway.perform(&pay).await;
        let Verdict::ActionRequired { url, .. } = &asked else { panic!("{asked:?}") };
        self.play.choose(url.as_str(), outcome).await.unwrap();
        Call { reference: Some(reference(&asked)), ..next(&pay, Operation::Authorize, "20.00") }
    }

    /// A payment that is set aside.
    async fn allowed(&self) -> Call {
        let go_on = self.asked("approve").await;
        let allowed = self.gateway.perform(&go_on).await;
        Call { reference: Some(reference(&allowed)), ..go_on }
    }
}

#[tokio::test]
async fn the_payer_approves_and_the_rest_is_as_with_a_card() {
    let shop = shop().await;
    let pay = call(None);
    let asked = shop.gateway.perform(&pay).await;
    assert_eq!(shop.gateway.perform(&pay).await, asked, "asked again, it says the same");
    let early = Call { reference: Some(reference(&asked)), ..pay.clone() };
    let early = next(&early, Operation::Authorize, "20.00");
    assert_eq!(shop.gateway.perform(&early).await, asked, "he has not approved it");

    let allowed = shop.allowed().await;
    let first = next(&allowed, Operation::Capture, "5.00");
    let taken = shop.gateway.perform(&first).await;
    let Verdict::Captured { fee, .. } = &taken else { panic!("{taken:?}") };
    assert_eq!(*fee, Some(eur("0.66")));
    assert_eq!(shop.gateway.perform(&first).await, taken);
    let second = next(&first, Operation::Capture, "10.00");
    assert_ne!(reference(&shop.gateway.perform(&second).await), reference(&taken));
    let too_much = next(&second, Operation::Capture, "5.01");
    let refused = shop.gateway.perform(&too_much).await;
    assert_eq!(declined(&refused), "it is more than was set aside");
    let rest = next(&too_much, Operation::Void, "5.00");
    assert_eq!(shop.gateway.perform(&rest).await, Verdict::Voided);
    assert_eq!(shop.gateway.perform(&rest).await, Verdict::Voided);
    // More than either capture came to.
    let back = next(&rest, Operation::Refund, "12.00");
    let given = shop.gateway.perform(&back).await;
    assert_eq!(shop.gateway.perform(&back).await, given);
    let over = next(&back, Operation::Refund, "3.01");
    let refused = shop.gateway.perform(&over).await;
    assert_eq!(declined(&refused), "it is more than is left of what was taken");
    let left = next(&over, Operation::Refund, "3.00");
    assert!(matches!(shop.gateway.perform(&left).await, Verdict::Refunded { .. }));
}

#[tokio::test]
async fn what_became_of_a_lost_answer_is_found_without_doing_it_again() {
    let shop = shop().await;
    let lose = |on: &'static str| shop.play.fault(on, "lose_answer");
    let pay = call(None);
    lose("POST /v2/checkout/orders").await.unwrap();
    assert_eq!(shop.gateway.perform(&pay).await, Verdict::Unknown);
    assert_eq!(shop.gateway.find(&pay).await, None, "it moved no money: it is made again");
    assert!(matches!(shop.gateway.perform(&pay).await, Verdict::ActionRequired { .. }));

    let go_on = shop.asked("approve").await;
    assert_eq!(shop.gateway.find(&go_on).await, None);
    lose("/authorize").await.unwrap();
    assert_eq!(shop.gateway.perform(&go_on).await, Verdict::Unknown);
    let found = shop.gateway.find(&go_on).await.unwrap();
    let allowed = Call { reference: Some(reference(&found)), ..go_on };
    let take = next(&allowed, Operation::Capture, "8.00");
    assert_eq!(shop.gateway.find(&take).await, None);
    lose("/capture").await.unwrap();
    assert_eq!(shop.gateway.perform(&take).await, Verdict::Unknown);
    assert!(matches!(shop.gateway.find(&take).await, Some(Verdict::Captured { .. })));
    let more = next(&take, Operation::Capture, "8.00");
    shop.gateway.perform(&more).await;
    // Lost in the middle of two: the rest is given back, and nothing twice.
    let back = next(&more, Operation::Refund, "12.00");
    lose("/refund").await.unwrap();
    assert_eq!(shop.gateway.perform(&back).await, Verdict::Unknown);
    assert_eq!(shop.gateway.find(&back).await, None);
    let given = shop.gateway.perform(&back).await;
    assert_eq!(shop.gateway.find(&back).await, Some(given));
    let over = next(&back, Operation::Refund, "4.01");
    let over = shop.gateway.perform(&over).await;
    assert_eq!(declined(&over), "it is more than is left of what was taken");
    let void = next(&back, Operation::Void, "4.00");
    lose("/void").await.unwrap();
    assert_eq!(shop.gateway.perform(&void).await, Verdict::Unknown);
    assert_eq!(shop.gateway.find(&void).await, Some(Verdict::Voided));
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_and_refusals_are_told_in_words() {
    let shop = shop().await;
    let go_on = shop.asked("decline").await;
    let tokens = shop.play.client.delete(format!("{}/_control/tokens", shop.play.base));
    tokens.send().await.unwrap();
    let refused = shop.gateway.perform(&go_on).await;
    assert_eq!(declined(&refused), "PayPal could not charge the chosen card or account");
    let gone = next(&go_on, Operation::Void, "20.00");
    assert_eq!(shop.gateway.perform(&gone).await, Verdict::Voided, "nothing was set aside");
    let nowhere = Call { return_url: None, ..call(None) };
    let nowhere = shop.gateway.perform(&nowhere).await;
    assert_eq!(declined(&nowhere), "PayPal needs a page to come back to");
    let dinars = Money::new("1.234".parse().unwrap(), "KWD".parse().unwrap()).unwrap();
    let refused = shop.gateway.perform(&Call { amount: dinars, ..call(None) }).await;
    assert_eq!(declined(&refused), "this amount cannot be paid with PayPal in this currency");
    for kind in ["fail", "busy"] {
        shop.play.fault("POST /v2/checkout/orders", kind).await.unwrap();
        assert_eq!(shop.gateway.perform(&call(None)).await, Verdict::Unknown, "{kind}");
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
    let taken = shop.gateway.perform(&take).await;
    let (_, report) = shop.told("PAYMENT.CAPTURE.COMPLETED").await;
    assert_eq!(report, Report::Answer { request: 3, verdict: taken.clone() });
    let capture = json!({ "capture_id": reference(&taken).as_str() });
    shop.play.control("disputes", capture).await.unwrap();
    let (payment, report) = shop.told("CUSTOMER.DISPUTE.CREATED").await;
    let Report::Disputed { stage, amount, .. } = report else { panic!("{report:?}") };
    assert_eq!((payment, stage, amount), (own, DisputeStage::Opened, eur("20.00")));
    let back = next(&take, Operation::Refund, "3.00");
    let given = shop.gateway.perform(&back).await;
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
    assert_eq!(shop.read(&forged, Utc::now()).await, Err(WebhookError::Signature));
    let late = Utc::now() + TimeDelta::days(4);
    let body = heard.body.as_bytes();
    let late = shop.gateway.read_webhook(&heard.headers, body, late).await;
    assert_eq!(late, Err(WebhookError::Signature));
    shop.play.fault("verify-webhook-signature", "fail").await.unwrap();
    assert_eq!(shop.read(&heard, Utc::now()).await, Err(WebhookError::Later));
    assert!(shop.read(&heard, Utc::now()).await.is_ok());
}
