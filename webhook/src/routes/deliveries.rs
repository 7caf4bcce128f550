//! What was sent to a subscription, what was given up, and what is sent again.

use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;
use service::extract::{Path, Query};
use service::json::Json;
use service::paging::{self, Limit, Page};
use uuid::Uuid;

use super::{NO_STORE, invalid_body};
use crate::Dispatcher;
use crate::deliveries::{self as kept, Key, State};
use crate::subscriptions::{self, Replayed};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The dead letters, if nothing is said.
    #[serde(default)]
    state: State,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
    /// The `next` of the page before.
    cursor: Option<String>,
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
    uri: Uri,
) -> Result<Response, Problem> {
    let after = paging::read("deliveries", cursor.as_deref())?;
    dispatcher.subscription(id).await?;
    let rows = kept::list(&dispatcher.db, id, state, after, limit.and_one()).await?;
    Ok(Page::of(rows, limit, "deliveries", |delivery| delivery.id).respond(&uri))
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
