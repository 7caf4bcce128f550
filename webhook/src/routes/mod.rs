//! Where webhooks are asked for. One line a route, with who may call it.
//!
//! All of it is for those who keep the programs running, and the owner: a subscription carries what
//! happens in the shop out of the house, whoever reads it there. The back office sees events
//! anyway, but its routes are open to the storefront's own token, which does not.
//!
//! * `subscriptions`: who is told of what; `deliveries`: what was sent, what was given up, and what
//!   is sent again; [`described`]: what all of it is asked and answers.

mod deliveries;
pub mod described;
mod subscriptions;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::routing::{MethodRouter, delete, get, patch, post};
use axum::{Router, middleware};
use identity::Access::{self, Ops};
use identity::{Guard, guard};
use service::Problem;
use uuid::Uuid;

use crate::Dispatcher;
use crate::subscriptions::{self as kept, Subscription};

/// What there is without a master key: nobody.
type Perhaps = Option<Dispatcher>;

/// Every route, and who may call it.
pub fn all() -> Vec<(Method, &'static str, Access, MethodRouter<Option<Dispatcher>>)> {
    use {deliveries as sent, subscriptions as to};
    vec![
        (Method::POST, "/v1/webhooks", Ops, post(to::create)),
        (Method::GET, "/v1/webhooks", Ops, get(to::list)),
        (Method::GET, "/v1/webhooks/{id}", Ops, get(to::read)),
        (Method::PATCH, "/v1/webhooks/{id}", Ops, patch(to::change)),
        (Method::DELETE, "/v1/webhooks/{id}", Ops, delete(to::remove)),
        (Method::POST, "/v1/webhooks/{id}/rotate-secret", Ops, post(to::rotate_secret)),
        (Method::POST, "/v1/webhooks/{id}/test", Ops, post(to::test)),
        (Method::POST, "/v1/webhooks/{id}/replay", Ops, post(sent::replay)),
        (Method::GET, "/v1/webhooks/{id}/deliveries", Ops, get(sent::list)),
        (Method::POST, "/v1/webhooks/{id}/deliveries/{delivery_id}/retry", Ops, post(sent::retry)),
    ]
}

/// All of them, each for those who may. Without a dispatcher each says that it cannot.
pub fn router(dispatcher: Option<Dispatcher>, guard: &Guard) -> Router {
    let mut router = Router::new();
    for (_, path, access, route) in all() {
        let admit = middleware::from_fn_with_state((guard.clone(), access), guard::admit);
        router = router.route(path, route.route_layer(admit));
    }
    router.with_state(dispatcher)
}

impl FromRequestParts<Perhaps> for Dispatcher {
    type Rejection = Problem;

    async fn from_request_parts(_: &mut Parts, there: &Perhaps) -> Result<Self, Problem> {
        there.clone().ok_or_else(|| {
            let detail = "this service sends no webhooks: it was told no MASTER_KEY";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_master_key", detail).until_set_up()
        })
    }
}

impl Dispatcher {
    /// A subscription that must be there.
    async fn subscription(&self, id: Uuid) -> Result<Subscription, Problem> {
        kept::read(&self.db, Some(id)).await?.pop().ok_or_else(no_subscription)
    }
}

fn no_subscription() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "webhook_not_found", "there is no such webhook")
}

fn invalid_body() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_body", "the body is not what is wanted")
}

/// What holds a secret is for nobody's cache, nor what changes by itself.
const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
