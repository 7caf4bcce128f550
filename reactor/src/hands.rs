//! What a reaction may use when it acts: the log, by commands and by reading, and the gateways.
//!
//! Every command carries a key made of the event that caused it, so a crash at any point does
//! nothing twice.

use chrono::{DateTime, Utc};
use domain::payment::Verdict;
use domain::text::Token;
use domain::{Command, Owner, PaymentId, StreamId};
use event_store::{Outcome, Recorded, Request, Writer, read};
use mail::Post;
use sqlx::PgPool;
use vault::Vault;

use crate::gateway::Gateways;
use crate::task::{Retry, Task};
use crate::{actions, tokens};

/// Who asks, as it stands in events.
const ACTOR: &str = "payment-process";
/// Events of one stream that are read: a few for each thing that people do to it.
const HISTORY_EVENTS_MAX: i64 = read::PAGE_EVENTS_MAX;

/// What a reaction may use.
pub struct Hands {
    db: PgPool,
    writer: Writer,
    gateways: Gateways,
    people: KnownPeople,
}

/// What is known of people, and how they are written to; nothing, where no master key was told.
#[derive(Clone, Debug, Default)]
pub struct KnownPeople {
    /// Where it is kept.
    pub vault: Option<Vault>,
    /// Where mails to them are written down, if any are sent.
    pub post: Option<Post>,
}

impl Hands {
    pub(crate) fn new(db: PgPool, writer: Writer, gateways: Gateways, people: KnownPeople) -> Self {
        Self { db, writer, gateways, people }
    }

    /// Gives a command, under a key made of the task's cause, the step and the number of the try. A
    /// try of its own for each key: a refusal is kept under it, and what is refused now may be
    /// allowed later. The step tells apart all that any reaction asks because of one event; where
    /// that is about several subjects, it names the subject. Where the log is another one by now,
    /// the cause may never have happened, and nothing is done.
    pub async fn submit<S>(
        &self,
        task: &Task<S>,
        step: &str,
        command: Command,
    ) -> Result<Outcome, Retry> {
        let request = Request {
            key: Some(format!("p:{}:{step}:{}", task.cause, task.attempts)),
            actor: Some(ACTOR.to_owned()),
            correlation_id: task.correlation_id,
            causation: Some(task.cause),
            log_id: Some(task.log_id),
            ..Request::new(command, self.now())
        };
        let answer = self.writer.submit(request).await;
        event_store::metrics::count(task.reaction, &answer);
        Ok(answer?.outcome)
    }

    /// What happened in a stream, up to a bound.
    pub async fn history(&self, stream: &StreamId) -> Result<Vec<Recorded>, Retry> {
        let stream = stream.to_string();
        let page = read::of_stream(&self.db, &stream, 0, HISTORY_EVENTS_MAX).await?;
        let read: Result<_, _> = page.events.iter().map(event_store::RawEvent::decode).collect();
        Ok(read?)
    }

    /// What a payment is made with, as its event names it; none of who was forgotten.
    pub async fn token(&self, named: &Token) -> Result<Option<Token>, Retry> {
        Ok(tokens::open(self.people.vault.as_ref(), named).await?)
    }

    /// What a gateway answered, as the log may know it: of where a shopper confirms, the secret is
    /// sealed, for whose the payment is.
    pub(crate) async fn without_secrets(
        &self,
        id: PaymentId,
        owner: Owner,
        verdict: Verdict,
    ) -> Result<Verdict, Retry> {
        let (Verdict::ActionRequired { reference, url }, Some(vault)) =
            (&verdict, &self.people.vault)
        else {
            return Ok(verdict);
        };
        let url = actions::put_away(vault, id, owner, url, self.now()).await?;
        Ok(Verdict::ActionRequired { reference: reference.clone(), url })
    }

    /// What is known of people, where they are written to.
    pub fn writing(&self) -> Option<(&Vault, &Post)> {
        self.people.vault.as_ref().zip(self.people.post.as_ref())
    }

    /// The time.
    #[allow(clippy::unused_self, reason = "what a reaction may use is its hands'")]
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    /// Those who move money.
    pub fn gateways(&self) -> &Gateways {
        &self.gateways
    }
}
