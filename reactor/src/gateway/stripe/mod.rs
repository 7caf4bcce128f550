//! Stripe, by its PaymentIntents: one for each payment, captured once, by hand.
//!
//! * `units`: amounts as Stripe counts them; `webhook`: what it tells without being asked.
//!
//! Each PaymentIntent carries our payment, order and request as metadata, and what is done to it
//! later the number of its request: so what became of a request is found without doing it, also
//! when its answer was lost before we knew what to ask for.

mod units;
mod webhook;

use chrono::{DateTime, TimeDelta, Utc};
use domain::payment::{Operation, Verdict};
use domain::text::{MediaUrl, Note, Token};
use domain::{Money, PaymentId};
use http::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::settings;
use super::webhook::{Webhook, WebhookError};
use super::wire::{self, Answer, Wire};
use super::{Call, Gateway};
use units::units;

/// The version whose answers are read here; Stripe answers in it whatever the account's is.
const API_VERSION: &str = "2025-09-30.clover";
/// How long an authorisation holds where the bank does not say, in days.
const AUTHORIZATION_DAYS: i64 = 7;
/// Payments looked at to find one whose answer was lost: ten pages of a hundred.
const PAGES_MAX: usize = 10;
/// How much earlier than a payment's id, or later, its PaymentIntent may say it was made: clocks.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::hours(1);
/// What is shown along with a PaymentIntent: how long the bank holds it, what Stripe keeps of it.
const EXPANDED: &str = "latest_charge.balance_transaction";

/// Stripe.
#[derive(Debug)]
pub struct Stripe {
    settings: settings::Stripe,
    wire: Wire,
}

impl Gateway for Stripe {
    const NAME: &'static str = "stripe";
    const ONCE: bool = true;

    async fn perform(&self, call: &Call) -> Verdict {
        let Some(amount) = units(call.amount) else {
            return declined("this amount cannot be paid by card in this currency");
        };
        match (call.operation, &call.reference) {
            (Operation::Authorize, None) => self.create(call, amount).await,
            (Operation::Authorize, Some(_)) => self.find(call).await.unwrap_or(Verdict::Unknown),
            (_, None) => declined("nothing was set aside"),
            (Operation::Capture, Some(intent)) => {
                let form = [
                    ("amount_to_capture", amount.to_string()),
                    ("metadata[capture_request]", call.request.to_string()),
                    ("expand[]", EXPANDED.to_owned()),
                ];
                self.change(call, &format!("/v1/payment_intents/{intent}/capture"), &form).await
            }
            (Operation::Void, Some(intent)) => {
                self.change(call, &format!("/v1/payment_intents/{intent}/cancel"), &[]).await
            }
            (Operation::Refund, Some(intent)) => {
                let form = [
                    ("payment_intent", intent.to_string()),
                    ("amount", amount.to_string()),
                    ("metadata[payment_id]", call.payment_id.to_string()),
                    ("metadata[order_id]", call.order_id.to_string()),
                    ("metadata[request]", call.request.to_string()),
                ];
                self.change(call, "/v1/refunds", &form).await
            }
        }
    }

    async fn find(&self, call: &Call) -> Option<Verdict> {
        let Some(reference) = &call.reference else {
            return match (call.operation, self.search(call).await) {
                (Operation::Authorize, Ok(intent)) => intent.map(|intent| standing(&intent)),
                (_, Ok(_)) => Some(declined("nothing was set aside")),
                (_, Err(Unclear)) => Some(Verdict::Unknown),
            };
        };
        if call.operation == Operation::Refund {
            return self.find_refund(call, reference).await;
        }
        match wire::send(self.get_intent(reference.as_str())).await {
            Answer::Done(intent) => outcome(call, &intent),
            Answer::Refused(..) | Answer::Lost => Some(Verdict::Unknown),
        }
    }

    async fn read_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Webhook, WebhookError> {
        webhook::verify(&self.settings.webhook_secret, headers, body, now)?;
        self.heard(body).await
    }
}

/// It could not be told.
struct Unclear;

impl Stripe {
    /// Stripe, as it is configured.
    ///
    /// # Errors
    /// When this machine has no certificates to know it by.
    pub fn new(settings: settings::Stripe) -> reqwest::Result<Self> {
        let wire = Wire::new(&settings.base)?;
        Ok(Self { settings, wire })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.wire.request(method, path);
        request
            .bearer_auth(self.settings.secret_key.expose())
            .header("stripe-version", API_VERSION)
    }

    fn get_intent(&self, id: &str) -> RequestBuilder {
        let request = self.request(Method::GET, &format!("/v1/payment_intents/{id}"));
        request.query(&[("expand[]", EXPANDED)])
    }

    async fn create(&self, call: &Call, amount: i64) -> Verdict {
        let Some(token) = &call.token else { return declined("a card is needed") };
        let currency = call.amount.currency().code().to_ascii_lowercase();
        let mut form = vec![
            ("amount", amount.to_string()),
            ("currency", currency),
            ("payment_method", token.to_string()),
            ("payment_method_types[]", "card".to_owned()),
            ("capture_method", "manual".to_owned()),
            ("confirm", "true".to_owned()),
            ("metadata[payment_id]", call.payment_id.to_string()),
            ("metadata[order_id]", call.order_id.to_string()),
            ("metadata[request]", call.request.to_string()),
            ("expand[]", "latest_charge".to_owned()),
        ];
        form.extend(call.return_url.as_ref().map(|url| ("return_url", url.to_string())));
        self.change(call, "/v1/payment_intents", &form).await
    }

    /// Asks for something to be done, under the call's key.
    async fn change(&self, call: &Call, path: &str, form: &[(&str, String)]) -> Verdict {
        let request = self.request(Method::POST, path).header("idempotency-key", call.key());
        match wire::send(request.form(form)).await {
            Answer::Lost => Verdict::Unknown,
            Answer::Done(object) if call.operation == Operation::Refund => refund(&object),
            Answer::Done(intent) => outcome(call, &intent).unwrap_or(Verdict::Unknown),
            Answer::Refused(status, body) => self.refused(call, status, &body["error"]).await,
        }
    }

    async fn refused(&self, call: &Call, status: StatusCode, error: &Value) -> Verdict {
        let kind = error["type"].as_str().unwrap_or_default();
        if kind == "card_error" {
            return declined(words(error));
        }
        if wire::is_for_later(status) || kind == "idempotency_error" {
            tracing::warn!(status = status.as_u16(), kind, "Stripe does not do it now");
            return Verdict::Unknown;
        }
        // Done before, perhaps by somebody in the dashboard: then that is how it stands.
        let unexpected = error["code"] == "payment_intent_unexpected_state";
        if unexpected && let Some(found) = self.find(call).await {
            return found;
        }
        declined(words(error))
    }

    /// The PaymentIntent of a payment whose answer was lost before we knew its name, among those
    /// made since the payment's id was.
    async fn search(&self, call: &Call) -> Result<Option<Value>, Unclear> {
        let since = made_at(call.payment_id).map(|at| (at - CLOCKS_DIFFER).timestamp().to_string());
        let mut after: Option<String> = None;
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", "100".to_owned())];
            query.push(("expand[]", "data.latest_charge".to_owned()));
            query.extend(since.clone().map(|since| ("created[gte]", since)));
            query.extend(after.take().map(|after| ("starting_after", after)));
            let request = self.request(Method::GET, "/v1/payment_intents").query(&query);
            let Answer::Done(mut page) = wire::send(request).await else { return Err(Unclear) };
            let Some(intents) = page["data"].as_array_mut() else { return Err(Unclear) };
            let own = intents.iter_mut().find(|intent| is_of(call, intent));
            if let Some(intent) = own {
                return Ok(Some(intent.take()));
            }
            after = intents.last().and_then(|intent| text(&intent["id"]));
            if page["has_more"] != true {
                return Ok(None);
            }
        }
        Err(Unclear)
    }

    async fn find_refund(&self, call: &Call, intent: &Token) -> Option<Verdict> {
        let query = [("payment_intent", intent.as_str()), ("limit", "100")];
        let request = self.request(Method::GET, "/v1/refunds").query(&query);
        let Answer::Done(page) = wire::send(request).await else { return Some(Verdict::Unknown) };
        let refunds = page["data"].as_array()?;
        match refunds.iter().find(|refund| is_of(call, refund)) {
            Some(found) => Some(refund(found)),
            None if page["has_more"] == true => Some(Verdict::Unknown),
            None => None,
        }
    }
}

/// Whether an object carries the payment and the request of a call.
fn is_of(call: &Call, object: &Value) -> bool {
    let says = |name: &str, what: &str| object["metadata"][name] == what;
    says("payment_id", &call.payment_id.to_string()) && says("request", &call.request.to_string())
}

/// When an id was made that tells it; callers may choose others.
fn made_at(id: PaymentId) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = id.0.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}

/// What became of a call, as its PaymentIntent shows it; none where nothing did.
fn outcome(call: &Call, intent: &Value) -> Option<Verdict> {
    let status = intent["status"].as_str().unwrap_or_default();
    match (call.operation, status) {
        (Operation::Authorize, _) => Some(standing(intent)),
        (Operation::Capture, "succeeded") => Some(captured(intent)),
        (Operation::Void, "canceled") => Some(Verdict::Voided),
        (Operation::Void, "succeeded") => Some(declined("it was taken already")),
        (Operation::Capture, "requires_capture") | (Operation::Void, _) => None,
        (Operation::Capture, "canceled") => Some(declined("it was let go already")),
        (Operation::Capture | Operation::Refund, _) => Some(Verdict::Unknown),
    }
}

fn captured(intent: &Value) -> Verdict {
    let charge = &intent["latest_charge"];
    let reference = text(&charge["id"]).or_else(|| text(charge));
    let kept = &charge["balance_transaction"];
    let fee = kept["fee"].as_i64().zip(kept["currency"].as_str());
    Verdict::Captured {
        reference: reference.and_then(|reference| reference.parse().ok()),
        // Not always what we asked for: in the dashboard, somebody may have taken less before.
        amount: amount(intent, "amount_received"),
        fee: fee.and_then(|(fee, currency)| units::money(fee, currency)),
    }
}

/// How an authorisation stands.
fn standing(intent: &Value) -> Verdict {
    let reference: Option<Token> = text(&intent["id"]).and_then(|id| id.parse().ok());
    match intent["status"].as_str().unwrap_or_default() {
        "requires_capture" | "succeeded" => match (reference, expiry(intent)) {
            (Some(reference), Some(expires_at)) => Verdict::Authorized { reference, expires_at },
            _ => Verdict::Unknown,
        },
        "requires_action" => {
            let url = &intent["next_action"]["redirect_to_url"]["url"];
            match text(url).and_then(|url| url.parse::<MediaUrl>().ok()) {
                Some(url) => Verdict::ActionRequired { reference, url },
                None => declined("the bank asks for the shopper, who has no way back"),
            }
        }
        "requires_payment_method" => declined(words(&intent["last_payment_error"])),
        "canceled" => declined("it was called off"),
        _ => Verdict::Unknown,
    }
}

/// Until when the bank holds it.
fn expiry(intent: &Value) -> Option<DateTime<Utc>> {
    let card = &intent["latest_charge"]["payment_method_details"]["card"];
    if let Some(before) = card["capture_before"].as_i64() {
        return DateTime::from_timestamp(before, 0);
    }
    let created = DateTime::from_timestamp(intent["created"].as_i64()?, 0)?;
    Some(created + TimeDelta::days(AUTHORIZATION_DAYS))
}

fn refund(refund: &Value) -> Verdict {
    match refund["status"].as_str().unwrap_or_default() {
        "succeeded" => Verdict::Refunded {
            reference: text(&refund["id"]).and_then(|id| id.parse().ok()),
            amount: amount(refund, "amount"),
        },
        "failed" | "canceled" => declined("the bank did not take it back"),
        _ => Verdict::Unknown,
    }
}

/// Why, in words that a shopper may read: Stripe's own where it is about his card.
fn words(error: &Value) -> &str {
    let code = error["decline_code"].as_str().or(error["code"].as_str());
    if error["type"] == "card_error"
        && let Some(message) = error["message"].as_str()
    {
        return message;
    }
    match code.unwrap_or_default() {
        "resource_missing" if error["param"] == "payment_method" => {
            "the card is not known, or was used before"
        }
        "charge_already_refunded" => "all of it was given back already",
        "charge_disputed" => "it is disputed, and cannot be given back",
        "amount_too_small" => "the amount is less than a card can be charged",
        "amount_too_large" => "the amount is more than there is",
        _ => "the payment provider does not do this",
    }
}

fn declined(why: &str) -> Verdict {
    let short: String = why.chars().filter(|c| !c.is_control()).take(150).collect();
    short.parse::<Note>().map_or(Verdict::Unknown, Verdict::Declined)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// An amount in an object of Stripe's.
fn amount(object: &Value, name: &str) -> Option<Money> {
    units::money(object[name].as_i64()?, object["currency"].as_str()?)
}
