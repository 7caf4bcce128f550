//! A shop with webhooks: its routes, and whoever sends them.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use domain::ProductId;
use identity::Guard;
use identity::master::Master;
use kit_log::eventually;
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::{AssertSqlSafe, PgPool};
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;
use webhook::Dispatcher;
use webhook::config::Settings;
use webhook::target::Reach;
use webhook::wire::Wire;

/// Enough for any answer a test asks for.
const ANSWER_BYTES_MAX: usize = 1 << 20;

pub struct House {
    pub db: PgPool,
    pub shop: kit_log::Shop,
    pub dispatcher: Dispatcher,
    pub router: Router,
}

/// Somebody who sends.
pub struct Sending {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Sending {
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Ends it as a crash does.
    pub async fn crash(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// What a request came to.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    /// Where it was refused, and with which code.
    pub fn refused(&self) -> (u16, &str, &str) {
        let pointer = self.body["errors"][0]["pointer"].as_str().unwrap_or_default();
        (self.status.as_u16(), self.text("code"), pointer)
    }
}

pub fn master() -> Arc<Master> {
    Arc::new(Master::read(&Secret::from(Master::generate().as_str())).unwrap())
}

impl House {
    /// One whose webhooks may go to this machine.
    pub fn open(db: &PgPool) -> Self {
        Self::with(db, Wire::new(Reach::Anywhere).unwrap())
    }

    pub fn with(db: &PgPool, wire: Wire) -> Self {
        Self::under(db, wire, master())
    }

    /// One whose secrets are sealed under this key.
    pub fn under(db: &PgPool, wire: Wire, master: Arc<Master>) -> Self {
        let dispatcher = Dispatcher::new(db.clone(), master, wire);
        let router = webhook::routes::router(Some(dispatcher.clone()), &Guard::open());
        Self { db: db.clone(), shop: kit_log::Shop::open(db), dispatcher, router }
    }

    /// Somebody who sends, as each process has one.
    pub fn send(&self) -> Sending {
        let stop = CancellationToken::new();
        let sending = webhook::run(self.dispatcher.clone(), Settings::default(), stop.clone());
        Sending { stop, task: tokio::spawn(sending) }
    }

    pub async fn ask(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, ANSWER_BYTES_MAX).await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.body
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, body).await
    }

    /// Subscribes somebody; its path and its secret.
    pub async fn subscribe(&self, url: &str, event_types: &[&str]) -> (String, String) {
        let body = json!({"url": url, "event_types": event_types});
        let made = self.post("/v1/webhooks", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        (format!("/v1/webhooks/{}", made.text("id")), made.text("secret").to_owned())
    }

    pub async fn set_state(&self, path: &str, state: &str) {
        let changed = self.ask(Method::PATCH, path, &json!({"state": state})).await;
        assert_eq!((changed.status, changed.text("state")), (StatusCode::OK, state));
    }

    /// The deliveries of a subscription in a state.
    pub async fn deliveries(&self, path: &str, state: &str) -> Vec<Value> {
        let page = self.get(&format!("{path}/deliveries?limit=200&state={state}")).await;
        page["items"].as_array().unwrap().clone()
    }

    /// Waits until so many deliveries of a subscription are in a state.
    pub async fn has(&self, path: &str, state: &str, count: usize) -> Vec<Value> {
        let what = format!("{count} deliveries are {state}");
        eventually(&what, async || self.deliveries(path, state).await.len() == count).await;
        self.deliveries(path, state).await
    }

    /// Waits until a subscription is in a state; as it is then.
    pub async fn becomes(&self, path: &str, state: &str) -> Value {
        eventually(state, async || self.get(path).await["state"] == state).await;
        self.get(path).await
    }

    /// Makes something happen: `product.created` and `product.published`.
    pub async fn product(&self) -> ProductId {
        let id = Uuid::now_v7().simple().to_string().to_uppercase();
        self.shop.sell(&format!("TOTE-{}", &id[20..]), 0).await
    }

    /// Changes what time or a crash would change.
    pub async fn sql(&self, statement: &str) {
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&self.db).await.unwrap();
    }

    /// Lets the pause before the next attempt pass.
    pub async fn make_due(&self) {
        let due = "UPDATE webhook_deliveries SET due_at = now(), status = NULL
                   WHERE state = 'pending'";
        self.sql(due).await;
    }
}
