//! Customers, as the back office sees to them: let in no more, and again, and sent away. Their
//! second factor is in `second_factor`, and how they are forgotten in `accounts`.

use axum::extract::State;
use axum::http::StatusCode;
use chrono::Utc;
use service::Problem;
use service::extract::Path;
use uuid::Uuid;

use super::{Identity, not_found};

/// `POST /v1/people/{id}/disable`: lets a customer in no more.
pub(super) async fn disable(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    done(identity.desk()?.people.set_customer_disabled(id, true, Utc::now()).await?)
}

/// `POST /v1/people/{id}/enable`: lets a customer in again.
pub(super) async fn enable(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    done(identity.desk()?.people.set_customer_disabled(id, false, Utc::now()).await?)
}

/// `DELETE /v1/people/{id}/sessions`: ends what a customer is signed in with, everywhere.
pub(super) async fn send_away(
    State(identity): State<Identity>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    done(identity.desk()?.people.send_customer_away(id, Utc::now()).await?)
}

fn done(was_there: bool) -> Result<StatusCode, Problem> {
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(not_found(NOBODY)) }
}

const NOBODY: &str = "no customer of that id has an account here";
