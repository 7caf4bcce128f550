//! The shell around every router: what each request goes through before and after its handler.
//!
//! Nothing here knows a route; what only some routes need belongs to them.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use ::metrics::Gauge;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::accept::JsonRoutes;
use crate::access::Line;
use crate::answers::{Bounds, Untaken};
use crate::counts::RequestCounts;
use crate::ledger::Ledger;
use crate::problem::Problem;
use crate::request_id::{self, RequestId};
use crate::stay::CameBy;
use crate::throttle::Throttle;
use crate::traced::{Answering, Trace};
use crate::unread::{Unread, refuse};
use crate::{encoding, guarded, health, metrics, unread};

/// How long a handler may take until its answer begins. Longer than any wait a client may ask for.
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// The same for those who watch the process, who are let in however many others there are, until
/// their answer begins: it is short. As many again for those who ask whether it is ready, by whom
/// requests are sent elsewhere: a part that hangs and is not needed holds up `/health`, not them.
const PROBES_MAX: usize = 64;
/// What a refused client is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Puts the shell around a whole router: request ids, log, metrics, bounds, panics as problems,
/// and problems for paths and methods that do not exist. To be applied last and once.
pub fn shell(router: Router) -> Router {
    bounded(router, Bounds::default())
}

/// The same of an API that this document describes: who takes no JSON is refused where there is
/// nothing else.
pub fn shell_of(router: Router, document: &Value) -> Router {
    within(router, Room::new(Bounds::default(), JsonRoutes::of(document)))
}

/// The same with other bounds on what may be on its way.
pub(crate) fn bounded(router: Router, bounds: Bounds) -> Router {
    within(router, Room::new(bounds, JsonRoutes::default()))
}

fn within(router: Router, room: Room) -> Router {
    metrics::install();
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::new(room), observe))
}

/// Places for requests whose answer was not taken, room for their answers, and which of them need
/// not be begun.
struct Room {
    requests: Arc<Semaphore>,
    probes: Semaphore,
    ready: Semaphore,
    answers: Arc<Untaken>,
    json_routes: JsonRoutes,
    in_flight: Gauge,
    counts: RequestCounts,
    turned_away: Throttle,
}

impl Room {
    fn new(bounds: Bounds, json_routes: JsonRoutes) -> Self {
        Self {
            requests: Arc::new(Semaphore::new(bounds.requests)),
            probes: Semaphore::new(PROBES_MAX),
            ready: Semaphore::new(PROBES_MAX),
            answers: Untaken::new(bounds),
            json_routes,
            in_flight: ::metrics::gauge!("http_requests_in_flight"),
            counts: RequestCounts::default(),
            turned_away: Throttle::new(),
        }
    }
}

async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_such_route", "there is nothing at this path")
}

/// Who asks what a path knows is told in `Allow`, as is who asked for what it does not.
async fn method_not_allowed(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path knows other methods, see Allow",
    )
    .into_response()
}

async fn observe(State(room): State<Arc<Room>>, mut request: Request, next: Next) -> Response {
    let given = Trace::of(request.headers());
    let answering = Answering::begin(given, health::is_probe(request.uri().path()));
    let trace = answering.trace(given);
    let id = RequestId::of(request.headers(), trace);
    let mut line = Line::begin(&request, &id, trace, answering, room.in_flight.clone());
    let span = tracing::info_span!("request", id = id.text());
    let header = HeaderValue::from_str(id.text());
    request.extensions_mut().insert(id);
    if trace != given {
        request.extensions_mut().insert(trace);
    }
    let came_by = request.extensions().get::<CameBy>();
    // There is none in a test without a connection.
    let ledger = came_by.map(|it| it.ledger.clone());
    let ledger = ledger.unwrap_or_else(|| Ledger::new(Instant::now()));

    let (unread, request) = Unread::watch(request);
    let (response, place) = answer(&room, request, next).instrument(span).await;
    let (mut response, share) = room.answers.admit(&ledger, response, line.is_vital());
    unread.tell(&mut response);
    guarded::guard(&mut response);
    if let Ok(header) = header {
        response.headers_mut().insert(request_id::HEADER, header);
    }

    let status = response.status();
    let took = line.answered(status);
    room.counts.count(line.method, line.route(), status, took);
    if status == StatusCode::SERVICE_UNAVAILABLE
        && !line.is_probe()
        && let Some(requests) = room.turned_away.due_now()
    {
        tracing::warn!(requests, "turned away");
    }
    room.answers.send(response, &ledger, place, share, line)
}

/// The answer, and the place that is to be kept until it is taken.
async fn answer(
    room: &Room,
    request: Request,
    next: Next,
) -> (Response, Option<OwnedSemaphorePermit>) {
    let path = request.uri().path();
    // Whether the process answers at all is never a matter of how much there is to do.
    if path == health::LIVE {
        return (run(request, next).await, None);
    }
    if health::is_probe(path) {
        let places = if path == health::READY { &room.ready } else { &room.probes };
        let Ok(_place) = places.try_acquire() else {
            return (overloaded(request).await, None);
        };
        return (run(request, next).await, None);
    }
    match room.requests.clone().try_acquire_owned() {
        Ok(place) => {
            let response = match room.json_routes.refusal(&request) {
                Some(problem) => refuse(request, problem).await,
                None => run(request, next).await,
            };
            (response, Some(place))
        }
        Err(_) => (overloaded(request).await, None),
    }
}

async fn overloaded(request: Request) -> Response {
    let problem = "too many requests are under way";
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", problem);
    refuse(request, problem.retry_after(RETRY_AFTER)).await
}

async fn run(request: Request, next: Next) -> Response {
    if let Some(refused) = encoding::refused(request.headers()) {
        unread::read_away(request.into_body()).await;
        return refused;
    }
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
