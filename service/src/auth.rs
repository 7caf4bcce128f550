//! Who may ask: one bearer token for a service's routes.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use subtle::ConstantTimeEq as _;

use crate::config::Secret;
use crate::problem::Problem;
use crate::unread::refuse;

/// Asks every route that `router` has so far for `token`. Without one, nobody is asked.
pub fn guard<S>(router: Router<S>, token: Option<&Secret>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    match token {
        None => router,
        Some(token) => {
            router.route_layer(middleware::from_fn_with_state(Arc::new(token.clone()), ask))
        }
    }
}

async fn ask(State(token): State<Arc<Secret>>, request: Request, next: Next) -> Response {
    if is_allowed(request.headers(), &token) {
        return next.run(request).await;
    }
    let problem = Problem::new(
        StatusCode::UNAUTHORIZED,
        "unauthorized",
        "send the token of this service as Authorization: Bearer …",
    );
    refuse(request, problem).await
}

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
