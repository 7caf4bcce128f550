//! Addresses: where an order goes, and to whom. They stand in the vault; commands and events name
//! them by their id. One does not change, for orders refer to it: another address is another one.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::{Path, Query};
use service::json::Json;
use service::paging::{Limit, Moment, Page, PageQuery};
use service::unheeded::{NoParameters, Unkeyed};
use uuid::Uuid;
use vault::address::PostalAddress;
use vault::records::{KeptRecord, Kind, Record};
use vault::{DataSubject, VaultError};

use super::caller::shopper;
use super::problem::failed;
use super::{Identity, NO_STORE};
use crate::people::AccountError;
use crate::principal::Principal;

/// An address that is to be kept.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAddress {
    /// Its id, if the caller chooses: sent again it is the same address.
    id: Option<Uuid>,
    /// Whose it is, where the shop says so: a customer, or a guest.
    owner_id: Option<Uuid>,
    address: PostalAddress,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    /// Whose, where the shop asks.
    owner_id: Option<Uuid>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// An address that is kept.
#[derive(Serialize, JsonSchema)]
pub(super) struct Address {
    id: Uuid,
    changed_at: DateTime<Utc>,
    #[serde(flatten)]
    plain: PostalAddress,
}

impl From<KeptRecord<PostalAddress>> for Address {
    fn from(kept: KeptRecord<PostalAddress>) -> Self {
        Self { id: kept.id, changed_at: kept.changed_at, plain: kept.plain }
    }
}

/// `POST /v1/addresses`: keeps an address. Of a shopper it is theirs; of the shop whose it says, or
/// nobody's but the one in it.
pub(super) async fn add(
    State(identity): State<Identity>,
    _: Unkeyed,
    principal: Principal,
    Json(NewAddress { id, owner_id, address }): Json<NewAddress>,
) -> Result<Response, Problem> {
    let (desk, now) = (identity.desk()?, Utc::now());
    let id = id.unwrap_or_else(Uuid::now_v7);
    let subject = match (principal.shopper(), owner_id) {
        (None, owner_id) => DataSubject(owner_id.unwrap_or(id)),
        (Some(_), None) => DataSubject(shopper(principal)?),
        (Some(_), Some(_)) => {
            let detail = "whose an address is, only the shop says";
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
        }
    };
    // Of a customer it is their address book.
    let lasting = matches!(principal, Principal::Customer(_)) || owner_id.is_some();
    let record = Record { id, subject, kind: Kind::Address, lasting, plain: &address };
    let kept = desk.people.vault().keep(record, &address.words(), now).await;
    kept.map_err(AccountError::from).map_err(failed)?;
    let shown = Address { id, changed_at: now, plain: address };
    let location = HeaderValue::from_str(&format!("/v1/addresses/{id}")).ok();
    let mut response = (StatusCode::CREATED, NO_STORE, Json(shown)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// `GET /v1/addresses`: a shopper's own; for the shop, somebody's.
pub(super) async fn list(
    State(identity): State<Identity>,
    principal: Principal,
    Query(Whose { owner_id, limit, cursor }): Query<Whose>,
    uri: Uri,
) -> Result<Response, Problem> {
    let vault = identity.desk()?.people.vault();
    let subject = match (principal.shopper(), owner_id) {
        (Some(_), _) => shopper(principal)?,
        (None, Some(id)) => id,
        (None, None) => {
            let detail = "say whose addresses: owner_id";
            let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_query", detail);
            return Err(problem.parameter("owner_id", "missing_parameter", detail));
        }
    };
    let all = vault.all::<PostalAddress>(Kind::Address, DataSubject(subject), true).await;
    let all = all.map_err(AccountError::from).map_err(failed)?;
    let key = |kept: &KeptRecord<PostalAddress>| (Moment(kept.created_at), kept.id);
    let page = Page::within(all, PageQuery { limit, cursor }, "addresses", key)?;
    Ok(page.map(Address::from).respond(&uri))
}

/// `GET /v1/addresses/{id}`: for whose it is, and the shop. Of who was forgotten it is gone.
pub(super) async fn one(
    State(identity): State<Identity>,
    _: Query<NoParameters>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let vault = identity.desk()?.people.vault();
    let found = match vault.kept::<PostalAddress>(Kind::Address, id).await {
        // Nobody's any more, so no shopper's.
        Err(VaultError::Erased) if principal.shopper().is_some() => None,
        other => other.map_err(AccountError::from).map_err(failed)?,
    };
    let found = found.ok_or_else(no_such)?;
    if principal.shopper().is_some() {
        let me = DataSubject(shopper(principal)?);
        if !vault.is_of(found.subject, me).await? {
            return Err(no_such());
        }
    }
    Ok((NO_STORE, Json(Address::from(found))).into_response())
}

/// `DELETE /v1/addresses/{id}`: takes it out of a shopper's list. Orders that go there still do.
pub(super) async fn remove(
    State(identity): State<Identity>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let vault = identity.desk()?.people.vault();
    let subject = match principal.shopper() {
        Some(_) => DataSubject(shopper(principal)?),
        None => vault.subject_of(Kind::Address, id).await?.ok_or_else(no_such)?,
    };
    if vault.let_go(Kind::Address, id, subject).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(no_such())
}

fn no_such() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such address")
}
