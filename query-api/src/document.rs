//! Serving one stored document as it stands, under an `ETag`.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use service::Problem;

/// A document as it was stored or folded.
#[derive(Debug)]
pub struct Stored {
    /// The JSON, served byte for byte.
    pub document: String,
    /// What tells it from the same document at another time.
    pub tag: Tag,
}

/// The version of a document, as its `ETag`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// One stream makes the document: its version, as commands take it in `If-Match`.
    Version(i64),
    /// Several do, as for an order and its payments: its own stream's version, and the position.
    Position(i64, i64),
}

impl Tag {
    fn header(self) -> Option<HeaderValue> {
        let text = match self {
            Self::Version(version) => format!("\"{version}\""),
            Self::Position(version, position) => format!("\"{version}.{position}\""),
        };
        HeaderValue::from_str(&text).ok()
    }
}

/// The document, or 304 if the client has it already, or 404 if there is none.
pub fn respond(headers: &HeaderMap, what: &str, stored: Option<Stored>) -> Response {
    let Some(Stored { document, tag }) = stored else {
        let detail = format!("there is no such {what}");
        return Problem::new(StatusCode::NOT_FOUND, "not_found", detail).into_response();
    };
    let tag = tag.header();
    let mut response = if tag.as_ref().is_some_and(|tag| is_known(headers, tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = HeaderValue::from_static("application/json");
        ([(header::CONTENT_TYPE, kind)], document).into_response()
    };
    let headers = response.headers_mut();
    // Caches may keep it, but ask each time whether it still stands.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// `If-None-Match` compares weakly (RFC 9110, section 13.1.2).
fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let known =
        headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known.flat_map(|value| value.split(',')).map(str::trim).any(|candidate| {
        candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == *tag
    })
}
