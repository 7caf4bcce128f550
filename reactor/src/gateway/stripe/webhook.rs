//! What Stripe tells: whether it is Stripe who does, and what it says of a payment of ours.
//!
//! What answers a request of ours carries its number and is told as that answer; so it makes no
//! difference which of the two comes first. What carries none was done in the dashboard.

use chrono::{DateTime, TimeDelta, Utc};
use domain::PaymentId;
use domain::payment::{DisputeStage, Report, Verdict};
use hmac::{Hmac, Mac as _};
use http::HeaderMap;
use serde_json::Value;
use service::config::Secret;
use sha2::Sha256;

use super::super::webhook::{Told, Webhook, WebhookError};
use super::super::wire::{self, Answer};
use super::{Stripe, amount, captured, declined, expiry, refund, text, words};

/// How old a webhook may be, and how far its clock may go ahead of ours.
const AGE_MAX: TimeDelta = TimeDelta::minutes(5);
/// Signatures in one header that are looked at: one for each secret while they are changed.
const SIGNATURES_MAX: usize = 8;

/// Checks that a body is Stripe's and of now: `Stripe-Signature: t=…,v1=…`, of which one `v1` is
/// the HMAC of time and body.
pub(super) fn verify(
    secret: &Secret,
    headers: &HeaderMap,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), WebhookError> {
    let header = headers.get("stripe-signature").and_then(|header| header.to_str().ok());
    let parts = || header.unwrap_or_default().split(',').filter_map(|part| part.split_once('='));
    let named = |name: &'static str| parts().filter(move |part| part.0.trim() == name);
    let time = named("t").next().map(|part| part.1).ok_or(WebhookError::Signature)?;
    let seconds: i64 = time.parse().map_err(|_| WebhookError::Signature)?;
    let sent = DateTime::from_timestamp(seconds, 0).ok_or(WebhookError::Signature)?;
    if (now - sent).abs() > AGE_MAX {
        return Err(WebhookError::Signature);
    }
    let key = secret.expose().as_bytes();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Err(WebhookError::Signature);
    };
    mac.update(time.as_bytes());
    mac.update(b".");
    mac.update(body);
    let right = named("v1").take(SIGNATURES_MAX).any(|(_, signature)| {
        // Compared in constant time.
        bytes(signature).is_some_and(|signature| mac.clone().verify_slice(&signature).is_ok())
    });
    if right { Ok(()) } else { Err(WebhookError::Signature) }
}

/// The bytes that hexadecimal digits stand for.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

impl Stripe {
    /// What a body says.
    pub(super) async fn heard(&self, body: &[u8]) -> Result<Webhook, WebhookError> {
        let event: Value = serde_json::from_slice(body).map_err(|_| WebhookError::Unreadable)?;
        let (Some(event_id), Some(kind)) = (text(&event["id"]), text(&event["type"])) else {
            return Err(WebhookError::Unreadable);
        };
        let object = &event["data"]["object"];
        let mut heard = Vec::new();
        if let Some(report) = report(&kind, object)
            && let Some(payment_id) = self.payment_of(object).await?
        {
            heard.push(Told { event_id: event_id.clone(), payment_id, report });
        }
        Ok(Webhook { event_id, kind, heard })
    }

    /// The payment of ours that an object is about. Refunds made in the dashboard and disputes
    /// do not say: their PaymentIntent does.
    async fn payment_of(&self, object: &Value) -> Result<Option<PaymentId>, WebhookError> {
        let own = |object: &Value| object["metadata"]["payment_id"].as_str()?.parse().ok();
        if let Some(id) = own(object) {
            return Ok(Some(id));
        }
        let Some(intent) = object["payment_intent"].as_str() else { return Ok(None) };
        match wire::send(self.get_intent(intent)).await {
            Answer::Done(intent) => Ok(own(&intent)),
            Answer::Refused(status, _) if !wire::is_for_later(status) => Ok(None),
            Answer::Refused(..) | Answer::Lost => Err(WebhookError::Later),
        }
    }
}

/// What an event says; nothing of most.
fn report(kind: &str, object: &Value) -> Option<Report> {
    let reference = || text(&object["id"]).and_then(|id| id.parse().ok());
    Some(match kind {
        "payment_intent.amount_capturable_updated" => {
            Report::Authorized { reference: reference()?, expires_at: expiry(object)? }
        }
        "payment_intent.payment_failed" => match declined(words(&object["last_payment_error"])) {
            Verdict::Declined(reason) => Report::Failed { reason },
            _ => return None,
        },
        "payment_intent.canceled" => Report::Voided,
        "payment_intent.succeeded" => match (request(object, "capture_request"), captured(object)) {
            (Some(request), verdict) => Report::Answer { request, verdict },
            (None, Verdict::Captured { reference: Some(reference), .. }) => {
                Report::Captured { amount: amount(object, "amount_received")?, reference }
            }
            _ => return None,
        },
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            match (request(object, "request"), refund(object)) {
                (_, Verdict::Unknown) => return None,
                // Days after it was told to be done, too.
                (request, Verdict::Declined(reason)) => Report::RefundFailed {
                    request,
                    amount: amount(object, "amount")?,
                    reference: reference()?,
                    reason,
                },
                (Some(request), verdict) => Report::Answer { request, verdict },
                (None, Verdict::Refunded { .. }) => {
                    Report::Refunded { amount: amount(object, "amount")?, reference: reference()? }
                }
                _ => return None,
            }
        }
        "charge.dispute.created" | "charge.dispute.closed" => {
            let stage = match object["status"].as_str()? {
                "won" | "warning_closed" => DisputeStage::Won,
                "lost" => DisputeStage::Lost,
                _ => DisputeStage::Opened,
            };
            let amount = amount(object, "amount")?;
            Report::Disputed { reference: reference()?, amount, stage }
        }
        _ => return None,
    })
}

/// The number of a request of ours, if an object carries one.
fn request(object: &Value, name: &str) -> Option<u32> {
    object["metadata"][name].as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// Made with `openssl dgst -sha256 -hmac whsec_test` of `1700000000.{"id":"evt_1"}`.
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const RIGHT: &str = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";

    fn check(header: &str, body: &[u8], now: i64) -> Result<(), WebhookError> {
        let mut headers = HeaderMap::new();
        headers.insert("stripe-signature", HeaderValue::from_str(header).unwrap());
        let now = DateTime::from_timestamp(now, 0).unwrap();
        verify(&"whsec_test".into(), &headers, body, now)
    }

    #[test]
    fn a_webhook_is_stripes_and_of_now() {
        let right = format!("t=1700000000,v1={RIGHT}");
        assert_eq!(check(&right, BODY, 1_700_000_000), Ok(()));
        assert_eq!(check(&right, BODY, 1_700_000_300), Ok(()));
        assert_eq!(check(&right, BODY, 1_699_999_700), Ok(()));
        let changed = format!("t=1700000000,v0=00,v1={},v1={RIGHT}", "0".repeat(64));
        assert_eq!(check(&changed, BODY, 1_700_000_000), Ok(()), "two secrets");
        for (header, body, now) in [
            (right.as_str(), BODY, 1_700_000_301),
            (right.as_str(), BODY, 1_699_999_699),
            (right.as_str(), br#"{"id":"evt_2"}"#, 1_700_000_000),
            (&format!("t=1700000001,v1={RIGHT}"), BODY, 1_700_000_000),
            (&format!("v1={RIGHT}"), BODY, 1_700_000_000),
            ("t=1700000000", BODY, 1_700_000_000),
            ("t=1700000000,v1=", BODY, 1_700_000_000),
            ("t=1700000000,v1=zz", BODY, 1_700_000_000),
            (&format!("t=1700000000,v0={RIGHT}"), BODY, 1_700_000_000),
            ("t=99999999999999,v1=00", BODY, 1_700_000_000),
        ] {
            assert_eq!(check(header, body, now), Err(WebhookError::Signature), "{header}");
        }
    }
}
