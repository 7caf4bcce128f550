//! What clients see: one file a resource, and one line a route.
//!
//! Each route says who may call it. The catalogue, its search and its stock are for everybody,
//! though those who work here see drafts, archived products and the past too; a shopper sees what
//! is theirs, and of an order its past and its story, as far as [`told`] says. Who reads events
//! sees what they are the events of, and their lists; whose they are by name is for the back
//! office.

pub mod cart;
pub mod event;
pub mod fulfilment;
pub mod history;
pub mod location;
pub mod order;
mod order_csv;
pub mod order_live;
pub mod own_orders;
mod part;
pub mod payment;
pub mod product;
pub mod projection;
pub mod return_;
pub mod sales;
pub mod search;
pub mod stock;
pub mod stream;
pub mod told;

use std::sync::Arc;

use axum::routing::{MethodRouter, get};
use axum::{Router, middleware};
use identity::Access::{
    self, Analyst, Anyone, Ops, Shopper, ShopperOrAnalyst, SignedIn, StaffOrAnalyst,
};
use service::health::Health;
use service::{bus, database, http, openapi};

use crate::app::App;
use crate::caching::Offer;
use crate::entrance::Entrance;
use crate::list::list_of;
use crate::one::one;
use crate::{described, entrance, events, people};

/// Every route, and who may see it.
fn routes() -> Vec<(&'static str, Access, MethodRouter<App>)> {
    vec![
        ("/v1/products", Anyone, get(list_of::<product::Products>)),
        ("/v1/products/{id}", Anyone, get(one::<product::Product>)),
        ("/v1/search", Anyone, get(search::search)),
        ("/v1/stock", Anyone, get(list_of::<stock::Stocks>)),
        ("/v1/stock/{sku}", Anyone, get(stock::one)),
        ("/v1/locations", StaffOrAnalyst, get(list_of::<location::Locations>)),
        ("/v1/locations/{code}", StaffOrAnalyst, get(one::<location::Location>)),
        ("/v1/carts/{id}", ShopperOrAnalyst, get(one::<cart::CartAsShown>)),
        ("/v1/orders", ShopperOrAnalyst, get(list_of::<order::Orders>)),
        ("/v1/orders/{id}", ShopperOrAnalyst, get(one::<order::Order>)),
        ("/v1/orders/{id}/live", Shopper, get(order_live::live)),
        ("/v1/orders/{id}/live/ws", Shopper, get(order_live::socket)),
        ("/v1/orders/{id}/history", ShopperOrAnalyst, get(history::history)),
        ("/v1/people/me/orders", SignedIn, get(own_orders::orders)),
        ("/v1/payments", StaffOrAnalyst, get(list_of::<payment::Payments>)),
        ("/v1/payments/{id}", ShopperOrAnalyst, get(one::<payment::Payment>)),
        ("/v1/fulfilments", ShopperOrAnalyst, get(list_of::<fulfilment::Fulfilments>)),
        ("/v1/fulfilments/{id}", ShopperOrAnalyst, get(one::<fulfilment::Fulfilment>)),
        ("/v1/returns", ShopperOrAnalyst, get(list_of::<return_::Returns>)),
        ("/v1/returns/{id}", ShopperOrAnalyst, get(one::<return_::Return>)),
        ("/v1/sales", Analyst, get(list_of::<sales::Sales>)),
        ("/v1/events", Analyst, get(event::events)),
        ("/v1/events/ws", Analyst, get(event::socket)),
        ("/v1/streams/{category}/{id}", Analyst, get(stream::history)),
        ("/v1/projections", Ops, get(projection::list)),
    ]
}

/// Every path, and who may call it.
pub fn accesses() -> impl Iterator<Item = (&'static str, Access)> {
    routes().into_iter().map(|(path, access, _)| (path, access))
}

/// Everything, with the shell around it.
pub fn router(app: App, health: &Health) -> Router {
    let mut all = Router::new();
    for (path, access, route) in routes() {
        let (log, guard, offer) =
            (app.log.clone(), app.guard.clone(), Offer::of(path, app.caching));
        let entrance = Arc::new(Entrance { log, guard, access, offer });
        let entrance = middleware::from_fn_with_state(entrance, entrance::pass);
        all = all.route(path, route.route_layer(entrance));
    }
    let all = all.with_state(app);
    #[cfg(debug_assertions)]
    let all = {
        openapi::serve::must_describe(&described::DOCUMENT, &all);
        openapi::refusals::must_be_described(all, &described::DOCUMENT)
    };
    let all = openapi::deprecation::announce(all, &described::DOCUMENT);
    let pages = openapi::serve::router(|| described::DOCUMENT.clone())
        .merge(openapi::serve::document(events::SCHEMAS, events::schemas))
        .merge(openapi::serve::document(events::ASYNCAPI, events::asyncapi));
    http::shell_of(all.merge(pages).merge(health.router()), &described::DOCUMENT)
}

/// What the service needs, and what it does better with.
pub fn health(app: &App) -> Health {
    let meili = app.meili.clone();
    let health = people::watch(database::watch(Health::new(), &app.db), app);
    let health = health.prefers("meilisearch", move || {
        let meili = meili.clone();
        async move { meili.check().await }
    });
    match &app.bus {
        None => health,
        Some(bus) => bus::watch(health, bus.clone()),
    }
}
