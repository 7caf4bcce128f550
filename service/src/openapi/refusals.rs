//! Which problems an operation answers: of each status those that its line names, and those that
//! any operation may have. What a program built for tests answers is held against that.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::{Code, headers};

/// Of these an operation says which it answers: they are about what is asked, and what stands
/// there. The others are about who asks, and how.
pub const SAID_BY_EACH: [u16; 5] = [404, 409, 410, 412, 422];
/// Bytes of a problem that is looked at.
const PROBLEM_BYTES_MAX: usize = 1 << 20;

/// Codes of problems, by their status.
#[derive(Default)]
pub(super) struct Codes(BTreeMap<u16, BTreeSet<&'static str>>);

impl Codes {
    pub fn extend(&mut self, codes: impl IntoIterator<Item = Code>) {
        for (status, code) in codes {
            self.0.entry(status).or_default().insert(code);
        }
    }

    pub fn of(&self, status: u16) -> BTreeSet<&'static str> {
        self.0.get(&status).cloned().unwrap_or_default()
    }

    /// The statuses that a code comes with.
    fn statuses(&self, code: &str) -> impl Iterator<Item = u16> {
        self.0.iter().filter(move |(_, codes)| codes.contains(code)).map(|(status, _)| *status)
    }

    /// These codes, each under its status, with those beside that `any` operation may have.
    ///
    /// # Panics
    /// Nobody knows one of them.
    pub fn chosen(&self, codes: &BTreeSet<&'static str>, any: &Self) -> Self {
        let mut chosen = Self::default();
        for code in codes {
            let statuses: Vec<u16> = self.statuses(code).collect();
            assert!(!statuses.is_empty(), "{code} is in no CODES");
            chosen.extend(statuses.into_iter().map(|status| (status, *code)));
        }
        for (status, codes) in &mut chosen.0 {
            codes.extend(any.of(*status));
        }
        chosen
    }

    pub fn each(&self) -> impl Iterator<Item = (u16, &BTreeSet<&'static str>)> {
        self.0.iter().map(|(status, codes)| (*status, codes))
    }
}

/// Refusals of one status.
pub(super) fn response(
    status: u16,
    problem: &Value,
    codes: impl IntoIterator<Item = &'static str>,
) -> Value {
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let mut told = headers::references(&["X-Request-Id", "Cache-Control"]);
    if matches!(status.as_u16(), 429 | 503) {
        told.extend(headers::references(&["Retry-After"]));
    }
    if status == StatusCode::UNAUTHORIZED {
        told.extend(headers::references(&["WWW-Authenticate"]));
    }
    let codes: Vec<&str> = codes.into_iter().collect();
    json!({
        "description": status.canonical_reason().unwrap_or("Refused"),
        "headers": told,
        "content": { "application/problem+json": { "schema": {
            "allOf": [problem, { "type": "object", "properties": {
                "status": { "const": status.as_u16() },
                "code": { "enum": codes },
            } }],
        } } },
    })
}

type Known = HashMap<(String, String, u16), BTreeSet<String>>;

/// Has a program that was built for tests break where it answers a problem that its document does
/// not say of that operation.
pub fn must_be_described(router: Router, document: &Value) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::new(known(document)), look))
}

fn known(document: &Value) -> Known {
    let mut known = Known::new();
    let operations = document["paths"].as_object().into_iter().flatten();
    let operations = operations.flat_map(|(path, methods)| {
        methods.as_object().into_iter().flatten().map(move |(method, it)| (path, method, it))
    });
    for (path, method, operation) in operations {
        for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
            let codes = codes_of(answer, document);
            let status = status.parse().unwrap_or_default();
            known.insert((path.clone(), method.clone(), status), codes);
        }
    }
    known
}

fn codes_of(answer: &Value, document: &Value) -> BTreeSet<String> {
    let place = answer["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    let answer = place.and_then(|place| document.pointer(place)).unwrap_or(answer);
    let parts = "/content/application~1problem+json/schema/allOf/1/properties/code/enum";
    let codes = answer.pointer(parts).and_then(Value::as_array).into_iter().flatten();
    codes.filter_map(|code| Some(code.as_str()?.to_owned())).collect()
}

async fn look(State(known): State<Arc<Known>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let method = match request.method() {
        &Method::HEAD => Method::GET,
        method => method.clone(),
    };
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_problem = kind.is_some_and(|kind| kind == "application/problem+json");
    let Some(path) = path.filter(|_| is_problem) else { return response };
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, PROBLEM_BYTES_MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let problem: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    let code = problem.get("code").and_then(Value::as_str).unwrap_or_default();
    let status = parts.status.as_u16();
    let place = (path, method.as_str().to_ascii_lowercase(), status);
    // A method that a path has not is no operation.
    let is_one = known.keys().any(|(path, method, _)| (path, method) == (&place.0, &place.1));
    let is_said = known.get(&place).is_some_and(|codes| codes.contains(code));
    assert!(
        !is_one || is_said || problem.is_empty(),
        "{method} {} answers {status} {code}, which its line in described.rs does not say",
        place.0
    );
    Response::from_parts(parts, Body::from(bytes))
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::super::{Description, Endpoint};
    use super::*;
    use crate::Problem;

    const CODES: &[Code] = &[(409, "thing_gone"), (409, "thing_broken"), (404, "not_found")];

    fn document() -> Value {
        let mut document = Description::new("test", "Of a test.");
        document.knows(CODES.iter().copied());
        document.any([(409, "another_log")]);
        let read = Endpoint::new(Method::GET, "/v1/things/{id}", "thing.read", "things");
        document.add(read.refused(&[500]).refuses(["thing_gone", "not_found"]));
        document.finish()
    }

    #[test]
    fn an_operation_says_its_own_and_what_any_may_have() {
        let document = document();
        let answers = &document["paths"]["/v1/things/{id}"]["get"]["responses"];
        let codes = |status: &str| codes_of(&answers[status], &document);
        assert_eq!(codes("409"), ["another_log", "thing_gone"].map(str::to_owned).into());
        assert!(codes("404").contains("not_found"));
        assert!(codes("500").contains("internal"));
    }

    #[tokio::test]
    async fn what_is_not_said_breaks_a_test() {
        let refuse = |code: &'static str| {
            let problem = move || async move {
                Problem::new(StatusCode::CONFLICT, code, "it is").into_response()
            };
            let router = Router::new().route("/v1/things/{id}", get(problem));
            let router = must_be_described(router, &document());
            let request = Request::get("/v1/things/1").body(Body::empty()).expect("a request");
            tokio::spawn(router.oneshot(request))
        };
        assert_eq!(refuse("thing_gone").await.expect("said").unwrap().status(), 409);
        assert!(refuse("thing_broken").await.is_err());
    }
}
