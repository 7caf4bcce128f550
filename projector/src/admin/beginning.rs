//! What takes its time is begun: the answer says where to look after it.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use identity::Principal;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use service::Problem;
use service::json::Json;

use super::asked::{Named, Nothing, Office, Told};
use super::refused::problem;
use crate::operations::{self, Hand, Lengthy};
use crate::projection::Projection;

/// Begins something that would not be refused now, and says where to look.
async fn accept(
    office: Office,
    projection: &'static Projection,
    who: Principal,
    action: Lengthy,
) -> Result<Response, Problem> {
    let by = who.actor();
    let hand = Hand { db: &office.db, projection, by: &by };
    operations::may(hand, action).await.map_err(problem)?;
    office.jobs.begin(&office.db, projection, by, action)?;
    let look_at = format!("/admin/projections/{}", projection.name);
    let begun =
        json!({ "projection": projection.name, "action": action.name(), "look_at": look_at });
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, look_at)], Json(begun)).into_response())
}

/// `POST /admin/projections/{name}/rebuild`
pub(super) async fn rebuild(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Nothing {}): Told<Nothing>,
) -> Result<Response, Problem> {
    accept(office, projection, who, Lengthy::Rebuild).await
}

/// `POST /admin/projections/{name}/verify`
pub(super) async fn verify(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Nothing {}): Told<Nothing>,
) -> Result<Response, Problem> {
    accept(office, projection, who, Lengthy::Verify).await
}

/// `POST /admin/projections/{name}/rollback`
pub(super) async fn rollback(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Nothing {}): Told<Nothing>,
) -> Result<Response, Problem> {
    accept(office, projection, who, Lengthy::Rollback).await
}

/// `POST /admin/projections/{name}/drop`
pub(super) async fn drop_kept(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Nothing {}): Told<Nothing>,
) -> Result<Response, Problem> {
    accept(office, projection, who, Lengthy::Drop).await
}

/// That it is meant.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Meant {
    /// It has to be said.
    #[serde(default)]
    yes: bool,
}

/// `POST /admin/projections/{name}/reset`
pub(super) async fn reset(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Meant { yes }): Told<Meant>,
) -> Result<Response, Problem> {
    if !yes {
        let detail = "all that it has made would be deleted, what is parked and skipped too";
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_body", detail);
        return Err(problem.pointer("/yes", "invalid_value", "must be true, where that is meant"));
    }
    accept(office, projection, who, Lengthy::Reset).await
}
