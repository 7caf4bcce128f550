//! Those who work here, as the owner sees to them. Nobody takes anything from themselves here, so
//! that somebody is left who can give it back.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;
use service::extract::{Path, Query};
use service::finish::finish;
use service::json::Json;
use service::paging::{self, Page, PageQuery};
use service::unheeded::Unkeyed;
use uuid::Uuid;

use super::problem::{failed, refused};
use super::{Identity, NO_STORE, not_found};
use crate::access::unauthorized;
use crate::people::{Email, Invitation, NewPassword, People, SignInError, StaffChange};
use crate::principal::{Member, Principal, Role};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewColleague")]
pub(super) struct Newcomer {
    email: Email,
    role: Role,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Joining {
    invitation: String,
    password: NewPassword,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRole {
    role: Role,
}

/// `GET /v1/staff`
pub(super) async fn list(
    State(identity): State<Identity>,
    Query(PageQuery { limit, cursor }): Query<PageQuery>,
    uri: Uri,
) -> Result<Response, Problem> {
    let after = paging::read("staff", cursor.as_deref())?;
    let rows = identity.desk()?.people.staff(after, limit).await.map_err(refused)?;
    Ok(Page::of(rows, limit, "staff", |colleague| colleague.id).respond(&uri))
}

/// `POST /v1/staff`: invites somebody. What lets them in is shown this once, and mailed to them.
pub(super) async fn invite(
    State(identity): State<Identity>,
    _: Unkeyed,
    principal: Principal,
    Json(Newcomer { email, role }): Json<Newcomer>,
) -> Result<Response, Problem> {
    let (people, now) = (&identity.desk()?.people, Utc::now());
    let invited = people.invite(&email, role, now).await?;
    let invitation = invited.ok_or_else(|| {
        let detail = "somebody has this e-mail already";
        Problem::new(StatusCode::CONFLICT, "email_taken", detail)
    })?;
    mail(people, &invitation, &email, principal).await;
    Ok((StatusCode::CREATED, NO_STORE, Json(invitation)).into_response())
}

/// `POST /v1/staff/{id}/invite`: invites somebody again who has not joined yet.
pub(super) async fn invite_again(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
    principal: Principal,
) -> Result<Response, Problem> {
    let people = &identity.desk()?.people;
    let Some((invitation, email)) = people.invite_again(id, Utc::now()).await.map_err(refused)?
    else {
        if people.works_here(id).await? {
            let detail = "they have joined, or are disabled";
            return Err(Problem::new(StatusCode::CONFLICT, "not_invited", detail));
        }
        return Err(not_found(NOBODY));
    };
    mail(people, &invitation, &email, principal).await;
    Ok((NO_STORE, Json(invitation)).into_response())
}

/// Mails an invitation. Where that goes wrong they are invited all the same: who invites them can
/// pass it on.
async fn mail(people: &People, given: &Invitation, email: &Email, by: Principal) {
    if let Err(error) = people.mail_invitation(given, email, own_id(by), Utc::now()).await {
        let (error, id) = (&error as &dyn std::error::Error, given.id);
        tracing::error!(error, %id, "an invitation was not mailed");
    }
}

/// `POST /v1/staff/join`: takes an invitation, with a password that is theirs from now on.
pub(super) async fn join(
    State(identity): State<Identity>,
    Json(Joining { invitation, password }): Json<Joining>,
) -> Result<StatusCode, Problem> {
    let people = &identity.desk()?.people;
    let joined = people.join(&invitation, password.into(), Utc::now()).await;
    joined.map_err(|error| match error {
        SignInError::Wrong => unauthorized("this invitation is none, or was taken"),
        error => refused(error),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `PUT /v1/staff/{id}/role`
pub(super) async fn set_role(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
    principal: Principal,
    Json(NewRole { role }): Json<NewRole>,
) -> Result<StatusCode, Problem> {
    is_somebody_else(principal, id)?;
    changed(identity.desk()?.people.set_role(id, role, Utc::now()).await?)
}

/// `POST /v1/staff/{id}/disable`: lets somebody in no more.
pub(super) async fn disable(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    is_somebody_else(principal, id)?;
    changed(identity.desk()?.people.set_disabled(id, true, Utc::now()).await?)
}

/// `POST /v1/staff/{id}/enable`: lets somebody in again.
pub(super) async fn enable(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    changed(identity.desk()?.people.set_disabled(id, false, Utc::now()).await?)
}

/// `DELETE /v1/staff/{id}/sessions`: ends what somebody is signed in with, everywhere.
pub(super) async fn send_away(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    done(identity.desk()?.people.send_away(id, Utc::now()).await?)
}

/// `DELETE /v1/staff/{id}/totp`: for who has lost their phone and their recovery codes.
pub(super) async fn forget_second_factor(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    is_somebody_else(principal, id)?;
    let people = identity.desk()?.people.clone();
    let rescued = finish(async move { people.rescue(id, true, Utc::now()).await });
    done(rescued.await.map_err(failed)?)
}

/// `DELETE /v1/staff/{id}`: forgets somebody who worked here.
pub(super) async fn forget(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    is_somebody_else(principal, id)?;
    let people = &identity.desk()?.people;
    let is_gone = people.forget_colleague(id, Utc::now()).await.map_err(failed)?;
    if !is_gone && people.works_here(id).await? {
        let detail = "they work here: disable them first";
        return Err(Problem::new(StatusCode::CONFLICT, "works_here", detail));
    }
    done(is_gone)
}

fn done(was_there: bool) -> Result<StatusCode, Problem> {
    if was_there {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(not_found(NOBODY))
}

const NOBODY: &str = "nobody of that id works here, or has that";

fn changed(change: StaffChange) -> Result<StatusCode, Problem> {
    if change == StaffChange::LastOwner {
        let detail = "no other owner could sign in: make somebody else one first";
        return Err(Problem::new(StatusCode::CONFLICT, "last_owner", detail));
    }
    done(change == StaffChange::Done)
}

fn is_somebody_else(principal: Principal, id: Uuid) -> Result<(), Problem> {
    if own_id(principal) == Some(id) {
        let detail = "nobody does this to themselves: ask another owner";
        return Err(Problem::new(StatusCode::CONFLICT, "yourself", detail));
    }
    Ok(())
}

/// Which of the people here asks, if it is one.
fn own_id(principal: Principal) -> Option<Uuid> {
    match principal {
        Principal::Member(Member::Person(own), _) => Some(own),
        _ => None,
    }
}
