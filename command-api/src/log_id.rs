//! `Log-Id`: which log an answer is about, and which one a request is for. Positions and versions
//! mean something in one log alone; whoever keeps them keeps its id with them, and learns by it
//! that the log was restored or is a copy.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use event_store::Writer;
use service::problem::Problem;
use uuid::Uuid;

use crate::problem;

/// The header that carries it, both ways.
pub const HEADER: HeaderName = HeaderName::from_static("log-id");

/// Says with an answer which log it is about.
pub fn tell(response: &mut Response, writer: &Writer) {
    let mut text = Uuid::encode_buffer();
    if let Some(log_id) = writer.log_id()
        && let Ok(value) = HeaderValue::from_str(log_id.hyphenated().encode_lower(&mut text))
    {
        response.headers_mut().insert(HEADER, value);
    }
}

/// Refuses what is for another log.
///
/// # Errors
/// 400 or 409, for what is no id and the id of another log; 503, where that cannot be known.
pub async fn check(headers: &HeaderMap, writer: &Writer) -> Result<(), Problem> {
    let Some(given) = headers.get(HEADER) else { return Ok(()) };
    let given: Option<Uuid> = given.to_str().ok().and_then(|text| text.parse().ok());
    let given = given.ok_or_else(problem::invalid_log_id)?;
    match writer.is_another(given).await? {
        None => Ok(()),
        Some(log_id) => Err(problem::another_log(log_id)),
    }
}
