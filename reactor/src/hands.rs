//! What a reaction may use when it acts: the log, by commands and by reading, and the gateways.
//!
//! Every command carries a key made of the event that caused it, so a crash at any point does
//! nothing twice.

use chrono::{DateTime, TimeDelta, Utc};
use domain::payment::Verdict;
use domain::text::Token;
use domain::{Command, Owner, PaymentId, StreamId};
use event_store::versions::{self, LastEvent};
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
    cart_term: Option<TimeDelta>,
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
    pub(crate) fn new(
        db: PgPool,
        writer: Writer,
        gateways: Gateways,
        people: KnownPeople,
        cart_term: Option<TimeDelta>,
    ) -> Self {
        Self { db, writer, gateways, people, cart_term }
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
        self.submit_at(task, step, command, None).await
    }

    /// The same, about what stood in the command's stream at that version: where it has moved on,
    /// nothing is done.
    pub async fn submit_at<S>(
        &self,
        task: &Task<S>,
        step: &str,
        command: Command,
        expected: Option<i64>,
    ) -> Result<Outcome, Retry> {
        let request = Request {
            expected,
            key: Some(format!("p:{}:{step}:{}", task.cause, task.attempts)),
            actor: Some(ACTOR.to_owned()),
            correlation_id: task.correlation_id,
            trace: task.trace,
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

    /// The end of a stream; none where it has not begun.
    pub async fn last_event(&self, stream: &StreamId) -> Result<Option<LastEvent>, Retry> {
        Ok(versions::last(&self.db, &stream.to_string()).await?)
    }

    /// How long a cart may lie that nobody touches; for ever, where there is none.
    pub fn cart_term(&self) -> Option<TimeDelta> {
        self.cart_term
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

#[cfg(test)]
mod tests {
    use domain::CartId;
    use domain::command::cart::Command as Ask;
    use event_store::writer;
    use kit_log::Shop;

    use super::*;
    use crate::gateway::settings::Settings;

    #[sqlx::test(migrations = "../migrations")]
    async fn what_has_moved_on_since_it_was_looked_at_stays_as_it_is(db: PgPool) {
        let shop = Shop::open(&db);
        shop.sell("TOTE", 1).await;
        let (cart, (writer, _)) =
            (shop.cart().await, Writer::start(&db, writer::Settings::default()));
        let gateways = Gateways::new(&db, &Settings::default()).unwrap();
        let hands = Hands::new(db.clone(), writer, gateways, KnownPeople::default(), None);
        let seen = hands.last_event(&StreamId::Cart(cart)).await.unwrap().unwrap();
        let (sku, quantity) = ("TOTE".parse().unwrap(), 1.try_into().unwrap());
        shop.ask(Command::Cart(cart, Ask::AddLine { sku, quantity })).await;

        let (log_id, cause) = (read::log(&db).await.unwrap().id, 1);
        let mut task = Task {
            reaction: "expire_cart",
            subject: cart,
            cause,
            log_id,
            correlation_id: None,
            trace: None,
            attempts: 1,
        };
        let expire = async |task: &Task<CartId>, version| {
            let command = Command::Cart(cart, Ask::Expire);
            hands.submit_at(task, task.reaction, command, Some(version)).await.unwrap()
        };
        let Outcome::Refused(refusal) = expire(&task, seen.version).await else {
            panic!("it has moved on")
        };
        assert_eq!(refusal.code().0, "version_mismatch");
        task.attempts = 2;
        let outcome = expire(&task, seen.version + 1).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        let nothing = StreamId::Cart(CartId(uuid::Uuid::nil()));
        assert!(hands.last_event(&nothing).await.unwrap().is_none());
    }
}
