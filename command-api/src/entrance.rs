//! The way in to all commands: who may come in, and which log they mean, before anything is read.
//!
//! Called by the handlers. As layers around each route the two took a tenth of all that the process
//! did for a small command: a layer costs every request two boxes and a copy of what is within.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use identity::guard::Caller;
use identity::{Access, Guard};
use service::unread::refuse;

use crate::{App, log_id};

/// What is behind it, and who stands there. Clones share both.
#[derive(Clone)]
pub struct Entrance {
    /// What the routes need.
    pub app: Arc<App>,
    /// Who knows who asks.
    pub guard: Guard,
}

impl Entrance {
    /// Has a request of somebody who may answered by `take`, if it is for this log. Nobody else is
    /// told anything, not even which log it is.
    pub async fn pass<F>(
        self,
        access: Access,
        request: Request,
        take: impl FnOnce(Arc<App>, Caller, Request) -> F,
    ) -> Response
    where
        F: Future<Output = Response>,
    {
        let Self { app, guard } = self;
        let place = (request.method(), request.uri());
        let caller = match guard.heed(request.headers(), place, access).await {
            Ok(caller) => caller,
            Err(problem) => return refuse(request, problem).await,
        };
        caller.prove(request.extensions());
        let mut response = match log_id::check(request.headers(), &app.writer).await {
            Ok(()) => take(app.clone(), caller, request).await,
            Err(problem) => refuse(request, problem).await,
        };
        log_id::tell(&mut response, &app.writer);
        response
    }
}
