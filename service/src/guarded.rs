//! Headers that every answer has for browsers to go by: nothing of it is a page, a script or a
//! frame, unless it says so itself, and nothing is kept that does not say for how long.

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
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

/// For a year, this name is asked by TLS alone. What holds for the names below it, whoever has the
/// domain says.
const BY_TLS_ALONE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Has browsers come by TLS alone, where answers reach them by it.
pub(crate) fn encrypted(router: Router) -> Router {
    router.layer(middleware::map_response(|mut response: Response| async {
        response.headers_mut().entry(header::STRICT_TRANSPORT_SECURITY).or_insert(BY_TLS_ALONE);
        response
    }))
}
