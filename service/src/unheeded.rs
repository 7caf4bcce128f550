//! What a route does not heed, and refuses: who sends it relies on it, and would not be told.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
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

/// Refuses a condition where a change knows none: it would be done on what nobody had read.
///
/// # Errors
/// 400 `condition_not_taken`.
pub fn refuse_condition(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if method.is_safe() || headers.get(header::IF_MATCH).is_none_or(|tags| tags == "*") {
        return Ok(());
    }
    let detail = "this takes no If-Match: it has no ETag, and is done whatever was read before";
    Err(Problem::new(StatusCode::BAD_REQUEST, "condition_not_taken", detail))
}

/// What a handler takes that makes another thing each time it is asked: it refuses an
/// `Idempotency-Key`, for whoever sends one counts on that it does not.
///
/// Not for what is as good done twice: many clients send a key with whatever they ask.
#[derive(Clone, Copy, Debug)]
pub struct Unkeyed;

impl<S: Sync> FromRequestParts<S> for Unkeyed {
    type Rejection = Problem;

    /// # Errors
    /// 400 `key_not_taken`.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if !parts.headers.contains_key(IDEMPOTENCY_KEY) {
            return Ok(Self);
        }
        let detail = "this takes no Idempotency-Key: asked twice, it is done twice";
        Err(Problem::new(StatusCode::BAD_REQUEST, "key_not_taken", detail))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderValue, Request};

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
    fn a_change_says_that_it_heeds_no_condition() {
        let refused = |method, tags: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::IF_MATCH, HeaderValue::from_static(tags))]);
            refuse_condition(&method, &headers).err().map(|problem| problem.code().to_owned())
        };
        assert_eq!(refused(Method::PATCH, "\"1\""), Some("condition_not_taken".to_owned()));
        assert_eq!((refused(Method::PATCH, "*"), refused(Method::GET, "\"1\"")), (None, None));
    }

    #[tokio::test]
    async fn what_is_done_twice_takes_no_key() {
        let asked = async |name: &str| {
            let request = Request::post("/").header(name, "a").body(()).unwrap();
            let taken = Unkeyed::from_request_parts(&mut request.into_parts().0, &()).await;
            taken.err().map(|problem| problem.code().to_owned())
        };
        assert_eq!(asked("idempotency-key").await, Some("key_not_taken".to_owned()));
        assert_eq!(asked("x-request-id").await, None);
    }
}
