//! Who takes nothing that a route answers is told so before anything is done (RFC 9110, 15.5.7).
//!
//! Which routes answer JSON alone, the document of the API says. Others look for themselves.

use std::collections::HashSet;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value};

use crate::problem::Problem;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// The routes that answer JSON alone: path and method, in small letters.
#[derive(Debug, Default)]
pub(crate) struct JsonRoutes(HashSet<(String, String)>);

impl JsonRoutes {
    /// Those of this document.
    pub fn of(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let all = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            let json = methods.filter(|(_, operation)| {
                operation["responses"].as_object().is_some_and(answers_json_alone)
            });
            json.map(move |(method, _)| (path.clone(), method.clone()))
        });
        Self(all.collect())
    }

    /// Why a request is not done, if it takes nothing that its route answers.
    pub fn refusal(&self, request: &Request) -> Option<Problem> {
        if takes_json(request.headers()) {
            return None;
        }
        let path = request.extensions().get::<MatchedPath>()?.as_str().to_owned();
        let method = match request.method() {
            &Method::HEAD => "get".to_owned(),
            method => method.as_str().to_ascii_lowercase(),
        };
        let detail = "this is answered as application/json, which Accept leaves out";
        self.0
            .contains(&(path, method))
            .then(|| Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail))
    }
}

/// Whether the answers of an operation that have any content have it as JSON. Who is refused is
/// told so as a problem, whatever they take.
pub(crate) fn answers_json_alone(answers: &Map<String, Value>) -> bool {
    let mut kinds = answers
        .values()
        .filter_map(|answer| answer["content"].as_object())
        .flat_map(Map::keys)
        .filter(|kind| *kind != PROBLEM)
        .peekable();
    kinds.peek().is_some() && kinds.all(|kind| kind == JSON)
}

/// Whether JSON is among what a caller takes: all is, where nothing is said. Of what is said of it
/// the most exact counts.
fn takes_json(headers: &HeaderMap) -> bool {
    let said = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    let (mut is_said, mut best) = (false, (0, false));
    for range in said.flat_map(|it| it.split(',')).filter(|range| !range.trim().is_empty()) {
        is_said = true;
        let mut parts = range.split(';').map(str::trim);
        let exactness = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            JSON => 3,
            "application/*" => 2,
            "*/*" | "*" => 1,
            _ => continue,
        };
        best = best.max((exactness, !parts.any(is_never)));
    }
    !is_said || best.1
}

/// `q=0`: what is never taken.
fn is_never(parameter: &str) -> bool {
    let weight =
        parameter.split_once('=').filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    weight.is_some_and(|(_, weight)| weight.trim().parse() == Ok(0.0_f32))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use serde_json::json;

    use super::*;

    #[test]
    fn who_takes_json_says_so_in_many_ways() {
        let takes = |values: &[&'static str]| {
            let values = values.iter().map(|it| (header::ACCEPT, HeaderValue::from_static(it)));
            takes_json(&values.collect())
        };
        for said in [
            &[][..],
            &[""],
            &["application/json"],
            &["Application/JSON; charset=utf-8"],
            &["text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"],
            &["text/html, image/gif, *; q=.2"],
            &["text/csv, application/*"],
            &["text/csv", "application/json;q=0.1"],
            &["*/*;q=0, application/json"],
        ] {
            assert!(takes(said), "{said:?}");
        }
        for said in [
            &["text/csv"][..],
            &["text/*, image/*"],
            &["application/jsonl"],
            &["application/json;q=0"],
            &["application/json; Q=0.000, */*"],
            &["*/*;q=0"],
            &["text/html", "text/csv;q=1"],
        ] {
            assert!(!takes(said), "{said:?}");
        }
    }

    #[test]
    fn what_has_other_content_too_looks_for_itself() {
        let of = |responses: Value| answers_json_alone(responses.as_object().unwrap());
        let refused = json!({ "$ref": "#/components/responses/BadRequest" });
        let problem = json!({ "content": { PROBLEM: {} } });
        let good = json!({ "content": { JSON: {} } });
        assert!(of(json!({ "200": good, "304": {}, "400": refused, "409": problem })));
        assert!(!of(json!({ "204": {}, "409": problem })));
        assert!(!of(json!({ "204": {}, "400": refused })));
        assert!(!of(json!({ "200": { "content": { JSON: {}, "text/event-stream": {} } } })));
    }
}
