//! Guests: who buys without signing in.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use domain::GuestId;
use schemars::JsonSchema;
use serde::Serialize;
use service::Problem;

use super::{Identity, NO_STORE, broken};
use crate::issuer::Issued;

/// A new guest.
#[derive(Serialize, JsonSchema)]
pub(super) struct Welcome {
    guest_id: GuestId,
    token: String,
    expires_at: DateTime<Utc>,
}

/// `POST /v1/guests`: a token of a guest who is new. Theirs are the carts and orders that are begun
/// with it.
pub(super) async fn welcome(State(identity): State<Identity>) -> Result<Response, Problem> {
    let issuer = &identity.desk()?.issuer;
    let (guest_id, Issued { token, expires_at }) =
        issuer.guest(Utc::now()).await.map_err(broken)?;
    let welcome = Json(Welcome { guest_id, token, expires_at });
    Ok((StatusCode::CREATED, NO_STORE, welcome).into_response())
}
