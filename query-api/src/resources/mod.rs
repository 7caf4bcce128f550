//! What clients see: one file a resource, and one line a route.
//!
//! The catalogue, its search and its stock are for everybody. What is about people, money or the
//! engine itself asks for the token, where one is set; so do drafts, archived products and the
//! past.

pub mod cart;
pub mod event;
pub mod fulfilment;
pub mod history;
pub mod location;
pub mod order;
pub mod payment;
pub mod product;
pub mod projection;
pub mod return_;
pub mod sales;
pub mod search;
pub mod stock;
pub mod stream;

use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use axum::{Router, middleware};
use service::health::Health;
use service::{auth, bus, database, http};

use self::Access::{Guarded, Open};
use crate::app::App;
use crate::list::list_of;
use crate::log;
use crate::one::one;

/// Who may see what a route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Everybody, though those who are trusted may see more.
    Open,
    /// Those who send the token, where one is set.
    Guarded,
}

/// Every route, and who may see it.
fn routes() -> Vec<(&'static str, Access, MethodRouter<App>)> {
    vec![
        ("/v1/products", Open, get(list_of::<product::Products>)),
        ("/v1/products/{id}", Open, get(one::<product::Product>)),
        ("/v1/search", Open, get(search::search)),
        ("/v1/stock", Open, get(list_of::<stock::Stocks>)),
        ("/v1/stock/{sku}", Open, get(stock::one)),
        ("/v1/locations", Guarded, get(list_of::<location::Locations>)),
        ("/v1/locations/{code}", Guarded, get(one::<location::Location>)),
        ("/v1/carts/{id}", Guarded, get(one::<cart::CartAsShown>)),
        ("/v1/orders", Guarded, get(list_of::<order::Orders>)),
        ("/v1/orders/{id}", Guarded, get(one::<order::Order>)),
        ("/v1/orders/{id}/history", Guarded, get(history::history)),
        ("/v1/payments", Guarded, get(list_of::<payment::Payments>)),
        ("/v1/payments/{id}", Guarded, get(one::<payment::Payment>)),
        ("/v1/fulfilments/{id}", Guarded, get(one::<fulfilment::Fulfilment>)),
        ("/v1/returns/{id}", Guarded, get(one::<return_::Return>)),
        ("/v1/sales", Guarded, get(list_of::<sales::Sales>)),
        ("/v1/events", Guarded, get(event::events)),
        ("/v1/streams/{category}/{id}", Guarded, get(stream::history)),
        ("/v1/projections", Guarded, get(projection::list)),
    ]
}

/// Everything, with the shell around it.
pub fn router(app: App, health: &Health) -> Router {
    let (mut open, mut guarded) = (Router::new(), Router::new());
    for (path, access, route) in routes() {
        match access {
            Open => open = open.route(path, route),
            Guarded => guarded = guarded.route(path, route),
        }
    }
    let guarded = guarded.route_layer(middleware::map_response(keep_private));
    let guarded = auth::guard(guarded, app.token.as_ref());
    let routes = open.merge(guarded);
    let routes = routes.route_layer(middleware::from_fn_with_state(app.log.clone(), log::tell));
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
    let meili = app.meili.clone();
    let health = database::watch(Health::new(), &app.db).prefers("meilisearch", move || {
        let meili = meili.clone();
        async move { meili.check().await }
    });
    match &app.bus {
        None => health,
        Some(bus) => bus::watch(health, bus.clone()),
    }
}
