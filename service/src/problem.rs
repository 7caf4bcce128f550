//! Problem details (RFC 9457): the one shape in which every service refuses anything.
//!
//! `code` is for programs and never changes; `detail` is for people and may.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

/// Most field errors in one answer.
const ERRORS_MAX: usize = 64;

/// A refusal. Boxed inside, so that results that carry it stay small.
#[derive(Clone, Debug, Serialize)]
pub struct Problem(Box<Body>);

#[derive(Clone, Debug, Serialize)]
struct Body {
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    code: Cow<'static, str>,
    title: &'static str,
    detail: Cow<'static, str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// Seconds, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// One thing that is wrong with a request, and where.
#[derive(Clone, Debug, Serialize)]
struct FieldError {
    #[serde(flatten)]
    place: Place,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Pointer(String),
    Parameter(String),
}

impl Problem {
    /// A problem with a stable `code` and a `detail` for people.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Body {
            status,
            code: code.into(),
            title: status.canonical_reason().unwrap_or("Unknown"),
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            more: Map::new(),
        }))
    }

    /// Our own fault. What happened is logged where it happened and not told to the caller.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
    }

    /// Names a place in the body by its JSON pointer (RFC 6901).
    #[must_use]
    pub fn pointer(
        self,
        pointer: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.error(Place::Pointer(pointer.into()), code.into(), detail.into())
    }

    /// Names a parameter of the path or the query.
    #[must_use]
    pub fn parameter(
        self,
        name: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.error(Place::Parameter(name.into()), code.into(), detail.into())
    }

    fn error(mut self, place: Place, code: Cow<'static, str>, detail: Cow<'static, str>) -> Self {
        if self.0.errors.len() < ERRORS_MAX {
            self.0.errors.push(FieldError { place, code, detail });
        }
        self
    }

    /// Tells the caller when to try again, in the body and as `Retry-After`, in whole seconds.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        self
    }

    /// Adds a member of its own. A value that cannot be JSON is left out.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.0.more.insert(name.to_owned(), value);
        }
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.0.code
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Strings, numbers and maps of JSON values: this cannot fail.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}
