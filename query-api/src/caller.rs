//! Who asks, on routes that are open but show more to those who send the token.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use service::Problem;
use service::auth::is_allowed;

use crate::app::App;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whether the token came along, or none is set.
    pub is_trusted: bool,
}

impl Caller {
    /// Refuses who is not trusted.
    pub fn must_be_trusted(self) -> Result<(), Problem> {
        if self.is_trusted {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "without the token of this service only what is published now is shown",
        ))
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let is_trusted = app.token.as_ref().is_none_or(|token| is_allowed(&parts.headers, token));
        Ok(Self { is_trusted })
    }
}
