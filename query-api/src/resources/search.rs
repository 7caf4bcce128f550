//! `/v1/search`: the published catalogue, from Meilisearch or else from Postgres.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use domain::ReadModel;
use identity::Principal;
use service::Problem;
use service::extract::Query;

use crate::app::App;
use crate::described;
use crate::document::respond_unversioned;
use crate::fresh::{Fresh, Prefer};
use crate::search::Found;
use crate::search::request::{Parameters, Question};

const SEARCH_BACKEND: HeaderName = HeaderName::from_static("search-backend");

/// `GET /v1/search`
pub async fn search(
    State(app): State<App>,
    Query(mut parameters): Query<Parameters>,
    prefer: Prefer,
    principal: Principal,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let fields = parameters.fields.take();
    let fields = fields.map(|names| described::fields("/v1/search", &names)).transpose()?;
    let shown = |found: Found| match &fields {
        Some(fields) => found.only(fields),
        None => Ok(found),
    };
    let fresh = Fresh::new(parameters.min_position, prefer).of(principal);
    let question = Arc::new(Question::try_from(parameters)?);
    // An index that is behind or not yet whole is no better than one that is away: Postgres may be
    // further.
    if app.meili.is_worth_asking()
        && !app.progress.is_index_refilled().await
        && app.progress.index(&fresh).await?
        && let Some(found) = app.meili.search(&question).await?
    {
        return answer(&fresh, &headers, "meilisearch", &shown(found)?);
    }
    loop {
        // Waited for before there is a place: places are for searching. The refused take no
        // connection.
        if fresh.min_position.is_some() {
            drop(app.progress.reader(ReadModel::Search, &fresh).await?);
        }
        let (found, position) = app.catalogue.search(question.clone()).await?;
        // Another build may have come between, which is looked at once more.
        if fresh.min_position.is_none_or(|wanted| position >= wanted) {
            return answer(&fresh, &headers, "postgres", &shown(found)?);
        }
    }
}

fn answer(
    fresh: &Fresh,
    headers: &HeaderMap,
    backend: &'static str,
    found: &Found,
) -> Result<Response, Problem> {
    let shown = serde_json::to_string(found).map_err(|error| {
        tracing::error!(%error, "what was found cannot be written");
        Problem::internal()
    })?;
    let backend = [(SEARCH_BACKEND, HeaderValue::from_static(backend))];
    Ok((fresh.applied(), backend, respond_unversioned(headers, shown)).into_response())
}
