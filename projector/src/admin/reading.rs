//! Where things stand, as `status`, `parked` and `actions` of the command line have it.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use service::Problem;
use service::extract::Query;
use service::json::Json;

use super::asked::{NO_STORE, Named, Nothing, Office};
use crate::projection::Projection;
use crate::{printout, projections};

/// Of all projections, unless one is named.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    /// This one alone.
    projection: Option<String>,
}

impl Of {
    fn wanted(&self) -> Result<Vec<&'static Projection>, Problem> {
        match &self.projection {
            None => Ok(projections::ALL.to_vec()),
            Some(name) => Ok(vec![Named::find(name)?.0]),
        }
    }
}

fn shown(value: Value) -> Response {
    (NO_STORE, Json(value)).into_response()
}

/// `GET /admin/projections`
pub(super) async fn all(
    State(office): State<Office>,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Response, Problem> {
    Ok(shown(printout::as_json(&office.db, &projections::ALL).await?))
}

/// `GET /admin/projections/{name}`: the same of one, with what is being made and how far that is,
/// and what came of the last that took its time.
pub(super) async fn one(
    State(office): State<Office>,
    Named(projection): Named,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Response, Problem> {
    let db = &office.db;
    let ranges = printout::as_json(db, &[projection]).await?;
    let making = printout::making_as_json(db, projection, office.jobs.speed(projection)).await?;
    let last = printout::last_as_json(db, projection).await?;
    Ok(shown(json!({
        "projection": projection.name,
        "ranges": ranges,
        "under_way": office.jobs.under_way(projection),
        "making": making,
        "last": last,
    })))
}

/// `GET /admin/parked`
pub(super) async fn parked(
    State(office): State<Office>,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    Ok(shown(printout::parked_as_json(&office.db, &of.wanted()?).await?))
}

/// `GET /admin/actions`
pub(super) async fn actions(
    State(office): State<Office>,
    Query(of): Query<Of>,
) -> Result<Response, Problem> {
    Ok(shown(printout::actions_as_json(&office.db, &of.wanted()?).await?))
}
