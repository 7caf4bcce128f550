//! Who signed in, and what happened to that by which they do: for themselves, and for those who
//! keep the programs running.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::Utc;
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;
use service::extract::Query;
use service::paging::{self, Limit, Page, PageQuery};
use uuid::Uuid;

use super::Identity;
use super::caller::person;
use crate::principal::Principal;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sought {
    /// Of this person alone.
    person_id: Option<Uuid>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// What the cursors are of.
const LIST: &str = "sign_ins";

/// `GET /v1/people/me/sign-ins`: the latest first.
pub(super) async fn own(
    State(identity): State<Identity>,
    principal: Principal,
    Query(PageQuery { limit, cursor }): Query<PageQuery>,
    uri: Uri,
) -> Result<Response, Problem> {
    let part = (paging::read(LIST, cursor.as_deref())?, limit);
    let people = &identity.desk()?.people;
    let rows = people.sign_ins_of(person(principal)?, part, Utc::now()).await?;
    Ok(Page::of(rows, limit, LIST, |row| row.id).respond(&uri))
}

/// `GET /v1/sign-ins`: of all, or of somebody, the latest first.
pub(super) async fn list(
    State(identity): State<Identity>,
    Query(Sought { person_id, limit, cursor }): Query<Sought>,
    uri: Uri,
) -> Result<Response, Problem> {
    let part = (paging::read(LIST, cursor.as_deref())?, limit);
    let (people, now) = (&identity.desk()?.people, Utc::now());
    let rows = match person_id {
        Some(id) => people.sign_ins_of(id, part, now).await?,
        None => people.sign_ins(part, now).await?,
    };
    Ok(Page::of(rows, limit, LIST, |row| row.id).respond(&uri))
}
