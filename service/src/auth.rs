//! The bearer token of a request: which one it carries, and whether it is this service's own. Who
//! may call what, `identity` says.

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq as _;

use crate::secret::Secret;

/// Whether a request carries the token. Compares in constant time, so that answers do not tell how
/// much of a guess was right. Only the token's length shows.
pub fn is_allowed(headers: &HeaderMap, token: &Secret) -> bool {
    bearer(headers).is_some_and(|given| given.ct_eq(token.expose().as_bytes()).into())
}

/// What stands before a token among the protocols of a WebSocket.
const AS_PROTOCOL: &[u8] = b"bearer.";

/// The token that a request carries (RFC 6750), empty where it names the scheme alone. Other
/// schemes are of no concern. A page cannot set the headers of a WebSocket: there it may stand
/// among the protocols, as `bearer.<token>`.
pub fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return of_socket(headers) };
    let value = value.as_bytes();
    let (scheme, given) =
        value.split_at(value.iter().position(|byte| *byte == b' ').unwrap_or(value.len()));
    scheme.eq_ignore_ascii_case(b"Bearer").then(|| given.strip_prefix(b" ").unwrap_or_default())
}

fn of_socket(headers: &HeaderMap) -> Option<&[u8]> {
    let upgrade = headers.get(header::UPGRADE)?.as_bytes();
    if !upgrade.eq_ignore_ascii_case(b"websocket") {
        return None;
    }
    let named = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let mut named = named.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    named.find_map(|protocol| protocol.trim_ascii().strip_prefix(AS_PROTOCOL))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn given(headers: &[(HeaderName, &'static str)]) -> Option<Vec<u8>> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            all.append(name, HeaderValue::from_static(value));
        }
        bearer(&all).map(<[u8]>::to_vec)
    }

    #[test]
    fn a_token_stands_in_its_header_or_among_the_protocols_of_a_websocket() {
        use header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
        let token = Some(b"a.b".to_vec());
        let protocols = (SEC_WEBSOCKET_PROTOCOL, "commerce.v1, bearer.a.b");
        assert_eq!(given(&[(AUTHORIZATION, "Bearer a.b")]), token);
        assert_eq!(given(&[(UPGRADE, "WebSocket"), protocols.clone()]), token);
        let other = (SEC_WEBSOCKET_PROTOCOL, "commerce.v1");
        let second = (SEC_WEBSOCKET_PROTOCOL, "bearer.a.b");
        assert_eq!(given(&[(UPGRADE, "websocket"), other.clone(), second]), token);
        // Nobody says so who asks for something else.
        assert_eq!(given(std::slice::from_ref(&protocols)), None);
        assert_eq!(given(&[(UPGRADE, "h2c"), protocols.clone()]), None);
        assert_eq!(given(&[(UPGRADE, "websocket"), other]), None);
        // The header counts where both are there.
        let both = [(AUTHORIZATION, "Bearer x"), (UPGRADE, "websocket"), protocols];
        assert_eq!(given(&both), Some(b"x".to_vec()));
    }
}
