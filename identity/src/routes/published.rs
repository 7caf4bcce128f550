//! What verifies the shop's tokens, for whoever wants to.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use serde_json::{Value, json};
use service::Problem;

use super::Identity;

/// How long others may take the keys for all there are: who does not know one looks it up.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The keys that verify what the shop has signed (RFC 7517).
pub(super) async fn keys(State(identity): State<Identity>) -> Result<Response, Problem> {
    let keys = crate::keys::public(&identity.db, Utc::now()).await?;
    let keys: Vec<Value> = keys.into_iter().map(|key| key.jwk).collect();
    Ok(([(header::CACHE_CONTROL, CACHE)], Json(json!({ "keys": keys }))).into_response())
}
