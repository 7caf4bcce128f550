//! What was sent to a subscription, what was given up, and what is sent again.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::{Path, Query};
use service::json::Json;
use uuid::Uuid;

use super::{NO_STORE, invalid_body};
use crate::Dispatcher;
use crate::deliveries::{self as kept, Delivery, Key, State};
use crate::subscriptions::{self, Replayed};

/// Deliveries in a page, unless fewer or more are asked for, and at most.
const LIMIT: u16 = 50;
const LIMIT_MAX: u16 = 200;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The dead letters, if nothing is said.
    #[serde(default)]
    state: State,
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    limit: Option<u16>,
    /// The last of the page before.
    cursor: Option<Key>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookDeliveries")]
pub(super) struct Listed {
    items: Vec<Delivery>,
    next: Option<Key>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "WebhookStretch")]
pub(super) struct Stretch {
    #[schemars(range(min = 1))]
    from_position: i64,
    /// The end of the log, unless it is said.
    until_position: Option<i64>,
}

/// `GET /v1/webhooks/{id}/deliveries`
pub(super) async fn list(
    dispatcher: Dispatcher,
    Path(id): Path<Uuid>,
    Query(Asked { state, limit, cursor }): Query<Asked>,
) -> Result<Response, Problem> {
    let limit = limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let problem = "a parameter of the query is wrong";
        let detail = format!("must be from 1 to {LIMIT_MAX}");
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem);
        return Err(problem.parameter("limit", "invalid_value", detail));
    }
    dispatcher.subscription(id).await?;
    // One more than is shown says whether there are more.
    let more = i64::from(limit) + 1;
    let mut items = kept::list(&dispatcher.db, id, state, cursor, more).await?;
    let full = items.len() > usize::from(limit);
    items.truncate(usize::from(limit));
    let next = items.last().filter(|_| full).map(|last| last.id);
    Ok((NO_STORE, Json(Listed { items, next })).into_response())
}

/// `POST /v1/webhooks/{id}/deliveries/{delivery_id}/retry`: sends it now, and again for as long as
/// anything is.
pub(super) async fn retry(
    dispatcher: Dispatcher,
    Path((id, key)): Path<(Uuid, Key)>,
) -> Result<StatusCode, Problem> {
    dispatcher.subscription(id).await?;
    match kept::retry(&dispatcher.db, id, key).await? {
        Some(State::Pending | State::Failed) => Ok(StatusCode::ACCEPTED),
        Some(State::Delivered) => {
            let detail = "the receiver has it: replay its position to send it as another one";
            Err(Problem::new(StatusCode::CONFLICT, "already_delivered", detail))
        }
        None => {
            let detail = "there is no such delivery";
            Err(Problem::new(StatusCode::NOT_FOUND, "delivery_not_found", detail))
        }
    }
}

/// `POST /v1/webhooks/{id}/replay`: tells it again of a stretch of the log, both ends included.
pub(super) async fn replay(
    dispatcher: Dispatcher,
    Path(id): Path<Uuid>,
    Json(Stretch { from_position: from, until_position: until }): Json<Stretch>,
) -> Result<Response, Problem> {
    dispatcher.subscription(id).await?;
    match subscriptions::replay(&dispatcher.db, id, from, until).await? {
        Replayed::Begun(replay) => {
            Ok((StatusCode::ACCEPTED, NO_STORE, Json(replay)).into_response())
        }
        Replayed::Busy => {
            let detail = "a replay of this webhook is under way";
            Err(Problem::new(StatusCode::CONFLICT, "replay_under_way", detail))
        }
        Replayed::Unknown { head } => {
            let pointer =
                if from < 1 || from > head { "/from_position" } else { "/until_position" };
            let detail = format!("positions go from 1 to {head}, the first one first");
            Err(invalid_body().pointer(pointer, "position_unknown", detail))
        }
    }
}
