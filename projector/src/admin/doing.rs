//! What is done at once: the answer says what came of it, as the record does.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use identity::Principal;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use service::Problem;
use service::finish::finish;
use service::json::Json;

use super::asked::{NO_STORE, Named, Nothing, Office, Told};
use super::refused::{conflict, problem};
use crate::operations::{self, Hand, HandError, RELEASED_FOR, RELEASED_FOR_MAX};
use crate::outcome;
use crate::projection::Projection;

/// For how long nobody takes it who had it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Release {
    /// Seconds.
    #[schemars(range(min = 1, max = RELEASED_FOR_MAX))]
    seconds: Option<u64>,
}

/// What is folded again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Retry {
    /// This stream alone; all that are set aside without it.
    stream: Option<String>,
}

/// What is left out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Skip {
    /// Where it happened.
    stream: String,
    /// Which event.
    position: i64,
    /// Why, for the record.
    reason: String,
}

fn told(outcome: Value) -> Response {
    (NO_STORE, Json(outcome)).into_response()
}

/// Does something to its end, whether or not whoever asked for it waits.
async fn do_by_hand<T: Send + 'static>(
    Office { db, .. }: Office,
    projection: &'static Projection,
    who: Principal,
    work: impl for<'a> FnOnce(Hand<'a>) -> BoxFuture<'a, Result<T, HandError>> + Send + 'static,
) -> Result<T, Problem> {
    let by = who.actor();
    let done = finish(async move { work(Hand { db: &db, projection, by: &by }).await }).await;
    done.map_err(problem)
}

/// `POST /admin/projections/{name}/pause`
pub(super) async fn pause(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Nothing {}): Told<Nothing>,
) -> Result<Response, Problem> {
    let changed =
        do_by_hand(office, projection, who, |hand| operations::pause(hand).boxed()).await?;
    Ok(told(outcome::paused(true, changed)))
}

/// `POST /admin/projections/{name}/resume`
pub(super) async fn resume(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Nothing {}): Told<Nothing>,
) -> Result<Response, Problem> {
    let changed =
        do_by_hand(office, projection, who, |hand| operations::resume(hand).boxed()).await?;
    Ok(told(outcome::paused(false, changed)))
}

/// `POST /admin/projections/{name}/release`
pub(super) async fn release(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Release { seconds }): Told<Release>,
) -> Result<Response, Problem> {
    let seconds = seconds.unwrap_or(RELEASED_FOR);
    if !(1..=RELEASED_FOR_MAX).contains(&seconds) {
        let detail = "the body is not what is wanted";
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_body", detail);
        let bounds = format!("must be 1 to {RELEASED_FOR_MAX}");
        return Err(problem.pointer("/seconds", "invalid_value", bounds));
    }
    let keep_from = Duration::from_secs(seconds);
    let holders = do_by_hand(office, projection, who, move |hand| {
        operations::release(hand, keep_from).boxed()
    })
    .await?;
    if holders.is_empty() {
        return Err(conflict("held_by_nobody", "nobody works on it"));
    }
    Ok(told(outcome::released(&holders)))
}

/// `POST /admin/projections/{name}/cancel`
pub(super) async fn cancel(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Nothing {}): Told<Nothing>,
) -> Result<Response, Problem> {
    let called_off =
        do_by_hand(office, projection, who, |hand| operations::cancel(hand).boxed()).await?;
    if called_off.is_none() {
        return Err(conflict("nothing_under_way", "no build of it is being made"));
    }
    Ok(told(outcome::cancelled(called_off)))
}

/// `POST /admin/projections/{name}/retry`
pub(super) async fn retry(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Retry { stream }): Told<Retry>,
) -> Result<Response, Problem> {
    let is_one = stream.is_some();
    let retried = do_by_hand(office, projection, who, |hand| {
        async move { operations::retry(hand, stream.as_deref()).await }.boxed()
    })
    .await?;
    if is_one && retried.released.is_empty() && retried.stuck.is_empty() {
        return Err(conflict("not_parked", "this stream is not parked in it"));
    }
    Ok(told(outcome::retried(&retried)))
}

/// `POST /admin/projections/{name}/skip`
pub(super) async fn skip(
    State(office): State<Office>,
    Named(projection): Named,
    who: Principal,
    Told(Skip { stream, position, reason }): Told<Skip>,
) -> Result<Response, Problem> {
    let retried = do_by_hand(office, projection, who, move |hand| {
        async move { operations::skip(hand, &stream, position, &reason).await }.boxed()
    })
    .await?;
    Ok(told(outcome::retried(&retried)))
}
