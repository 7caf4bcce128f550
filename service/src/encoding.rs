//! Bodies as they come: what is packed, or in letters of another set, is refused before anybody
//! reads it, for it would be read as something else.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;

/// Why a body cannot be read, if it cannot (RFC 9110, 8.4 and 15.5.16).
pub(crate) fn refused(headers: &HeaderMap) -> Option<Response> {
    let packed = headers.get_all(header::CONTENT_ENCODING).iter();
    let packed = packed.filter_map(|it| it.to_str().ok()).flat_map(|it| it.split(','));
    if packed.map(str::trim).any(|it| !it.is_empty() && !it.eq_ignore_ascii_case("identity")) {
        let mut response = problem("a body must not be packed: see Accept-Encoding");
        let plain = HeaderValue::from_static("identity");
        response.headers_mut().insert(header::ACCEPT_ENCODING, plain);
        return Some(response);
    }
    let letters = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let letters = letters.and_then(charset);
    let is_known = letters.is_none_or(|it| ["utf-8", "utf8", "us-ascii"].contains(&it.as_str()));
    (!is_known).then(|| problem("a body must be in UTF-8"))
}

fn problem(detail: &'static str) -> Response {
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    Problem::new(status, "unsupported_media_type", detail).into_response()
}

fn charset(content_type: &str) -> Option<String> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|it| it.split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Some(value.trim().trim_matches('"').to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(name: header::HeaderName, value: &'static str) -> bool {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        refused(&headers).is_some_and(|it| it.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }

    #[test]
    fn what_would_be_read_as_something_else_is_refused() {
        for packed in ["gzip", "br", "identity, gzip", "x-gzip"] {
            assert!(is_refused(header::CONTENT_ENCODING, packed), "{packed}");
        }
        for letters in ["application/json; charset=latin1", "text/csv;charset=\"UTF-16\""] {
            assert!(is_refused(header::CONTENT_TYPE, letters), "{letters}");
        }
        for plain in ["identity", "", "Identity"] {
            assert!(!is_refused(header::CONTENT_ENCODING, plain), "{plain}");
        }
        for letters in ["application/json", "application/json; Charset=\"UTF-8\"", "a/b; c"] {
            assert!(!is_refused(header::CONTENT_TYPE, letters), "{letters}");
        }
    }
}
