//! `/live`, `/ready`, `/health` and `/metrics`: how a process is watched.
//!
//! *Live* says that the process answers at all, *ready* that it can do its work, *health* how
//! everything around it is. What is worth a check is each service's own affair. However many ask,
//! one examination is under way at a time, and what it finds is everybody's for a second. Why a
//! part failed is told to those who send the service's token, on the port for operations, and in
//! the log; to everybody only where there is no such token and nobody is asked who they are.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::future::{BoxFuture, FutureExt as _, Shared, join_all};
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::auth::is_allowed;
use crate::config::Http;
use crate::outage::Outage;
use crate::problem::Problem;
use crate::secret::Secret;
use crate::{build, metrics};

/// How long one check may take until it counts as failed.
pub const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// For how long a finding is everybody's.
const FINDING_TIME: Duration = Duration::from_secs(1);
/// How often a process looks at its parts by itself, to tell of those that fail in its log.
const WATCH_PERIOD: Duration = Duration::from_secs(5);
/// What those who find a process not ready are told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// Where a process says that it answers at all.
pub(crate) const LIVE: &str = "/live";
/// Where it says that it can do its work.
pub(crate) const READY: &str = "/ready";
/// Where its metrics are.
pub(crate) const METRICS: &str = "/metrics";

type Check = Arc<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// The checks of one service. Clones share what they find.
#[derive(Clone, Default)]
pub struct Health {
    parts: Vec<Part>,
    /// Whoever calls is asked who they are.
    asks: bool,
    shared: Arc<Common>,
}

#[derive(Clone)]
struct Part {
    name: &'static str,
    required: bool,
    check: Check,
}

/// What clones share.
#[derive(Default)]
struct Common {
    /// Of the parts without which the service cannot work.
    required: Examination,
    /// Of the others.
    preferred: Examination,
    told: OnceLock<Told>,
}

/// What the process was told about who may know what.
struct Told {
    token: Option<Secret>,
    /// There is a port for operations: metrics are there only.
    has_operations: bool,
    /// Cancelled when the process is about to end.
    draining: CancellationToken,
}

/// The latest look at some parts, or the one that is under way.
#[derive(Default)]
struct Examination(Mutex<Option<Look>>);

struct Look {
    found: Shared<BoxFuture<'static, Arc<Vec<Finding>>>>,
    ended: Arc<OnceLock<Instant>>,
}

impl Examination {
    /// What is found now, or was a moment ago. Goes on when who asked hangs up, so that those who
    /// do so cannot make it begin again and again.
    async fn find<'a>(&self, parts: impl Iterator<Item = &'a Part>) -> Arc<Vec<Finding>> {
        let found = {
            let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let is_fresh =
                |look: &&Look| look.ended.get().is_none_or(|ended| ended.elapsed() < FINDING_TIME);
            match latest.as_ref().filter(is_fresh) {
                Some(look) => look.found.clone(),
                None => latest.insert(Look::begin(parts.cloned().collect())).found.clone(),
            }
        };
        found.await
    }
}

impl Look {
    fn begin(parts: Vec<Part>) -> Self {
        let ended = Arc::new(OnceLock::new());
        let end = ended.clone();
        let looking = tokio::spawn(async move {
            let found = Arc::new(join_all(parts.iter().map(examine)).await);
            let _once = end.set(Instant::now());
            found
        });
        // A check that panics is told by the panic hook; here it is as if there were none.
        let found = looking.map(Result::unwrap_or_default).boxed().shared();
        Self { found, ended }
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    checks: Vec<Finding>,
}

#[derive(Clone, Serialize)]
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

    /// Whether whoever calls this service is asked who they are, also where it has no token of its
    /// own: who says nothing is then nobody to be told why a part failed.
    #[must_use]
    pub fn asks(self, asks: bool) -> Self {
        Self { asks, ..self }
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

    /// The routes as they are for everybody. Starts the recorder of the metrics.
    pub fn router(&self) -> Router {
        self.routes(false)
    }

    /// The routes as they are for those who run the service.
    pub(crate) fn operations(&self) -> Router {
        self.routes(true)
    }

    fn routes(&self, for_operations: bool) -> Router {
        metrics::install();
        Router::new()
            .route(LIVE, get(|| async { "live\n" }))
            .route(READY, get(ready))
            .route("/health", get(health))
            .route(METRICS, get(scrape))
            .with_state(Asked { health: self.clone(), for_operations })
    }

    /// Says who may know what, and when the process is about to end.
    pub(crate) fn told(&self, http: &Http, draining: CancellationToken) {
        let (token, has_operations) = (http.token().cloned(), http.ops_listen.is_some());
        let _once = self.shared.told.set(Told { token, has_operations, draining });
    }

    /// Tells in the log, and as a metric, of parts that fail and of their coming back, for as long
    /// as it is polled.
    pub(crate) async fn watch(&self) {
        let outages: Vec<_> = self.parts.iter().map(|part| Outage::new(part.name)).collect();
        let mut tick = tokio::time::interval(WATCH_PERIOD);
        loop {
            tick.tick().await;
            let (required, preferred) = (self.find(true).await, self.find(false).await);
            for found in required.iter().chain(preferred.iter()) {
                let gauge = ::metrics::gauge!("health_check_ok", "check" => found.name);
                gauge.set(if found.ok { 1.0 } else { 0.0 });
                let outage = self.parts.iter().position(|part| part.name == found.name);
                let Some(outage) = outage.map(|index| &outages[index]) else { continue };
                let _has_changed = match &found.reason {
                    None => outage.ended(),
                    Some(reason) => outage.goes_on(reason),
                };
            }
        }
    }

    async fn find(&self, required: bool) -> Arc<Vec<Finding>> {
        let state = &self.shared;
        let latest = if required { &state.required } else { &state.preferred };
        latest.find(self.parts.iter().filter(|part| part.required == required)).await
    }
}

/// The checks as a route sees them.
#[derive(Clone)]
struct Asked {
    health: Health,
    for_operations: bool,
}

impl Asked {
    fn is_trusted(&self, headers: &HeaderMap) -> bool {
        let token = self.told().and_then(|told| told.token.as_ref());
        let knows = |token| is_allowed(headers, token);
        self.for_operations || token.map_or(!self.health.asks, knows)
    }

    fn told(&self) -> Option<&Told> {
        self.health.shared.told.get()
    }
}

/// Whether somebody watches the process. Those are answered when nobody else is any more: a process
/// that is busy must not be taken for one that is dead, and be restarted for it.
pub(crate) fn is_probe(path: &str) -> bool {
    matches!(path, LIVE | READY | "/health" | METRICS)
}

async fn ready(State(asked): State<Asked>, headers: HeaderMap) -> Response {
    if asked.told().is_some_and(|told| told.draining.is_cancelled()) {
        let detail = "this process is about to end and takes nothing new";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", detail)
            .retry_after(RETRY_AFTER)
            .into_response();
    }
    let found = asked.health.find(true).await;
    respond(found.iter().cloned().collect(), asked.is_trusted(&headers))
}

async fn health(State(asked): State<Asked>, headers: HeaderMap) -> Response {
    let (required, preferred) = tokio::join!(asked.health.find(true), asked.health.find(false));
    let all = required.iter().chain(preferred.iter()).cloned().collect();
    respond(all, asked.is_trusted(&headers))
}

async fn scrape(State(asked): State<Asked>) -> Response {
    if !asked.for_operations && asked.told().is_some_and(|told| told.has_operations) {
        let detail = "metrics are on the port for operations";
        return Problem::new(StatusCode::NOT_FOUND, "no_such_route", detail).into_response();
    }
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], metrics::render()).into_response()
}

async fn examine(part: &Part) -> Finding {
    let found = tokio::time::timeout(CHECK_TIMEOUT, (part.check)()).await;
    let reason = found.unwrap_or_else(|_| Err("no answer in time".to_owned())).err();
    Finding { name: part.name, required: part.required, ok: reason.is_none(), reason }
}

/// What was found; why a part failed is not for everybody, for it tells how things are inside.
fn respond(mut checks: Vec<Finding>, is_trusted: bool) -> Response {
    let failed = |required| checks.iter().any(|found| !found.ok && found.required == required);
    let (is_down, is_degraded) = (failed(true), failed(false));
    if !is_trusted {
        for found in &mut checks {
            found.reason = None;
        }
    }
    let version = is_trusted.then_some(build::VERSION);
    if is_down {
        let detail = "a part without which this service cannot work is away, see checks";
        let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail);
        if let Some(version) = version {
            problem = problem.with("version", version);
        }
        return problem.with("checks", checks).retry_after(RETRY_AFTER).into_response();
    }
    let status = if is_degraded { Condition::Degraded } else { Condition::Ok };
    let report = Report { status, version, checks };
    let fresh = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (fresh, Json(report)).into_response()
}

#[cfg(test)]
mod tests;
