//! What gateways tell without being asked: `POST /v1/gateways/{name}/events`. Nobody is asked for
//! the token here: whose a webhook is, its signature says.
//!
//! It is answered 2xx when what it says stands in the log, or is refused by it for good, and it is
//! written down that it came; until then the gateway sends it again. Told under the gateway's own
//! name for the event, it is told once. Neither logged nor kept: what it says may be of a person.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use domain::Command;
use domain::command::payment::Command as Payment;
use domain::text::GatewayName;
use event_store::Outcome;
use identity::Access;
use reactor::gateway::Gateways;
use reactor::gateway::inbox::{self, Kept};
use reactor::gateway::webhook::{Told, Webhook, WebhookError};
use service::problem::Problem;
use service::unread::refuse;
use sqlx::PgPool;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::{App, http, problem};

/// Who may send them: no guard stands before this path, for no token says what a signature does.
pub const ACCESS: Access = Access::Gateway;
/// Where webhooks are sent.
pub const PATH: &str = "/v1/gateways/{name}/events";
/// Webhooks taken at once; the gateway sends more again. Some wait for an answer of the gateway.
const AT_ONCE_MAX: usize = 64;

/// Who takes webhooks.
#[derive(Debug)]
pub struct Webhooks {
    gateways: Gateways,
    db: PgPool,
    places: Semaphore,
}

impl Webhooks {
    /// Of these gateways.
    pub fn new(gateways: Gateways, db: PgPool) -> Self {
        Self { gateways, db, places: Semaphore::new(AT_ONCE_MAX) }
    }
}

/// Takes a webhook of the gateway that the path names.
pub async fn take(
    app: Arc<App>,
    webhooks: Arc<Webhooks>,
    name: String,
    request: Request,
) -> Response {
    let Ok(_place) = webhooks.places.try_acquire() else {
        return refuse(request, problem::overloaded()).await;
    };
    let taken = told(&app, &webhooks, &name, request).await;
    taken.map_or_else(Problem::into_response, |()| StatusCode::NO_CONTENT.into_response())
}

async fn told(app: &App, webhooks: &Webhooks, name: &str, request: Request) -> Result<(), Problem> {
    let gateway: GatewayName = name.parse().map_err(|_| problem::gateway_not_found())?;
    let (parts, body) = request.into_parts();
    let (body, _held) = http::read(app, &parts.headers, body).await?;
    let now = Utc::now();
    let read = webhooks.gateways.read_webhook(&gateway, &parts.headers, &body, now).await;
    let webhook = read.ok_or_else(problem::gateway_not_found)?.map_err(refused)?;
    let Webhook { event_id, kind, heard } = webhook;
    let mut outcome = "nothing".to_owned();
    for heard in heard {
        outcome = tell(app, &gateway, heard, now).await?;
    }
    let outcome = &outcome;
    let kept = Kept { gateway: name, event_id: &event_id, kind: &kind, outcome };
    inbox::keep(&webhooks.db, kept).await.map_err(|error| {
        tracing::warn!(%error, gateway = name, "a webhook could not be kept");
        problem::come_again()
    })
}

/// Tells the log; what became of it.
async fn tell(
    app: &App,
    gateway: &GatewayName,
    heard: Told,
    at: DateTime<Utc>,
) -> Result<String, Problem> {
    let Told { event_id, payment_id, report } = heard;
    let request = event_store::Request {
        key: Some(format!("w:{gateway}:{event_id}")),
        actor: Some(format!("gateway:{gateway}")),
        ..event_store::Request::new(
            Command::Payment(payment_id, Payment::Report { report, at }),
            at,
        )
    };
    let answer = app.writer.submit_soon(Box::new(request), http::TURN_TIME_MAX);
    let answer = timeout(http::ANSWER_TIME_MAX, answer).await;
    let answer = answer.map_err(|_| problem::no_answer_in_time())?;
    event_store::metrics::count("payment.report", &answer);
    match answer.map_err(problem::of_submit_error)?.outcome {
        Outcome::Accepted { .. } => Ok("told".to_owned()),
        // Not yet: the gateway tells it again.
        Outcome::Refused(refusal) if refusal.passes() => Err(problem::come_again()),
        Outcome::Refused(refusal) => {
            let code = refusal.code().0;
            tracing::warn!(code, %gateway, event_id, "what a gateway tells was refused");
            Ok(code.to_owned())
        }
    }
}

fn refused(error: WebhookError) -> Problem {
    match error {
        WebhookError::Signature => problem::invalid_signature(),
        WebhookError::Unreadable => problem::unreadable_event(),
        WebhookError::Later => problem::come_again(),
        WebhookError::NoneTaken => problem::gateway_not_found(),
    }
}
