//! One command over HTTP: the body read within its bounds, the command submitted, the answer sent.
//! Everything a request may hold on to is bounded here: its bytes, its time, and how many there
//! are at once.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use service::problem::Problem;
use service::request_id::RequestId;
use tokio::time::timeout;

use crate::headers::Conditions;
use crate::routes::{Address, Route};
use crate::{App, execute, problem};

/// The largest body of one command, in bytes.
pub const BODY_BYTES_MAX: usize = 1 << 20;
/// How long a body may take to come in.
pub const BODY_TIME_MAX: Duration = Duration::from_secs(10);
/// How long the writer may take to answer. Longer than its own patience with the database, so that
/// it is nearly always the writer who tells what happened.
pub const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);
/// Commands under way at once; more are turned away before their body is read.
pub const IN_FLIGHT_MAX: usize = 1_024;

/// Takes one command and answers it.
pub async fn command(app: App, route: &'static Route, request: Request) -> Response {
    answer(&app, route, request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(app: &App, route: &'static Route, request: Request) -> Result<Response, Problem> {
    let _under_way = app.in_flight.try_acquire().map_err(|_| problem::overloaded())?;
    let (mut parts, body) = request.into_parts();
    let address = address(&mut parts).await?;
    let conditions = Conditions::of(&parts.headers)?;
    let body = read(&parts.headers, body).await?;
    let edge = app.edge(request_id(&mut parts).await);
    let prepared = execute::prepare(route, &address, &body, conditions, &edge)?;
    let answer = timeout(ANSWER_TIME_MAX, app.writer.submit(prepared.request))
        .await
        .map_err(|_| problem::no_answer_in_time())?;
    Ok(execute::respond(prepared.success, answer.into()))
}

async fn address(parts: &mut Parts) -> Result<Address, Problem> {
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|rejection| problem::invalid_path("path", rejection.body_text()))?;
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

pub(crate) async fn request_id(parts: &mut Parts) -> uuid::Uuid {
    let Ok(RequestId(id)) = RequestId::from_request_parts(parts, &()).await;
    id
}

/// The whole body, within its bounds. A body that is not empty must say that it is JSON.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(problem::body_too_large());
    }
    let body = timeout(BODY_TIME_MAX, Limited::new(body, BODY_BYTES_MAX).collect())
        .await
        .map_err(|_| problem::slow_body())?
        .map_err(|error| {
            let too_large = error.is::<LengthLimitError>();
            if too_large { problem::body_too_large() } else { problem::incomplete_body() }
        })?
        .to_bytes();
    if body.is_empty() || media_type(headers).is_some_and(is_json) {
        Ok(body)
    } else {
        Err(problem::unsupported_media_type("application/json"))
    }
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
