//! `Log-Id`: which log an answer is about, and which one a request is for. Positions and versions
//! mean something in one log alone; whoever keeps them keeps its id with them, and learns by it
//! that the log was restored or is a copy.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use event_store::Writer;
use service::problem::Problem;
use service::unread::refuse;
use uuid::Uuid;

use crate::problem;

/// The header that carries it, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("log-id");

/// Refuses what is for another log, and says with each answer which one this is.
pub async fn check(State(writer): State<Writer>, request: Request, next: Next) -> Response {
    let allowed = is_for(request.headers(), &writer).await;
    let mut response = match allowed {
        Ok(()) => next.run(request).await,
        Err(problem) => refuse(request, problem).await,
    };
    if let Some(log_id) = writer.log_id()
        && let Ok(value) = HeaderValue::from_str(&log_id.to_string())
    {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

async fn is_for(headers: &HeaderMap, writer: &Writer) -> Result<(), Problem> {
    let Some(given) = headers.get(HEADER) else { return Ok(()) };
    let given: Option<Uuid> = given.to_str().ok().and_then(|text| text.parse().ok());
    let given = given.ok_or_else(problem::invalid_log_id)?;
    match writer.is_another(given).await? {
        None => Ok(()),
        Some(log_id) => Err(problem::another_log(log_id)),
    }
}
