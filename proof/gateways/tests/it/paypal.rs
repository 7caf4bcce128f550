//! What the stand-in of PayPal does, and what it refuses.

use gateways::paypal::{self, Merchant};
use gateways::play::Play;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const WEBHOOK: &str = "WH-1";

async fn shop() -> (Shop, String) {
    let signature = paypal::signature(WEBHOOK.to_owned());
    let play = Play::start(signature, |base, hooks| {
        let (client_id, client_secret) = ("me".to_owned(), "secret".to_owned());
        let merchant = Merchant { client_id, client_secret, webhook_id: WEBHOOK.to_owned() };
        paypal::router(merchant, base, hooks)
    });
    let shop = Shop(play.await.unwrap());
    let token = shop.0.client.post(format!("{}/v1/oauth2/token", shop.0.base));
    let token =
        token.basic_auth("me", Some("secret")).form(&[("grant_type", "client_credentials")]);
    let token: Value = token.send().await.unwrap().json().await.unwrap();
    (shop, token["access_token"].as_str().unwrap().to_owned())
}

/// A shop that asks PayPal.
struct Shop(Play);

impl Shop {
    async fn paypal(
        &self,
        token: &str,
        method: Method,
        path: &str,
        key: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = self.0.client.request(method, format!("{}{path}", self.0.base));
        let request = request.bearer_auth(token).header("paypal-request-id", key);
        let request = request.header("prefer", "return=representation").json(&body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }
}

fn wanted(value: &str, currency: &str) -> Value {
    json!({
        "intent": "AUTHORIZE",
        "purchase_units": [{
            "custom_id": "p1:1", "amount": { "currency_code": currency, "value": value },
        }],
        "payment_source": { "paypal": { "experience_context": {
            "return_url": "https://shop.example/back", "cancel_url": "https://shop.example/no",
        } } },
    })
}

fn issue(body: &Value) -> &str {
    body["details"][0]["issue"].as_str().unwrap_or_default()
}

/// An order, approved and authorised; the authorisation's id.
async fn authorized(shop: &Shop, token: &str) -> String {
    let body = wanted("20.00", "EUR");
    let (_, order) = shop.paypal(token, Method::POST, "/v2/checkout/orders", "o", body).await;
    let id = order["id"].as_str().unwrap();
    let page = format!("{}/checkoutnow?token={id}", shop.0.base);
    let back = shop.0.choose(&page, "approve").await.unwrap();
    assert!(back.starts_with("https://shop.example/back?token="), "{back}");
    let path = format!("/v2/checkout/orders/{id}/authorize");
    let (_, order) = shop.paypal(token, Method::POST, &path, "a", json!({})).await;
    let allowed = &order["purchase_units"][0]["payments"]["authorizations"][0];
    assert_eq!(allowed["status"], "CREATED", "{order}");
    allowed["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_payment_is_captured_in_parts_and_refunded() {
    let (shop, token) = shop().await;
    let allowed = authorized(&shop, &token).await;
    let capture = format!("/v2/payments/authorizations/{allowed}/capture");
    let part = |value: &str, is_final: bool| {
        let amount = json!({ "currency_code": "EUR", "value": value });
        json!({ "amount": amount, "final_capture": is_final, "invoice_id": value })
    };
    let post = |path: String, key: &'static str, body: Value| {
        let (shop, token) = (&shop, &token);
        async move { shop.paypal(token, Method::POST, &path, key, body).await }
    };
    let (status, first) = post(capture.clone(), "1", part("5.00", false)).await;
    assert_eq!((status, &first["status"]), (StatusCode::CREATED, &json!("COMPLETED")));
    let (status, again) = post(capture.clone(), "1", part("5.00", false)).await;
    assert_eq!((status, &again["id"]), (StatusCode::OK, &first["id"]));
    let (status, _) = post(capture.clone(), "1", part("6.00", false)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (_, twice) = post(capture.clone(), "2", part("5.00", false)).await;
    assert_eq!(issue(&twice), "DUPLICATE_INVOICE_ID");
    let (_, more) = post(capture.clone(), "3", part("15.01", false)).await;
    assert_eq!(issue(&more), "MAX_CAPTURE_AMOUNT_EXCEEDED");
    let (_, last) = post(capture.clone(), "4", part("10.00", true)).await;
    assert_eq!(last["final_capture"], true);
    let (_, late) = post(capture, "5", part("1.00", false)).await;
    assert_eq!(issue(&late), "AUTHORIZATION_ALREADY_CAPTURED");
    let void = format!("/v2/payments/authorizations/{allowed}/void");
    assert_eq!(issue(&post(void, "v", json!({})).await.1), "PREVIOUSLY_CAPTURED");

    let id = first["id"].as_str().unwrap();
    let refund = format!("/v2/payments/captures/{id}/refund");
    for (key, value, says) in
        [("r1", "4.00", ""), ("r2", "1.01", "REFUND_AMOUNT_EXCEEDED"), ("r3", "1.00", "")]
    {
        let body = json!({ "amount": { "currency_code": "EUR", "value": value } });
        assert_eq!(issue(&post(refund.clone(), key, body).await.1), says);
    }
    assert_eq!(issue(&post(refund, "r4", json!({})).await.1), "CAPTURE_FULLY_REFUNDED");
}

#[tokio::test]
async fn what_paypal_does_not_know_is_refused() {
    let (shop, token) = shop().await;
    let orders = "/v2/checkout/orders";
    for (body, says) in [
        (json!({}), "MISSING_REQUIRED_PARAMETER"),
        (json!({ "intent": "BOGUS" }), "INVALID_PARAMETER_VALUE"),
        (wanted("20.001", "EUR"), "DECIMAL_PRECISION"),
        (wanted("20.5", "JPY"), "DECIMALS_NOT_SUPPORTED"),
        (wanted("20", "KWD"), "CURRENCY_NOT_SUPPORTED"),
        (wanted("0", "EUR"), "CANNOT_BE_ZERO_OR_NEGATIVE"),
        (wanted("-1", "EUR"), "INVALID_PARAMETER_SYNTAX"),
    ] {
        let (_, said) = shop.paypal(&token, Method::POST, orders, "x", body).await;
        assert_eq!(issue(&said), says, "{said}");
    }
    let (_, order) = shop.paypal(&token, Method::POST, orders, "o", wanted("1", "EUR")).await;
    let path = format!("{orders}/{}/authorize", order["id"].as_str().unwrap());
    let (_, early) = shop.paypal(&token, Method::POST, &path, "a", json!({})).await;
    assert_eq!(issue(&early), "PAYER_ACTION_REQUIRED");
    let page = order["links"][1]["href"].as_str().unwrap();
    shop.0.choose(page, "decline").await.unwrap();
    let (_, empty) = shop.paypal(&token, Method::POST, &path, "a", json!({})).await;
    assert_eq!(issue(&empty), "INSTRUMENT_DECLINED");
    let (status, _) = shop.paypal("stale", Method::POST, orders, "x", json!({})).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn webhooks_are_verified_by_who_sent_them() {
    let (shop, token) = shop().await;
    let allowed = authorized(&shop, &token).await;
    let void = format!("/v2/payments/authorizations/{allowed}/void");
    shop.paypal(&token, Method::POST, &void, "v", json!({})).await;
    let heard = shop.0.hears("PAYMENT.AUTHORIZATION.VOIDED", 1).await.unwrap().remove(0);
    let header = |name: &str| heard.headers[name].to_str().unwrap().to_owned();
    let event: Value = serde_json::from_str(&heard.body).unwrap();
    let mut ask = json!({
        "transmission_id": header("paypal-transmission-id"),
        "transmission_time": header("paypal-transmission-time"),
        "transmission_sig": header("paypal-transmission-sig"),
        "auth_algo": header("paypal-auth-algo"), "cert_url": header("paypal-cert-url"),
        "webhook_id": WEBHOOK, "webhook_event": event,
    });
    let verify = "/v1/notifications/verify-webhook-signature";
    let (_, said) = shop.paypal(&token, Method::POST, verify, "w", ask.clone()).await;
    assert_eq!(said["verification_status"], "SUCCESS");
    ask["webhook_event"]["resource"]["status"] = json!("CREATED");
    let (_, said) = shop.paypal(&token, Method::POST, verify, "w2", ask).await;
    assert_eq!(said["verification_status"], "FAILURE");
}
