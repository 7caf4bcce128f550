//! Claims what is due and sees to it that it is done.
//!
//! Several processes may do so: a claim is a lease, and whoever takes over does the thing again,
//! under the same keys.

use std::sync::Arc;
use std::time::Duration;

use event_store::{SubmitError, causes};
use sqlx::PgPool;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::hands::Hands;
use crate::list;
use crate::reaction::Registered;
use crate::reactions;
use crate::task::{Done, Retry, Task};

/// Things done at once: gateways answer in seconds.
const AT_ONCE_MAX: usize = 64;
/// How long whoever claimed a thing may take; a gateway that takes longer is asked again under the
/// same key.
const LEASE: Duration = Duration::from_secs(30);
/// How often the list is looked at without a reason.
const POLL: Duration = Duration::from_secs(1);
/// The pause after the log did not take a command.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// The pause after it could not be decided, because of a stream that cannot be read.
const RETRY_UNREADABLE_AFTER: Duration = Duration::from_mins(1);

/// Does what is due, until told to stop; what is being done then is finished first.
pub(crate) async fn act(db: PgPool, hands: Hands, more: &Notify, stop: CancellationToken) {
    let (done, finished) = mpsc::channel(AT_ONCE_MAX);
    tokio::join!(give_out(&db, hands, more, stop, done), take_off(&db, finished));
}

async fn give_out(
    db: &PgPool,
    hands: Hands,
    more: &Notify,
    stop: CancellationToken,
    done: mpsc::Sender<Task<String>>,
) {
    let hands = Arc::new(hands);
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        let free = AT_ONCE_MAX.saturating_sub(running.len());
        // The keeper meets the same outage and reports it.
        let claimed = list::claim(db, reactions::ALL, free as i64, LEASE).await;
        let claimed = claimed.unwrap_or_default();
        for (reaction, task) in claimed {
            let (db, hands, done) = (db.clone(), hands.clone(), done.clone());
            running.spawn(async move {
                match attempt(&db, reaction, &task, &hands).await {
                    // It is listened to for as long as anything runs.
                    Ok(true) => drop(done.send(task).await),
                    Ok(false) => {}
                    Err(error) => {
                        let (error, kind, subject) = (causes(&error), task.reaction, task.subject);
                        tracing::warn!(error, kind, subject, "will be tried again");
                    }
                }
            });
        }
        let full = running.len() >= AT_ONCE_MAX;
        tokio::select! {
            () = stop.cancelled() => {}
            Some(_) = running.join_next(), if full => {}
            // All that was due is claimed.
            () = more.notified(), if !full => {}
            () = tokio::time::sleep(POLL), if !full => {}
        }
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}

/// Takes what is done off the list, all at once that was done meanwhile. Where that fails the
/// leases run out, and it is done again.
async fn take_off(db: &PgPool, mut finished: mpsc::Receiver<Task<String>>) {
    let mut tasks = Vec::new();
    while finished.recv_many(&mut tasks, AT_ONCE_MAX).await > 0 {
        if let Err(error) = list::finish(db, &tasks).await {
            let (error, count) = (causes(&error), tasks.len());
            tracing::warn!(error, count, "what was done stays on the list and will be done again");
        }
        tasks.clear();
    }
}

/// Does one thing, as far as it can be done now, and says whether it is to be taken off the list.
/// Where that fails and nothing is said here, its lease runs out.
async fn attempt(
    db: &PgPool,
    reaction: &'static Registered,
    task: &Task<String>,
    hands: &Hands,
) -> Result<bool, Retry> {
    // Of those that are done elsewhere none are claimed here.
    let Some(act) = reaction.act else { return Ok(false) };
    match act(task, hands).await {
        Ok(Done::Finished) => return Ok(true),
        Ok(Done::Recorded) => {}
        Ok(Done::Later(pause)) => list::postpone(db, task, pause).await?,
        Err(Retry::Submit(error)) => {
            let unreadable = matches!(error, SubmitError::Unreadable { .. });
            let pause = if unreadable { RETRY_UNREADABLE_AFTER } else { RETRY_AFTER };
            list::postpone(db, task, pause).await?;
            return Err(Retry::Submit(error));
        }
        Err(error) => return Err(error),
    }
    Ok(false)
}
