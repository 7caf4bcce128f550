//! The bearer token of a request: which one it carries, and whether it is this service's own. Who
//! may call what, `identity` says.

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq as _;

use crate::config::Secret;

/// Whether a request carries the token. Compares in constant time, so that answers do not tell how
/// much of a guess was right. Only the token's length shows.
pub fn is_allowed(headers: &HeaderMap, token: &Secret) -> bool {
    bearer(headers).is_some_and(|given| given.ct_eq(token.expose().as_bytes()).into())
}

/// The token that a request carries (RFC 6750), empty where it names the scheme alone. Other
/// schemes are of no concern.
pub fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, given) =
        value.split_at(value.iter().position(|byte| *byte == b' ').unwrap_or(value.len()));
    scheme.eq_ignore_ascii_case(b"Bearer").then(|| given.strip_prefix(b" ").unwrap_or_default())
}
