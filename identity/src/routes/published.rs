//! What verifies the shop's tokens, for whoever wants to.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use serde_json::{Value, json};
use service::Problem;

use super::{Identity, not_found};

/// How long others may take the keys for all there are: who does not know one looks it up.
const CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The keys that verify what the shop has signed (RFC 7517).
pub(super) async fn keys(State(identity): State<Identity>) -> Result<Response, Problem> {
    let keys = crate::keys::public(&identity.db, Utc::now()).await?;
    let keys: Vec<Value> = keys.into_iter().map(|key| key.jwk).collect();
    Ok(([(header::CACHE_CONTROL, CACHE)], Json(json!({ "keys": keys }))).into_response())
}

/// Who signs the shop's tokens, for whoever reads them: where RFC 8414 has it, and where discovery
/// of `OpenID` Connect does, which is all that most libraries look at to find keys. Nobody signs in
/// here for others: no grant of OAuth and no ID token is given out, so none is told, and neither is
/// an endpoint for one.
pub(super) async fn metadata(State(identity): State<Identity>) -> Result<Response, Problem> {
    let issuer = identity.desk()?.issuer.name();
    if !issuer.starts_with("https://") {
        return Err(not_found("the issuer has no address: ISSUER is no https URL"));
    }
    let metadata = json!({
        "issuer": issuer,
        "jwks_uri": format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/')),
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [],
        "grant_types_supported": [],
        "token_endpoint_auth_methods_supported": [],
    });
    Ok(([(header::CACHE_CONTROL, CACHE)], Json(metadata)).into_response())
}
