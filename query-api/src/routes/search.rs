//! `/v1/search`: the published catalogue, from Meilisearch or else from Postgres.

use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use service::Problem;
use service::extract::Query;
use service::json::Json;

use crate::app::App;
use crate::fresh::{Fresh, Prefer};
use crate::progress::Model;
use crate::search::request::{Asked, Wanted};
use crate::search::{Found, postgres};

/// What a refused client is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);
const SEARCH_BACKEND: HeaderName = HeaderName::from_static("search-backend");

/// `GET /v1/search`
pub async fn search(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    prefer: Prefer,
) -> Result<Response, Problem> {
    let fresh = Fresh::new(asked.min_position, prefer);
    let wanted = Wanted::try_from(asked)?;
    // An index that is behind or not yet whole is no better than one that is away: Postgres may be
    // further.
    if app.meili.is_worth_asking()
        && !app.progress.is_index_refilled().await
        && app.progress.index(&fresh).await?
    {
        let _place = app.meili.room.try_acquire().map_err(|_| too_many())?;
        if let Some(found) = app.meili.search(&wanted).await {
            return Ok(answer(&fresh, "meilisearch", found));
        }
    }
    // Waited for before there is a place: places are for searching. The refused take no connection.
    if fresh.min_position.is_some() {
        drop(app.progress.reader(Model::Search, &fresh).await?);
    }
    let _place = app.searches.try_acquire().map_err(|_| too_many())?;
    let mut db = app.progress.reader(Model::Search, &fresh).await?;
    let found = postgres::search(&mut db, &wanted).await?;
    Ok(answer(&fresh, "postgres", found))
}

/// Also when Meilisearch is away or behind and Postgres, which stands in for it, has enough to do.
fn too_many() -> Problem {
    let detail = "too many searches are under way";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_searches", detail)
        .retry_after(RETRY_AFTER)
}

fn answer(fresh: &Fresh, backend: &'static str, found: Found) -> Response {
    metrics::counter!("searches_total", "backend" => backend).increment(1);
    let backend = [(SEARCH_BACKEND, HeaderValue::from_static(backend))];
    (fresh.applied(), backend, Json(found)).into_response()
}
