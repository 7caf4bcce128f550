//! What clients see: one file a resource.
//!
//! The catalogue, its search and its stock are for everybody. What is about people, money or the
//! engine itself asks for the token, where one is set; so do drafts, archived products and the
//! past.

pub mod carts;
pub mod events;
pub mod orders;
pub mod payments;
pub mod products;
pub mod projections;
pub mod sales;
pub mod search;
pub mod stock;
pub mod streams;

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware};
use serde::{Deserialize, Serialize};
use service::health::Health;
use service::{Problem, auth, bus, database, http};
use uuid::Uuid;

use crate::app::App;
use crate::as_of::Point;
use crate::log;

/// Everything, with the shell around it.
pub fn router(app: App, health: &Health) -> Router {
    let open = Router::new()
        .route("/v1/products", get(products::list))
        .route("/v1/products/{id}", get(products::one))
        .route("/v1/search", get(search::search))
        .route("/v1/stock", get(stock::list))
        .route("/v1/stock/{sku}", get(stock::one));
    let guarded = Router::new()
        .route("/v1/carts/{id}", get(carts::one))
        .route("/v1/orders", get(orders::list))
        .route("/v1/orders/{id}", get(orders::one))
        .route("/v1/payments", get(payments::list))
        .route("/v1/payments/{id}", get(payments::one))
        .route("/v1/sales", get(sales::list))
        .route("/v1/events", get(events::events))
        .route("/v1/streams/{category}/{id}", get(streams::history))
        .route("/v1/projections", get(projections::list));
    let guarded = guarded.route_layer(middleware::map_response(keep_private));
    let guarded = auth::guard(guarded, app.token.as_ref());
    let routes = open.merge(guarded);
    let routes = routes.route_layer(middleware::from_fn_with_state(app.clone(), log::tell));
    http::shell(routes.with_state(app).merge(health.router()))
}

/// What is about people is not for caches that people share, however the caller proved who he is.
async fn keep_private(mut response: Response) -> Response {
    if let Some(caches) = response.headers_mut().get_mut(header::CACHE_CONTROL)
        && *caches == "no-cache"
    {
        *caches = HeaderValue::from_static("private, no-cache");
    }
    response
}

/// What the service needs, and what it does better with.
pub fn health(app: &App) -> Health {
    let (meili, bus) = (app.meili.clone(), app.bus.clone());
    let postgres = Arc::new(database::Probe::new(&app.db));
    let health = Health::new()
        .requires("postgres", move || {
            let postgres = postgres.clone();
            async move { postgres.check().await }
        })
        .prefers("meilisearch", move || {
            let meili = meili.clone();
            async move { meili.check().await }
        });
    match bus {
        None => health,
        Some(bus) => health.prefers("nats", move || {
            let bus = bus.clone();
            async move { bus::check(&bus).await }
        }),
    }
}

/// What may be asked of a single document.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct One {
    min_position: Option<i64>,
    as_of: Option<Point>,
}

impl One {
    /// The point of the past that was asked for.
    fn point(self) -> Result<Option<Point>, Problem> {
        if self.as_of.is_some() && self.min_position.is_some() {
            let problem = "a parameter of the query is wrong";
            let detail = "the past does not get any fresher: ask for as_of or for min_position";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem).parameter(
                "min_position",
                "contradicts_as_of",
                detail,
            ));
        }
        Ok(self.as_of)
    }
}

/// The id of a document in a path, spelled as answers spell it: one address a document, for caches
/// and for rules by path.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(Uuid);

impl TryFrom<String> for Id {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let id: Option<Uuid> = text.parse().ok();
        let id = id.filter(|id| id.to_string() == text);
        id.map(Self).ok_or("must be a UUID in lower case with hyphens")
    }
}

/// The stored word of a status or the like.
fn word(value: Option<impl Serialize>) -> Option<String> {
    match serde_json::to_value(value?) {
        Ok(serde_json::Value::String(word)) => Some(word),
        _ => None,
    }
}
