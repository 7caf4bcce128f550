//! PayPal, by its Orders v2 and Payments v2: the payer approves an order, which is then authorised,
//! captured in as many parts as wanted, and refunded capture by capture.
//!
//! * `amount`: amounts as PayPal writes them; `token`: who we are to it;
//! * `refunding`: one refund of ours over several captures; `webhook`: what it tells.
//!
//! Our reference is `<order>` until there is an authorisation, and `<order>/<authorisation>` then:
//! what became of a request is found in the order, where all that was done to it stands. A capture
//! carries the key of its request as invoice, a refund as custom id.

mod amount;
mod refunding;
mod token;
mod webhook;

use chrono::{DateTime, Utc};
use domain::payment::{Operation, Verdict};
use domain::text::{MediaUrl, Note, Token};
use http::HeaderMap;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::settings;
use super::webhook::{Webhook, WebhookError};
use super::wire::{self, Answer, Wire};
use super::{Call, Gateway};
use token::AccessToken;

/// Webhooks whose signature PayPal is asked about at once: anybody can send one.
const VERIFIED_AT_ONCE_MAX: usize = 8;

/// PayPal.
#[derive(Debug)]
pub struct Paypal {
    settings: settings::Paypal,
    wire: Wire,
    token: AccessToken,
    verifying: Semaphore,
}

/// What a reference of ours names.
struct Place<'a> {
    order: &'a str,
    authorization: Option<&'a str>,
}

impl<'a> From<&'a Token> for Place<'a> {
    fn from(reference: &'a Token) -> Self {
        let parts = reference.as_str().split_once('/');
        let (order, authorization) =
            parts.map_or((reference.as_str(), None), |(order, id)| (order, Some(id)));
        Self { order, authorization }
    }
}

impl Gateway for Paypal {
    const NAME: &'static str = "paypal";
    const ONCE: bool = false;

    async fn perform(&self, call: &Call) -> Verdict {
        let Some(amount) = amount::written(call.amount) else {
            return declined("this amount cannot be paid with PayPal in this currency");
        };
        let Some(reference) = &call.reference else {
            return match call.operation {
                Operation::Authorize => self.create(call, &amount).await,
                _ => declined("nothing was set aside"),
            };
        };
        let place = Place::from(reference);
        match (call.operation, place.authorization) {
            (Operation::Authorize, None) => self.authorize(call, place.order).await,
            (Operation::Authorize, Some(_)) => self.found(call).await,
            (Operation::Capture, Some(id)) => self.capture(call, id, amount).await,
            (Operation::Void, Some(id)) => self.void(call, id).await,
            (Operation::Void, None) => self.let_go(call, place.order).await,
            (Operation::Refund, Some(_)) => self.refund(call, place.order).await,
            (Operation::Capture | Operation::Refund, None) => declined("nothing was set aside"),
        }
    }

    async fn find(&self, call: &Call) -> Option<Verdict> {
        // An order that nobody approved moves no money: it is made again, under the same key.
        let place = Place::from(call.reference.as_ref()?);
        let Answer::Done(order) = self.get_order(place.order).await else {
            return Some(Verdict::Unknown);
        };
        let payments = &order["purchase_units"][0]["payments"];
        match call.operation {
            Operation::Authorize if order["status"] == "APPROVED" => None,
            Operation::Authorize => Some(standing(&order)),
            Operation::Capture => {
                let own = |capture: &&Value| capture["invoice_id"] == call.key();
                list(&payments["captures"]).iter().find(own).map(captured)
            }
            Operation::Void => match &payments["authorizations"][0]["status"] {
                Value::Null => None,
                status if status == "VOIDED" => Some(Verdict::Voided),
                status if status == "CAPTURED" => Some(declined("it was taken already")),
                _ => None,
            },
            Operation::Refund => refunding::outcome(call, payments),
        }
    }

    async fn read_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Webhook, WebhookError> {
        self.verify(headers, body, now).await?;
        self.heard(body).await
    }
}

impl Paypal {
    /// PayPal, as it is configured.
    ///
    /// # Errors
    /// When this machine has no certificates to know it by.
    pub fn new(settings: settings::Paypal) -> reqwest::Result<Self> {
        let wire = Wire::new(&settings.base)?;
        let verifying = Semaphore::new(VERIFIED_AT_ONCE_MAX);
        Ok(Self { settings, wire, token: AccessToken::default(), verifying })
    }

    /// Asks, as who we are. A token that PayPal knows no more is replaced, once: nothing was done.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: &(impl Serialize + Sync),
    ) -> Answer {
        for last in [false, true] {
            let Some(token) = self.token.get(&self.wire, &self.settings).await else {
                return Answer::Lost;
            };
            let mut request = self.wire.request(method.clone(), path).bearer_auth(&token);
            if method == Method::POST {
                request = request.header("prefer", "return=representation").json(body);
            }
            if let Some(key) = key {
                request = request.header("paypal-request-id", key);
            }
            match wire::send(request).await {
                Answer::Refused(StatusCode::UNAUTHORIZED, _) if !last => {
                    self.token.forget(&token).await;
                }
                answer => return answer,
            }
        }
        Answer::Lost
    }

    async fn get_order(&self, id: &str) -> Answer {
        self.ask(Method::GET, &format!("/v2/checkout/orders/{id}"), None, &Value::Null).await
    }

    async fn create(&self, call: &Call, amount: &Value) -> Verdict {
        let Some(back) = call.return_url.as_ref().map(MediaUrl::as_str) else {
            return declined("PayPal needs a page to come back to");
        };
        let key = call.key();
        let body = json!({
            "intent": "AUTHORIZE",
            "purchase_units": [{
                "reference_id": call.order_id.to_string(), "custom_id": key, "amount": amount,
            }],
            "payment_source": { "paypal": { "experience_context": {
                "return_url": back, "cancel_url": back, "user_action": "PAY_NOW",
                "shipping_preference": "NO_SHIPPING",
            } } },
        });
        match self.ask(Method::POST, "/v2/checkout/orders", Some(&key), &body).await {
            Answer::Done(order) => standing(&order),
            Answer::Lost => Verdict::Unknown,
            Answer::Refused(status, body) => refused(status, &body),
        }
    }

    async fn authorize(&self, call: &Call, order: &str) -> Verdict {
        let path = format!("/v2/checkout/orders/{order}/authorize");
        match self.ask(Method::POST, &path, Some(&call.key()), &json!({})).await {
            Answer::Done(order) => standing(&order),
            Answer::Lost => Verdict::Unknown,
            Answer::Refused(status, body) => match issue(&body) {
                // The payer came back without having approved it.
                "ORDER_NOT_APPROVED" | "PAYER_ACTION_REQUIRED" | "ORDER_ALREADY_AUTHORIZED" => {
                    self.found(call).await
                }
                _ => refused(status, &body),
            },
        }
    }

    async fn capture(&self, call: &Call, id: &str, amount: Value) -> Verdict {
        let path = format!("/v2/payments/authorizations/{id}/capture");
        let key = call.key();
        let body = json!({ "amount": amount, "invoice_id": key, "final_capture": false });
        match self.ask(Method::POST, &path, Some(&key), &body).await {
            Answer::Done(capture) => captured(&capture),
            Answer::Lost => Verdict::Unknown,
            Answer::Refused(status, body) => match issue(&body) {
                // It is this one: nobody else has invoices of that name.
                "DUPLICATE_INVOICE_ID" => self.found(call).await,
                _ => refused(status, &body),
            },
        }
    }

    async fn void(&self, call: &Call, id: &str) -> Verdict {
        let path = format!("/v2/payments/authorizations/{id}/void");
        match self.ask(Method::POST, &path, Some(&call.key()), &json!({})).await {
            Answer::Done(_) => Verdict::Voided,
            Answer::Lost => Verdict::Unknown,
            Answer::Refused(status, body) => match issue(&body) {
                "PREVIOUSLY_VOIDED" => Verdict::Voided,
                _ => refused(status, &body),
            },
        }
    }

    /// An order that may not be authorised yet: it lapses by itself, for nobody authorises it.
    async fn let_go(&self, call: &Call, order: &str) -> Verdict {
        let Answer::Done(order) = self.get_order(order).await else { return Verdict::Unknown };
        match order["purchase_units"][0]["payments"]["authorizations"][0]["id"].as_str() {
            Some(id) => self.void(call, id).await,
            None => Verdict::Voided,
        }
    }

    async fn found(&self, call: &Call) -> Verdict {
        self.find(call).await.unwrap_or(Verdict::Unknown)
    }
}

/// How an order stands, as an authorisation.
fn standing(order: &Value) -> Verdict {
    let Some(id) = order["id"].as_str() else { return Verdict::Unknown };
    let allowed = &order["purchase_units"][0]["payments"]["authorizations"][0];
    if let Some(authorization) = allowed["id"].as_str() {
        return authorized(id, authorization, allowed);
    }
    match order["status"].as_str().unwrap_or_default() {
        "CREATED" | "PAYER_ACTION_REQUIRED" => {
            let links = list(&order["links"]).iter();
            let mut page =
                links.filter(|link| link["rel"] == "payer-action" || link["rel"] == "approve");
            let url = page.next().and_then(|link| link["href"].as_str()?.parse().ok());
            let reference = id.parse().ok();
            url.map_or(Verdict::Unknown, |url| Verdict::ActionRequired { reference, url })
        }
        "VOIDED" => declined("it was called off"),
        _ => Verdict::Unknown,
    }
}

fn authorized(order: &str, id: &str, allowed: &Value) -> Verdict {
    let declines = ["DENIED", "VOIDED"].iter().any(|it| allowed["status"] == *it);
    match (reference(order, id), time(&allowed["expiration_time"])) {
        _ if declines => declined("PayPal did not allow it"),
        // Looked at by PayPal, for hours at most.
        _ if allowed["status"] == "PENDING" => Verdict::Unknown,
        (Some(reference), Some(expires_at)) => Verdict::Authorized { reference, expires_at },
        _ => Verdict::Unknown,
    }
}

fn reference(order: &str, authorization: &str) -> Option<Token> {
    format!("{order}/{authorization}").parse().ok()
}

fn captured(capture: &Value) -> Verdict {
    match capture["status"].as_str().unwrap_or_default() {
        "COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED" => Verdict::Captured {
            reference: capture["id"].as_str().and_then(|id| id.parse().ok()),
            amount: amount::read(&capture["amount"]),
            fee: amount::read(&capture["seller_receivable_breakdown"]["paypal_fee"]),
        },
        "DECLINED" | "FAILED" => declined("PayPal did not take it"),
        _ => Verdict::Unknown,
    }
}

/// What a refusal means.
fn refused(status: StatusCode, body: &Value) -> Verdict {
    let issue = issue(body);
    if wire::is_for_later(status) || issue == "PREVIOUS_REQUEST_IN_PROGRESS" {
        tracing::warn!(status = status.as_u16(), issue, "PayPal does not do it now");
        return Verdict::Unknown;
    }
    declined(match issue {
        "INSTRUMENT_DECLINED" => "PayPal could not charge the chosen card or account",
        "TRANSACTION_REFUSED" | "PAYER_CANNOT_PAY" | "PAYEE_BLOCKED_TRANSACTION" => {
            "PayPal refused the payment"
        }
        "CURRENCY_NOT_SUPPORTED" => "PayPal does not take this currency",
        "AUTHORIZATION_VOIDED" | "PREVIOUSLY_VOIDED" => "it was let go already",
        "AUTHORIZATION_ALREADY_CAPTURED" | "PREVIOUSLY_CAPTURED" => "it was taken already",
        "AUTHORIZATION_EXPIRED" => "it has lapsed",
        "MAX_CAPTURE_AMOUNT_EXCEEDED" => "it is more than was set aside",
        "CAPTURE_FULLY_REFUNDED" => "all of it was given back already",
        "REFUND_AMOUNT_EXCEEDED" => "it is more than is left of what was taken",
        "REFUND_FAILED_INSUFFICIENT_FUNDS" => "the shop's account has too little to give back",
        _ => "PayPal does not do this",
    })
}

fn issue(body: &Value) -> &str {
    body["details"][0]["issue"].as_str().or(body["name"].as_str()).unwrap_or_default()
}

fn declined(why: &str) -> Verdict {
    why.parse::<Note>().map_or(Verdict::Unknown, Verdict::Declined)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(value.as_str()?).ok()?.to_utc())
}
