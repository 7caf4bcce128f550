//! `Log-Id`: which log an answer is about, and which one a request is for. Positions and versions
//! mean something in one log alone; whoever keeps them keeps its id with them, and learns by it
//! that the log was restored or is a copy. Under an id that the log had before, what goes by
//! nothing that was read may be asked.

use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use event_store::Writer;
use service::problem::Problem;
use uuid::Uuid;

use crate::headers::{Conditions, Expected, LOG_ID, log_id};
use crate::problem;

/// Says with an answer which log it is about.
pub fn tell(response: &mut Response, writer: &Writer) {
    let mut text = Uuid::encode_buffer();
    if let Some(log_id) = writer.log_id()
        && let Ok(value) = HeaderValue::from_str(log_id.hyphenated().encode_lower(&mut text))
    {
        response.headers_mut().insert(LOG_ID, value);
    }
}

/// Refuses what is for another log.
///
/// # Errors
/// 400 or 409, for what is no id and the id of another log; 503, where that cannot be known.
pub async fn check(headers: &HeaderMap, writer: &Writer) -> Result<(), Problem> {
    // What is no condition is told where conditions are read.
    let expected = Conditions::of(headers).map(|conditions| conditions.expected);
    // A version says nothing of when it was.
    let goes_by_it = matches!(expected, Ok(Expected::Tag(_)));
    must_be(headers, writer, (!goes_by_it).then_some(0)).await
}

/// The same where each line may have a condition of its own: an id that the log had before is not
/// enough.
///
/// # Errors
/// The same.
pub async fn check_lines(headers: &HeaderMap, writer: &Writer) -> Result<(), Problem> {
    must_be(headers, writer, None).await
}

async fn must_be(headers: &HeaderMap, writer: &Writer, seen: Option<i64>) -> Result<(), Problem> {
    let Some(given) = log_id(headers)? else { return Ok(()) };
    match writer.is_another(given, seen).await? {
        None => Ok(()),
        Some(log_id) => Err(problem::another_log(log_id)),
    }
}
