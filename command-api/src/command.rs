//! From a parsed command to its answer: what the writer is asked, and what its answer means in
//! HTTP. Used alike by the routes and the batch; knows neither sockets nor streams.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{ETAG, HeaderName, HeaderValue, LOCATION};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::{Category, Command};
use event_store::{Answer, Outcome, Request, SubmitError};
use serde::Serialize;
use service::problem::Problem;
use uuid::Uuid;

use crate::headers::{Conditions, Expected};
use crate::routes::{Address, Edge, Route};
use crate::{fingerprint, problem};

const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A command, ready for the writer.
pub struct Prepared {
    /// What the writer is asked.
    pub request: Request,
    /// How it is answered if it is accepted.
    pub success: Success,
}

/// How an accepted command is answered.
#[derive(Clone, Copy, Debug)]
pub struct Success {
    /// What the command is called in a batch.
    pub name: &'static str,
    /// 201 if it made something, 202 if the gateway has yet to do it, 200 otherwise.
    pub status: StatusCode,
    /// What its subject is.
    pub category: Category,
}

/// What an accepted command came to, as the client sees it.
#[derive(Clone, Debug, Serialize)]
pub struct Accepted {
    /// The id of the command's subject.
    pub id: String,
    /// The version of the subject's stream.
    pub version: i64,
    /// The position to read from, to see it.
    pub position: i64,
}

/// Makes the writer's request out of a command as it came in.
///
/// # Errors
/// A 4xx problem: the body is not the command's, a key is missing, or the condition can never hold.
pub fn prepare(
    route: &Route,
    address: &Address,
    body: &[u8],
    conditions: Conditions,
    edge: &Edge,
) -> Result<Prepared, Problem> {
    let Conditions { key, expected } = conditions;
    let command = route.parse(address, body, edge)?;
    if key.is_none() && route.needs_key {
        return Err(problem::key_required());
    }
    let version = match expected {
        Expected::Version(version) => Some(version),
        // A target that does not exist refuses anything but being made.
        Expected::Exists if command.creates() && command.target() == command.subject() => {
            return Err(problem::nothing_to_match());
        }
        Expected::Exists | Expected::Anything => None,
    };
    // Only a key is ever compared by it.
    let fingerprint = match &key {
        None => Uuid::nil(),
        Some(_) => fingerprint::of(route, address, &command, body, expected)?,
    };
    let success = success(route, &command);
    let request = Request {
        key: key.map(|key| edge.caller.key(&key)),
        fingerprint,
        expected: version,
        actor: Some(edge.caller.actor()),
        correlation_id: Some(edge.request_id),
        ..Request::new(command, edge.now)
    };
    Ok(Prepared { request, success })
}

fn success(route: &Route, command: &Command) -> Success {
    let status = match command {
        command if (route.is_later)(command) => StatusCode::ACCEPTED,
        command if command.creates() => StatusCode::CREATED,
        _ => StatusCode::OK,
    };
    Success { name: route.name, status, category: command.subject().category() }
}

/// What the writer's answer means for the client.
pub struct Conclusion {
    /// What it came to, or the problem to answer with.
    pub result: Result<Accepted, Problem>,
    /// Whether it is the kept answer to an earlier command of the same key.
    pub replayed: bool,
}

impl Success {
    /// What the writer's answer to this command means. Counts it.
    pub fn conclude(self, answer: Result<Answer, SubmitError>) -> Conclusion {
        event_store::metrics::count(self.name, &answer);
        Conclusion::of(answer)
    }
}

impl Conclusion {
    fn of(answer: Result<Answer, SubmitError>) -> Self {
        let Answer { outcome, position, replayed } = match answer {
            Ok(answer) => answer,
            Err(error) => {
                return Self { result: Err(problem::of_submit_error(error)), replayed: false };
            }
        };
        let result = match outcome {
            Outcome::Accepted { id, version } => Ok(Accepted { id, version, position }),
            Outcome::Refused(refusal) => Err(problem::of_refusal(&refusal, position)),
        };
        Self { result, replayed }
    }
}

/// The HTTP response to a command that was decided.
pub fn respond(success: Success, conclusion: Conclusion) -> Response {
    let Conclusion { result, replayed } = conclusion;
    let mut response = match result {
        Ok(accepted) => accept(success, &accepted),
        Err(problem) => problem.into_response(),
    };
    if replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

fn accept(success: Success, accepted: &Accepted) -> Response {
    let mut response = (success.status, Json(accepted)).into_response();
    let headers = response.headers_mut();
    headers.insert(ETAG, text(format!("\"{}\"", accepted.version)));
    if success.status != StatusCode::OK {
        let collection = success.category.name();
        headers.insert(LOCATION, text(format!("/v1/{collection}s/{}", accepted.id)));
    }
    response
}

fn text(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("ids and versions are printable ASCII")
}
