//! `/v1/search`: the published catalogue, from Meilisearch or else from Postgres.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use service::Problem;
use service::extract::Query;
use service::json::Json;

use crate::app::App;
use crate::fresh::{Fresh, Prefer};
use crate::progress::Model;
use crate::search::request::{Asked, Wanted};
use crate::search::{Found, postgres};

const SEARCH_BACKEND: HeaderName = HeaderName::from_static("search-backend");

/// `GET /v1/search`
pub async fn search(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    prefer: Prefer,
) -> Result<Response, Problem> {
    let fresh = Fresh::new(asked.min_position, prefer);
    let wanted = Wanted::try_from(asked)?;
    // An index that is behind is no better than one that is away: Postgres may be further.
    if app.meili.is_worth_asking()
        && app.progress.index(&fresh).await?
        && let Some(found) = app.meili.search(&wanted).await
    {
        return Ok(answer(&fresh, "meilisearch", found));
    }
    let mut db = app.progress.reader(Model::Search, &fresh, None).await?;
    let found = postgres::search(&mut db, &wanted).await?;
    Ok(answer(&fresh, "postgres", found))
}

fn answer(fresh: &Fresh, backend: &'static str, found: Found) -> Response {
    metrics::counter!("searches_total", "backend" => backend).increment(1);
    let backend = [(SEARCH_BACKEND, HeaderValue::from_static(backend))];
    (fresh.applied(), backend, Json(found)).into_response()
}
