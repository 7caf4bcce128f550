//! Who asks, on routes that are open but show more to those who send the token.

use axum::http::{HeaderMap, StatusCode, header};
use service::Problem;
use service::auth::is_allowed;
use service::config::Secret;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whether the token came along, or none is set.
    pub is_trusted: bool,
}

impl Caller {
    /// Whoever sent these headers to a service with this token, or with none.
    ///
    /// Who sends a token means to be known by it: one that is not right (any more) is refused, also
    /// where nobody needs one. Other schemes are of no concern to this service.
    ///
    /// # Errors
    /// 401 `unauthorized`.
    pub fn of(headers: &HeaderMap, token: Option<&Secret>) -> Result<Self, Problem> {
        let is_trusted = token.is_none_or(|token| is_allowed(headers, token));
        if !is_trusted && has_token(headers) {
            return Err(unauthorized("this is not the token of this service"));
        }
        Ok(Self { is_trusted })
    }

    /// Refuses who is not trusted.
    pub fn must_be_trusted(self) -> Result<(), Problem> {
        if self.is_trusted {
            return Ok(());
        }
        Err(unauthorized("without the token of this service only what is published now is shown"))
    }
}

fn has_token(headers: &HeaderMap) -> bool {
    let given = headers.get(header::AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let scheme = given.split(|byte| *byte == b' ').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case(b"Bearer")
}

fn unauthorized(detail: &'static str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}
