//! What a route does not heed, and refuses: who sends it relies on it, and would not be told.

use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use serde::Deserialize;

use crate::extract;
use crate::problem::Problem;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// No parameter at all.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

/// Refuses a query where none is read.
///
/// # Errors
/// 400 `invalid_query`, with the first name that is in it.
pub fn refuse_query(query: Option<&str>) -> Result<(), Problem> {
    let query = query.unwrap_or_default();
    if query.is_empty() { Ok(()) } else { extract::parse::<NoParameters>(query).map(drop) }
}

/// Refuses what a change that knows neither keys nor conditions would pass over: it would be done
/// twice, or on what nobody had read.
///
/// # Errors
/// 400 `key_not_taken` or `condition_not_taken`.
pub fn refuse_promises(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() {
        return Ok(());
    }
    let refuse = |code, detail| Err(Problem::new(StatusCode::BAD_REQUEST, code, detail));
    if headers.contains_key(IDEMPOTENCY_KEY) {
        let detail = "this takes no Idempotency-Key: asked twice, it is done twice";
        return refuse("key_not_taken", detail);
    }
    if headers.get(header::IF_MATCH).is_some_and(|tags| tags != "*") {
        let detail = "this takes no If-Match: it has no ETag, and is done whatever was read before";
        return refuse("condition_not_taken", detail);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_query_is_refused_by_the_name_of_its_parameter() {
        assert!(refuse_query(None).is_ok() && refuse_query(Some("")).is_ok());
        let refused = serde_json::to_value(refuse_query(Some("dry_run=true")).unwrap_err());
        let refused = refused.unwrap();
        assert_eq!(refused["errors"][0]["code"], "unknown_parameter", "{refused}");
        assert_eq!(refused["errors"][0]["parameter"], "dry_run", "{refused}");
    }

    #[test]
    fn a_change_says_what_it_does_not_heed() {
        let refused = |method, name: &'static str, value| {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]);
            refuse_promises(&method, &headers).err().map(|problem| problem.code().to_owned())
        };
        let said = |code: &str| Some(code.to_owned());
        assert_eq!(refused(Method::POST, "idempotency-key", "a"), said("key_not_taken"));
        assert_eq!(refused(Method::PATCH, "if-match", "\"1\""), said("condition_not_taken"));
        assert_eq!(refused(Method::PATCH, "if-match", "*"), None);
        assert_eq!(refused(Method::GET, "idempotency-key", "a"), None);
    }
}
