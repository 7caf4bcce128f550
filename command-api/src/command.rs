//! From a parsed command to its answer: what the writer is asked, and what its answer means in
//! HTTP. Used alike by the routes and the batch; knows neither sockets nor streams.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{Category, Command};
use event_store::{Answer, Outcome, Request, SubmitError};
use schemars::JsonSchema;
use serde::Serialize;
use service::problem::Problem;
use uuid::{Uuid, Version};

use crate::document::{self, Representation};
use crate::headers::{Conditions, Expected};
use crate::routes::{Address, Edge, Route};
use crate::{App, fingerprint, notes, people, problem};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A command, ready for the writer.
pub struct Prepared {
    /// What the writer is asked.
    pub request: Box<Request>,
    /// How it is answered if it is accepted.
    pub success: Success,
    /// The second number of the tag that the caller read.
    pub read_at: Option<i64>,
}

impl Prepared {
    /// What the writer is asked. Where the caller read a document that is made of several streams,
    /// the versions that they had there are looked up, and the writer compares them: all that was
    /// read must still be so when the command takes effect, or it does not. What it says about
    /// people goes into the vault, where there is one; a note of it is to be kept once the command
    /// is accepted.
    ///
    /// # Errors
    /// 503, where the log cannot be read; as [`people::put_away`] and [`notes::put_away`].
    pub async fn pin(self, app: &App, edge: &Edge) -> Result<Pinned, Problem> {
        let Self { mut request, success, read_at } = self;
        let mut note = None;
        // Boxed, as few commands come here: every one would be moved about with the room for it.
        if let Some(position) = read_at {
            let (db, target) = (app.writer.db(), request.command.target());
            request.unmoved = Box::pin(document::parts_at(db, &target, position)).await?;
        }
        if let Some(vault) = &app.vault {
            let db = app.writer.db();
            if let Some(putting_away) = people::put_away(vault, db, &mut request.command, edge) {
                putting_away.await?;
            }
            if let Some(written) = notes::written(&mut request.command) {
                note = Box::pin(notes::put_away(vault, db, written, edge)).await?;
            }
        }
        Ok(Pinned { request, success, note })
    }
}

/// A command as the writer is asked it.
pub struct Pinned {
    /// What the writer is asked.
    pub request: Box<Request>,
    /// How it is answered if it is accepted.
    pub success: Success,
    /// What was written into it.
    pub note: Option<notes::Sealed>,
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

/// How an answer is given beyond what it says.
#[derive(Clone, Debug, Default)]
pub struct Form<'a> {
    /// What `Location` begins with.
    pub query_url: &'a str,
    /// The document after the command, in place of its id, version and position.
    pub document: Option<Representation>,
}

/// What an accepted command came to, as the client sees it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
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
    let Conditions { key, expected, log_id, .. } = conditions;
    let kept_under = key.as_deref().map(|key| edge.principal.key(key));
    let edge = &Edge { key: kept_under.clone(), ..edge.clone() };
    let command = route.parse(address, body, edge)?;
    if key.is_none() && (route.needs_key)(&command) {
        return Err(problem::key_required());
    }
    if key.as_deref().and_then(made_at).is_some_and(|made_at| made_at < edge.now - edge.kept) {
        return Err(problem::key_expired(edge.kept));
    }
    let tag = match expected {
        Expected::Tag(tag) => Some(tag),
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
    // Boxed, as it is handed on many times until it is decided.
    let request = Box::new(Request {
        key: kept_under,
        fingerprint,
        expected: tag.map(|tag| tag.version),
        // It may become another one until then, with other events under the same versions.
        log_id: tag.and(log_id),
        by: edge.principal.by(),
        actor: Some(edge.principal.actor()),
        correlation_id: Some(edge.request_id),
        trace: edge.trace,
        ..Request::new(command, edge.now)
    });
    let read_at = tag.and_then(|tag| tag.second);
    Ok(Prepared { request, success, read_at })
}

/// When a key was made, if it says so: UUIDs of version 7 do, and of them alone it can be known
/// that an answer may have been given and forgotten.
fn made_at(key: &str) -> Option<DateTime<Utc>> {
    let id = Uuid::try_parse(key).ok().filter(|id| id.get_version() == Some(Version::SortRand))?;
    let (seconds, _) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, 0)
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
    /// What the writer's answer to this command means. Counts it, and keeps what was written into
    /// one that was accepted.
    pub async fn conclude(
        self,
        answer: Result<Answer, SubmitError>,
        note: Option<notes::Sealed>,
    ) -> Conclusion {
        event_store::metrics::count(self.name, &answer);
        let mut conclusion = Conclusion::of(answer);
        if conclusion.result.is_ok()
            && let Some(note) = note
            && let Err(problem) = Box::pin(note.keep()).await
        {
            conclusion.result = Err(problem);
        }
        conclusion
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
pub fn respond(success: Success, conclusion: Conclusion, form: Form<'_>) -> Response {
    let Conclusion { result, replayed } = conclusion;
    let mut response = match result {
        Ok(accepted) => accept(success, &accepted, form),
        Err(problem) => problem.into_response(),
    };
    if replayed {
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

fn accept(success: Success, accepted: &Accepted, form: Form<'_>) -> Response {
    let Form { query_url, document } = form;
    let (mut response, tag) = match document {
        None => {
            let response = (success.status, Json(accepted)).into_response();
            (response, format!("\"{}\"", accepted.version))
        }
        Some(Representation { json, tag }) => {
            let json_type = (CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let applied = (PREFERENCE_APPLIED, HeaderValue::from_static("return=representation"));
            ((success.status, [json_type, applied], json).into_response(), tag)
        }
    };
    let headers = response.headers_mut();
    headers.insert(ETAG, text(tag));
    if success.status != StatusCode::OK {
        let collection = success.category.name();
        headers.insert(LOCATION, text(format!("{query_url}/v1/{collection}s/{}", accepted.id)));
    }
    response
}

fn text(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("ids and versions are printable ASCII")
}
