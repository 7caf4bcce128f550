//! Mails that wait or were given up, for those who keep the programs running: what became of them,
//! not whose they are.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use chrono::Utc;
use mail::Post;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::{Path, Query};
use service::paging::{self, Limit, Page};
use uuid::Uuid;

use super::Identity;
use super::problem::failed;
use crate::people::AccountError;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    state: Became,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// What became of a mail.
#[derive(Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MailState")]
enum Became {
    #[default]
    Failed,
    Waiting,
    Sent,
}

/// `GET /v1/mails`: the oldest of a state first.
pub(super) async fn list(
    State(identity): State<Identity>,
    Query(Which { state, limit, cursor }): Query<Which>,
    uri: Uri,
) -> Result<Response, Problem> {
    let state = match state {
        Became::Failed => "failed",
        Became::Waiting => "waiting",
        Became::Sent => "sent",
    };
    let after = paging::read("mails", cursor.as_deref())?;
    let rows = identity.post()?.list(state, after, limit).await?;
    Ok(Page::of(rows, limit, "mails", |mail| mail.id).respond(&uri))
}

/// `POST /v1/mails/{id}/retry`
pub(super) async fn retry(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    if identity.post()?.retry(id, Utc::now()).await? {
        return Ok(StatusCode::ACCEPTED);
    }
    Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "no mail of this id was given up"))
}

impl Identity {
    fn post(&self) -> Result<&Post, Problem> {
        self.desk()?.people.post().ok_or_else(|| failed(AccountError::NoMail))
    }
}
