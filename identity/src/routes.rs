//! Where keys are published, and where guests get their token.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use chrono::{DateTime, Utc};
use domain::GuestId;
use serde::Serialize;
use serde_json::{Value, json};
use service::Problem;
use sqlx::PgPool;

use crate::access::Access;
use crate::issuer::{Issued, Issuer};
use crate::keys;

/// How long others may take the keys for all there are: a new one signs nothing that they must know
/// sooner, for they look an unknown one up.
const KEYS_CACHE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// A route, and who may call it.
pub type Door = (&'static str, Access, MethodRouter<Identity>);

/// What the routes need.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Where the keys are.
    pub db: PgPool,
    /// Who gives tokens out; nobody, where no master key was told.
    pub issuer: Option<Issuer>,
}

/// Every route, and who may call it.
pub fn all() -> Vec<Door> {
    vec![
        ("/.well-known/jwks.json", Access::Anyone, get(published)),
        ("/v1/guests", Access::Anyone, post(welcome)),
    ]
}

/// All of them.
pub fn router(identity: Identity) -> Router {
    let add = |router: Router<Identity>, (path, access, route): Door| {
        debug_assert_eq!(access, Access::Anyone, "{path} is behind no guard");
        router.route(path, route)
    };
    all().into_iter().fold(Router::new(), add).with_state(identity)
}

/// The keys that verify what the shop has signed (RFC 7517).
async fn published(State(identity): State<Identity>) -> Result<Response, Problem> {
    let keys = keys::public(&identity.db, Utc::now()).await?;
    let keys: Vec<Value> = keys.into_iter().map(|key| key.jwk).collect();
    Ok(([(header::CACHE_CONTROL, KEYS_CACHE)], Json(json!({ "keys": keys }))).into_response())
}

#[derive(Serialize)]
struct Welcome {
    guest_id: GuestId,
    token: String,
    expires_at: DateTime<Utc>,
}

/// `POST /v1/guests`: a token of a guest who is new. Whose it is, theirs are the carts and orders
/// that were begun with it.
async fn welcome(State(identity): State<Identity>) -> Result<Response, Problem> {
    let Some(issuer) = &identity.issuer else {
        let detail = "this service gives no tokens out: it was told no MASTER_KEY";
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no_issuer", detail));
    };
    let (guest_id, Issued { token, expires_at }) =
        issuer.guest(Utc::now()).await.map_err(|error| {
            tracing::error!(%error, "no token can be given out");
            Problem::internal()
        })?;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    let welcome = Json(Welcome { guest_id, token, expires_at });
    Ok((StatusCode::CREATED, no_store, welcome).into_response())
}
