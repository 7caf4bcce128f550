//! The body of a request as JSON, refused with the place of what is wrong.

use std::fmt::Write as _;

use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::problem::Problem;

/// The largest JSON body that is read, in bytes. Streams have bounds of their own.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// A JSON body. As an extractor it wants `application/json`, at most [`BODY_BYTES_MAX`] and
/// exactly one JSON value; as an answer it writes one.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be application/json",
            ));
        }
        let body = Bytes::from_request(request, state).await.map_err(|error| unread(&error))?;
        parse(&body).map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// One JSON value from bytes: `malformed_json` if it is none, `invalid_body` with a pointer if it
/// is another than `T` wants.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        refuse(error.inner(), pointer)
    })?;
    reader.end().map_err(|error| refuse(&error, String::new()))?;
    Ok(value)
}

fn refuse(error: &serde_json::Error, pointer: String) -> Problem {
    let detail = error.to_string();
    match error.classify() {
        serde_json::error::Category::Data => {
            let code = if detail.starts_with("missing field") {
                "missing_field"
            } else if detail.starts_with("unknown field") {
                "unknown_field"
            } else {
                "invalid_value"
            };
            let detail = in_words_of_json(&detail);
            Problem::new(StatusCode::BAD_REQUEST, "invalid_body", "the body is not what is wanted")
                .pointer(pointer, code, detail)
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail),
    }
}

/// What was wrong with a value, without the names of our types, which say nothing to who sent it,
/// and without the line and column, for the pointer says where.
fn in_words_of_json(detail: &str) -> String {
    let detail = detail.rsplit_once(" at line ").map_or(detail, |(detail, _)| detail);
    let detail = detail.replacen("unknown variant", "unknown value", 1);
    let Some((what, expected)) = detail.rsplit_once(", expected ") else { return detail };
    let expected = match expected {
        "a map" => "an object",
        "a sequence" => "an array",
        "f32" | "f64" => "a number",
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        _ if is_named(expected, &["struct ", "tuple struct ", "unit struct "]) => "an object",
        _ if is_named(expected, &["enum "]) => "one of its values",
        expected => expected,
    };
    format!("{what}, expected {expected}")
}

fn is_named(expected: &str, kinds: &[&str]) -> bool {
    kinds.iter().any(|kind| expected.starts_with(kind))
}

fn unread(rejection: &BytesRejection) -> Problem {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                format!("the body may have at most {BODY_BYTES_MAX} bytes"),
            )
        }
        _ => Problem::new(StatusCode::BAD_REQUEST, "incomplete_body", "the body broke off"),
    }
}

/// `application/json`, with or without parameters, or any `application/…+json`.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// RFC 6901: `~` and `/` inside a name are escaped; the whole body is the empty pointer.
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => {
                // Writing to a string cannot fail.
                let _ = write!(pointer, "{index}");
            }
            Segment::Map { key: name } | Segment::Enum { variant: name } => {
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Wire {
        units: Option<u32>,
        words: Option<Vec<String>>,
        names: Option<BTreeMap<String, String>>,
        inner: Option<Box<Wire>>,
        method: Option<Method>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Method {
        Card,
        Cash,
    }

    #[test]
    fn what_is_wrong_is_said_in_words_of_json() {
        for (body, pointer, detail) in [
            ("7", "", "invalid type: integer `7`, expected an object"),
            (r#"{"inner":"9.00"}"#, "/inner", "invalid type: string \"9.00\", expected an object"),
            (r#"{"units":"1"}"#, "/units", "invalid type: string \"1\", expected a whole number"),
            (r#"{"units":-1}"#, "/units", "invalid value: integer `-1`, expected a whole number"),
            (r#"{"words":"a"}"#, "/words", "invalid type: string \"a\", expected an array"),
            (r#"{"names":["a"]}"#, "/names", "invalid type: sequence, expected an object"),
            (r#"{"method":"gold"}"#, "/method", "unknown value `gold`, expected `card` or `cash`"),
            (
                r#"{"unit":1}"#,
                "/unit",
                "unknown field `unit`, expected one of `units`, `words`, `names`, `inner`, \
                 `method`",
            ),
        ] {
            let problem = parse::<Wire>(body.as_bytes()).unwrap_err();
            let problem = serde_json::to_value(problem).unwrap();
            let told = (&problem["errors"][0]["pointer"], &problem["errors"][0]["detail"]);
            assert_eq!(told, (&pointer.into(), &detail.into()), "{body}");
        }
    }
}
