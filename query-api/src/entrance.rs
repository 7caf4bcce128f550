//! The way in to every route: which log is meant, who may come in, who may keep the answer, and
//! whether it is packed.
//!
//! One layer, and not one for each: a layer costs every request two boxes and a copy of all that is
//! within.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use identity::{Access, Guard};
use service::packing;
use service::unread::refuse;

use crate::caching::{self, Offer};
use crate::log::Log;

/// What stands before one route.
pub(crate) struct Entrance {
    /// Which log it is.
    pub log: Arc<Log>,
    /// Who knows who asks.
    pub guard: Guard,
    /// Who may.
    pub access: Access,
    /// What caches that people share may keep of it.
    pub offer: Option<Offer>,
}

/// A middleware for one route: refuses who speaks of another log and who may not ask, and says with
/// each answer which log it is about and who may keep it.
pub(crate) async fn pass(
    State(entrance): State<Arc<Entrance>>,
    mut request: Request,
    next: Next,
) -> Response {
    let log = &entrance.log;
    log.look().await;
    let coding = packing::wanted(request.headers());
    let mut response = match log.admit(&mut request).await {
        Err(refusal) => refusal.into_response(),
        Ok(()) => entrance.let_in(request, next).await,
    };
    log.tell(&mut response);
    packing::pack(response, coding).await
}

impl Entrance {
    async fn let_in(&self, mut request: Request, next: Next) -> Response {
        let place = (request.method(), request.uri().path());
        match self.guard.let_in(request.headers(), place, self.access).await {
            Ok(caller) => caller.note(request.extensions_mut()),
            Err(problem) => return refuse(request, problem).await,
        }
        let mut response = match &self.offer {
            None => next.run(request).await,
            Some(offer) => {
                let shared = caching::shared(&request);
                let mut response = next.run(request).await;
                offer.say(shared.as_deref(), &mut response);
                response
            }
        };
        if self.access != Access::Anyone {
            keep_private(&mut response);
        }
        response
    }
}

/// What is about people is not for caches that people share, however the caller proved who he is.
fn keep_private(response: &mut Response) {
    if let Some(caches) = response.headers_mut().get_mut(header::CACHE_CONTROL)
        && *caches == "no-cache"
    {
        *caches = HeaderValue::from_static("private, no-cache");
    }
}
