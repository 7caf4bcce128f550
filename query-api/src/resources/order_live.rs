//! `/v1/orders/{id}/live`: an order's document as it becomes another, as server-sent events;
//! `/v1/orders/{id}/live/ws`: the same over a WebSocket.
//!
//! A path of its own: what is under `/v1/orders/{id}` has an `ETag` and may be kept, and a client
//! that accepts anything must not get a stream without an end there.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use bytes::Bytes;
use event_store::read;
use futures::{Stream, stream};
use identity::Principal;
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;
use service::extract::{Path, Query};
use service::rates::Whence;

use crate::app::App;
use crate::document::respond;
use crate::following::{FollowOrder, OrderFollower};
use crate::frames::Framing;
use crate::fresh::Prefer;
use crate::log;
use crate::one::{Id, Resource as _};
use crate::pass::Pass;
use crate::queue::Who;
use crate::resources::event::{LastEvent, server_sent};
use crate::resources::order::Order;
use crate::socket::Socket;

/// Where somebody was.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Where it broke off: the `id` of the last message.
    last_event_id: Option<String>,
}

/// `GET /v1/orders/{id}/live`
pub async fn live(
    State(app): State<App>,
    Path(id): Path<Id>,
    prefer: Prefer,
    caller: (Principal, Whence),
    headers: HeaderMap,
    pass: Pass,
) -> Result<Response, Problem> {
    let last = LastEvent::of(&headers, None)?;
    let asks = (caller, id, prefer);
    match follower(app, asks, &headers, last, Framing::ServerSent).await? {
        Some(follower) => Ok(server_sent(pass.hold(frames(follower)))),
        None => Ok(respond(&headers, Order::NAME, None)),
    }
}

/// `GET /v1/orders/{id}/live/ws`
pub async fn socket(
    State(app): State<App>,
    Path(id): Path<Id>,
    Query(parameters): Query<Parameters>,
    (prefer, caller, headers): (Prefer, (Principal, Whence), HeaderMap),
    pass: Pass,
    socket: Socket,
) -> Result<Response, Problem> {
    let last = LastEvent::of(&headers, parameters.last_event_id.as_deref())?;
    let (asks, stop) = ((caller, id, prefer), app.live.stop.clone());
    match follower(app, asks, &headers, last, Framing::Line).await? {
        Some(follower) => Ok(socket.send(pass.hold(frames(follower)), stop)),
        None => Ok(respond(&headers, Order::NAME, None)),
    }
}

/// Whoever may follow it; none where there is no such order for them.
async fn follower(
    app: App,
    ((principal, whence), id, prefer): ((Principal, Whence), Id, Prefer),
    headers: &HeaderMap,
    last: Option<LastEvent>,
    framing: Framing,
) -> Result<Option<OrderFollower>, Problem> {
    let mut db = app.queue.connection(Who::Newcomer).await?;
    let log = read::log(&mut *db).await?;
    log::must_be(log.id, log::asked_for(headers)?)?;
    if let Some(LastEvent { position, log_id }) = last {
        log::must_share(&mut db, log.id, log_id, position).await?;
    }
    drop(db);
    let last = last.map(|last| last.position);
    let log = (log.id, log.head);
    let wanted = FollowOrder { principal, whence, id, prefer, log, last, framing };
    OrderFollower::begin(app, wanted).await
}

impl FromRequestParts<App> for Whence {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers, &parts.extensions, app.proxies))
    }
}

fn frames(follower: OrderFollower) -> impl Stream<Item = Bytes> + Send + 'static {
    stream::unfold(follower, |mut follower| async {
        let frame = follower.next().await?;
        Some((frame, follower))
    })
}
