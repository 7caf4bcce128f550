//! Headers that every answer has for browsers to go by: nothing of it is a page, a script or a
//! frame, unless it says so itself, and nothing is kept that does not say for how long.

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;

/// What is said where the answer does not say otherwise.
const USUAL: [(HeaderName, HeaderValue); 5] = [
    // What holds somebody's order is for nobody's cache.
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Says it.
pub(crate) fn guard(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in USUAL {
        headers.entry(name).or_insert(value);
    }
}
