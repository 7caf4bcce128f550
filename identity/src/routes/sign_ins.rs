//! Who signed in, and what happened to that by which they do: for themselves, and for those who
//! keep the programs running.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::Query;
use service::json::Json;
use uuid::Uuid;

use super::caller::person;
use super::{Identity, NO_STORE};
use crate::people::sign_ins::SignIn;
use crate::principal::Principal;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    /// The last one of the page before.
    before: Option<i64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sought {
    /// The last one of the page before.
    before: Option<i64>,
    /// Of this person alone.
    person_id: Option<Uuid>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SignIns {
    items: Vec<SignIn>,
}

/// `GET /v1/people/me/sign-ins`: the latest first.
pub(super) async fn own(
    State(identity): State<Identity>,
    principal: Principal,
    Query(Part { before }): Query<Part>,
) -> Result<Response, Problem> {
    let people = &identity.desk()?.people;
    let items = people.sign_ins_of(person(principal)?, before, Utc::now()).await?;
    Ok((NO_STORE, Json(SignIns { items })).into_response())
}

/// `GET /v1/sign-ins`: of all, or of somebody, the latest first.
pub(super) async fn list(
    State(identity): State<Identity>,
    Query(Sought { before, person_id }): Query<Sought>,
) -> Result<Response, Problem> {
    let (people, now) = (&identity.desk()?.people, Utc::now());
    let items = match person_id {
        Some(id) => people.sign_ins_of(id, before, now).await?,
        None => people.sign_ins(before, now).await?,
    };
    Ok((NO_STORE, Json(SignIns { items })).into_response())
}
