//! `/v1/orders/{id}/live`: an order's document as it becomes another, as server-sent events.
//!
//! A path of its own: what is under `/v1/orders/{id}` has an `ETag` and may be kept, and a client
//! that accepts anything must not get a stream without an end there.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use event_store::read;
use futures::stream;
use identity::Principal;
use service::Problem;
use service::extract::Path;

use crate::app::App;
use crate::document::respond;
use crate::following::{FollowOrder, OrderFollower};
use crate::fresh::Prefer;
use crate::log;
use crate::one::{Id, Resource as _};
use crate::queue::Who;
use crate::resources::event::{LAST_EVENT_ID, LastEvent, server_sent};
use crate::resources::order::Order;

/// `GET /v1/orders/{id}/live`
pub async fn live(
    State(app): State<App>,
    Path(id): Path<Id>,
    prefer: Prefer,
    principal: Principal,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let last = headers.get(LAST_EVENT_ID).map(LastEvent::read).transpose()?;
    let mut db = app.queue.connection(Who::Newcomer).await?;
    let log = read::log(&mut *db).await?;
    drop(db);
    log::must_be(log.id, log::asked_for(&headers)?)?;
    log::must_be(log.id, last.and_then(|last| last.log_id))?;
    let last = last.map(|last| last.position);
    let wanted = FollowOrder { principal, id, prefer, log: (log.id, log.head), last };
    let Some(follower) = OrderFollower::begin(app, wanted).await? else {
        return Ok(respond(&headers, Order::NAME, None));
    };
    Ok(server_sent(stream::unfold(follower, |mut follower| async {
        let frame = follower.next().await?;
        Some((frame, follower))
    })))
}
