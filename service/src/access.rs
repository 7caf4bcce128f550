//! The line that each request leaves in the log, when its answer was passed on or given up. It
//! holds no query, no body and no token.

use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode, Uri, header};
use metrics::Gauge;
use uuid::Uuid;

use crate::auth::bearer;
use crate::health;
use crate::request_id::RequestId;
use crate::traced::{Answering, Trace};

/// What of a path stands in the log, in bytes.
const PATH_BYTES_MAX: usize = 256;

/// The route of what leads nowhere.
const NO_ROUTE: &str = "none";

/// A request as it will stand in the log.
pub(crate) struct Line {
    began: Instant,
    /// One word a method that exists: clients invent others, and each would be a label for good.
    pub method: &'static str,
    route: Option<MatchedPath>,
    uri: Uri,
    id: RequestId,
    trace: Trace,
    answering: Answering,
    caller: &'static str,
    is_probe: bool,
    /// None if nobody waited for an answer.
    status: Option<StatusCode>,
    bytes: usize,
    in_flight: Gauge,
}

impl Line {
    /// Of a request that begins now, counted among those `in_flight` until it is dropped.
    pub fn begin(
        request: &Request,
        id: &RequestId,
        trace: Trace,
        answering: Answering,
        in_flight: Gauge,
    ) -> Self {
        in_flight.increment(1.0);
        let uri = request.uri().clone();
        let headers = request.headers();
        let has_token = headers.contains_key(header::AUTHORIZATION) || bearer(headers).is_some();
        Self {
            began: Instant::now(),
            method: label(request.method()),
            route: request.extensions().get().cloned(),
            id: id.clone(),
            trace,
            answering,
            caller: if has_token { "token" } else { "anonymous" },
            is_probe: health::is_probe(uri.path()),
            uri,
            status: None,
            bytes: 0,
            in_flight,
        }
    }

    /// The template of the path, or `none`.
    pub fn route(&self) -> &str {
        self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str)
    }

    /// The answer begins. Returns how long that took.
    pub fn answered(&mut self, status: StatusCode) -> Duration {
        self.status = Some(status);
        self.began.elapsed()
    }

    /// So much more was passed on.
    pub fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Whether the answer is a short one that says how the process is.
    pub fn is_vital(&self) -> bool {
        self.is_probe && self.uri.path() != health::METRICS
    }

    /// Whether whoever asked watches the process.
    pub fn is_probe(&self) -> bool {
        self.is_probe
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
        let route = self.route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
        self.answering.end(self.method, route, self.status, self.id.text());
        let line: &Self = self;
        let Self { method, id, caller, bytes, status, .. } = line;
        let route = line.route();
        // Nothing of this is worked out where nobody writes it down.
        macro_rules! tell {
            ($level:ident, $what:literal) => {
                tracing::$level!(
                    method,
                    route,
                    path = shown(route, line.uri.path(), *status),
                    status = status.map(|status| status.as_u16()),
                    took_ms = millis(line.began.elapsed()),
                    bytes,
                    request_id = id.text(),
                    trace_id = line.trace.id(),
                    caller,
                    $what
                )
            };
        }
        match status {
            None => tell!(info, "hung up before an answer"),
            // Those who are turned away are told of together.
            Some(StatusCode::SERVICE_UNAVAILABLE) => tell!(debug, "answered"),
            _ if self.is_probe => tell!(debug, "answered"),
            Some(status) if status.is_server_error() => tell!(warn, "answered"),
            Some(_) => tell!(info, "answered"),
        }
    }
}

/// The path as the log has it. What was found is called as the shop calls it; what was not, anybody
/// may have called by the name of a person, and of that only ids are kept.
fn shown(route: &str, path: &str, status: Option<StatusCode>) -> Option<String> {
    let path = &path[..path.floor_char_boundary(PATH_BYTES_MAX)];
    if status.is_some_and(|status| status.is_success()) {
        return Some(path.to_owned());
    }
    // Nobody knows what stands in a path that leads nowhere.
    let template = route.strip_prefix('/')?.split('/');
    let told = path.strip_prefix('/')?.split('/');
    let segments = template.zip(told).map(|(name, told)| {
        let is_id = told.parse::<Uuid>().is_ok();
        if name.starts_with('{') && is_id { told } else { name }
    });
    Some(segments.fold(String::new(), |path, segment| path + "/" + segment))
}

fn millis(time: Duration) -> f64 {
    // To the microsecond.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_found_is_not_named() {
        let id = "/v1/orders/01890a5d-ac96-774b-bcce-b302099a8057";
        let (order, missing) = ("/v1/orders/{id}", Some(StatusCode::NOT_FOUND));
        let look = |route, path, status| shown(route, path, status).unwrap_or_default();
        assert_eq!(
            look("/v1/stock/{sku}", "/v1/stock/TOTE", Some(StatusCode::OK)),
            "/v1/stock/TOTE"
        );
        assert_eq!(look("/v1/stock/{sku}", "/v1/stock/Anna", missing), "/v1/stock/{sku}");
        assert_eq!(look(order, id, missing), id);
        assert_eq!(look(order, "/v1/orders/Anna", None), order);
        assert_eq!(look("none", "/v1/people/anna@example.org", missing), "");
    }
}
