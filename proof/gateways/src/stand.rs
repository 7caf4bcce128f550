//! What every stand-in has around its books: requests read within bounds, answers kept under their
//! keys, faults that were asked for, and a door for whoever directs the play.
//!
//! Under `/_control`: `POST faults` [`Fault`], `POST webhooks` [`Manner`](crate::hooks::Manner),
//! `GET requests`: what was asked for so far; `GET waiting`: how many webhooks nobody has taken
//! yet. What a gateway's own control routes are, it says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::hooks::Hooks;

/// The largest body, in bytes.
const BODY_BYTES_MAX: usize = 256 << 10;

/// A request, as a gateway's books take it.
pub struct Asked {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// What stands behind the question mark.
    pub query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Asked {
    /// The parts of its path.
    pub fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }

    /// A header that is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers besides the type of the body.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or a page.
    pub body: Content,
}

/// A body of an answer.
#[derive(Clone, Debug)]
pub enum Content {
    /// What programs read.
    Json(Value),
    /// What people read.
    Page(String),
    /// Nothing.
    None,
}

impl Answer {
    /// JSON with a status.
    pub fn json(status: StatusCode, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Content::Json(body) }
    }

    /// With a header more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// A page that sends people on.
    pub fn see_other(to: String) -> Self {
        Self { status: StatusCode::SEE_OTHER, headers: vec![("location", to)], body: Content::None }
    }

    fn response(self) -> Response {
        let mut response = match self.body {
            Content::Json(body) => axum::Json(body).into_response(),
            Content::Page(page) => axum::response::Html(page).into_response(),
            Content::None => ().into_response(),
        };
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            let value = HeaderValue::from_str(&value).expect("answers have plain headers");
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        response
    }
}

/// What is to go wrong.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// In requests in whose `METHOD /path` this stands, such as `POST /v1/refunds`.
    pub on: String,
    /// How.
    pub kind: Kind,
    /// How often; once unless it says more.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

/// How a request goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It is done, and the connection breaks before anybody hears of it.
    LoseAnswer,
    /// It is done, and nobody answers until the caller gives up.
    NeverAnswer,
    /// Nothing is done: 500.
    Fail,
    /// Nothing is done: 429, come back in a second.
    Busy,
    /// The bank says no.
    Decline,
}

/// An answer that was given under a key.
struct Kept {
    fingerprint: String,
    answer: Answer,
}

/// What both gateways share.
pub struct Shared {
    /// Its webhooks.
    pub hooks: Hooks,
    /// Where it is, without a slash at the end.
    pub base: String,
    faults: Mutex<Vec<Fault>>,
    kept: Mutex<HashMap<String, Kept>>,
    asked: Mutex<Vec<Value>>,
}

/// What a gateway does with a request.
pub trait Books: Send + 'static {
    /// Whether the caller may ask; what he is told if not.
    fn admit(&mut self, asked: &Asked) -> Result<(), Answer>;
    /// The key under which it is done once, and what a key stands for.
    fn key(&self, asked: &Asked) -> Result<Option<(String, String)>, Answer>;
    /// What is told to somebody whose key was used for something else.
    fn key_reused(&self) -> Answer;
    /// An answer that was kept, given again.
    fn again(&self, kept: Answer) -> Answer;
    /// Whether an answer is kept under its key.
    fn keeps(&self, answer: &Answer) -> bool;
    /// Does what is asked; the bank says no if `declines`.
    fn perform(&mut self, asked: &Asked, declines: bool) -> Answer;
    /// What is told when nothing was done, for a fault.
    fn broken(&self, kind: Kind) -> Answer;
    /// The webhooks since the last time.
    fn events(&mut self) -> Vec<Value>;
}

/// A stand-in: its books, and what it shares with the other.
pub struct Stand<B> {
    shared: Shared,
    books: Mutex<B>,
}

impl<B: Books> Stand<B> {
    /// The router of a stand-in.
    pub fn router(books: B, base: String, hooks: Hooks) -> Router {
        let (faults, kept, asked) = <(_, _, _)>::default();
        let shared = Shared { hooks, base, faults, kept, asked };
        let stand = Arc::new(Self { shared, books: Mutex::new(books) });
        Router::new().fallback(serve::<B>).with_state(stand)
    }

    fn answer(&self, asked: &Asked) -> (Answer, Option<Kind>) {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(refused) = books.admit(asked) {
            return (refused, None);
        }
        let fault = self.shared.fault(&format!("{} {}", asked.method, asked.path));
        if let Some(kind @ (Kind::Fail | Kind::Busy)) = fault {
            return (books.broken(kind), fault);
        }
        let key = match books.key(asked) {
            Ok(key) => key,
            Err(refused) => return (refused, fault),
        };
        let mut kept = self.shared.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((key, fingerprint)) = &key
            && let Some(known) = kept.get(key)
        {
            let same = known.fingerprint == *fingerprint;
            let answer = if same { books.again(known.answer.clone()) } else { books.key_reused() };
            return (answer, fault);
        }
        let answer = books.perform(asked, fault == Some(Kind::Decline));
        if let Some((key, fingerprint)) = key
            && books.keeps(&answer)
        {
            kept.insert(key, Kept { fingerprint, answer: answer.clone() });
        }
        self.shared.hooks.send(books.events());
        (answer, fault)
    }

    fn control(&self, asked: &Asked) -> Answer {
        let parsed = |what: Result<(), serde_json::Error>| match what {
            Ok(()) => Answer::json(StatusCode::OK, json!({})),
            Err(error) => Answer::json(StatusCode::BAD_REQUEST, json!({"why": error.to_string()})),
        };
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/_control/faults") => {
                parsed(serde_json::from_str(&asked.body).map(|fault| {
                    self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
                }))
            }
            ("POST", "/_control/webhooks") => parsed(
                serde_json::from_str(&asked.body).map(|manner| self.shared.hooks.change(manner)),
            ),
            ("GET", "/_control/requests") => {
                let asked = self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner);
                Answer::json(StatusCode::OK, Value::Array(asked.clone()))
            }
            ("GET", "/_control/waiting") => {
                Answer::json(StatusCode::OK, json!({"webhooks": self.shared.hooks.waiting()}))
            }
            _ => {
                let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
                let answer = books.perform(asked, false);
                self.shared.hooks.send(books.events());
                answer
            }
        }
    }
}

impl Shared {
    /// The fault that this request is to have.
    fn fault(&self, line: &str) -> Option<Kind> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = faults.iter_mut().find(|fault| fault.times > 0 && line.contains(&fault.on))?;
        fault.times -= 1;
        Some(fault.kind)
    }
}

async fn serve<B: Books>(State(stand): State<Arc<Stand<B>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    if asked.path.starts_with("/_control/") {
        return stand.control(&asked).response();
    }
    let (answer, fault) = stand.answer(&asked);
    let line = json!({
        "method": asked.method.as_str(), "path": asked.path, "body": asked.body,
        "status": answer.status.as_u16(),
    });
    stand.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    match fault {
        Some(Kind::LoseAnswer) => broken_off(),
        Some(Kind::NeverAnswer) => std::future::pending::<Response>().await,
        _ => answer.response(),
    }
}

/// An answer whose body breaks off, and the connection with it.
fn broken_off() -> Response {
    let broken = futures::stream::once(async {
        Err::<Vec<u8>, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    Response::new(Body::from_stream(broken))
}
