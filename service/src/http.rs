//! The shell around every router: what each request goes through before and after its handler.
//!
//! Nothing here knows a route; what only some routes need belongs to them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use tokio::sync::Semaphore;
use tracing::Instrument as _;

use crate::health;
use crate::json::BODY_BYTES_MAX;
use crate::problem::Problem;
use crate::refusals::Refusals;
use crate::request_id::{self, RequestId};
use crate::unread::{Unread, refuse};

/// How long a handler may take until its answer begins. Longer than any wait a client may ask for.
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// The most requests whose answer has not begun; more are refused.
pub const REQUESTS_MAX: usize = 4096;
/// The same for those who watch the process, who are let in however many others there are.
const PROBES_MAX: usize = 64;
/// What a refused client is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Puts the shell around a whole router: request ids, log, metrics, bounds, panics as problems,
/// and problems for paths and methods that do not exist. To be applied last and once.
pub fn shell(router: Router) -> Router {
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::new(Room::default()), observe))
}

/// Places for requests whose answer has not begun.
struct Room {
    requests: Semaphore,
    probes: Semaphore,
    refusals: Refusals,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            requests: Semaphore::new(REQUESTS_MAX),
            probes: Semaphore::new(PROBES_MAX),
            refusals: Refusals::default(),
        }
    }
}

async fn not_found(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "no_such_route", detail)
}

async fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path knows other methods, see Allow",
    )
}

async fn observe(State(room): State<Arc<Room>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id = %id.0, %method, path = request.uri().path());

    let (unread, request) = Unread::watch(request);
    let mut response = answer(&room, request, next).instrument(span.clone()).await;
    unread.tell(&mut response);

    let status = response.status();
    let took = began.elapsed();
    let method = label(&method);
    metrics::counter!("http_requests_total", "method" => method, "route" => route.clone(),
                      "status" => status.as_u16().to_string())
    .increment(1);
    metrics::histogram!("http_request_duration_seconds", "method" => method, "route" => route)
        .record(took);
    span.in_scope(|| {
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::debug!(status = status.as_u16(), ?took, "turned away");
            room.refusals.count();
        } else if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), ?took, "answered");
        } else {
            tracing::debug!(status = status.as_u16(), ?took, "answered");
        }
    });
    // The text of a UUID is always a header value.
    if let Ok(value) = HeaderValue::from_str(&id.0.to_string()) {
        response.headers_mut().insert(request_id::HEADER, value);
    }
    response
}

/// One label value a method that exists: clients invent others, and each would be kept for good.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "OTHER",
    }
}

async fn answer(room: &Room, request: Request, next: Next) -> Response {
    let is_probe = health::is_probe(request.uri().path());
    let room = if is_probe { &room.probes } else { &room.requests };
    let Ok(_place) = room.try_acquire() else {
        let problem = "too many requests are under way";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", problem);
        return refuse(request, problem.retry_after(RETRY_AFTER)).await;
    };
    let running = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(REQUEST_TIMEOUT, running).await {
        Ok(Ok(response)) => response,
        // The panic itself was written to standard error by the panic hook.
        Ok(Err(_panic)) => Problem::internal().into_response(),
        Err(_elapsed) => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", "the answer took too long")
                .retry_after(RETRY_AFTER)
                .into_response()
        }
    }
}
