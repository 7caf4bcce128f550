//! Stripe's gateway against a strict stand-in of Stripe, over HTTP: each verdict, the same key
//! twice, answers that are lost, and what its webhooks say.

use chrono::{TimeDelta, Utc};
use domain::Money;
use domain::payment::{DisputeStage, Operation, Report, Verdict};
use domain::text::Token;
use gateways::play::{Heard, Play};
use reactor::gateway::settings;
use reactor::gateway::stripe::Stripe;
use reactor::gateway::webhook::WebhookError;
use reactor::gateway::{Call, Gateway as _};
use serde_json::json;

use super::{Shop, call, declined, eur, reference};

const KEY: &str = "sk_test_1";
const SECRET: &str = "whsec_1";

async fn shop() -> Shop<Stripe> {
    let signature = gateways::stripe::signature(SECRET.to_owned());
    let play =
        Play::start(signature, |base, hooks| gateways::stripe::router(KEY.to_owned(), base, hooks));
    let play = play.await.unwrap();
    let (secret_key, webhook_secret) = (KEY.into(), SECRET.into());
    let settings = settings::Stripe { secret_key, webhook_secret, base: play.base.clone() };
    Shop { play, gateway: Stripe::new(settings).unwrap() }
}

/// What is asked next about the same payment.
fn next(call: &Call, operation: Operation, amount: &str, reference: &Token) -> Call {
    Call { reference: Some(reference.clone()), ..super::next(call, operation, amount) }
}

#[tokio::test]
async fn money_is_set_aside_taken_once_and_given_back_in_parts() {
    let shop = shop().await;
    let pay = call(Some("pm_card_visa"));
    let allowed = shop.gateway.perform(&pay).await;
    let Verdict::Authorized { expires_at, .. } = &allowed else { panic!("{allowed:?}") };
    let holds = *expires_at - Utc::now();
    assert!((TimeDelta::days(6)..=TimeDelta::days(7)).contains(&holds), "{holds}");
    assert_eq!(shop.gateway.perform(&pay).await, allowed, "asked again, it says the same");
    let intent = reference(&allowed);

    let take = next(&pay, Operation::Capture, "15.00", &intent);
    let taken = shop.gateway.perform(&take).await;
    let Verdict::Captured { fee, .. } = &taken else { panic!("{taken:?}") };
    assert_eq!(*fee, Some(eur("0.73")));
    assert_eq!(shop.gateway.perform(&take).await, taken);
    // What is over was let go with it.
    let more = next(&take, Operation::Void, "5.00", &intent);
    assert_eq!(declined(&shop.gateway.perform(&more).await), "it was taken already");

    let back = next(&more, Operation::Refund, "10.00", &intent);
    let given = shop.gateway.perform(&back).await;
    assert_eq!(shop.gateway.perform(&back).await, given);
    let too_much = next(&back, Operation::Refund, "5.01", &intent);
    let refused = shop.gateway.perform(&too_much).await;
    assert_eq!(declined(&refused), "the amount is more than there is");
    let rest = next(&too_much, Operation::Refund, "5.00", &intent);
    let rest = shop.gateway.perform(&rest).await;
    assert_ne!(reference(&given), reference(&rest));
}

#[tokio::test]
async fn what_became_of_a_lost_answer_is_found_without_doing_it_again() {
    let shop = shop().await;
    for kind in ["fail", "busy"] {
        let pay = call(Some("pm_card_visa"));
        shop.play.fault("POST /v1/payment_intents", kind).await.unwrap();
        assert_eq!(shop.gateway.perform(&pay).await, Verdict::Unknown, "{kind}");
        assert_eq!(shop.gateway.find(&pay).await, None, "it never arrived");
    }
    let lose = || shop.play.fault("POST /v1/", "lose_answer");
    let pay = call(Some("pm_card_visa"));
    lose().await.unwrap();
    assert_eq!(shop.gateway.perform(&pay).await, Verdict::Unknown);
    let found = shop.gateway.find(&pay).await.unwrap();
    assert_eq!(shop.gateway.perform(&pay).await, found, "and the key tells the same");
    let intent = reference(&found);
    let take = next(&pay, Operation::Capture, "20.00", &intent);
    assert_eq!(shop.gateway.find(&take).await, None);
    lose().await.unwrap();
    assert_eq!(shop.gateway.perform(&take).await, Verdict::Unknown);
    assert!(matches!(shop.gateway.find(&take).await, Some(Verdict::Captured { .. })));
    let back = next(&take, Operation::Refund, "5.00", &intent);
    assert_eq!(shop.gateway.find(&back).await, None);
    lose().await.unwrap();
    assert_eq!(shop.gateway.perform(&back).await, Verdict::Unknown);
    let found = shop.gateway.find(&back).await.unwrap();
    assert_eq!(shop.gateway.perform(&back).await, found);

    let pay = call(Some("pm_card_visa"));
    let intent = reference(&shop.gateway.perform(&pay).await);
    let void = next(&pay, Operation::Void, "20.00", &intent);
    assert_eq!(shop.gateway.find(&void).await, None);
    lose().await.unwrap();
    assert_eq!(shop.gateway.perform(&void).await, Verdict::Unknown);
    assert_eq!(shop.gateway.find(&void).await, Some(Verdict::Voided));
    // When nobody answers at all, nothing can be told.
    shop.play.fault("GET /v1/", "fail").await.unwrap();
    assert_eq!(shop.gateway.find(&void).await, Some(Verdict::Unknown));
}

#[tokio::test]
async fn refusals_are_told_in_words() {
    let shop = shop().await;
    for (card, words) in [
        ("pm_card_chargeDeclined", "Your card was declined."),
        ("pm_card_chargeDeclinedInsufficientFunds", "Your card has insufficient funds."),
        ("pm_card_chargeDeclinedExpiredCard", "Your card has expired."),
        ("pm_card_unheard_of", "the card is not known, or was used before"),
    ] {
        assert_eq!(declined(&shop.gateway.perform(&call(Some(card))).await), words);
    }
    let fils = Money::new("1.234".parse().unwrap(), "KWD".parse().unwrap()).unwrap();
    let refused = shop.gateway.perform(&Call { amount: fils, ..call(Some("pm_card_visa")) }).await;
    assert_eq!(declined(&refused), "this amount cannot be paid by card in this currency");
    let yen = Money::new("500".parse().unwrap(), "JPY".parse().unwrap()).unwrap();
    let allowed = shop.gateway.perform(&Call { amount: yen, ..call(Some("pm_card_visa")) }).await;
    assert!(matches!(allowed, Verdict::Authorized { .. }), "{allowed:?}");
    // The bank refuses to give back.
    let pay = call(Some("pm_card_visa"));
    let intent = reference(&shop.gateway.perform(&pay).await);
    let take = next(&pay, Operation::Capture, "20.00", &intent);
    shop.gateway.perform(&take).await;
    shop.play.fault("POST /v1/refunds", "decline").await.unwrap();
    let back = next(&take, Operation::Refund, "20.00", &intent);
    assert_eq!(declined(&shop.gateway.perform(&back).await), "the bank did not take it back");
}

#[tokio::test]
async fn the_shopper_is_sent_to_his_bank_and_gone_on_with() {
    let shop = shop().await;
    for (outcome, confirmed) in [("success", true), ("failure", false)] {
        let pay = call(Some("pm_card_authenticationRequired"));
        let asked = shop.gateway.perform(&pay).await;
        let Verdict::ActionRequired { url, .. } = &asked else { panic!("{asked:?}") };
        let go_on = next(&pay, Operation::Authorize, "20.00", &reference(&asked));
        assert_eq!(shop.gateway.perform(&go_on).await, asked, "he has not been there");
        let back = shop.play.choose(url.as_str(), outcome).await.unwrap();
        assert!(back.starts_with("https://shop.example/back?"), "{back}");
        let stands = shop.gateway.perform(&go_on).await;
        assert_eq!(matches!(stands, Verdict::Authorized { .. }), confirmed, "{stands:?}");
        assert_eq!(matches!(stands, Verdict::Declined(_)), !confirmed, "{stands:?}");
    }
    let nowhere = Call { return_url: None, ..call(Some("pm_card_authenticationRequired")) };
    let refused = shop.gateway.perform(&nowhere).await;
    assert_eq!(declined(&refused), "the bank asks for the shopper, who has no way back");
    // Called off meanwhile.
    let pay = call(Some("pm_card_authenticationRequired"));
    let intent = reference(&shop.gateway.perform(&pay).await);
    let void = next(&pay, Operation::Void, "20.00", &intent);
    assert_eq!(shop.gateway.perform(&void).await, Verdict::Voided);
}

#[tokio::test]
async fn webhooks_tell_of_our_payments_whoever_did_it() {
    let shop = shop().await;
    let pay = call(Some("pm_card_createDispute"));
    let allowed = shop.gateway.perform(&pay).await;
    let intent = reference(&allowed);
    let own = pay.payment_id;
    let Verdict::Authorized { reference: told, expires_at: _ } = allowed else { panic!() };
    let (payment, report) = shop.told("payment_intent.amount_capturable_updated").await;
    assert_eq!(payment, own);
    assert!(matches!(report, Report::Authorized { reference, .. } if reference == told));
    let take = next(&pay, Operation::Capture, "15.00", &intent);
    let taken = reference(&shop.gateway.perform(&take).await);
    let (_, report) = shop.told("payment_intent.succeeded").await;
    let amount = Some(eur("15.00"));
    let verdict = Verdict::Captured { reference: Some(taken), amount, fee: None };
    assert_eq!(report, Report::Answer { request: 2, verdict });
    let (payment, report) = shop.told("charge.dispute.created").await;
    let Report::Disputed { amount, stage, .. } = report else { panic!("{report:?}") };
    assert_eq!((payment, amount, stage), (own, eur("15.00"), DisputeStage::Opened));

    // Somebody gives money back in the dashboard: nothing of ours is in it.
    let pay = call(Some("pm_card_visa"));
    let intent = reference(&shop.gateway.perform(&pay).await);
    let take = next(&pay, Operation::Capture, "20.00", &intent);
    shop.gateway.perform(&take).await;
    let form = [("payment_intent", intent.as_str()), ("amount", "700")];
    let refund = shop.play.client.post(format!("{}/v1/refunds", shop.play.base));
    refund.bearer_auth(KEY).form(&form).send().await.unwrap();
    let (payment, report) = shop.told("refund.created").await;
    let Report::Refunded { amount, .. } = report else { panic!("{report:?}") };
    assert_eq!((payment, amount), (pay.payment_id, eur("7.00")));
    // Of somebody else's payment nothing is told.
    let form = [("amount", "700"), ("currency", "eur")];
    let other = shop.play.client.post(format!("{}/v1/payment_intents", shop.play.base));
    other.bearer_auth(KEY).form(&form).send().await.unwrap();
    for heard in shop.play.hears("payment_intent.created", 3).await.unwrap() {
        assert_eq!(shop.read(&heard, Utc::now()).await.unwrap().heard, []);
    }
}

#[tokio::test]
async fn what_somebody_else_took_is_told_as_it_was() {
    let shop = shop().await;
    let pay = call(Some("pm_card_visa"));
    let intent = reference(&shop.gateway.perform(&pay).await);
    // In the dashboard, and less than we are about to ask for.
    let path = format!("{}/v1/payment_intents/{intent}/capture", shop.play.base);
    let taken = shop.play.client.post(path).bearer_auth(KEY).form(&[("amount_to_capture", "700")]);
    assert!(taken.send().await.unwrap().status().is_success());
    let take = next(&pay, Operation::Capture, "15.00", &intent);
    let Verdict::Captured { reference, amount, .. } = shop.gateway.perform(&take).await else {
        panic!("it was taken")
    };
    assert_eq!(amount, Some(eur("7.00")));
    let (_, report) = shop.told("payment_intent.succeeded").await;
    let told = Report::Captured { amount: eur("7.00"), reference: reference.unwrap() };
    assert_eq!(report, told, "under one name, so that it counts once");
}

#[tokio::test]
async fn a_webhook_is_not_believed_without_its_signature() {
    let shop = shop().await;
    shop.play.control("webhooks", json!({ "twice": true })).await.unwrap();
    shop.gateway.perform(&call(Some("pm_card_visa"))).await;
    let kind = "payment_intent.amount_capturable_updated";
    let heard = shop.play.hears(kind, 2).await.unwrap();
    let (first, second) = (&heard[0], &heard[1]);
    let (now, late) = (Utc::now(), Utc::now() + TimeDelta::minutes(6));
    assert_eq!(shop.read(first, now).await, shop.read(second, now).await, "twice the same");
    assert_eq!(shop.read(first, late).await, Err(WebhookError::Signature));
    let forged =
        Heard { body: first.body.replace("requires_capture", "succeeded"), ..first.clone() };
    assert_ne!(forged.body, first.body);
    assert_eq!(shop.read(&forged, now).await, Err(WebhookError::Signature));
    let bare = Heard { headers: http::HeaderMap::new(), ..first.clone() };
    assert_eq!(shop.read(&bare, now).await, Err(WebhookError::Signature));
}
