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

use super::caller::person;
use super::origin::Origin;
use super::problem::{failed, refused};
use super::{Identity, NO_STORE, not_found};
use crate::people::Password;
use crate::people::sign_ins::What;
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
/// once, and all sessions end.
pub(super) async fn confirm(
    State(identity): State<Identity>,
    principal: Principal,
    Origin(network): Origin,
    Json(Code { totp }): Json<Code>,
) -> Result<Response, Problem> {
    let (people, id, now) = (identity.desk()?.people.clone(), person(principal)?, Utc::now());
    // Who hangs up, as a thief would, is told all the same.
    let confirmed = finish(async move {
        let recovery_codes = people.confirm(id, &totp, now).await?;
        people.note(id, What::FactorAdded, network.as_ref(), now).await;
        people.tell_of_factor(id, true, now).await?;
        Ok(recovery_codes)
    });
    let recovery_codes = confirmed.await.map_err(failed)?;
    Ok((NO_STORE, Json(Confirmed { recovery_codes })).into_response())
}

/// `POST /v1/people/me/totp/remove`: all sessions end.
pub(super) async fn remove(
    State(identity): State<Identity>,
    principal: Principal,
    Origin(network): Origin,
    Json(Removal { password, totp }): Json<Removal>,
) -> Result<StatusCode, Problem> {
    let (people, id, now) = (identity.desk()?.people.clone(), person(principal)?, Utc::now());
    let removed = finish(async move {
        people.remove_second_factor(id, password, &totp, now).await?;
        people.note(id, What::FactorRemoved, network.as_ref(), now).await;
        people.tell_of_factor(id, false, now).await
    });
    removed.await.map_err(failed)?;
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
