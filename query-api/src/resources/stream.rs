//! `/v1/streams/{category}/{id}`: everything that happened to one thing.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use domain::Category;
use event_store::RawEvent;
use event_store::read::{self, Page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::{Path, Query};
use service::json::Json;

use crate::app::App;
use crate::listing::{Limit, link};
use crate::log;
use crate::past;
use crate::queue::Who;

/// Which part of the history.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Only versions after this one.
    #[serde(default)]
    after: u32,
    /// How many events at most.
    #[serde(default)]
    limit: Limit,
}

/// A part of a history.
#[derive(Serialize, JsonSchema)]
pub struct StreamHistory {
    stream: String,
    items: Vec<RawEvent>,
    /// What to pass as `after` for the next part.
    next: Option<i64>,
}

/// `GET /v1/streams/{category}/{id}`
pub async fn history(
    State(app): State<App>,
    Path((category, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let known = Category::ALL.iter().find(|known| known.name() == category);
    let category = *known.ok_or_else(|| {
        let names: Vec<&str> = Category::ALL.iter().map(|known| known.name()).collect();
        let names = names.join(", ");
        Problem::new(StatusCode::BAD_REQUEST, "invalid_path", "there are no such streams")
            .parameter("category", "invalid_value", format!("must be one of {names}"))
    })?;
    let stream = past::stream(category, "id", &id)?.to_string();
    // One more than asked for tells whether there is a next part.
    let wanted = i64::from(parameters.limit.get()) + 1;
    let mut db = app.queue.connection(Who::Newcomer).await?;
    if let Some(asked) = log::asked_for(&headers)? {
        log::must_be(read::log(&mut *db).await?.id, Some(asked))?;
    }
    let Page { events: mut items, cut } =
        read::of_stream(&mut *db, &stream, i64::from(parameters.after), wanted).await?;
    drop(db);
    if items.is_empty() && parameters.after == 0 {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "nothing happened to it"));
    }
    let limit = usize::from(parameters.limit.get());
    let more = cut || items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|event| event.version);
    let link = next.and_then(|next| link(&uri, "after", &next.to_string()));
    let link = link.map(|link| [(header::LINK, link)]);
    Ok((link, Json(StreamHistory { stream, items, next })).into_response())
}
