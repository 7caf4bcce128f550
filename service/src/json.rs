//! The body of a request as JSON, refused with the place of what is wrong.

use std::fmt::Write as _;

use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::problem::Problem;

/// The largest JSON body that is read, in bytes. Streams have bounds of their own.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// A JSON body. As an extractor it wants `application/json`, at most [`BODY_BYTES_MAX`] and
/// exactly one JSON value; as an answer it writes one.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be application/json",
            ));
        }
        let body = Bytes::from_request(request, state).await.map_err(|error| unread(&error))?;
        parse(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// One JSON value from bytes: `malformed_json` if it is none, `invalid_body` with a pointer if it
/// is another than `T` wants.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        refuse(error.inner(), pointer)
    })?;
    reader.end().map_err(|error| refuse(&error, String::new()))?;
    Ok(value)
}

fn refuse(error: &serde_json::Error, pointer: String) -> Problem {
    let detail = error.to_string();
    match error.classify() {
        serde_json::error::Category::Data => {
            let code = if detail.starts_with("missing field") {
                "missing_field"
            } else if detail.starts_with("unknown field") {
                "unknown_field"
            } else {
                "invalid_value"
            };
            Problem::new(StatusCode::BAD_REQUEST, "invalid_body", "the body is not what is wanted")
                .pointer(pointer, code, detail)
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail),
    }
}

fn unread(rejection: &BytesRejection) -> Problem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!("the body may have at most {BODY_BYTES_MAX} bytes"),
            )
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "incomplete_body", "the body broke off"),
    }
}

/// `application/json`, with or without parameters, or any `application/…+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// RFC 6901: `~` and `/` inside a name are escaped; the whole body is the empty pointer.
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => {
                // Writing to a string cannot fail.
                let _ = write!(pointer, "{index}");
            }
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}
