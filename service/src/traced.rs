//! The trace that a request belongs to, and the span of its answer. Of the request itself the span
//! holds no more than its line in the log: no query, no body, no token, and no path.

use std::convert::Infallible;
use std::time::SystemTime;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use trace::{Kind, Span, TraceParent};

/// The header of W3C Trace Context.
const HEADER: HeaderName = HeaderName::from_static("traceparent");

/// Attributes by OpenTelemetry's conventions of HTTP, and one of ours.
const METHOD: &str = "http.request.method";
const ROUTE: &str = "http.route";
const STATUS: &str = "http.response.status_code";
const REQUEST_ID: &str = "commerce.request_id";

/// What a request sets going belongs here, if anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trace(pub Option<TraceParent>);

impl Trace {
    /// As the caller gives it.
    pub fn of(headers: &HeaderMap) -> Self {
        Self(headers.get(HEADER).and_then(|text| text.to_str().ok()?.parse().ok()))
    }

    /// Its id, as other tools show it.
    pub(crate) fn id(self) -> Option<String> {
        Some(format!("{:032x}", self.0?.trace()))
    }
}

/// Never fails: outside the shell, as in a test of one handler, it is read from the headers.
impl<S: Send + Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}

/// The answering of a request, where spans are made; ends when it is dropped.
pub(crate) struct Answering(Option<Span>);

impl Answering {
    /// Begins to answer, as part of the caller's trace or of a new one.
    pub fn begin(given: Trace, is_probe: bool) -> Self {
        // Those who watch the process are not what it is there for.
        if is_probe {
            return Self(None);
        }
        Self(trace::begin(Kind::Server, "", given.0, SystemTime::now()))
    }

    /// Where what it sets going belongs.
    pub fn trace(&self, given: Trace) -> Trace {
        self.0.as_ref().map_or(given, |span| Trace(Some(span.parent())))
    }

    /// What became of it; without a status nobody waited for the answer.
    pub fn end(&mut self, method: &str, route: &str, status: Option<StatusCode>, id: &str) {
        let Some(span) = &mut self.0 else { return };
        span.call(format!("{method} {route}"));
        span.set(METHOD, method.to_owned());
        span.set(ROUTE, route.to_owned());
        span.set(REQUEST_ID, id.to_owned());
        let Some(status) = status else { return };
        span.set(STATUS, i64::from(status.as_u16()));
        if status.is_server_error() {
            span.fail(status.canonical_reason().unwrap_or_default());
        }
    }
}
