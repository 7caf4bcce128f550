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
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return false;
    };
    let Some((scheme, given)) = value.as_bytes().split_at_checked("Bearer ".len()) else {
        return false;
    };
    scheme.eq_ignore_ascii_case(b"Bearer ") && given.ct_eq(token.expose().as_bytes()).into()
}
