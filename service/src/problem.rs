//! Problem details (RFC 9457): the one shape in which every service refuses anything.
//!
//! `code` is for programs and never changes; `detail` is for people and may.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// What those are told to wait, in seconds, for whom there is no room now, unless something better
/// is known.
const RETRY_AFTER_SECONDS: u64 = 1;
/// The codes that every service has, each with its status. What is refused with another is not as
/// the document of an API says: `cargo xtask tidy` looks.
pub const CODES: &[crate::openapi::Code] = &[
    (400, "condition_not_taken"),
    (400, "incomplete_body"),
    (400, "invalid_body"),
    (400, "invalid_cursor"),
    (400, "invalid_path"),
    (400, "invalid_query"),
    (400, "key_not_taken"),
    (400, "malformed_json"),
    (401, "unauthorized"),
    (404, "no_such_route"),
    (405, "method_not_allowed"),
    (406, "not_acceptable"),
    (413, "body_too_large"),
    (415, "unsupported_media_type"),
    (429, "rate_limited"),
    (500, "internal"),
    (503, "database_not_migrated"),
    (503, "database_timeout"),
    (503, "database_unavailable"),
    (503, "draining"),
    (503, "not_ready"),
    (503, "overloaded"),
    (503, "timeout"),
    (503, "too_many_connections"),
];
/// Most field errors in one answer.
const ERRORS_MAX: usize = 64;
/// The longest detail, and the longest name of a place, in bytes; more is cut off. Both may repeat
/// what the caller sent, which may be as long as a body.
pub const TEXT_BYTES_MAX: usize = 1024;

/// A refusal. Boxed inside, so that results that carry it stay small.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(description = "A refusal, as RFC 9457 has it.")]
pub struct Problem(Box<Body>);

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Body {
    /// The HTTP status.
    #[serde(serialize_with = "as_number")]
    #[schemars(with = "u16")]
    status: StatusCode,
    /// What it is, for programs. It never changes; there may be others one day.
    code: Cow<'static, str>,
    title: &'static str,
    /// What it is, for people.
    detail: Cow<'static, str>,
    /// What is wrong with the request, each with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// Seconds, rounded up.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// One thing that is wrong with a request, and where.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct FieldError {
    #[serde(flatten)]
    place: Place,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
}

#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Place {
    /// In the body, as a JSON pointer (RFC 6901).
    Pointer(String),
    /// In the path or the query.
    Parameter(String),
}

impl Problem {
    /// A problem with a stable `code` and a `detail` for people. One that will pass (429 and 503)
    /// always says when to come back.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let is_for_now =
            matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        Self(Box::new(Body {
            status,
            code: code.into(),
            title: status.canonical_reason().unwrap_or("Unknown"),
            detail: bounded(detail.into()),
            errors: Vec::new(),
            retry_after: is_for_now.then_some(RETRY_AFTER_SECONDS),
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
        self.error(Place::Pointer(shortened(pointer.into())), code.into(), detail.into())
    }

    /// Names a parameter of the path or the query.
    #[must_use]
    pub fn parameter(
        self,
        name: impl Into<String>,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.error(Place::Parameter(shortened(name.into())), code.into(), detail.into())
    }

    fn error(mut self, place: Place, code: Cow<'static, str>, detail: Cow<'static, str>) -> Self {
        if self.0.errors.len() < ERRORS_MAX {
            self.0.errors.push(FieldError { place, code, detail: bounded(detail) });
        }
        self
    }

    /// Tells the caller when to try again, in the body and as `Retry-After`, in whole seconds.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
        self
    }

    /// Tells nobody to try again: it is so until somebody sets the process up otherwise.
    #[must_use]
    pub fn until_set_up(mut self) -> Self {
        self.0.retry_after = None;
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
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn bounded(text: Cow<'static, str>) -> Cow<'static, str> {
    if text.len() <= TEXT_BYTES_MAX { text } else { shortened(text.into_owned()).into() }
}

/// A text that is too long with an ellipsis in place of its end.
fn shortened(mut text: String) -> String {
    const MARK: char = '…';
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX - MARK.len_utf8()));
        text.push(MARK);
        text.shrink_to_fit();
    }
    text
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}
