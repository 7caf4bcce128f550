//! Path and query parameters, refused with the name of what is wrong.

use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
/// Has what is empty count as what is not there, where that is not so by itself: for a field of a
/// query that is no number.
pub use serde_html_form::de::empty_as_none;

use crate::json::in_words_of_json;
use crate::problem::Problem;

/// The longest query string that is read, in bytes.
pub const QUERY_BYTES_MAX: usize = 8 * 1024;

/// The parameters of the path. Wrong ones are answered `invalid_path`.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let error = match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => return Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => error,
            Err(other) => {
                tracing::error!(error = %other, "a route without its path parameters");
                return Err(Problem::internal());
            }
        };
        let name = match error.kind() {
            ErrorKind::ParseErrorAtKey { key, .. }
            | ErrorKind::InvalidUtf8InPathParam { key }
            | ErrorKind::DeserializeError { key, .. } => key.clone(),
            // A lone parameter is read as a value, without its name.
            _ => lone_name(parts, state).await.unwrap_or_else(|| "path".to_owned()),
        };
        let detail = "the path names nothing that can exist";
        Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_path", detail).parameter(
            name,
            "invalid_value",
            of_a_path(error.kind()),
        ))
    }
}

/// What was wrong with a value in a path, without the value.
fn of_a_path(error: &ErrorKind) -> String {
    match error {
        ErrorKind::DeserializeError { message, .. } | ErrorKind::Message(message) => {
            in_words_of_json(message)
        }
        ErrorKind::InvalidUtf8InPathParam { .. } => "must be UTF-8".to_owned(),
        ErrorKind::ParseErrorAtKey { expected_type, .. }
        | ErrorKind::ParseErrorAtIndex { expected_type, .. }
        | ErrorKind::ParseError { expected_type, .. } => {
            in_words_of_json(&format!("invalid type: string, expected {expected_type}"))
        }
        _ => "is not what is wanted".to_owned(),
    }
}

async fn lone_name<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<String> {
    let names = RawPathParams::from_request_parts(parts, state).await.ok()?;
    names.iter().next().map(|(name, _)| name.to_owned())
}

/// The parameters of the query; a repeated one fills a `Vec`. Wrong ones, and with
/// `deny_unknown_fields` unknown ones, are answered `invalid_query`.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// The parameters of a query string.
///
/// # Errors
/// 400 `invalid_query`, with the name of the parameter that is wrong.
pub fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let refuse = |detail| Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail);
    if query.len() > QUERY_BYTES_MAX {
        return Err(refuse(format!("the query may have at most {QUERY_BYTES_MAX} bytes")));
    }
    // Postgres knows no NUL in text: better refused here than by a query.
    if query.contains("%00") {
        return Err(refuse("the query holds a NUL".to_owned()));
    }
    let pairs = serde_html_form::Deserializer::from_bytes(query.as_bytes());
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let name = error.path().to_string();
        let detail = error.into_inner().to_string();
        let code = if detail.starts_with("unknown field") {
            "unknown_parameter"
        } else if detail.starts_with("missing field") {
            "missing_parameter"
        } else {
            "invalid_value"
        };
        let detail = in_words_of_json(&detail);
        refuse("a parameter of the query is wrong".to_owned()).parameter(name, code, detail)
    })
}
