//! What PayPal tells: whether it is PayPal who does, and what it says of a payment of ours.
//!
//! Whether a signature is right, PayPal is asked; so no certificate of its is trusted or kept here.
//! What answers a request of ours carries its key and is told as that answer; what carries none
//! was done in the dashboard.

use chrono::{DateTime, TimeDelta, Utc};
use domain::PaymentId;
use domain::payment::{DisputeStage, Report, Verdict};
use http::HeaderMap;
use reqwest::Method;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::webhook::{Told, Webhook, WebhookError};
use super::super::wire::{self, Answer};
use super::{Paypal, amount, captured, declined, list, reference, refunding, time};

/// How old a webhook may be: PayPal sends one again for three days.
const AGE_MAX: TimeDelta = TimeDelta::days(3);
/// How far its clock may go ahead of ours.
const AHEAD_MAX: TimeDelta = TimeDelta::minutes(5);

/// What PayPal is asked.
#[derive(Serialize)]
struct Verify<'a> {
    auth_algo: &'a str,
    cert_url: &'a str,
    transmission_id: &'a str,
    transmission_sig: &'a str,
    transmission_time: &'a str,
    webhook_id: &'a str,
    webhook_event: &'a RawValue,
}

impl Paypal {
    /// Checks that a body is PayPal's, by asking it.
    pub(super) async fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), WebhookError> {
        let header = |name: &str| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.ok_or(WebhookError::Signature)
        };
        let sent = header("paypal-transmission-time")?;
        let age = now - time(&json!(sent)).ok_or(WebhookError::Signature)?;
        if age > AGE_MAX || -age > AHEAD_MAX {
            return Err(WebhookError::Signature);
        }
        // As it came: what is signed is a checksum of its bytes.
        let event: &RawValue =
            serde_json::from_slice(body).map_err(|_| WebhookError::Signature)?;
        let ask = Verify {
            auth_algo: header("paypal-auth-algo")?,
            cert_url: header("paypal-cert-url")?,
            transmission_id: header("paypal-transmission-id")?,
            transmission_sig: header("paypal-transmission-sig")?,
            transmission_time: sent,
            webhook_id: &self.settings.webhook_id,
            webhook_event: event,
        };
        let Ok(_place) = self.verifying.try_acquire() else { return Err(WebhookError::Later) };
        let path = "/v1/notifications/verify-webhook-signature";
        match self.ask(Method::POST, path, None, &ask).await {
            Answer::Done(said) if said["verification_status"] == "SUCCESS" => Ok(()),
            Answer::Refused(status, _) if wire::is_for_later(status) => Err(WebhookError::Later),
            Answer::Lost => Err(WebhookError::Later),
            Answer::Done(_) | Answer::Refused(..) => Err(WebhookError::Signature),
        }
    }

    /// What a body says.
    pub(super) async fn heard(&self, body: &[u8]) -> Result<Webhook, WebhookError> {
        let event: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable)?;
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        let (Some(event_id), Some(kind)) = (text("id"), text("event_type")) else {
            return Err(WebhookError::Unreadable);
        };
        let resource = &event["resource"];
        let mut heard = Vec::new();
        if let Some(report) = report(&kind, resource)
            && let Some(payment_id) = self.payment_of(resource).await?
        {
            heard.push(Told { event_id: event_id.clone(), payment_id, report });
        }
        Ok(Webhook { event_id, kind, heard })
    }

    /// The payment of ours that something is about. What was done in the dashboard may not say: its
    /// capture does.
    async fn payment_of(&self, resource: &Value) -> Result<Option<PaymentId>, WebhookError> {
        let said = [
            &resource["custom_id"],
            &resource["purchase_units"][0]["custom_id"],
            &resource["disputed_transactions"][0]["custom"],
        ];
        if let Some(id) = said.into_iter().find_map(key) {
            return Ok(Some(id.payment_id));
        }
        let up = list(&resource["links"]).iter().find(|link| link["rel"] == "up");
        let up = up.and_then(|link| link["href"].as_str()?.split("/captures/").nth(1));
        let disputed = resource["disputed_transactions"][0]["seller_transaction_id"].as_str();
        // Into a path of ours goes nothing but an id.
        let plain = |id: &&str| id.chars().all(|c| c.is_ascii_alphanumeric());
        let Some(capture) = up.or(disputed).filter(plain) else { return Ok(None) };
        let path = format!("/v2/payments/captures/{capture}");
        match self.ask(Method::GET, &path, None, &Value::Null).await {
            Answer::Done(capture) => Ok(key(&capture["custom_id"]).map(|key| key.payment_id)),
            Answer::Refused(status, _) if !wire::is_for_later(status) => Ok(None),
            Answer::Refused(..) | Answer::Lost => Err(WebhookError::Later),
        }
    }
}

/// The key of a request of ours, and what stands behind it.
struct Key<'a> {
    payment_id: PaymentId,
    request: u32,
    kind: &'a str,
}

fn key(said: &Value) -> Option<Key<'_>> {
    let mut parts = said.as_str()?.splitn(3, ':');
    let payment_id = parts.next()?.parse().ok()?;
    let request = parts.next()?.parse().ok()?;
    Some(Key { payment_id, request, kind: parts.next().unwrap_or_default() })
}

/// What an event says; nothing of most.
fn report(kind: &str, resource: &Value) -> Option<Report> {
    let id = || resource["id"].as_str()?.parse().ok();
    Some(match kind {
        "CHECKOUT.ORDER.APPROVED" => Report::Approved,
        "PAYMENT.AUTHORIZATION.CREATED" => {
            let order = resource["supplementary_data"]["related_ids"]["order_id"].as_str()?;
            Report::Authorized {
                reference: reference(order, resource["id"].as_str()?)?,
                expires_at: time(&resource["expiration_time"])?,
            }
        }
        "PAYMENT.AUTHORIZATION.VOIDED" => Report::Voided,
        "PAYMENT.CAPTURE.COMPLETED" | "PAYMENT.CAPTURE.DECLINED" | "PAYMENT.CAPTURE.DENIED" => {
            let verdict = match kind {
                "PAYMENT.CAPTURE.COMPLETED" => captured(resource),
                _ => declined("PayPal did not take it"),
            };
            match (key(&resource["invoice_id"]), verdict) {
                (_, Verdict::Unknown) => return None,
                (Some(key), verdict) => Report::Answer { request: key.request, verdict },
                (None, Verdict::Captured { .. }) => {
                    let amount = amount::read(&resource["amount"])?;
                    Report::Captured { amount, reference: id()? }
                }
                _ => return None,
            }
        }
        "PAYMENT.CAPTURE.REFUNDED" => {
            let key = key(&resource["custom_id"]);
            match key.filter(|key| [refunding::WHOLE, refunding::PART].contains(&key.kind)) {
                // Of several, which are counted when all are done.
                Some(key) if key.kind == refunding::PART => return None,
                Some(key) => Report::Answer {
                    request: key.request,
                    verdict: Verdict::Refunded {
                        reference: id(),
                        amount: amount::read(&resource["amount"]),
                    },
                },
                None => Report::Refunded {
                    amount: amount::read(&resource["amount"])?,
                    reference: id()?,
                },
            }
        }
        "PAYMENT.REFUND.FAILED" => {
            let key = key(&resource["custom_id"]).filter(|key| key.kind == refunding::WHOLE);
            let Verdict::Declined(reason) = declined("the bank did not take it back") else {
                return None;
            };
            Report::RefundFailed {
                request: key.map(|key| key.request),
                amount: amount::read(&resource["amount"])?,
                reference: id()?,
                reason,
            }
        }
        "CUSTOMER.DISPUTE.CREATED" | "CUSTOMER.DISPUTE.RESOLVED" => {
            let stage = match resource["dispute_outcome"]["outcome_code"].as_str() {
                None => DisputeStage::Opened,
                Some("RESOLVED_BUYER_FAVOUR" | "ACCEPTED") => DisputeStage::Lost,
                Some(_) => DisputeStage::Won,
            };
            let reference = resource["dispute_id"].as_str()?.parse().ok()?;
            let amount = amount::read(&resource["dispute_amount"])?;
            Report::Disputed { reference, amount, stage }
        }
        _ => return None,
    })
}
