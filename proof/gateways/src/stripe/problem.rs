//! What Stripe answers to what it does not do.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::stand::Answer;

/// An error, as Stripe tells it.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    error: Value,
}

impl Problem {
    fn new(status: StatusCode, error: Value) -> Self {
        Self { status, error }
    }

    /// A request that is wrong as a whole.
    pub fn plain(message: &str) -> Self {
        let error = json!({ "type": "invalid_request_error", "message": message });
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// A parameter that is wrong.
    pub fn invalid(param: &str, message: &str) -> Self {
        Self::coded("parameter_invalid", param, message)
    }

    /// A parameter that is wrong in a way that has a name.
    pub fn coded(code: &str, param: &str, message: &str) -> Self {
        let error = json!({
            "type": "invalid_request_error", "code": code, "param": param, "message": message,
        });
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// Something that is not there.
    pub fn missing(what: &str, param: &str, id: &str) -> Self {
        let error = json!({
            "type": "invalid_request_error", "code": "resource_missing", "param": param,
            "message": format!("No such {what}: '{id}'"),
        });
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// What a payment is not in a state for.
    pub fn state(message: &str, intent: &Value) -> Self {
        let error = json!({
            "type": "invalid_request_error", "code": "payment_intent_unexpected_state",
            "message": message, "payment_intent": intent,
        });
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// What the bank refused.
    pub fn card(mut error: Value, intent: Value) -> Self {
        error["payment_intent"] = intent;
        Self::new(StatusCode::PAYMENT_REQUIRED, error)
    }

    /// A route that is none.
    pub fn unknown_url(method: &Method, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        let error = json!({ "type": "invalid_request_error", "message": message });
        Self::new(StatusCode::NOT_FOUND, error)
    }

    /// A caller without a key.
    pub fn unauthorized() -> Self {
        let error = json!({ "type": "invalid_request_error", "message": "Invalid API Key" });
        Self::new(StatusCode::UNAUTHORIZED, error)
    }

    /// A key that was used for something else.
    pub fn key_reused() -> Self {
        let message = "Keys for idempotent requests can only be used with the same parameters \
                       they were first used with.";
        Self::new(
            StatusCode::BAD_REQUEST,
            json!({ "type": "idempotency_error", "message": message }),
        )
    }

    /// Too much at once.
    pub fn busy() -> Self {
        let error = json!({
            "type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests",
        });
        Self::new(StatusCode::TOO_MANY_REQUESTS, error)
    }

    /// Something broke inside.
    pub fn broken() -> Self {
        let error = json!({ "type": "api_error", "message": "Something went wrong" });
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error)
    }

    /// As it is answered.
    pub fn answer(self) -> Answer {
        Answer::json(self.status, json!({ "error": self.error }))
    }
}
