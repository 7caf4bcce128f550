//! A stand-in of Stripe: PaymentIntents, Refunds, Charges, Disputes and Events, as the reference of
//! its API tells them.
//!
//! * `params`: what a request may say, and no more; `problem`: what is answered to the rest;
//! * `card`: the payment methods of its test mode; `currency`: amounts in smallest units;
//! * `intent`: a payment's states; `charge`: what the bank gave; `refund`, `dispute`:
//!   money that goes back;
//! * `books`: all of them, and the events that tell of them.
//!
//! Particular control routes: `POST /_control/disputes` with `payment_intent`. The shopper's bank
//! is a page, `/authenticate/<payment intent>`.

mod books;
mod card;
mod charge;
mod currency;
mod dispute;
mod intent;
mod params;
mod problem;
mod refund;

use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use hmac::{Hmac, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::hooks::{Hooks, Signature};
use crate::stand::{Answer, Asked, Kind, Stand};
use books::Books;
use params::Params;
use problem::Problem;

/// The longest idempotency key, in bytes.
const KEY_BYTES_MAX: usize = 255;

/// How Stripe signs: `t=<seconds>,v1=<HMAC-SHA256 of "t.body">`.
pub fn signature(secret: String) -> Signature {
    Signature { secret, sign: |secret, body| vec![("stripe-signature", sign(secret, body, now()))] }
}

/// The header of a webhook, sent so many seconds after 1970.
pub fn sign(secret: &str, body: &[u8], at: u64) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    // A key of any length will do.
    let Ok(mut mac) = mac else { return String::new() };
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    format!("t={at},v1={:x}", mac.finalize().into_bytes())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// A stand-in of Stripe that callers reach at `base`.
pub fn router(secret_key: String, base: String, hooks: Hooks) -> Router {
    let books = Books::new(base.clone());
    Stand::router(Stripe { secret_key, books }, base, hooks)
}

struct Stripe {
    secret_key: String,
    books: Books,
}

impl Stripe {
    fn key_given(asked: &Asked) -> Option<String> {
        let header = asked.header("authorization")?;
        if let Some(token) = header.strip_prefix("Bearer ") {
            return Some(token.to_owned());
        }
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(header.strip_prefix("Basic ")?)
            .ok()?;
        Some(String::from_utf8(decoded).ok()?.split(':').next()?.to_owned())
    }

    fn route(&mut self, asked: &Asked, declines: bool) -> Result<Value, Problem> {
        let form = if asked.method == Method::GET { &asked.query } else { &asked.body };
        let mut params = Params::parse(form)?;
        let books = &mut self.books;
        let expand = params.expand()?;
        let object = match (asked.method.as_str(), asked.parts().as_slice()) {
            ("POST", ["v1", "payment_intents"]) => books.create_intent(&mut params, declines),
            ("GET", ["v1", "payment_intents"]) => books.list_intents(&mut params),
            ("GET", ["v1", "payment_intents", id]) => books.intent(id).map(intent::Intent::json),
            ("POST", ["v1", "payment_intents", id, "confirm"]) => {
                books.confirm_intent(id, &mut params, declines)
            }
            ("POST", ["v1", "payment_intents", id, "capture"]) => {
                books.capture_intent(id, &mut params, declines)
            }
            ("POST", ["v1", "payment_intents", id, "cancel"]) => {
                books.cancel_intent(id, &mut params)
            }
            ("GET", ["v1", "charges", id]) => books.charge(id),
            ("GET", ["v1", "balance_transactions", id]) => books.balance_transaction(id),
            ("POST", ["v1", "refunds"]) => books.create_refund(&mut params, declines),
            ("GET", ["v1", "refunds"]) => books.list_refunds(&mut params),
            ("GET", ["v1", "refunds", id]) => books.refund(id),
            ("GET", ["v1", "disputes"]) => books.list_disputes(&mut params),
            ("GET", ["v1", "disputes", id]) => books.dispute(id),
            ("POST", ["v1", "disputes", id]) => books.answer_dispute(id, &mut params),
            ("POST", ["v1", "disputes", id, "close"]) => books.close_dispute(id),
            ("GET", ["v1", "events"]) => books.list_events(&mut params),
            ("GET", ["v1", "events", id]) => books.event(id),
            ("POST", ["_control", "disputes"]) => {
                let intent = params.required("payment_intent")?;
                books.open_dispute(&intent)
            }
            _ => Err(Problem::unknown_url(&asked.method, &asked.path)),
        }?;
        params.done()?;
        books.expanded(object, &expand)
    }

    /// The page of the shopper's bank.
    fn bank(&mut self, asked: &Asked, id: &str) -> Result<Answer, Problem> {
        if asked.query != format!("client_secret={}", intent::secret(id)) {
            return Err(Problem::unauthorized());
        }
        if asked.method == Method::GET {
            self.books.intent(id)?;
            let page = "<!doctype html><title>Your bank</title><form method=post>\
                        <button name=outcome value=success>Confirm</button>\
                        <button name=outcome value=failure>Refuse</button></form>";
            let body = crate::stand::Content::Page(page.to_owned());
            return Ok(Answer { status: StatusCode::OK, headers: Vec::new(), body });
        }
        let success = match Params::parse(&asked.body)?.required("outcome")?.as_str() {
            "success" => true,
            "failure" => false,
            _ => return Err(Problem::invalid("outcome", "Invalid outcome")),
        };
        Ok(Answer::see_other(self.books.authenticated(id, success)?))
    }
}

impl crate::stand::Books for Stripe {
    fn admit(&mut self, asked: &Asked) -> Result<(), Answer> {
        if asked.path.starts_with("/authenticate/") {
            return Ok(());
        }
        match Self::key_given(asked) {
            Some(key) if key == self.secret_key => {}
            _ => return Err(Problem::unauthorized().answer()),
        }
        let dated = |version: &str| {
            let date = version.split('.').next().unwrap_or_default();
            chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").is_ok()
        };
        match asked.header("stripe-version") {
            Some(version) if !dated(version) => {
                Err(Problem::plain(&format!("Invalid Stripe API version: {version}")).answer())
            }
            _ => Ok(()),
        }
    }

    fn key(&self, asked: &Asked) -> Result<Option<(String, String)>, Answer> {
        let Some(key) = asked.header("idempotency-key").filter(|_| asked.method == Method::POST)
        else {
            return Ok(None);
        };
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(Problem::plain("Idempotency keys are 1 to 255 characters").answer());
        }
        // Of what is said, not of its bytes.
        let said = crate::form::parse(&asked.body).map(Value::Object).unwrap_or_default();
        Ok(Some((key.to_owned(), format!("{} {said}", asked.path))))
    }

    fn key_reused(&self) -> Answer {
        Problem::key_reused().answer()
    }

    fn again(&self, kept: Answer) -> Answer {
        kept.with("idempotent-replayed", "true")
    }

    /// Not what was refused before anything was begun.
    fn keeps(&self, answer: &Answer) -> bool {
        ![StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND].contains(&answer.status)
    }

    fn perform(&mut self, asked: &Asked, declines: bool) -> Answer {
        if let ["authenticate", id] = asked.parts().as_slice() {
            return self.bank(asked, id).unwrap_or_else(Problem::answer);
        }
        match self.route(asked, declines) {
            Ok(object) => Answer::json(StatusCode::OK, object),
            Err(problem) => problem.answer(),
        }
        .with("request-id", self.books.request_id())
    }

    fn broken(&self, kind: Kind) -> Answer {
        if kind == Kind::Busy {
            return Problem::busy().answer().with("retry-after", "1");
        }
        Problem::broken().answer()
    }

    fn events(&mut self) -> Vec<Value> {
        self.books.unsent()
    }
}
