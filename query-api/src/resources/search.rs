//! `/v1/search`: the published catalogue, from Meilisearch or else from Postgres.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use domain::ReadModel;
use identity::Principal;
use service::Problem;
use service::extract::Query;

use crate::app::App;
use crate::described;
use crate::document::respond_unversioned;
use crate::fields::Fields;
use crate::fresh::{Fresh, Prefer};
use crate::included::{Include, MEMBER};
use crate::queue::Who;
use crate::search::Found;
use crate::search::request::{INCLUDES, Parameters, Question};

const SEARCH_BACKEND: HeaderName = HeaderName::from_static("search-backend");

/// What of the hits is wanted, and what beside them.
struct Wanted {
    fields: Option<Fields>,
    include: Option<Include>,
    /// What of that.
    below: Option<Fields>,
    principal: Principal,
}

impl Wanted {
    async fn of(&self, app: &App, found: Found) -> Result<Found, Problem> {
        let included = match self.include {
            Some(include) => {
                let mut db = app.queue.connection(Who::LetIn).await?;
                let hits = found.hits.iter().map(|hit| hit.get());
                let included = include.beside(hits, self.principal, &mut db).await?;
                Some(included.json(self.below.as_ref())?)
            }
            None => None,
        };
        let found = match &self.fields {
            Some(fields) => found.only(fields)?,
            None => found,
        };
        found.with(included)
    }
}

/// `GET /v1/search`
pub async fn search(
    State(app): State<App>,
    Query(mut parameters): Query<Parameters>,
    prefer: Prefer,
    principal: Principal,
    request: Request,
) -> Result<Response, Problem> {
    let fields = parameters.fields.take();
    let mut fields = fields.map(|names| described::fields("/v1/search", &names)).transpose()?;
    let include = Include::checked(parameters.include, Some(INCLUDES), request.extensions())?;
    let below = fields.as_mut().and_then(|fields| fields.take(MEMBER));
    let wanted = Wanted { fields, include, below, principal };
    let headers = request.headers();
    let fresh = Fresh::new(parameters.min_position, prefer).of(principal);
    let question = Arc::new(Question::try_from(parameters)?);
    // An index that is behind or not yet whole is no better than one that is away: Postgres may be
    // further.
    if app.meili.is_worth_asking()
        && !app.progress.is_index_refilled().await
        && app.progress.index(&fresh).await?
        && let Some(found) = app.meili.search(&question).await?
    {
        return answer(&fresh, headers, "meilisearch", &wanted.of(&app, found).await?);
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
            return answer(&fresh, headers, "postgres", &wanted.of(&app, found).await?);
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
