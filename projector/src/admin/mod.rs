//! What is done to projections by hand, over HTTP: all that the command line does, under `/admin`
//! of the port, for those who keep the programs running. Where nobody is asked who they are there
//! is none of it.
//!
//! * `asked`: of what, and with what; `reading`: where things stand; `doing`: what is done at once;
//!   `beginning`: what takes its time, and is one of the [`jobs`] then; `refused`: what is not
//!   done; [`described`]: all of it, as a document.

mod asked;
mod beginning;
pub mod described;
mod doing;
pub mod jobs;
mod reading;
mod refused;

use axum::http::Method;
use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};
use identity::Access::{self, Ops};
use identity::{Guard, guard};
use service::openapi;

pub use self::asked::Office;
pub use self::refused::CODES;

/// Every route, and who may call it.
fn routes() -> Vec<(Method, &'static str, Access, MethodRouter<Office>)> {
    use {beginning as begun, doing as done, reading as read};
    vec![
        (Method::GET, "/admin/projections", Ops, get(read::all)),
        (Method::GET, "/admin/projections/{name}", Ops, get(read::one)),
        (Method::GET, "/admin/parked", Ops, get(read::parked)),
        (Method::GET, "/admin/actions", Ops, get(read::actions)),
        (Method::POST, "/admin/projections/{name}/pause", Ops, post(done::pause)),
        (Method::POST, "/admin/projections/{name}/resume", Ops, post(done::resume)),
        (Method::POST, "/admin/projections/{name}/release", Ops, post(done::release)),
        (Method::POST, "/admin/projections/{name}/cancel", Ops, post(done::cancel)),
        (Method::POST, "/admin/projections/{name}/retry", Ops, post(done::retry)),
        (Method::POST, "/admin/projections/{name}/skip", Ops, post(done::skip)),
        (Method::POST, "/admin/projections/{name}/rebuild", Ops, post(begun::rebuild)),
        (Method::POST, "/admin/projections/{name}/verify", Ops, post(begun::verify)),
        (Method::POST, "/admin/projections/{name}/rollback", Ops, post(begun::rollback)),
        (Method::POST, "/admin/projections/{name}/drop", Ops, post(begun::drop_kept)),
        (Method::POST, "/admin/projections/{name}/reset", Ops, post(begun::reset)),
    ]
}

/// Every route by method and path, and who may call it.
pub fn accesses() -> impl Iterator<Item = (Method, &'static str, Access)> {
    routes().into_iter().map(|(method, path, access, _)| (method, path, access))
}

/// All of them, each for those who may.
pub fn router(office: Office, guard: &Guard) -> Router {
    let mut router = Router::new();
    for (_, path, access, route) in routes() {
        let admit = middleware::from_fn_with_state((guard.clone(), access), guard::admit);
        router = router.route(path, route.route_layer(admit));
    }
    let router = router.with_state(office);
    #[cfg(debug_assertions)]
    let router = {
        openapi::serve::must_describe(&described::DOCUMENT, &router);
        openapi::refusals::must_be_described(router, &described::DOCUMENT)
    };
    router.merge(openapi::serve::router(|| described::DOCUMENT.clone()))
}
