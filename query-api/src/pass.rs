//! Whether somebody may go on with what has no end: who follows is asked again and again who they
//! are, so that a token that was withdrawn, or has run out, ends what was begun with it.

use std::time::Duration;

use axum::extract::{FromRequestParts, MatchedPath};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use identity::{Access, Guard};
use service::Problem;
use tokio::time::sleep;

use crate::app::App;
use crate::resources::accesses;

/// How often who follows is asked again who they are.
const ASKED_AGAIN_EVERY: Duration = Duration::from_secs(3);

/// With what somebody was let in.
pub struct Pass {
    guard: Guard,
    headers: HeaderMap,
    method: Method,
    path: String,
    access: Access,
}

impl FromRequestParts<App> for Pass {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let route = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        let access = accesses().find(|(path, _)| Some(*path) == route);
        let (_, access) = access.ok_or_else(Problem::internal)?;
        let (guard, headers) = (app.guard.clone(), parts.headers.clone());
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        Ok(Self { guard, headers, method, path, access })
    }
}

impl Pass {
    /// These frames, for as long as who takes them would be let in.
    pub fn hold(
        self,
        frames: impl Stream<Item = Bytes> + Send + 'static,
    ) -> impl Stream<Item = Bytes> + Send + 'static {
        frames.take_until(self.refused())
    }

    /// Where it cannot be known whether a token is still good, nobody is cut off for that.
    async fn refused(self) {
        let place = (&self.method, self.path.as_str());
        loop {
            sleep(ASKED_AGAIN_EVERY).await;
            if let Err(problem) = self.guard.let_in(&self.headers, place, self.access).await
                && problem.status().is_client_error()
            {
                return;
            }
        }
    }
}
