//! Doing one thing: ask the gateway and record its answer, or let go what fell due.
//!
//! Every command carries a key made of the event that caused it, so a crash at any point does
//! nothing twice.

use std::time::{Duration, Instant};

use chrono::Utc;
use domain::command::order;
use domain::command::payment::{Command as PaymentCommand, Verdict};
use domain::payment::{self, Payment};
use domain::{Command, Event, OrderId, PaymentId, Refusal, StreamId};
use event_store::{Answer, Outcome, Request, SubmitError, Writer, read};
use sqlx::PgPool;
use uuid::Uuid;

use super::gateway::{Call, Gateway};
use super::tasks::{self, Kind, Task};
use crate::command;

/// How long a gateway may take; less than the lease of the thing that asks it.
const GATEWAY_MAX: Duration = Duration::from_secs(20);
/// The longest pause before a gateway is asked again about an unknown outcome.
const ASK_AGAIN_SECONDS_MAX: f64 = 60.0;
/// The pause before an order is looked at again whose payment is still being decided.
const LOOK_AGAIN_SECONDS: f64 = 30.0;
/// The pause after the log did not take a command.
const RETRY_SECONDS: f64 = 2.0;
/// Events of one payment: a few for each request, and requests are made by people.
const PAYMENT_EVENTS_MAX: i64 = 10_000;

/// Why a thing could not be done now. Its lease runs out, and it is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum ActError {
    #[error("the database is away")]
    Database(#[from] sqlx::Error),
    #[error("the payment cannot be read")]
    Unreadable(#[from] event_store::Unreadable),
    #[error("the command was not taken")]
    Submit(#[from] SubmitError),
}

/// What is needed to do things.
pub(super) struct Actor<G> {
    pub db: PgPool,
    pub writer: Writer,
    pub gateway: G,
}

impl<G: Gateway> Actor<G> {
    /// Does one thing, as far as it can be done now.
    pub async fn act(&self, task: Task) -> Result<(), ActError> {
        match self.try_act(task).await {
            Err(ActError::Submit(error)) => {
                let unreadable = matches!(error, SubmitError::Unreadable { .. });
                let pause = if unreadable { ASK_AGAIN_SECONDS_MAX } else { RETRY_SECONDS };
                tasks::postpone(&self.db, task, pause).await?;
                Err(ActError::Submit(error))
            }
            other => other,
        }
    }

    async fn try_act(&self, task: Task) -> Result<(), ActError> {
        match task.kind {
            Kind::AskGateway => self.ask(task, PaymentId(task.subject)).await,
            Kind::ExpireOrder => {
                let expire = Command::Order(OrderId(task.subject), order::Command::Expire);
                self.let_go(task, expire).await
            }
            Kind::ExpireAuthorization => {
                let expire = Command::Payment(PaymentId(task.subject), PaymentCommand::Expire);
                self.let_go(task, expire).await
            }
        }
    }

    async fn ask(&self, task: Task, id: PaymentId) -> Result<(), ActError> {
        let Some(call) = self.open_call(id).await? else {
            return Ok(tasks::finish(&self.db, task).await?);
        };
        let asked = Instant::now();
        let answered = tokio::time::timeout(GATEWAY_MAX, self.gateway.perform(&call)).await;
        metrics::histogram!("gateway_request_duration_seconds").record(asked.elapsed());
        let verdict = answered.unwrap_or(Verdict::Unknown);
        let unknown = verdict == Verdict::Unknown;
        let step = if unknown { "unknown" } else { "verdict" };
        metrics::counter!("gateway_answers_total", "kind" => step).increment(1);
        let request = call.request;
        let record = Command::Payment(id, PaymentCommand::Record { request, verdict });
        // A try of its own for each key: a refusal would be kept under it. Recording twice what a
        // request came to does nothing, by the number of the request.
        let key = format!("p:{}:{step}:{}", task.cause, task.attempts);
        let answer = self.submit(task, key, record).await?;
        if let Outcome::Refused(refusal) = answer.outcome {
            // Money may have moved and the log does not say so. Never dropped, always seen.
            let code = refusal.code().0;
            tracing::error!(code, payment = %id, "the gateway's answer could not be recorded");
            metrics::counter!("gateway_answers_refused_total").increment(1);
            return Ok(tasks::postpone(&self.db, task, ASK_AGAIN_SECONDS_MAX).await?);
        }
        if unknown {
            let pause = f64::from(1_i32 << task.attempts.clamp(0, 6));
            return Ok(tasks::postpone(&self.db, task, pause.min(ASK_AGAIN_SECONDS_MAX)).await?);
        }
        // What was recorded takes it off the list: the keeper reads that in the log.
        Ok(())
    }

    /// The request that waits for an answer, if one still does.
    async fn open_call(&self, id: PaymentId) -> Result<Option<Call>, ActError> {
        let stream = StreamId::Payment(id).to_string();
        let page = read::of_stream(&self.db, &stream, 0, PAYMENT_EVENTS_MAX).await?;
        let mut state = Payment::default();
        let mut token = None;
        for event in page.events {
            if let Event::Payment(event) = event.decode()?.event {
                if let payment::Event::Created(created) = &event {
                    token.clone_from(&created.token);
                }
                state.evolve(&event);
            }
        }
        Ok(state.in_flight.map(|open| Call {
            payment_id: id,
            request: open.request,
            operation: open.operation,
            amount: open.amount,
            token,
        }))
    }

    async fn let_go(&self, task: Task, command: Command) -> Result<(), ActError> {
        // A refusal is kept under its key, and this one may be allowed later: a key for each try.
        let key = format!("p:{}:{}:{}", task.cause, task.kind.name(), task.attempts);
        let answer = self.submit(task, key, command).await?;
        match answer.outcome {
            Outcome::Refused(Refusal::Payment(payment::Error::RequestInFlight)) => {
                Ok(tasks::postpone(&self.db, task, LOOK_AGAIN_SECONDS).await?)
            }
            Outcome::Accepted { .. } | Outcome::Refused(_) => {
                Ok(tasks::finish(&self.db, task).await?)
            }
        }
    }

    async fn submit(
        &self,
        task: Task,
        key: String,
        command: Command,
    ) -> Result<Answer, SubmitError> {
        let request = Request {
            key: Some(key),
            fingerprint: Uuid::nil(),
            expected: None,
            at: Utc::now(),
            actor: Some("payment-process".to_owned()),
            correlation_id: task.correlation_id,
            causation: Some(task.cause),
            command,
        };
        let answer = self.writer.submit(request).await;
        command::count(task.kind.name(), &answer);
        answer
    }
}
