//! The id under which one request is found again: in its answer, in the log, in the events it made.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header that carries it, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request: the caller's `X-Request-Id` if that is a UUID, else the trace id of its
/// `traceparent` (W3C Trace Context), else a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// The id that the headers give, or a new one.
    pub fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let given = text(HEADER).and_then(|id| id.parse().ok());
        let traced = || {
            let trace: Uuid = text(HeaderName::from_static("traceparent"))?
                .split('-')
                .nth(1)
                .filter(|trace| trace.len() == 32)?
                .parse()
                .ok()?;
            (!trace.is_nil()).then_some(trace)
        };
        Self(given.or_else(traced).unwrap_or_else(Uuid::now_v7))
    }
}

/// Never fails: outside the shell, as in a test of one handler, the id is read from the headers.
impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_else(|| Self::of(&parts.headers)))
    }
}
