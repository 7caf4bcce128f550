//! A stand-in of PayPal: Orders v2, Payments v2 and the verification of webhooks, as its OpenAPI
//! files and its list of errors tell them.
//!
//! * `problem`: what is answered to what is not done; `money`: amounts;
//! * `order`: what a payer approves; `payment`: authorisations, captures, refunds;
//! * `books`: all of them, and the events that tell of them.
//!
//! Particular control routes: `POST /_control/disputes` with `capture_id`, `PUT` with `id` and
//! `outcome`; `DELETE /_control/tokens`: access tokens end. The payer's page is
//! `/checkoutnow?token=<order>`.

mod books;
mod money;
mod order;
mod payment;
mod problem;

use axum::Router;
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{SecondsFormat, Utc};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::hooks::{Hooks, Signature};
use crate::stand::{Answer, Asked, Content, Kind, Stand};
use books::Books;
use problem::Problem;

/// How long a token lasts, in seconds.
const TOKEN_SECONDS: u64 = 32_400;
/// The longest `PayPal-Request-Id`, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 108;
/// What a signature is said to be made with. The stand-in has no certificate: it signs with a key
/// that it alone knows, and says itself whether a signature is right, as PayPal does.
const ALGORITHM: &str = "SHA256withRSA";

/// Who sells.
pub struct Merchant {
    /// Who the caller is.
    pub client_id: String,
    /// And what only he knows.
    pub client_secret: String,
    /// The webhook that he has registered.
    pub webhook_id: String,
}

/// How webhooks are signed, of the webhook with this id.
pub fn signature(webhook_id: String) -> Signature {
    let sign = |webhook_id: &str, body: &[u8]| {
        let time = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        let id = format!("standin-{:08x}-{}", crc32fast::hash(body), Utc::now().timestamp_micros());
        vec![
            ("paypal-transmission-sig", transmission(&id, &time, webhook_id, body)),
            ("paypal-transmission-id", id),
            ("paypal-transmission-time", time),
            ("paypal-auth-algo", ALGORITHM.to_owned()),
            ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/standin".to_owned()),
        ]
    };
    Signature { secret: webhook_id, sign }
}

fn transmission(id: &str, time: &str, webhook_id: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(b"stand-in").expect("any key will do");
    mac.update(format!("{id}|{time}|{webhook_id}|{}", crc32fast::hash(body)).as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A stand-in of PayPal that callers reach at `base`.
pub fn router(merchant: Merchant, base: String, hooks: Hooks) -> Router {
    let books = Books::new(base.clone());
    Stand::router(Paypal { merchant, tokens: Vec::new(), books }, base, hooks)
}

struct Paypal {
    merchant: Merchant,
    tokens: Vec<String>,
    books: Books,
}

impl Paypal {
    /// `POST /v1/oauth2/token`.
    fn token(&mut self, asked: &Asked) -> Result<Answer, Problem> {
        let Merchant { client_id, client_secret, .. } = &self.merchant;
        let right = STANDARD.encode(format!("{client_id}:{client_secret}"));
        let given = asked.header("authorization").and_then(|it| it.strip_prefix("Basic "));
        if given != Some(right.as_str()) {
            return Err(Problem::token("invalid_client", "Client Authentication failed"));
        }
        let form = crate::form::parse(&asked.body).unwrap_or_default();
        if form.get("grant_type").and_then(Value::as_str) != Some("client_credentials") {
            return Err(Problem::token("unsupported_grant_type", "Grant type is not supported"));
        }
        let token = self.books.id("A21AA");
        self.tokens.push(token.clone());
        Ok(Answer::json(
            StatusCode::OK,
            json!({
                "access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS,
                "scope": "https://uri.paypal.com/services/payments", "app_id": "APP-STANDIN",
                "nonce": "standin",
            }),
        ))
    }

    fn route(&mut self, asked: &Asked, declines: bool) -> Result<Answer, Problem> {
        let body: Value = if asked.body.is_empty() {
            json!({})
        } else {
            if !asked.header("content-type").is_some_and(|it| it.starts_with("application/json")) {
                return Err(Problem::media_type());
            }
            serde_json::from_str(&asked.body).map_err(|_| Problem::malformed())?
        };
        let books = &mut self.books;
        let keyed = asked.header("paypal-request-id").is_some();
        let minimal = asked.header("prefer") != Some("return=representation");
        let made = |body| Answer::json(StatusCode::CREATED, body);
        let found = |body| Answer::json(StatusCode::OK, body);
        Ok(match (asked.method.as_str(), asked.parts().as_slice()) {
            ("POST", ["v2", "checkout", "orders"]) => books.create_order(&body, keyed)?,
            ("GET", ["v2", "checkout", "orders", id]) => found(books.order(id)?.json(books)),
            ("POST", ["v2", "checkout", "orders", id, "authorize"]) => {
                made(books.authorize(id, declines)?)
            }
            ("GET", ["v2", "payments", "authorizations", id]) => {
                found(books.authorization(id)?.json())
            }
            ("POST", ["v2", "payments", "authorizations", id, "capture"]) => {
                let capture = books.capture(id, &body, declines)?;
                made(if minimal { problem::minimal(&capture) } else { capture })
            }
            ("POST", ["v2", "payments", "authorizations", id, "void"]) => {
                let voided = books.void(id)?;
                if minimal {
                    let (headers, body) = (Vec::new(), Content::None);
                    Answer { status: StatusCode::NO_CONTENT, headers, body }
                } else {
                    found(voided)
                }
            }
            ("GET", ["v2", "payments", "captures", id]) => found(books.capture_of(id)?.json()),
            ("POST", ["v2", "payments", "captures", id, "refund"]) => {
                let refund = books.refund(id, &body, declines)?;
                made(if minimal { problem::minimal(&refund) } else { refund })
            }
            ("GET", ["v2", "payments", "refunds", id]) => found(books.refund_of(id)?.json()),
            ("POST", ["v1", "notifications", "verify-webhook-signature"]) => {
                found(self.verified(&body)?)
            }
            ("POST", ["_control", "disputes"]) => {
                found(books.open_dispute(body["capture_id"].as_str().unwrap_or_default())?)
            }
            ("PUT", ["_control", "disputes"]) => found(books.end_dispute(
                body["id"].as_str().unwrap_or_default(),
                body["outcome"].as_str().unwrap_or_default(),
            )?),
            ("DELETE", ["_control", "tokens"]) => {
                self.tokens.clear();
                found(json!({}))
            }
            _ => return Err(Problem::missing("INVALID_RESOURCE_ID", &asked.path)),
        })
    }

    /// Whether a webhook is one that was sent from here. The event's bytes do not come along, so it
    /// is known by its id, and has to be the same.
    fn verified(&self, body: &Value) -> Result<Value, Problem> {
        let text = |name: &'static str| {
            body[name].as_str().ok_or_else(|| Problem::required(&format!("/{name}")))
        };
        let (id, time) = (text("transmission_id")?, text("transmission_time")?);
        let (webhook, signature) = (text("webhook_id")?, text("transmission_sig")?);
        let algorithm = text("auth_algo")?;
        text("cert_url")?;
        let event = &body["webhook_event"];
        let known = self.books.told(event);
        let right = known.is_some_and(|event| {
            transmission(id, time, webhook, event.to_string().as_bytes()) == signature
        });
        let success = right && algorithm == ALGORITHM && webhook == self.merchant.webhook_id;
        Ok(json!({ "verification_status": if success { "SUCCESS" } else { "FAILURE" } }))
    }

    /// The payer's page: he approves, refuses, or has no money.
    fn payer(&mut self, asked: &Asked) -> Result<Answer, Problem> {
        let query = crate::form::parse(&asked.query).unwrap_or_default();
        let id = query.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
        self.books.order(&id)?;
        if asked.method == Method::GET {
            let page = "<!doctype html><title>PayPal</title><form method=post>\
                        <button name=outcome value=approve>Pay</button>\
                        <button name=outcome value=decline>Pay with an empty purse</button>\
                        <button name=outcome value=cancel>Go back</button></form>";
            let body = Content::Page(page.to_owned());
            return Ok(Answer { status: StatusCode::OK, headers: Vec::new(), body });
        }
        let form = crate::form::parse(&asked.body).unwrap_or_default();
        let outcome = form.get("outcome").and_then(Value::as_str).unwrap_or_default();
        Ok(Answer::see_other(self.books.approved(&id, outcome)?))
    }
}

impl crate::stand::Books for Paypal {
    fn admit(&mut self, asked: &Asked) -> Result<(), Answer> {
        let open = ["/checkoutnow", "/v1/oauth2/token"].contains(&asked.path.as_str());
        let token = asked.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
        let known = token.is_some_and(|token| self.tokens.iter().any(|known| known == token));
        if open || known { Ok(()) } else { Err(Problem::unauthorized().answer()) }
    }

    fn key(&self, asked: &Asked) -> Result<Option<(String, String)>, Answer> {
        let Some(key) = asked.header("paypal-request-id") else { return Ok(None) };
        if key.is_empty() || key.len() > REQUEST_ID_BYTES_MAX {
            return Err(Problem::invalid("INVALID_STRING_LENGTH", "/PayPal-Request-Id").answer());
        }
        let said: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        // Ids are apart for each operation.
        Ok(Some((format!("{} {key}", asked.path), said.to_string())))
    }

    fn key_reused(&self) -> Answer {
        Problem::unprocessable("PREVIOUSLY_USED_REQUEST_ID").answer()
    }

    /// What was made then is there now.
    fn again(&self, kept: Answer) -> Answer {
        let again = kept.status == StatusCode::CREATED;
        Answer { status: if again { StatusCode::OK } else { kept.status }, ..kept }
    }

    /// What came to something.
    fn keeps(&self, answer: &Answer) -> bool {
        answer.status.is_success()
    }

    fn perform(&mut self, asked: &Asked, declines: bool) -> Answer {
        let answer = match asked.path.as_str() {
            "/v1/oauth2/token" => self.token(asked),
            "/checkoutnow" => self.payer(asked),
            _ => self.route(asked, declines),
        };
        answer.unwrap_or_else(Problem::answer)
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
