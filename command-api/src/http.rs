//! One command over HTTP: the body read within its bounds, the command submitted, the answer sent.
//! Everything a request may hold on to is bounded here: its bytes, its time, and how many there
//! are at once.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use identity::guard::Caller;
use service::problem::Problem;
use service::request_id::RequestId;
use service::traced::Trace;
use service::unread::refuse;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use trace::TraceParent;

use crate::command::{Form, Pinned};
use crate::headers::Conditions;
use crate::routes::{Address, Route};
use crate::{App, command, document, problem};

/// The largest body of one command, in bytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// How long a body may take to come in.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(10);
/// How long the writer may take to answer. Longer than its own patience with the database, so that
/// it is nearly always the writer who tells what happened.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long a command may wait for its turn; then it is not begun. Longer than a restart of
/// Postgres usually takes, and no longer than most clients wait.
pub const TURN_TIME_MAX: Duration = Duration::from_secs(5);
/// Commands under way at once unless the process is told otherwise; more are turned away before
/// their body is read.
pub const IN_FLIGHT_MAX: u32 = 1_024;
/// Bytes of bodies held at once, of all commands under way; more are turned away. Sixty-four of the
/// largest; of usual ones there are never so many.
pub const BODIES_BYTES_MAX: usize = 64 * BODY_BYTES_MAX;

/// Takes one command and answers it.
pub async fn take_command(
    app: Arc<App>,
    route: &'static Route,
    caller: Caller,
    request: Request,
) -> Response {
    let Ok(_under_way) = app.in_flight.try_acquire() else {
        return refuse(request, problem::overloaded()).await;
    };
    answer(&app, route, &caller, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    app: &App,
    route: &'static Route,
    caller: &Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let (address, conditions) = head(&mut parts).await?;
    let (body, _held) = read(app, &parts.headers, body).await?;
    let edge = app.edge(origin(&mut parts).await, caller.principal, caller.was_guest);
    let wants_document = conditions.wants_document;
    let prepared = command::prepare(route, &address, &body, conditions, &edge)?;
    let Pinned { request, success, note } = prepared.pin(app, &edge).await?;
    let answer = timeout(ANSWER_TIME_MAX, app.writer.submit_soon(request, TURN_TIME_MAX))
        .await
        .map_err(|_| problem::no_answer_in_time())?;
    let conclusion = success.conclude(answer, note).await;
    let document = match &conclusion.result {
        Ok(accepted) if wants_document => {
            let (db, category) = (app.writer.db(), success.category);
            Box::pin(document::after(db, category, &accepted.id, accepted.position)).await
        }
        _ => None,
    };
    Ok(command::respond(success, conclusion, Form { query_url: &app.query_url, document }))
}

/// What a request says before its body: what it is for, and how it is to be taken.
///
/// # Errors
/// 400, for a path or a header that cannot be read.
pub async fn head(parts: &mut Parts) -> Result<(Address, Conditions), Problem> {
    Ok((address(parts).await?, Conditions::of(&parts.headers)?))
}

async fn address(parts: &mut Parts) -> Result<Address, Problem> {
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| problem::invalid_path("path", "must be UTF-8".to_owned()))?;
    let mut address = Address::default();
    for (name, value) in &params {
        match name {
            "id" => address.id = Some(value.to_owned()),
            "sku" => address.sku = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(address)
}

/// The id of the request, and where it belongs in a trace.
pub(crate) async fn origin(parts: &mut Parts) -> (uuid::Uuid, Option<TraceParent>) {
    let Ok(id) = RequestId::from_request_parts(parts, &()).await;
    let Ok(Trace(trace)) = Trace::from_request_parts(parts, &()).await;
    (id.uuid(), trace)
}

/// The whole body, within its bounds, and its share of what all bodies may hold. A body that is not
/// empty must say that it is JSON.
pub(crate) async fn read<'a>(
    app: &'a App,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, SemaphorePermit<'a>), Problem> {
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(problem::body_too_large(BODY_BYTES_MAX));
    }
    let collecting = timeout(BODY_TIME_MAX, collect(&app.bodies, body));
    let (body, held) = collecting.await.map_err(|_| problem::slow_body())??;
    if body.is_empty() || media_type(headers).is_some_and(is_json) {
        Ok((body, held))
    } else {
        Err(problem::unsupported_media_type("application/json"))
    }
}

async fn collect(room: &Semaphore, body: Body) -> Result<(Bytes, SemaphorePermit<'_>), Problem> {
    let mut body = Limited::new(body, BODY_BYTES_MAX);
    let mut whole = BytesMut::new();
    let mut held = take(room, 0)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let too_large = error.is::<LengthLimitError>();
            if too_large {
                problem::body_too_large(BODY_BYTES_MAX)
            } else {
                problem::incomplete_body()
            }
        })?;
        let Ok(piece) = frame.into_data() else { continue };
        held.merge(take(room, piece.len())?);
        whole.extend_from_slice(&piece);
    }
    Ok((whole.freeze(), held))
}

fn take(room: &Semaphore, bytes: usize) -> Result<SemaphorePermit<'_>, Problem> {
    let bytes = u32::try_from(bytes).map_err(|_| problem::body_too_large(BODY_BYTES_MAX))?;
    room.try_acquire_many(bytes).map_err(|_| problem::overloaded())
}

/// The media type of the body, without its parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim)
}

fn is_json(media_type: &str) -> bool {
    let suffixed = || {
        let media_type = media_type.to_ascii_lowercase();
        media_type.starts_with("application/") && media_type.ends_with("+json")
    };
    media_type.eq_ignore_ascii_case("application/json") || suffixed()
}
