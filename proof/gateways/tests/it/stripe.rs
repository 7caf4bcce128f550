//! What the stand-in of Stripe does, and what it refuses.

use gateways::play::Play;
use gateways::stripe;
use reqwest::StatusCode;
use serde_json::{Value, json};

const KEY: &str = "sk_test_1";
const SECRET: &str = "whsec_1";
const CARD: &[(&str, &str)] = &[
    ("amount", "2000"),
    ("currency", "eur"),
    ("confirm", "true"),
    ("capture_method", "manual"),
    ("payment_method_types[]", "card"),
    ("metadata[payment_id]", "p1"),
];

async fn shop() -> Shop {
    let signature = stripe::signature(SECRET.to_owned());
    let play = Play::start(signature, |base, hooks| stripe::router(KEY.to_owned(), base, hooks));
    Shop(play.await.unwrap())
}

/// A shop that asks Stripe.
struct Shop(Play);

impl Shop {
    async fn stripe(&self, path: &str, key: &str, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let request = self.0.client.post(format!("{}{path}", self.0.base)).bearer_auth(KEY);
        let answer = request.header("idempotency-key", key).form(form).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn read(&self, path: &str) -> Value {
        let request = self.0.client.get(format!("{}{path}", self.0.base)).bearer_auth(KEY);
        request.send().await.unwrap().json().await.unwrap()
    }

    async fn pays(&self, card: &str, more: &[(&str, &str)]) -> (StatusCode, Value) {
        let form = [CARD, &[("payment_method", card)], more].concat();
        self.stripe("/v1/payment_intents", &format!("new {card}"), &form).await
    }
}

#[tokio::test]
async fn a_payment_is_captured_in_part_once_and_refunded_in_parts() {
    let shop = shop().await;
    let (status, intent) = shop.pays("pm_card_visa", &[]).await;
    assert_eq!((status, &intent["status"]), (StatusCode::OK, &json!("requires_capture")));
    assert_eq!(intent["amount_capturable"], 2000);
    let id = intent["id"].as_str().unwrap();
    let capture = format!("/v1/payment_intents/{id}/capture");
    let (status, more) = shop.stripe(&capture, "c0", &[("amount_to_capture", "2001")]).await;
    assert_eq!((status.as_u16(), &more["error"]["code"]), (400, &json!("amount_too_large")));
    let expand = "latest_charge.balance_transaction";
    let part = [("amount_to_capture", "1500"), ("expand[]", expand)];
    let (_, taken) = shop.stripe(&capture, "c1", &part).await;
    assert_eq!(taken["status"], "succeeded");
    assert_eq!((&taken["amount_received"], &taken["amount_capturable"]), (&json!(1500), &json!(0)));
    assert_eq!(taken["latest_charge"]["balance_transaction"]["fee"], 73);
    let (status, again) = shop.stripe(&capture, "c2", &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(again["error"]["code"], "payment_intent_unexpected_state");

    for (key, amount, code) in [
        ("r1", "1000", Value::Null),
        ("r2", "501", json!("amount_too_large")),
        ("r3", "500", Value::Null),
        ("r4", "1", json!("charge_already_refunded")),
    ] {
        let form = [("payment_intent", id), ("amount", amount), ("metadata[request]", key)];
        let (_, refund) = shop.stripe("/v1/refunds", key, &form).await;
        assert_eq!(refund["error"]["code"], code, "{refund}");
    }
    let refunds = shop.read(&format!("/v1/refunds?payment_intent={id}&limit=1")).await;
    assert_eq!(refunds["data"][0]["metadata"], json!({"request": "r3"}));
    assert_eq!(refunds["has_more"], true);
    let (status, _) = shop.stripe(&format!("/v1/payment_intents/{id}/cancel"), "v", &[]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    let shop = shop().await;
    let (_, first) = shop.pays("pm_card_visa", &[]).await;
    let (_, second) = shop.pays("pm_card_visa", &[]).await;
    assert_eq!(first, second);
    let (status, other) = shop.pays("pm_card_visa", &[("description", "another")]).await;
    assert_eq!((status.as_u16(), &other["error"]["type"]), (400, &json!("idempotency_error")));
    assert_eq!(shop.read("/v1/payment_intents").await["data"].as_array().unwrap().len(), 1);
    // A declined one is kept, one that was never begun is not.
    let (status, first) = shop.pays("pm_card_chargeDeclinedInsufficientFunds", &[]).await;
    assert_eq!(status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(first["error"]["decline_code"], "insufficient_funds");
    let (_, second) = shop.pays("pm_card_chargeDeclinedInsufficientFunds", &[]).await;
    assert_eq!(first, second);
    let (_, unknown) = shop.pays("pm_card_unheard_of", &[]).await;
    assert_eq!(unknown["error"]["code"], "resource_missing");
}

#[tokio::test]
async fn what_stripe_does_not_know_is_refused() {
    let shop = shop().await;
    for (name, value, code) in [
        ("colour", "red", "parameter_unknown"),
        ("amount", "1999.5", "parameter_invalid_integer"),
        ("amount", "0", "parameter_invalid_integer"),
        ("amount", "49", "amount_too_small"),
        ("amount", "100000000", "amount_too_large"),
        ("currency", "EUR", "parameter_invalid"),
        ("return_url", "shop", "url_invalid"),
    ] {
        let other = CARD.iter().copied().filter(|(key, _)| *key != name);
        let form: Vec<_> =
            other.chain([("payment_method", "pm_card_visa"), (name, value)]).collect();
        let (status, said) = shop.stripe("/v1/payment_intents", "x", &form).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{name}: {said}");
        assert_eq!(said["error"]["code"], code, "{name}: {said}");
    }
    for (currency, amount, taken) in
        [("jpy", "500", true), ("kwd", "1235", false), ("kwd", "1230", true), ("isk", "150", false)]
    {
        let form = [("amount", amount), ("currency", currency)];
        let (status, said) = shop.stripe("/v1/payment_intents", amount, &form).await;
        assert_eq!(status.is_success(), taken, "{currency} {amount}: {said}");
    }
    let url = format!("{}/v1/events", shop.0.base);
    let wrong = shop.0.client.get(&url).bearer_auth("sk_test_2").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let old = shop.0.client.get(&url).bearer_auth(KEY).header("stripe-version", "7");
    assert_eq!(old.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_bank_asks_the_shopper() {
    let shop = shop().await;
    let back = [("return_url", "https://shop.example/back")];
    for (card, outcome, status) in [
        ("pm_card_authenticationRequired", "success", "requires_capture"),
        ("pm_card_threeDSecure2Required", "failure", "requires_payment_method"),
        (
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            "success",
            "requires_payment_method",
        ),
    ] {
        let (_, intent) = shop.pays(card, &back).await;
        assert_eq!(intent["status"], "requires_action");
        let page = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
        let (without, _) = page.split_once('?').unwrap();
        assert!(shop.0.choose(without, outcome).await.is_err(), "anybody is let in");
        let location = shop.0.choose(page, outcome).await.unwrap();
        assert!(location.starts_with("https://shop.example/back?payment_intent=pi_"), "{location}");
        let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
        assert_eq!(shop.read(&path).await["status"], status, "{card}");
    }
}

#[tokio::test]
async fn a_caller_may_confirm_again_by_himself() {
    let shop = shop().await;
    let by_hand = [("confirmation_method", "manual"), ("return_url", "https://shop.example/back")];
    let (_, intent) = shop.pays("pm_card_authenticationRequired", &by_hand).await;
    let page = intent["next_action"]["redirect_to_url"]["url"].as_str().unwrap();
    shop.0.choose(page, "success").await.unwrap();
    let path = format!("/v1/payment_intents/{}", intent["id"].as_str().unwrap());
    assert_eq!(shop.read(&path).await["status"], "requires_confirmation");
    let (_, confirmed) = shop.stripe(&format!("{path}/confirm"), "again", &[]).await;
    assert_eq!(confirmed["status"], "requires_capture");
}

#[tokio::test]
async fn webhooks_are_signed_and_sent_until_they_are_taken() {
    let shop = shop().await;
    shop.0.refuse(1);
    shop.0.control("webhooks", json!({ "twice": true })).await.unwrap();
    shop.pays("pm_card_visa", &[]).await;
    let kind = "payment_intent.amount_capturable_updated";
    let heard = shop.0.hears(kind, 2).await.unwrap();
    assert_eq!(heard[0].body, heard[1].body);
    let header = heard[0].headers["stripe-signature"].to_str().unwrap();
    let time = header.split(',').next().unwrap().strip_prefix("t=").unwrap().parse().unwrap();
    assert_eq!(header, stripe::sign(SECRET, heard[0].body.as_bytes(), time));
    shop.0.hears("payment_intent.created", 2).await.unwrap();
}

#[tokio::test]
async fn a_dispute_is_opened_and_decided() {
    let shop = shop().await;
    shop.0.control("webhooks", json!({ "hold": true })).await.unwrap();
    let (_, intent) = shop.pays("pm_card_createDispute", &[]).await;
    let id = intent["id"].as_str().unwrap();
    shop.stripe(&format!("/v1/payment_intents/{id}/capture"), "c", &[]).await;
    let disputes = shop.read(&format!("/v1/disputes?payment_intent={id}")).await;
    let dispute = disputes["data"][0]["id"].as_str().unwrap();
    assert_eq!(disputes["data"][0]["amount"], 2000);
    let (_, refund) = shop.stripe("/v1/refunds", "r", &[("payment_intent", id)]).await;
    assert_eq!(refund["error"]["code"], "charge_disputed");
    let won = [("evidence[uncategorized_text]", "winning_evidence"), ("submit", "true")];
    let (_, ended) = shop.stripe(&format!("/v1/disputes/{dispute}"), "d", &won).await;
    assert_eq!(ended["status"], "won");
    let told = shop.read("/v1/events?type=charge.dispute.closed").await;
    assert_eq!(told["data"][0]["data"]["object"]["status"], "won");
    // What was held comes when it is let go.
    shop.0.control("webhooks", json!({})).await.unwrap();
    shop.0.hears("charge.dispute.created", 1).await.unwrap();
}

#[tokio::test]
async fn faults_come_when_they_are_asked_for() {
    let shop = shop().await;
    shop.0.fault("POST /v1/payment_intents", "fail").await.unwrap();
    shop.0.fault("POST /v1/payment_intents", "busy").await.unwrap();
    let (status, _) = shop.pays("pm_card_visa", &[]).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let (status, _) = shop.pays("pm_card_visa", &[]).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(shop.read("/v1/payment_intents").await["data"], json!([]));
    shop.0.fault("POST /v1/payment_intents", "lose_answer").await.unwrap();
    let form = [CARD, &[("payment_method", "pm_card_visa")]].concat();
    let request =
        shop.0.client.post(format!("{}/v1/payment_intents", shop.0.base)).bearer_auth(KEY);
    let request = request.header("idempotency-key", "lost").form(&form);
    let sent = async { request.send().await?.text().await };
    assert!(sent.await.is_err(), "the answer is lost");
    let done = shop.read("/v1/payment_intents").await["data"].clone();
    assert_eq!(done[0]["status"], "requires_capture", "and it was done: {done}");
}
