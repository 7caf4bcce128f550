//! Whether a client has already what it asks for. Which tag a thing has is its own affair.

use axum::http::{HeaderMap, HeaderValue, header};

/// Whether the client names this tag in `If-None-Match`, or any, which compares weakly (RFC 9110,
/// section 13.1.2).
pub fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let strong = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_owned();
    let tag = strong(tag.as_bytes());
    let known =
        headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    known
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|candidate| candidate == "*" || strong(candidate.as_bytes()) == tag)
}
