//! What is asked: of which projection, with what in the body, and with what it is done.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use service::Problem;
use service::extract::Path;
use service::json::{self, Json};
use sqlx::PgPool;

use super::jobs::Jobs;
use crate::projection::Projection;
use crate::projections;

/// It changes by itself, and is for nobody's cache.
pub(super) const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// What it is done with. Clones are the same.
#[derive(Clone)]
pub struct Office {
    /// The database.
    pub db: PgPool,
    /// What takes its time.
    pub jobs: Arc<Jobs>,
}

/// Nothing is to be said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// The projection that a path names.
pub(super) struct Named(pub &'static Projection);

impl Named {
    pub(super) fn find(name: &str) -> Result<Self, Problem> {
        let none =
            || Problem::new(StatusCode::NOT_FOUND, "no_such_projection", projections::known());
        projections::find(name).map(Self).ok_or_else(none)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(name) = Path::<String>::from_request_parts(parts, state).await?;
        Self::find(&name)
    }
}

/// What a request says in its body: no body says nothing, as `{}` does.
pub(super) struct Told<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Told<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers();
        let length = headers.get(header::CONTENT_LENGTH);
        let is_empty =
            length.map_or(!headers.contains_key(header::TRANSFER_ENCODING), |length| length == "0");
        if is_empty && !headers.contains_key(header::CONTENT_TYPE) {
            return json::parse(b"{}").map(Self);
        }
        Json::from_request(request, state).await.map(|Json(told)| Self(told))
    }
}
