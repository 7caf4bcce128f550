//! The body of a request as JSON, refused with the place of what is wrong.

mod by_name;
mod whole;
mod words;

use std::fmt::Write as _;

use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use self::by_name::ByName;
pub use self::whole::whole;
pub use self::words::TIME_WANTED;
pub(crate) use self::words::in_words_of_json;
use crate::problem::Problem;

/// The largest JSON body that is read, in bytes. Streams have bounds of their own.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// Members of a body that are wrong of which a refusal tells.
const WRONG_MAX: usize = 20;

/// With which some programs begin UTF-8, though RFC 8259 does not want it; who reads may leave it
/// out.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

type PathError = serde_path_to_error::Error<serde_json::Error>;

/// A JSON body. As an extractor it wants `application/json`, at most [`BODY_BYTES_MAX`] and
/// exactly one JSON value; as an answer it writes one.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be application/json",
            ));
        }
        DefaultBodyLimit::max(BODY_BYTES_MAX).apply(&mut request);
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
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(ByName(&mut reader));
    let value = value.map_err(|error| match error.inner().classify() {
        serde_json::error::Category::Data => all_wrong::<T>(body, &error),
        _ => malformed(error.inner()),
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_json", error.to_string())
}

/// Every member of an object that is wrong, not only the first: it is read again without those
/// that were found. Of one that is missing, and of a member's own members, only the first is found.
fn all_wrong<T: DeserializeOwned>(body: &[u8], first: &PathError) -> Problem {
    let mut wrong = Wrong::of(first);
    let problem =
        Problem::new(StatusCode::BAD_REQUEST, "invalid_body", "the body is not what is wanted");
    let mut problem = wrong.clone().told(problem);
    let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else { return problem };
    let mut taken_out: Vec<String> = Vec::new();
    while let Some(name) = wrong.member.take()
        && taken_out.len() < WRONG_MAX
        && members.remove(&name).is_some()
    {
        taken_out.push(name);
        let without = ByName(Value::Object(members.clone()));
        let Err(error) = serde_path_to_error::deserialize::<_, T>(without) else { break };
        wrong = Wrong::of(&error);
        // It is missing because it was taken out.
        if wrong.missing.as_ref().is_some_and(|name| taken_out.contains(name)) {
            break;
        }
        problem = wrong.clone().told(problem);
    }
    problem
}

/// One thing that is wrong with a body.
#[derive(Clone)]
struct Wrong {
    pointer: String,
    code: &'static str,
    detail: String,
    /// The member of the body it is in, if it is in one.
    member: Option<String>,
    /// The member of the body that is missing.
    missing: Option<String>,
}

impl Wrong {
    fn of(error: &PathError) -> Self {
        let detail = error.inner().to_string();
        let quoted = |what: &str| {
            let name = detail.strip_prefix(what)?.strip_prefix(" `")?.split('`').next()?;
            Some(name.to_owned())
        };
        let (missing, unknown) = (quoted("missing field"), quoted("unknown field"));
        // The one is found by the object that is made of the members, the other at the member.
        let (duplicate, again) = (quoted("duplicate field"), quoted("duplicate member"));
        let member = error.path().iter().find_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
        });
        let member = member.or_else(|| duplicate.clone());
        let mut pointer = pointer(error.path());
        if let Some(name) = missing.as_ref().or(duplicate.as_ref()) {
            pointer.push('/');
            pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        }
        let code = match (&missing, &unknown, duplicate.or(again)) {
            (Some(_), _, _) => "missing_field",
            (_, Some(_), _) => "unknown_field",
            (_, _, Some(_)) => "duplicate_field",
            (None, None, None) => "invalid_value",
        };
        // Of the body itself, not of something in it.
        let missing = missing.filter(|_| member.is_none());
        Self { pointer, code, detail: in_words_of_json(&detail), member, missing }
    }

    fn told(self, problem: Problem) -> Problem {
        problem.pointer(self.pointer, self.code, self.detail)
    }
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
        id: Option<uuid::Uuid>,
        units: Option<u32>,
        words: Option<Vec<String>>,
        names: Option<BTreeMap<String, String>>,
        inner: Option<Box<Wire>>,
        method: Option<Method>,
        proof: Option<Proof>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    #[expect(dead_code, reason = "only read")]
    enum Proof {
        Code { digits: String },
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Method {
        Card,
        Cash,
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let body = r#"{"units":"1","words":7,"unit":1,"names":{"a":2},"method":"card"}"#;
        let problem = serde_json::to_value(parse::<Wire>(body.as_bytes()).unwrap_err()).unwrap();
        let errors = problem["errors"].as_array().unwrap();
        let mut told: Vec<&str> =
            errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        told.sort_unstable();
        assert_eq!(told, ["/names/a", "/unit", "/units", "/words"]);
    }

    /// `serde_json` reads a struct from an array of its members' values too.
    #[test]
    fn members_have_names() {
        let nothing = "[]";
        let first = "[null,1]";
        let below = r#"{"inner":{"inner":[null,1]}}"#;
        let choice = r#"{"proof":{"code":["123"]}}"#;
        for (body, pointer) in
            [(nothing, ""), (first, ""), (below, "/inner/inner"), (choice, "/proof/code")]
        {
            let problem = parse::<Wire>(body.as_bytes()).unwrap_err();
            let problem = serde_json::to_value(problem).unwrap();
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        let named = r#"{"inner":{"units":1,"names":{"a":"b"}},"proof":{"code":{"digits":"1"}}}"#;
        parse::<Wire>(named.as_bytes()).unwrap();
    }

    #[test]
    fn each_member_comes_once() {
        for (body, pointer) in [
            (r#"{"units":1,"units":1}"#, "/units"),
            (r#"{"inner":{"units":1,"units":2}}"#, "/inner/units"),
            (r#"{"inner":{"inner":{"inner":{},"inner":{}}}}"#, "/inner/inner/inner"),
            (r#"{"names":{"a/b":"1","c":"2","a\/b":"3"}}"#, "/names/a~1b"),
            (r#"{"names":{"names":"1","names":"2"}}"#, "/names/names"),
            (r#"{"proof":{"code":{"digits":"1","digits":"1"}}}"#, "/proof/code/digits"),
            (r#"{"method":"card","inner":{},"method":"cash"}"#, "/method"),
        ] {
            let problem = serde_json::to_value(parse::<Wire>(body.as_bytes()).unwrap_err());
            let problem = problem.unwrap();
            let told = (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]);
            assert_eq!(told, (&pointer.into(), &"duplicate_field".into()), "{body}");
        }
        let twice = parse::<BTreeMap<String, u8>>(br#"{"a":1,"a":2}"#).unwrap_err();
        let twice = serde_json::to_value(twice).unwrap();
        assert_eq!(twice["errors"][0]["code"], "duplicate_field");
        parse::<Wire>(br#"{"names":{"a":"1","A":"1"},"inner":{"names":{"a":"1"}}}"#).unwrap();
    }

    #[test]
    fn a_whole_number_may_have_a_point_and_a_body_a_mark() {
        for (body, wanted) in
            [("7.0", 7), ("7e0", 7), ("0.7e1", 7), ("-0.0", 0), ("4294967295.0", u32::MAX)]
        {
            let body = format!("\u{feff}{{\"inner\":{{\"units\":{body}}}}}");
            let read = parse::<Wire>(body.as_bytes()).unwrap();
            assert_eq!(read.inner.unwrap().units, Some(wanted), "{body}");
        }
        for none in ["7.5", "-1.0", "4294967296.0", "1e300"] {
            let problem = parse::<Wire>(format!("{{\"units\":{none}}}").as_bytes()).unwrap_err();
            let problem = serde_json::to_value(problem).unwrap();
            assert_eq!(problem["errors"][0]["pointer"], "/units", "{none}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_words_of_json() {
        for (body, pointer, detail) in [
            ("7", "", "invalid type: integer, expected an object"),
            (r#"{"inner":"9.00"}"#, "/inner", "invalid type: string, expected an object"),
            (r#"{"units":"1"}"#, "/units", "invalid type: string, expected a whole number"),
            (r#"{"units":-1}"#, "/units", "invalid value: integer, expected a whole number"),
            (r#"{"words":"a"}"#, "/words", "invalid type: string, expected an array"),
            (r#"{"names":["a"]}"#, "/names", "invalid type: sequence, expected an object"),
            (r#"{"id":"7"}"#, "/id", "must be a UUID"),
            (r#"{"method":"gold"}"#, "/method", "unknown value, expected `card` or `cash`"),
            (
                r#"{"units":"a at line 1, expected `b`"}"#,
                "/units",
                "invalid type: string, expected a whole number",
            ),
            (
                r#"{"method":"a`, expected `b"}"#,
                "/method",
                "unknown value, expected `card` or `cash`",
            ),
            (
                r#"{"unit":1}"#,
                "/unit",
                "unknown field `unit`, expected one of `id`, `units`, `words`, `names`, `inner`, \
                 `method`, `proof`",
            ),
        ] {
            let problem = parse::<Wire>(body.as_bytes()).unwrap_err();
            let problem = serde_json::to_value(problem).unwrap();
            let told = (&problem["errors"][0]["pointer"], &problem["errors"][0]["detail"]);
            assert_eq!(told, (&pointer.into(), &detail.into()), "{body}");
        }
    }
}
