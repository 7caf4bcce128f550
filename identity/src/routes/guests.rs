//! Guests: who buys without signing in, and leaves.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use domain::GuestId;
use schemars::JsonSchema;
use serde::Serialize;
use service::Problem;

use super::{Identity, NO_STORE, broken, not_found};
use crate::issuer::Issued;
use crate::principal::Principal;

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

/// `POST /v1/guests/end`: a guest leaves, as from somebody else's machine: the token is worth
/// nothing, and there is no other.
pub(super) async fn leave(
    State(identity): State<Identity>,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    let people = &identity.desk()?.people;
    let Principal::Guest(guest) = principal else {
        return Err(not_found("you are no guest: end your session"));
    };
    people.let_guests_go(&[guest.0], Utc::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
