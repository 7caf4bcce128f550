//! `/live`, `/ready`, `/health` and `/metrics`: how a process is watched.
//!
//! *Live* says that the process answers at all, *ready* that it can do its work, *health* how
//! everything around it is. What is worth a check is each service's own affair.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::{BoxFuture, FutureExt as _, join_all};
use serde::Serialize;

use crate::metrics;
use crate::problem::Problem;

/// How long one check may take until it counts as failed.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// What those who find a process not ready are told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Where a process says that it answers at all.
pub(crate) const LIVE: &str = "/live";
/// Where its metrics are.
pub(crate) const METRICS: &str = "/metrics";

const VERSION: &str = env!("CARGO_PKG_VERSION");

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The checks of one service.
#[derive(Clone, Default)]
pub struct Health {
    parts: Vec<Part>,
}

#[derive(Clone)]
struct Part {
    name: &'static str,
    required: bool,
    check: Check,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Condition {
    Ok,
    Degraded,
}

#[derive(Serialize)]
struct Report {
    status: Condition,
    version: &'static str,
    checks: Vec<Finding>,
}

#[derive(Serialize)]
struct Finding {
    name: &'static str,
    required: bool,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Health {
    /// No checks: always ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Without this the service cannot work: failing makes it not ready.
    #[must_use]
    pub fn requires<F, Fut>(self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.part(name, true, check)
    }

    /// Without this the service works less well: failing shows in `/health` only.
    #[must_use]
    pub fn prefers<F, Fut>(self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.part(name, false, check)
    }

    fn part<F, Fut>(mut self, name: &'static str, required: bool, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        let check: Check = Arc::new(move || check().boxed());
        self.parts.push(Part { name, required, check });
        self
    }

    /// The four routes. Starts the recorder of the metrics.
    pub fn router(self) -> Router {
        metrics::install();
        Router::new()
            .route(LIVE, get(|| async { "live\n" }))
            .route("/ready", get(ready))
            .route("/health", get(health))
            .route(METRICS, get(scrape))
            .with_state(Arc::new(self.parts))
    }
}

/// Whether somebody watches the process. Those are answered when nobody else is any more: a process
/// that is busy must not be taken for one that is dead, and be restarted for it.
pub(crate) fn is_probe(path: &str) -> bool {
    matches!(path, LIVE | "/ready" | "/health" | METRICS)
}

async fn ready(State(parts): State<Arc<Vec<Part>>>) -> Response {
    let required = parts.iter().filter(|part| part.required);
    respond(join_all(required.map(examine)).await)
}

async fn health(State(parts): State<Arc<Vec<Part>>>) -> Response {
    respond(join_all(parts.iter().map(examine)).await)
}

async fn scrape() -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], metrics::render()).into_response()
}

async fn examine(part: &Part) -> Finding {
    let found = tokio::time::timeout(CHECK_TIMEOUT, (part.check)()).await;
    let reason = found.unwrap_or_else(|_| Err("no answer in time".to_owned())).err();
    Finding { name: part.name, required: part.required, ok: reason.is_none(), reason }
}

fn respond(checks: Vec<Finding>) -> Response {
    let failed = |required| checks.iter().any(|found| !found.ok && found.required == required);
    if failed(true) {
        let detail = "a part without which this service cannot work is away, see checks";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail)
            .with("version", VERSION)
            .with("checks", checks)
            .retry_after(RETRY_AFTER)
            .into_response();
    }
    let status = if failed(false) { Condition::Degraded } else { Condition::Ok };
    let report = Report { status, version: VERSION, checks };
    let fresh = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (fresh, Json(report)).into_response()
}
