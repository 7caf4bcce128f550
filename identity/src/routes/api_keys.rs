//! Keys of programs, which the owner makes, changes and revokes.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chrono::{TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;
use service::extract::{Path, Query};
use service::json::Json;
use service::paging::{Page, PageQuery};
use service::unheeded::Unkeyed;
use uuid::Uuid;

use super::{Identity, NO_STORE, not_found};
use crate::api_keys::{ApiKeys, Made, OVERLAP_MINUTES_MAX, Wanted, why_of_nothing};

/// How long the one before a new key is good, unless it is said: until programs have the new one.
const OVERLAP_MINUTES: u32 = 60;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApiKeyRotation")]
pub(super) struct Rotation {
    /// How long the one before it is good beside it.
    #[serde(default = "usual_overlap")]
    #[schemars(range(max = OVERLAP_MINUTES_MAX))]
    overlap_minutes: u32,
}

fn usual_overlap() -> u32 {
    OVERLAP_MINUTES
}

/// `POST /v1/api-keys`: a key, which is shown this once.
pub(super) async fn make(
    State(identity): State<Identity>,
    _: Unkeyed,
    Json(wanted): Json<Wanted>,
) -> Result<Response, Problem> {
    let now = Utc::now();
    if wanted.expires_at.is_some_and(|at| at <= now) {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_body", "it has run out");
        return Err(problem.pointer("/expires_at", "invalid_value", "is in the past"));
    }
    if let Some(index) = wanted.scopes.of_nothing(identity.beyond.resources) {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_body", "it is for nothing");
        let detail = why_of_nothing(identity.beyond.resources);
        return Err(problem.pointer(format!("/scopes/{index}"), "invalid_value", detail));
    }
    let made = ApiKeys::new(identity.db).make(wanted, now).await?;
    let made = made.ok_or_else(|| {
        let detail = "there are too many keys: revoke some, which are forgotten after 90 days";
        Problem::new(StatusCode::CONFLICT, "too_many_keys", detail)
    })?;
    Ok(shown(StatusCode::CREATED, made))
}

/// `GET /v1/api-keys`
pub(super) async fn list(
    State(identity): State<Identity>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> Result<Response, Problem> {
    let all = ApiKeys::new(identity.db).list().await?;
    Ok(Page::within(all, paging, "api_keys", |key| key.id)?.respond(&uri))
}

/// `POST /v1/api-keys/{id}/rotate`: another key in its place, which is shown this once.
pub(super) async fn rotate(
    State(identity): State<Identity>,
    _: Unkeyed,
    Path(id): Path<Uuid>,
    Json(Rotation { overlap_minutes }): Json<Rotation>,
) -> Result<Response, Problem> {
    if overlap_minutes > OVERLAP_MINUTES_MAX {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_body", "it is too long");
        let detail = format!("is at most {OVERLAP_MINUTES_MAX}");
        return Err(problem.pointer("/overlap_minutes", "invalid_value", detail));
    }
    let overlap = TimeDelta::minutes(overlap_minutes.into());
    let made = ApiKeys::new(identity.db).rotate(id, overlap, Utc::now()).await?;
    made.map(|made| shown(StatusCode::OK, made)).ok_or_else(|| not_found("there is no such key"))
}

/// `DELETE /v1/api-keys/{id}`: worth nothing from now on, everywhere within 30 s.
pub(super) async fn revoke(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    if ApiKeys::new(identity.db).revoke(id, Utc::now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(not_found("there is no such key"))
}

fn shown(status: StatusCode, made: Made) -> Response {
    (status, NO_STORE, Json(made)).into_response()
}
