//! What PayPal answers to what it does not do.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::stand::Answer;

/// An error, as PayPal tells it.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    body: Value,
}

impl Problem {
    fn of(status: StatusCode, name: &str, details: &Value) -> Self {
        let message = "The requested action could not be performed.";
        let body = json!({
            "name": name, "message": message, "debug_id": "standin", "details": details,
            "links": [],
        });
        Self { status, body }
    }

    /// A request that is no JSON.
    pub fn malformed() -> Self {
        let issue = json!([{ "issue": "MALFORMED_REQUEST_JSON", "location": "body" }]);
        Self::of(StatusCode::BAD_REQUEST, "INVALID_REQUEST", &issue)
    }

    /// A body of another kind.
    pub fn media_type() -> Self {
        let issues = json!([]);
        Self::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", &issues)
    }

    /// Something that must be said.
    pub fn required(field: &str) -> Self {
        Self::invalid("MISSING_REQUIRED_PARAMETER", field)
    }

    /// Something that is said wrongly.
    pub fn invalid(issue: &str, field: &str) -> Self {
        let issue = json!([{ "issue": issue, "field": field, "location": "body" }]);
        Self::of(StatusCode::BAD_REQUEST, "INVALID_REQUEST", &issue)
    }

    /// Something that cannot be done.
    pub fn unprocessable(issue: &str) -> Self {
        let issue = json!([{ "issue": issue, "description": issue }]);
        Self::of(StatusCode::UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", &issue)
    }

    /// Something that is not there.
    pub fn missing(issue: &str, what: &str) -> Self {
        let issue = json!([{ "issue": issue, "description": format!("{what} does not exist") }]);
        Self::of(StatusCode::NOT_FOUND, "RESOURCE_NOT_FOUND", &issue)
    }

    /// A caller without a token.
    pub fn unauthorized() -> Self {
        Self::token("invalid_token", "Token signature verification failed")
    }

    /// What is said of tokens.
    pub fn token(error: &str, description: &str) -> Self {
        let body = json!({ "error": error, "error_description": description });
        Self { status: StatusCode::UNAUTHORIZED, body }
    }

    /// Too much at once.
    pub fn busy() -> Self {
        Self::of(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMIT_REACHED", &json!([]))
    }

    /// Something broke inside.
    pub fn broken() -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_SERVER_ERROR", &json!([]))
    }

    /// As it is answered.
    pub fn answer(self) -> Answer {
        Answer::json(self.status, self.body)
    }
}

/// What is answered to who does not prefer to have all of it.
pub fn minimal(whole: &Value) -> Value {
    json!({ "id": whole["id"], "status": whole["status"], "links": whole["links"] })
}
