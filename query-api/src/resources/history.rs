//! `/v1/orders/{id}/history`: everything that happened to an order, its payments, its parcels and
//! its returns, in the order of the log.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use domain::page::order;
use domain::{OrderId, StreamId};
use event_store::RawEvent;
use event_store::read::{self, PAGE_EVENTS_MAX, Page};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::{Path, Query};
use service::json::Json;

use crate::app::App;
use crate::listing::{Limit, link};
use crate::log;
use crate::one::Id;
use crate::queue::Who;

/// Which part of the history.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Only what happened after this position.
    #[serde(default)]
    after: u64,
    /// How many events at most.
    #[serde(default)]
    limit: Limit,
}

/// A part of a history.
#[derive(Serialize, JsonSchema)]
pub struct OrderHistory {
    order_id: OrderId,
    items: Vec<RawEvent>,
    /// What to pass as `after` for the next part.
    next: Option<i64>,
}

/// `GET /v1/orders/{id}/history`
pub async fn history(
    State(app): State<App>,
    Path(id): Path<Id>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let order_id = OrderId(id.0);
    let limit = usize::from(parameters.limit.get());
    let mut db = app.queue.connection(Who::Newcomer).await?;
    if let Some(asked) = log::asked_for(&headers)? {
        log::must_be(read::log(&mut *db).await?.id, Some(asked))?;
    }
    // What an order is made of is bounded by its rules, and its own events name it.
    let own = StreamId::Order(order_id).to_string();
    let named = read::of_stream(&mut *db, &own, 0, PAGE_EVENTS_MAX).await?;
    if named.events.is_empty() {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such order"));
    }
    let parts = named.events.iter().filter_map(|event| order::part(&event.decode().ok()?.event));
    let streams: Vec<String> = parts.map(|part| part.to_string()).chain([own.clone()]).collect();
    // One more than asked for tells whether there is a next part.
    let after = i64::try_from(parameters.after).unwrap_or(i64::MAX);
    let wanted = i64::from(parameters.limit.get()) + 1;
    let Page { events: mut items, cut } =
        read::of_streams_after(&mut *db, &streams, after, wanted).await?;
    drop(db);
    let more = cut || items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|event| event.position);
    let link = next.and_then(|next| link(&uri, "after", &next.to_string()));
    let link = link.map(|link| [(header::LINK, link)]);
    Ok((link, Json(OrderHistory { order_id, items, next })).into_response())
}
