//! A shop to test: the router over a writer, ways to ask it, and the few steps most tests begin
//! with.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use chrono::{TimeDelta, Utc};
use command_api::{App, router};
use domain::{PaymentId, payment::Verdict};
use event_store::{Writer, read, writer};
use identity::Guard;
use kit::http::Step;
use serde_json::{Value, json};
use service::config::Secret;
use service::health::Health;
use sqlx::PgPool;
use tower::ServiceExt;
use uuid::Uuid;

/// Enough for any answer a test asks for.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// A shop without stock or catalogue.
pub struct Shop {
    pub router: Router,
    pub writer: Writer,
    pub db: PgPool,
}

/// What a request came to.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The problem's code.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_else(|| panic!("no problem: {self:?}"))
    }

    /// The id of what was made.
    pub fn id(&self) -> String {
        assert!(self.status.is_success(), "{self:?}");
        self.body["id"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// All of the service, where nobody is asked who they are.
pub fn open(app: &App) -> Router {
    router(app, &Guard::open(), &Health::new(), Router::new())
}

/// All of the service, for those who have its token.
pub fn guarded(app: &App, token: &str) -> Router {
    router(app, &Guard::with_token(&Secret::from(token)), &Health::new(), Router::new())
}

/// A request in the making.
#[derive(Clone)]
pub struct Ask {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

pub fn ask(method: Method, path: impl Into<String>, body: impl AsRef<[u8]>) -> Ask {
    let headers = vec![("content-type", "application/json".to_owned())];
    Ask { method, path: path.into(), headers, body: body.as_ref().to_vec() }
}

pub fn post(path: impl Into<String>, body: &Value) -> Ask {
    ask(Method::POST, path, body.to_string())
}

pub fn put(path: impl Into<String>, body: &Value) -> Ask {
    ask(Method::PUT, path, body.to_string())
}

/// A POST with a key of its own, as buying and paying need.
pub fn keyed(path: impl Into<String>, body: &Value) -> Ask {
    post(path, body).with("idempotency-key", Uuid::now_v7().to_string())
}

/// A step of the kit's, under a key of its own.
pub fn keyed_step((path, body): Step) -> Ask {
    keyed(path, &body)
}

impl Ask {
    /// With a header, in place of one of that name.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.into()));
        self
    }

    fn into_request(self) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(Body::from(self.body)).unwrap()
    }
}

impl Shop {
    pub fn open(db: &PgPool) -> Self {
        let (writer, _) = Writer::start(db, writer::Settings::default());
        let app = App::new(writer.clone(), TimeDelta::minutes(15));
        Self { router: open(&app), writer, db: db.clone() }
    }

    pub async fn send(&self, ask: Ask) -> Answer {
        self.request(ask.into_request()).await
    }

    pub async fn request(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if parts.status.is_client_error() || parts.status.is_server_error() {
            assert_eq!(parts.headers[header::CONTENT_TYPE], "application/problem+json");
            assert_eq!(body["status"], parts.status.as_u16());
        }
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// The answer, which must be a success.
    pub async fn done(&self, ask: Ask) -> Answer {
        let what = format!("{} {}", ask.method, ask.path);
        let answer = self.send(ask).await;
        assert!(answer.status.is_success(), "{what}: {answer:?}");
        answer
    }

    /// The position of the last event.
    pub async fn head(&self) -> i64 {
        read::head(&self.db).await.unwrap()
    }

    /// The types of a stream's events.
    pub async fn history(&self, stream: &str) -> Vec<String> {
        kit_log::history(&self.db, stream).await
    }

    /// The payload of a stream's last event of a type.
    pub async fn payload(&self, stream: &str, kind: &str) -> Value {
        kit_log::payload(&self.db, stream, kind).await
    }

    /// A published product with one SKU at 19.99 EUR and `units` of it.
    pub async fn sell(&self, sku: &str, units: u32) -> String {
        kit::http::sell(sku, units, async |step| self.done(keyed_step(step)).await.id()).await
    }

    /// A cart with `units` of `sku`.
    pub async fn fill(&self, sku: &str, units: u32) -> String {
        kit::http::fill(sku, units, async |step| self.done(keyed_step(step)).await.id()).await
    }

    /// An order of `units` of `sku`, which is put up for sale first.
    pub async fn order(&self, sku: &str, units: u32) -> String {
        self.sell(sku, units).await;
        let cart = self.fill(sku, units).await;
        self.done(keyed_step(kit::http::check_out(&cart))).await.id()
    }

    /// An order to be paid in cash on delivery: confirmed at once.
    pub async fn confirmed(&self, sku: &str, units: u32) -> (String, String) {
        let order = self.order(sku, units).await;
        let pay = json!({"order_id": order, "method": "cash_on_delivery"});
        let payment = self.done(keyed("/v1/payments", &pay)).await.id();
        (order, payment)
    }

    /// A payment by card whose first request the gateway answered with `verdict`.
    pub async fn card(&self, sku: &str, verdict: Verdict) -> (String, String) {
        let order = self.order(sku, 2).await;
        let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
        let payment = self.done(keyed("/v1/payments", &pay)).await.id();
        self.gateway(&payment, 1, verdict).await;
        (order, payment)
    }

    /// The gateway's answer to a payment's request, as the reactor records it.
    pub async fn gateway(&self, payment: &str, request: u32, verdict: Verdict) {
        let id: PaymentId = payment.parse().unwrap();
        let record = writer::Request::new(kit::record(id, request, verdict), Utc::now());
        kit_log::accept(&self.writer, record).await;
    }
}

/// The gateway set the money aside.
pub fn authorized() -> Verdict {
    let expires_at = Utc::now() + TimeDelta::days(7);
    Verdict::Authorized { reference: "gw_1".parse().unwrap(), expires_at }
}
