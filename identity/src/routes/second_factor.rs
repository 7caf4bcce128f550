//! The second factor of who is signed in: enrolled, confirmed, removed; and of a customer, who has
//! lost it and asked the shop.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::Path;
use service::finish::finish;
use service::json::Json;
use uuid::Uuid;

use super::accounts::failed;
use super::people::{person, refused};
use super::{Identity, NO_STORE, not_found};
use crate::people::Password;
use crate::principal::Principal;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecondFactorBegun")]
pub(super) struct Begun {
    password: Password,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecondFactorCode")]
pub(super) struct Code {
    totp: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecondFactorRemoval")]
pub(super) struct Removal {
    password: Password,
    totp: String,
}

/// What lets somebody in whose phone is gone, each once.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RecoveryCodes")]
pub(super) struct Confirmed {
    recovery_codes: Vec<String>,
}

/// `POST /v1/people/me/totp`: a secret for an app, which is shown this once.
pub(super) async fn enrol(
    State(identity): State<Identity>,
    principal: Principal,
    Json(Begun { password }): Json<Begun>,
) -> Result<Response, Problem> {
    let desk = identity.desk()?;
    let shop = desk.issuer.name();
    let enrolled = desk.people.enrol(person(principal)?, password, shop, Utc::now()).await;
    let enrolled = enrolled.map_err(refused)?;
    Ok((StatusCode::CREATED, NO_STORE, Json(enrolled)).into_response())
}

/// `POST /v1/people/me/totp/confirm`: asked for from now on. The recovery codes are shown this
/// once.
pub(super) async fn confirm(
    State(identity): State<Identity>,
    principal: Principal,
    Json(Code { totp }): Json<Code>,
) -> Result<Response, Problem> {
    let people = &identity.desk()?.people;
    let confirmed = people.confirm(person(principal)?, &totp, Utc::now()).await;
    let recovery_codes = confirmed.map_err(refused)?;
    Ok((NO_STORE, Json(Confirmed { recovery_codes })).into_response())
}

/// `POST /v1/people/me/totp/remove`
pub(super) async fn remove(
    State(identity): State<Identity>,
    principal: Principal,
    Json(Removal { password, totp }): Json<Removal>,
) -> Result<StatusCode, Problem> {
    let (people, id) = (&identity.desk()?.people, person(principal)?);
    let removed = people.remove_second_factor(id, password, &totp, Utc::now()).await;
    removed.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /v1/people/{id}/totp`: for a customer who has lost their phone and their recovery codes,
/// and has shown the shop who they are. They are told by mail.
pub(super) async fn rescue(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let people = identity.desk()?.people.clone();
    let rescued = finish(async move { people.rescue(id, false, Utc::now()).await });
    if rescued.await.map_err(failed)? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(not_found("no customer of that id has a second factor"))
}
