//! Claims what is due and sends it. Several processes may do so: a claim is a lease, and who takes
//! over sends the same under the same id.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use chrono::{DateTime, Utc};
use event_store::{causes, identity, read};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::deliveries::{self, Attempted, Claimed, Next};
use crate::signing::{SigningSecret, signature};
use crate::subscriptions::{self, Address, Reason, SUBSCRIPTIONS_MAX};
use crate::target::Target;
use crate::wire::{Answer, Silence};
use crate::{Dispatcher, backoff, cloud_event, metrics};

/// Deliveries of one subscription under way at once: one that is slow holds up its own alone.
const OF_EACH_MAX: u16 = 4;
/// And of all: room for every subscription's.
const AT_ONCE_MAX: usize = SUBSCRIPTIONS_MAX as usize * OF_EACH_MAX as usize;
/// How long whoever claimed one may take: longer than a receiver may, with what is around it.
const LEASE: Duration = Duration::from_mins(1);
/// How often the list is looked at without a reason.
const POLL: Duration = Duration::from_secs(1);

/// Status with which a receiver says that it is gone for good.
const GONE: u16 = 410;
/// And those with which it may say when to come back.
const LATER: [u16; 2] = [429, 503];

/// Sends what is due, until told to stop; what is being sent then is finished first.
pub(crate) async fn send(dispatcher: Dispatcher, more: &Notify, stop: CancellationToken) {
    let dispatcher = Arc::new(dispatcher);
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        let free = AT_ONCE_MAX.saturating_sub(running.len());
        // The follower meets the same outage and reports it.
        let (log_id, claimed) = claim(&dispatcher.db, free).await.unwrap_or_default();
        let none = claimed.is_empty();
        for claimed in claimed {
            let dispatcher = dispatcher.clone();
            running.spawn(async move {
                if let Err(error) = attempt(&dispatcher, log_id, &claimed).await {
                    let (error, subscription) = (causes(&error), claimed.subscription_id);
                    tracing::warn!(error, %subscription, "a webhook will be sent again");
                }
            });
        }
        tokio::select! {
            () = stop.cancelled() => {}
            // With each that ends there may be room for another of its subscription.
            Some(_) = running.join_next(), if none => {}
            () = more.notified(), if none => {}
            () = tokio::time::sleep(POLL), if none => {}
            () = std::future::ready(()), if !none => {}
        }
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

/// What is due, and of which log. A copy that has no id of its own yet sends nothing.
async fn claim(db: &PgPool, free: usize) -> sqlx::Result<(Uuid, Vec<Claimed>)> {
    let log = identity::current(db).await?;
    if !log.settled {
        return Ok((log.log_id, Vec::new()));
    }
    let claimed = deliveries::claim(db, log.log_id, free as i64, OF_EACH_MAX.into(), LEASE).await?;
    Ok((log.log_id, claimed))
}

/// Sends one, and keeps what became of it. Where that fails, its lease runs out.
async fn attempt(dispatcher: &Dispatcher, log_id: Uuid, claimed: &Claimed) -> sqlx::Result<()> {
    let Dispatcher { db, .. } = dispatcher;
    let id = claimed.subscription_id;
    let Some(address) = subscriptions::address(db, id).await? else { return Ok(()) };
    let position = claimed.key.position;
    let event = read::after(db, position - 1, 1).await?;
    let said = match event.first().filter(|event| event.position == position) {
        Some(event) => {
            let (body, as_id) =
                (cloud_event::of_event(event, log_id), claimed.key.webhook_id(log_id, id));
            dispatcher.post(id, &address, &as_id, body, Utc::now()).await
        }
        None => Err(Silence::Unsent("the log has no such event".to_owned())),
    };
    let asks_for = said.as_ref().ok().and_then(asks_for);
    let attempted = judge(&said, claimed.attempts, fastrand::f64());
    metrics::attempted(&said);
    deliveries::record(db, claimed, &attempted).await?;
    if let Some(pause) = asks_for {
        deliveries::rest(db, id, pause).await?;
    }
    if attempted.next == Next::Failed {
        let (event, status) = (&claimed.key, attempted.status);
        tracing::warn!(subscription = %id, %event, status, "a webhook is given up");
        if attempted.status == Some(GONE) {
            subscriptions::disable(db, id, Reason::Gone).await?;
        } else if deliveries::took_nothing_since(db, claimed).await? {
            subscriptions::disable(db, id, Reason::Failing).await?;
        }
    }
    Ok(())
}

/// How long the receiver asks to be left alone.
fn asks_for(answer: &Answer) -> Option<Duration> {
    answer.retry_after.filter(|_| LATER.contains(&answer.status))
}

/// What an attempt came to, of so many with it.
fn judge(said: &Result<Answer, Silence>, attempts: i32, luck: f64) -> Attempted {
    let (status, error, gone) = match said {
        Ok(answer) if (200..300).contains(&answer.status) => {
            return Attempted { status: Some(answer.status), error: None, next: Next::Delivered };
        }
        Ok(answer) => (Some(answer.status), answer.excerpt.clone(), answer.status == GONE),
        Err(silence) => (None, silence.to_string(), false),
    };
    let asked = said.as_ref().ok().and_then(asks_for).unwrap_or_default();
    let next = match backoff::pause(attempts, luck) {
        Some(pause) if !gone => Next::Later(pause.max(asked)),
        _ => Next::Failed,
    };
    Attempted { status, error: Some(error), next }
}

impl Dispatcher {
    /// Signs a body and posts it, under an id that is the same at each attempt.
    pub(crate) async fn post(
        &self,
        subscription: Uuid,
        address: &Address,
        webhook_id: &str,
        body: Vec<u8>,
        now: DateTime<Utc>,
    ) -> Result<Answer, Silence> {
        let unsent = |why: &str| Silence::Unsent(why.to_owned());
        let target = Target::read(&address.url, self.wire.reach()).map_err(unsent)?;
        let sealed = std::iter::once(&address.secret).chain(&address.previous_secret);
        let secrets = sealed.map(|sealed| SigningSecret::open(&self.master, subscription, sealed));
        let secrets: Vec<SigningSecret> = secrets
            .collect::<Result<_, _>>()
            .map_err(|_| unsent("its secret is sealed under another master key"))?;
        let signature = signature(&secrets, webhook_id, now, &body);
        let at = now.timestamp().to_string();
        let mut headers = HeaderMap::new();
        let content_type = HeaderValue::from_static(cloud_event::CONTENT_TYPE);
        headers.insert(header::CONTENT_TYPE, content_type);
        for (name, value) in [
            ("webhook-id", webhook_id),
            ("webhook-timestamp", &at),
            ("webhook-signature", &signature),
        ] {
            let value = HeaderValue::from_str(value).map_err(|_| unsent("it cannot be signed"))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let begun = Instant::now();
        let said = self.wire.post(&target, headers, body).await;
        metrics::took(begun.elapsed());
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, retry_after: Option<u64>) -> Answer {
        let retry_after = retry_after.map(Duration::from_secs);
        Answer { status, excerpt: "no".to_owned(), retry_after }
    }

    fn next(said: Answer, attempts: i32) -> Next {
        judge(&Ok(said), attempts, 0.5).next
    }

    #[test]
    fn only_a_2xx_is_taken_for_one() {
        for status in [200, 201, 204, 299] {
            assert_eq!(next(said(status, None), 1), Next::Delivered);
        }
        for status in [301, 302, 307, 400, 401, 404, 500] {
            assert_eq!(next(said(status, None), 1), Next::Later(Duration::from_secs(5)));
            assert_eq!(next(said(status, None), 10), Next::Failed);
        }
        let late = judge(&Err(Silence::Late), 2, 0.5).next;
        assert_eq!(late, Next::Later(Duration::from_mins(5)));
        assert_eq!(next(said(410, None), 1), Next::Failed);
    }

    #[test]
    fn a_receiver_that_asks_for_more_time_has_it() {
        assert_eq!(next(said(429, Some(90)), 1), Next::Later(Duration::from_secs(90)));
        assert_eq!(next(said(503, Some(1)), 2), Next::Later(Duration::from_mins(5)));
        // Others have nothing to say about it.
        assert_eq!(next(said(500, Some(90)), 1), Next::Later(Duration::from_secs(5)));
    }
}
