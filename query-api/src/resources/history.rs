//! `/v1/orders/{id}/history`: everything that happened to an order, its payments, its parcels and
//! its returns, in the order of the log. Whose order it is sees of it what [`told`] says.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::page::order;
use domain::{OrderId, StreamId};
use event_store::RawEvent;
use event_store::read::{self, PAGE_EVENTS_MAX, Page};
use identity::Principal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service::Problem;
use service::extract::{Path, Query};
use service::json::Json;

use crate::app::App;
use crate::listing::{Limit, link};
use crate::log;
use crate::one::Id;
use crate::queue::Who;
use crate::resources::told;
use crate::scope::is_for;

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
    items: Vec<Item>,
    /// What to pass as `after` for the next part.
    next: Option<i64>,
}

/// An event of an order.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
enum Item {
    /// For those who work here.
    Whole(RawEvent),
    /// For whose order it is.
    Told(ToldEvent),
}

/// An event of an order, as whose order it is sees it.
#[derive(Serialize, JsonSchema)]
struct ToldEvent {
    /// Its place in the log.
    position: i64,
    /// What it happened to.
    stream: String,
    /// Its place among all that happened to that.
    version: i64,
    /// What happened.
    #[serde(rename = "type")]
    kind: String,
    /// When.
    occurred_at: DateTime<Utc>,
    /// What is told of it.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    data: Box<RawValue>,
}

impl ToldEvent {
    /// Nothing where the event is not told.
    fn of(event: RawEvent) -> Option<Result<Item, Problem>> {
        let fields = told::payload(&event.kind)?;
        Some(fields.of(event.data.get()).and_then(|data| {
            let data = RawValue::from_string(data).map_err(|_| Problem::internal())?;
            let RawEvent { position, stream, version, kind, occurred_at, .. } = event;
            Ok(Item::Told(Self { position, stream, version, kind, occurred_at, data }))
        }))
    }
}

/// `GET /v1/orders/{id}/history`
pub async fn history(
    State(app): State<App>,
    Path(id): Path<Id>,
    Query(parameters): Query<Parameters>,
    principal: Principal,
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
    // The first one says whose it is.
    if !named.events.first().is_some_and(|placed| is_for(principal, placed.data.get())) {
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such order"));
    }
    let parts = named.events.iter().filter_map(|event| order::part(&event.decode().ok()?.event));
    let streams: Vec<String> = parts.map(|part| part.to_string()).chain([own.clone()]).collect();
    let types = (!principal.works_here()).then(told::types);
    // One more than asked for tells whether there is a next part.
    let after = i64::try_from(parameters.after).unwrap_or(i64::MAX);
    let wanted = i64::from(parameters.limit.get()) + 1;
    let Page { mut events, cut } =
        read::of_streams_after(&mut *db, &streams, types.as_deref(), after, wanted).await?;
    drop(db);
    let more = cut || events.len() > limit;
    events.truncate(limit);
    let next = events.last().filter(|_| more).map(|event| event.position);
    let link = next.and_then(|next| link(&uri, "after", &next.to_string()));
    let link = link.map(|link| [(header::LINK, link)]);
    let items = if principal.works_here() {
        events.into_iter().map(Item::Whole).collect()
    } else {
        events.into_iter().filter_map(ToldEvent::of).collect::<Result<_, _>>()?
    };
    Ok((link, Json(OrderHistory { order_id, items, next })).into_response())
}
