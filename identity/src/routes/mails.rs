//! Mails that wait or were given up, for those who keep the programs running: what became of them,
//! not whose they are.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::Utc;
use mail::Post;
use mail::outbox::Shown;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::Problem;
use service::extract::{Path, Query};
use service::json::Json;
use uuid::Uuid;

use super::problem::failed;
use super::{Identity, NO_STORE};
use crate::people::AccountError;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    #[serde(default)]
    state: Became,
    /// The last one of the page before.
    after: Option<Uuid>,
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

#[derive(Serialize, JsonSchema)]
pub(super) struct Mails {
    items: Vec<Shown>,
}

/// `GET /v1/mails`: the oldest of a state first.
pub(super) async fn list(
    State(identity): State<Identity>,
    Query(Which { state, after }): Query<Which>,
) -> Result<Response, Problem> {
    let state = match state {
        Became::Failed => "failed",
        Became::Waiting => "waiting",
        Became::Sent => "sent",
    };
    let items = identity.post()?.list(state, after).await?;
    Ok((NO_STORE, Json(Mails { items })).into_response())
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
