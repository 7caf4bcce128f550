//! Who takes nothing that a route answers is told so before anything is done (RFC 9110, 15.5.7).
//!
//! Which routes answer JSON alone, the document of the API says. Others look for themselves.

use std::collections::HashSet;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// JSON.
pub const JSON: &str = "application/json";
/// Comma-separated values.
pub const CSV: &str = "text/csv";
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

fn takes_json(headers: &HeaderMap) -> bool {
    best(headers, &[JSON]).is_some()
}

/// Of what there is, what a caller takes most gladly; of what is taken alike, what is named most
/// exactly, and else the first. All is taken where nothing is said; nothing, where all is left out.
pub fn best<'a>(headers: &HeaderMap, offered: &[&'a str]) -> Option<&'a str> {
    let said = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    let said: Vec<&str> =
        said.flat_map(|it| it.split(',')).filter(|range| !range.trim().is_empty()).collect();
    if said.is_empty() {
        return offered.first().copied();
    }
    let mut best: Option<(&str, (f32, u8))> = None;
    for kind in offered {
        let ranges = said.iter().filter_map(|range| weighed(range, kind));
        // Of what is said of one the most exact counts.
        let Some((exactness, weight)) = ranges.max_by_key(|(exactness, _)| *exactness) else {
            continue;
        };
        if weight > 0.0 && best.is_none_or(|(_, most)| (weight, exactness) > most) {
            best = Some((kind, (weight, exactness)));
        }
    }
    best.map(|(kind, _)| kind)
}

/// How exactly a range names a kind, and how gladly it is taken; none where it does not name it.
fn weighed(range: &str, kind: &str) -> Option<(u8, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let named = parts.next().unwrap_or_default().to_ascii_lowercase();
    let family = kind.split('/').next().unwrap_or_default();
    let exactness = match named.as_str() {
        named if named == kind => 3,
        "*/*" | "*" => 1,
        named if named.strip_suffix("/*") == Some(family) => 2,
        _ => return None,
    };
    let weight = parts.find_map(|it| {
        let (name, weight) = it.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| weight.trim().parse().unwrap_or(1.0))
    });
    Some((exactness, weight.unwrap_or(1.0)))
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
    fn what_is_taken_most_gladly_is_given() {
        let best = |said: &'static str| {
            let headers = [(header::ACCEPT, HeaderValue::from_static(said))];
            best(&HeaderMap::from_iter(headers), &[JSON, CSV])
        };
        for (said, wanted) in [
            ("text/csv", Some(CSV)),
            ("text/csv, */*", Some(CSV)),
            ("text/csv, */*;q=0.8", Some(CSV)),
            ("text/csv;q=0.5, application/json", Some(JSON)),
            ("application/json, text/csv", Some(JSON)),
            ("*/*", Some(JSON)),
            ("text/*", Some(CSV)),
            ("text/html, */*;q=0.1", Some(JSON)),
            ("text/html", None),
            ("text/csv;q=0, application/json;q=0", None),
            ("", Some(JSON)),
        ] {
            assert_eq!(best(said), wanted, "{said}");
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
