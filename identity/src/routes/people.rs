//! People who sign in: registering, signing in and out, their sessions, their password. No answer
//! tells whether somebody has an e-mail address.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::{Path, Query};
use service::finish::finish;
use service::json::Json;
use service::paging::{Moment, Page, PageQuery};
use uuid::Uuid;
use vault::address::Locale;

use super::aside::place;
use super::caller::person;
use super::origin::Origin;
use super::problem::{failed, refused};
use super::{Desk, Identity, NO_STORE, broken, not_found};
use crate::access::unauthorized;
use crate::issuer::Issued;
use crate::people::sign_ins::{Network, What};
use crate::people::{Email, Grant, NewPassword, Password, People, Session, SignInError};
use crate::principal::{Principal, Role};
use crate::token::Subject;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Registration {
    email: Email,
    password: NewPassword,
    /// The language they are written to in.
    locale: Option<Locale>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    email: Email,
    password: Password,
    /// A code of the second factor, or a recovery code.
    totp: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Refresh {
    refresh_token: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Passwords {
    old: Password,
    new: NewPassword,
}

/// Somebody who is signed in.
#[derive(Serialize, JsonSchema)]
pub(super) struct SignedIn {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    token: String,
    expires_at: DateTime<Utc>,
    refresh_token: String,
    refresh_expires_at: DateTime<Utc>,
    /// The token is good for enrolling a second factor alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    must_enrol: bool,
}

/// `POST /v1/people`: registers a customer, who signs in once they have shown that the address is
/// theirs; at once, where no mails are sent. The answer is the same whether the address is free or
/// somebody's, whose it stays.
pub(super) async fn register(
    State(identity): State<Identity>,
    Json(Registration { email, password, locale }): Json<Registration>,
) -> Result<Response, Problem> {
    let (people, place, now) = (identity.desk()?.people.clone(), place()?, Utc::now());
    let password = people.hash(password.into()).await.map_err(refused)?;
    if people.post().is_some() {
        place.see_to(async move { people.ask_newcomer(&email, password, locale, now).await });
    } else {
        let let_in =
            finish(async move { people.let_in_unproved(&email, password, locale, now).await });
        let_in.await.map_err(failed)?;
    }
    Ok((StatusCode::ACCEPTED, NO_STORE).into_response())
}

/// `POST /v1/sessions`: signs in.
pub(super) async fn sign_in(
    State(identity): State<Identity>,
    Origin(network): Origin,
    Json(Credentials { email, password, totp }): Json<Credentials>,
) -> Result<Response, Problem> {
    let (desk, now) = (identity.desk()?, Utc::now());
    let shown = (password, totp.as_deref());
    let person = match desk.people.sign_in_with(&email, shown, network.as_ref(), now).await {
        Ok(person) => person,
        Err(error) => {
            if let Some(what) = noted(&error) {
                write_down(desk.people.clone(), email, what, network, now).await;
            }
            return Err(refused(error));
        }
    };
    desk.people.note(person.id, What::SignedIn, network.as_ref(), now).await;
    let grant = desk.people.begin(person, now).await?;
    desk.welcome(StatusCode::CREATED, grant, now).await
}

/// Writes down what was tried after it was answered: what there is to write, and to find, is
/// another of who has the e-mail than where nobody has. Where very many are, the answer waits.
async fn write_down(
    people: People,
    email: Email,
    what: What,
    network: Option<Network>,
    now: DateTime<Utc>,
) {
    let it = async move { people.note_of(&email, what, network.as_ref(), now).await };
    match place() {
        Ok(place) => place.see_to(async move {
            it.await;
            Ok(())
        }),
        Err(_) => it.await,
    }
}

/// `POST /v1/sessions/refresh`: stays signed in. The refresh token is another from now on.
pub(super) async fn refresh(
    State(identity): State<Identity>,
    Json(Refresh { refresh_token }): Json<Refresh>,
) -> Result<Response, Problem> {
    let (desk, now) = (identity.desk()?, Utc::now());
    let grant = desk.people.go_on(&refresh_token, now).await.map_err(|error| match error {
        SignInError::Wrong => unauthorized("this session has ended: sign in again"),
        error => refused(error),
    })?;
    desk.welcome(StatusCode::OK, grant, now).await
}

/// `POST /v1/sessions/end`: signs out.
pub(super) async fn sign_out(
    State(identity): State<Identity>,
    Json(Refresh { refresh_token }): Json<Refresh>,
) -> Result<StatusCode, Problem> {
    identity.desk()?.people.end(&refresh_token, Utc::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /v1/people/me/sessions`
pub(super) async fn sessions(
    State(identity): State<Identity>,
    Query(paging): Query<PageQuery>,
    principal: Principal,
    uri: Uri,
) -> Result<Response, Problem> {
    let all = identity.desk()?.people.sessions(person(principal)?, Utc::now()).await?;
    let key = |session: &Session| (Moment(session.used_at), session.id);
    Ok(Page::within(all, paging, "sessions", key)?.respond(&uri))
}

/// `DELETE /v1/people/me/sessions/{id}`
pub(super) async fn end_session(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    if identity.desk()?.people.end_one(person(principal)?, id, Utc::now()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(not_found("there is no such session"))
}

/// `POST /v1/people/me/password`: another password. All sessions end.
pub(super) async fn change_password(
    State(identity): State<Identity>,
    principal: Principal,
    Origin(network): Origin,
    Json(Passwords { old, new }): Json<Passwords>,
) -> Result<StatusCode, Problem> {
    let people = identity.desk()?.people.clone();
    let (id, now) = (person(principal)?, Utc::now());
    // Who hangs up, as a thief would, is told all the same.
    let changed = finish(async move {
        let changed = people.change_password(id, old, new.into(), now).await;
        let what = changed.as_ref().err().map_or(Some(What::PasswordChanged), noted);
        if let Some(what) = what {
            people.note(id, what, network.as_ref(), now).await;
        }
        changed?;
        people.tell_of_password(id, now).await
    });
    changed.await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is written down of a try that was refused, of which somebody may have to know.
fn noted(error: &SignInError) -> Option<What> {
    match error {
        SignInError::Wrong | SignInError::SecondFactorWrong => Some(What::Failed),
        SignInError::TooOften(_) => Some(What::LockedOut),
        _ => None,
    }
}

impl Desk {
    async fn welcome(
        &self,
        status: StatusCode,
        grant: Grant,
        now: DateTime<Utc>,
    ) -> Result<Response, Problem> {
        let Grant { person, refresh_token, expires_at: refresh_expires_at } = grant;
        let must_enrol = self.people.must_enrol(person).await?;
        let subject = if must_enrol { Subject::Enrolling(person.id) } else { person.subject() };
        let life = self.people.lives().access.min(refresh_expires_at - now);
        let given = self.issuer.issue(subject, now, life).await;
        let Issued { token, expires_at } = given.map_err(broken)?;
        let (id, role) = (person.id, person.role);
        let signed_in =
            SignedIn { id, role, token, expires_at, refresh_token, refresh_expires_at, must_enrol };
        Ok((status, NO_STORE, Json(signed_in)).into_response())
    }
}
