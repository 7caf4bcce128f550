//! What people do with their accounts beyond signing in: showing that an address is theirs,
//! another password or address, who they are, taking what is known of them along, being forgotten.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use domain::text::Note;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::{Path, Query};
use service::finish::finish;
use service::json::Json;
use service::paging::{LIMIT_MAX, Limit};
use service::unheeded::NoParameters;
use uuid::Uuid;
use vault::address::{Locale, PostalAddress, Profile};
use vault::records::{KeptRecord, Kind};
use vault::{DataSubject, Phone};

use super::addresses::Address;
use super::aside::place;
use super::caller::{person, shopper};
use super::origin::Origin;
use super::problem::{failed, refused};
use super::{Desk, Identity, NO_STORE};
use crate::people::sign_ins::{SignIn, What};
use crate::people::{AccountError, Email, NewPassword, Password, Session};
use crate::principal::{Principal, Role};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MailedCode")]
pub(super) struct Code {
    code: String,
    /// Of the account, or as one registered: whoever reads the mail may be somebody else.
    password: Password,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasswordForgotten")]
pub(super) struct Forgot {
    email: Email,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasswordReset")]
pub(super) struct Reset {
    code: String,
    password: NewPassword,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeEmail {
    email: Email,
    password: Password,
}

/// What somebody says of themselves; what is left out is unsaid.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OwnProfile")]
pub(super) struct Said {
    name: Option<domain::text::Label>,
    phone: Option<Phone>,
    locale: Option<Locale>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Farewell {
    /// Of who has an account here.
    password: Option<Password>,
    /// Forgets them though they have orders that are neither complete nor off. Nobody can send
    /// these any more.
    #[serde(default)]
    despite_open_orders: bool,
}

/// How somebody is forgotten who asked the shop for it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forgetting {
    /// Forgets them though they have orders that are neither complete nor off. Nobody can send
    /// these any more.
    #[serde(default)]
    despite_open_orders: bool,
}

/// Who somebody is.
#[derive(Serialize, JsonSchema)]
pub(super) struct Me {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<DateTime<Utc>>,
    #[serde(flatten)]
    profile: Profile,
}

/// All that is known of somebody outside of the log.
#[derive(Serialize, JsonSchema)]
pub(super) struct Export {
    exported_at: DateTime<Utc>,
    #[serde(flatten)]
    me: Me,
    addresses: Vec<Address>,
    /// What they wrote about their orders, and what was written about them.
    notes: Vec<Written>,
    sessions: Vec<Session>,
    /// What happened to their account, the latest first, as far back as it is kept and no more than
    /// two hundred entries: the list of sign-ins has all.
    sign_ins: Vec<SignIn>,
    /// Whether they show a second factor when they sign in.
    second_factor: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExportedNote")]
struct Written {
    id: Uuid,
    changed_at: DateTime<Utc>,
    text: Note,
}

impl From<KeptRecord<Note>> for Written {
    fn from(kept: KeptRecord<Note>) -> Self {
        Self { id: kept.id, changed_at: kept.changed_at, text: kept.plain }
    }
}

/// `POST /v1/people/verify`: shows by a code that was mailed, and one's password, that an address
/// is one's own, or that one registered with.
pub(super) async fn verify(
    State(identity): State<Identity>,
    Origin(network): Origin,
    Json(Code { code, password }): Json<Code>,
) -> Result<StatusCode, Problem> {
    let (people, now) = (identity.desk()?.people.clone(), Utc::now());
    let verified = finish(async move {
        if let Some(id) = people.verify(&code, password, now).await? {
            people.note(id, What::EmailChanged, network.as_ref(), now).await;
        }
        Ok(())
    });
    verified.await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/people/verify/again`: mails such a code once more.
pub(super) async fn verify_again(
    State(identity): State<Identity>,
    principal: Principal,
) -> Result<StatusCode, Problem> {
    let (people, now) = (&identity.desk()?.people, Utc::now());
    let id = person(principal)?;
    let account = people.account(id).await.map_err(failed)?.ok_or_else(no_account)?;
    if account.verified_at.is_none() {
        people.ask_whether_theirs(id, &account.email, now).await.map_err(failed)?;
    }
    Ok(StatusCode::ACCEPTED)
}

/// `POST /v1/people/reset`: mails a code by which another password is chosen. The answer is the
/// same whether anybody has the address, and takes as long.
pub(super) async fn forgot(
    State(identity): State<Identity>,
    Json(Forgot { email }): Json<Forgot>,
) -> Result<StatusCode, Problem> {
    let desk = identity.desk()?.clone();
    if desk.people.post().is_none() {
        return Err(failed(AccountError::NoMail));
    }
    place()?.see_to(async move { desk.people.forgot(&email, Utc::now()).await });
    Ok(StatusCode::ACCEPTED)
}

/// `POST /v1/people/reset/confirm`: another password, by such a code.
pub(super) async fn reset(
    State(identity): State<Identity>,
    Origin(network): Origin,
    Json(Reset { code, password }): Json<Reset>,
) -> Result<StatusCode, Problem> {
    let (people, now) = (identity.desk()?.people.clone(), Utc::now());
    let reset = finish(async move {
        let id = people.reset(&code, password.into(), now).await?;
        people.start_anew(id, network.as_ref()).await?;
        people.note(id, What::PasswordChanged, network.as_ref(), now).await;
        Ok(())
    });
    reset.await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/people/me/email`: mails a code to another address, which is theirs with that. The
/// answer is the same whether somebody else has it, and takes as long.
pub(super) async fn change_email(
    State(identity): State<Identity>,
    Origin(network): Origin,
    principal: Principal,
    Json(ChangeEmail { email, password }): Json<ChangeEmail>,
) -> Result<StatusCode, Problem> {
    let (people, id) = (identity.desk()?.people.clone(), person(principal)?);
    if people.post().is_none() {
        return Err(failed(AccountError::NoMail));
    }
    let (place, now) = (place()?, Utc::now());
    let asked = finish(async move {
        people.prove(id, password, now).await?;
        people.note(id, What::EmailChangeAsked, network.as_ref(), now).await;
        place.see_to(async move { people.change_email(id, &email, now).await });
        Ok(())
    });
    asked.await.map_err(refused)?;
    Ok(StatusCode::ACCEPTED)
}

/// `GET /v1/people/me`
pub(super) async fn me(
    State(identity): State<Identity>,
    _: Query<NoParameters>,
    principal: Principal,
) -> Result<Response, Problem> {
    let me = identity.desk()?.me(person(principal)?).await.map_err(failed)?;
    Ok((NO_STORE, Json(me)).into_response())
}

/// `PUT /v1/people/me`: who somebody says they are.
pub(super) async fn say(
    State(identity): State<Identity>,
    principal: Principal,
    Json(Said { name, phone, locale }): Json<Said>,
) -> Result<Response, Problem> {
    let (desk, id) = (identity.desk()?, person(principal)?);
    let email = desk.people.profile(id).await.map_err(AccountError::from).map_err(failed)?.email;
    let profile = Profile { name, phone, email, locale };
    desk.people.say(id, &profile, Utc::now()).await.map_err(AccountError::from).map_err(failed)?;
    let me = desk.me(id).await.map_err(failed)?;
    Ok((NO_STORE, Json(me)).into_response())
}

/// `GET /v1/people/me/export`: all that is known of a shopper outside of the log, to take along.
pub(super) async fn export(
    State(identity): State<Identity>,
    _: Query<NoParameters>,
    principal: Principal,
) -> Result<Response, Problem> {
    let (desk, now) = (identity.desk()?, Utc::now());
    let id = shopper(principal)?;
    let (vault, subject) = (desk.people.vault(), DataSubject(id));
    let addresses = vault.all::<PostalAddress>(Kind::Address, subject, false).await;
    let addresses = addresses.map_err(AccountError::from).map_err(failed)?;
    let addresses = addresses.into_iter().map(Address::from).collect();
    let notes = vault.all::<Note>(Kind::Note, subject, false).await;
    let notes = notes.map_err(AccountError::from).map_err(failed)?;
    let notes = notes.into_iter().map(Written::from).collect();
    let sessions = desk.people.sessions(id, now).await?;
    let latest = Limit::most(LIMIT_MAX);
    let mut sign_ins = desk.people.sign_ins_of(id, (None, latest), now).await?;
    sign_ins.truncate(latest.get().into());
    let second_factor = desk.people.has_second_factor(id).await?;
    let me = desk.me(id).await.map_err(failed)?;
    let exported_at = now;
    let all = Export { exported_at, me, addresses, notes, sessions, sign_ins, second_factor };
    Ok((NO_STORE, Json(all)).into_response())
}

/// `POST /v1/people/me/forget`: forgets a shopper, who has signed in or not.
pub(super) async fn forget_me(
    State(identity): State<Identity>,
    principal: Principal,
    Json(Farewell { password, despite_open_orders }): Json<Farewell>,
) -> Result<StatusCode, Problem> {
    let (people, id, now) = (&identity.desk()?.people, shopper(principal)?, Utc::now());
    if people.account(id).await.map_err(failed)?.is_some() {
        let missing = || Problem::new(StatusCode::FORBIDDEN, "password_needed", PASSWORD_NEEDED);
        let password = password.ok_or_else(missing)?;
        people.prove(id, password, now).await.map_err(refused)?;
    }
    if !despite_open_orders {
        identity.must_wait_for_nothing(id).await?;
    }
    people.forget(id, now).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /v1/people/{id}/forget`: forgets a customer, a guest, or who is in an address alone, who
/// asked the shop for it.
pub(super) async fn forget(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
    Json(Forgetting { despite_open_orders }): Json<Forgetting>,
) -> Result<StatusCode, Problem> {
    let people = &identity.desk()?.people;
    if people.works_here(id).await? {
        return Err(Problem::new(StatusCode::CONFLICT, "works_here", "they work for the shop"));
    }
    if !despite_open_orders {
        identity.must_wait_for_nothing(id).await?;
    }
    if !people.forget(id, Utc::now()).await.map_err(failed)? {
        let detail = "nothing is known of anybody with this id";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not_found", detail));
    }
    Ok(StatusCode::NO_CONTENT)
}

impl Identity {
    /// Refuses to forget whose orders are under way: what is known of them is needed to fulfil a
    /// contract, and nobody could send or ask anything afterwards.
    async fn must_wait_for_nothing(&self, id: Uuid) -> Result<(), Problem> {
        let vault = self.desk()?.people.vault();
        let all = vault.with_guests(DataSubject(id)).await?;
        let addresses = vault.address_ids(&all).await?;
        let orders = (self.beyond.orders_under_way)(&self.db, all, addresses).await?;
        if orders.is_empty() {
            return Ok(());
        }
        let problem = Problem::new(StatusCode::CONFLICT, "orders_open", ORDERS_OPEN);
        Err(problem.with("order_ids", orders))
    }
}

const ORDERS_OPEN: &str = "orders are under way, which nobody could send afterwards: wait for them \
                           or call them off, or insist by despite_open_orders";
const PASSWORD_NEEDED: &str = "who has an account is forgotten with their password";

fn no_account() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "you have no account here")
}

impl Desk {
    async fn me(&self, id: Uuid) -> Result<Me, AccountError> {
        let account = self.people.account(id).await?;
        let mut profile = self.people.profile(id).await?;
        let Some(account) = account else {
            return Ok(Me { id, role: None, verified_at: None, created_at: None, profile });
        };
        profile.email = Some(account.email);
        let (role, verified_at) = (account.role, account.verified_at);
        Ok(Me { id, role, verified_at, created_at: Some(account.created_at), profile })
    }
}
