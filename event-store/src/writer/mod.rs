//! The writer: decides commands in batches, in memory, and appends each batch in one call.
//!
//! One task owns it all: the queue's end, the cache of states and one connection. Commands wait in
//! a bounded queue; the task takes what is there, decides one command after the other against the
//! state that the earlier ones leave behind, and appends the lot. While that commits, the next
//! batch gathers: load makes batches bigger, not answers later. Commands are decided in the order
//! in which they were submitted.
//!
//! * `cache`: states of recently used streams;
//! * `batch`: deciding, without IO;
//! * `appender`: the log as the writer knows it, and getting a batch into it;
//! * `company`: whether others write too;
//! * `append`: the SQL;
//! * `snapshot`: folds of long streams;
//! * `failure`: why a batch did not get into the log;
//! * `progress`: whether it gets on;
//! * `task`: the loop, and what to do when a batch did not get into the log.

mod append;
mod appender;
mod batch;
mod cache;
mod company;
mod failure;
mod progress;
mod rows;
mod snapshot;
mod task;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::{By, Command, RefusalRecord, StreamId};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep_until;
use trace::TraceParent;
use uuid::Uuid;

use crate::at_hand::AtHand;
use crate::identity;
use progress::Progress;

/// The longest command key, in bytes.
pub const KEY_BYTES_MAX: usize = 300;

/// Bounds of a writer.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Commands that may wait; more are refused as [`SubmitError::Busy`].
    pub queue_commands_max: usize,
    /// Commands in one batch.
    pub batch_commands_max: usize,
    /// Events in one batch; one command may go over it, alone.
    pub batch_events_max: usize,
    /// Bytes of payload in one batch; one command may go over it, alone.
    pub batch_bytes_max: usize,
    /// Things (states and what they list) kept in memory, about 300 bytes each.
    pub cache_items_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue_commands_max: 4_096,
            batch_commands_max: 256,
            batch_events_max: 4_096,
            batch_bytes_max: 4 << 20,
            cache_items_max: 200_000,
        }
    }
}

/// A command, with what the log keeps about it.
#[derive(Clone, Debug)]
pub struct Request {
    /// The key under which it takes effect once; at most [`KEY_BYTES_MAX`]. Without one, the
    /// command gets a key of its own and a retry is another command.
    pub key: Option<String>,
    /// A digest of all that was asked: the same key must come with the same one.
    pub fingerprint: Uuid,
    /// The version the caller expects the command's target to have.
    pub expected: Option<i64>,
    /// Other streams that what the caller read was made of, with the versions they had: none of
    /// them may have moved on.
    pub unmoved: Vec<(StreamId, i64)>,
    /// The log that it speaks of, by positions or by what was seen there; any, without one.
    pub log_id: Option<Uuid>,
    /// When it happens.
    pub at: DateTime<Utc>,
    /// As whom it is decided.
    pub by: By,
    /// Who asks: a role or a process, never personal data.
    pub actor: Option<String>,
    /// What it belongs to.
    pub correlation_id: Option<Uuid>,
    /// The position of the event that caused it.
    pub causation: Option<i64>,
    /// Where it belongs in a trace.
    pub trace: Option<TraceParent>,
    /// What is asked.
    pub command: Command,
}

impl Request {
    /// A command of the shop's at a time, without a key, from nobody in particular.
    pub fn new(command: Command, at: DateTime<Utc>) -> Self {
        Self {
            key: None,
            fingerprint: Uuid::nil(),
            expected: None,
            unmoved: Vec::new(),
            log_id: None,
            at,
            by: By::Shop,
            actor: None,
            correlation_id: None,
            causation: None,
            trace: None,
            command,
        }
    }
}

/// What a command came to; kept under its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It took effect, or was so already.
    Accepted {
        /// The id of the command's subject.
        id: String,
        /// The version of the subject's stream.
        version: i64,
    },
    /// The answer is no. Not kept where that may pass by itself.
    Refused(RefusalRecord),
}

/// The answer to a command. It is durable: its events are committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it came to.
    pub outcome: Outcome,
    /// Of its last event; without events, the position its decision was made at.
    pub position: i64,
    /// Whether this is the kept answer to an earlier command of the same key.
    pub replayed: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too many commands wait, or this one waited too long behind others. Nothing was done.
    #[error("too many commands are waiting")]
    Busy,
    /// The key was used for something else. Nothing was done.
    #[error("the key was used for another command")]
    KeyReused,
    /// The key is too long. Nothing was done.
    #[error("the key is longer than {KEY_BYTES_MAX} bytes")]
    KeyTooLong,
    /// The log is another one than the command speaks of. Nothing was done.
    #[error("the log is {0} by now")]
    AnotherLog(Uuid),
    /// The writer has stopped. Nothing was done.
    #[error("the writer has stopped")]
    Closed,
    /// The log cannot be reached or did not take it. A retry under the same key is safe.
    #[error("the log is unavailable")]
    Unavailable,
    /// A stream that the command needs holds what this program cannot read: a newer one wrote it.
    /// Nothing was done, and a retry does not help.
    #[error("the stream {stream} cannot be read: {reason}")]
    Unreadable {
        /// The stream.
        stream: String,
        /// Where in the log the event stands that cannot be read.
        position: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// The command was decided before, and what was kept of its answer cannot be read. Nothing was
    /// done now, and a retry does not help.
    #[error("what was kept under the key cannot be read: {reason}")]
    AnswerUnreadable {
        /// What is wrong with it.
        reason: String,
    },
}

/// A command in the queue, and where its answer goes.
struct Waiting {
    request: Box<Request>,
    /// Of somebody who will not wait for ever.
    patience: Option<Patience>,
    answer: oneshot::Sender<Result<Answer, SubmitError>>,
}

/// How long a command is worth beginning.
struct Patience {
    until: Instant,
    /// Set by who begins it, or by who waits for it no longer: whoever is first.
    settled: Arc<AtomicBool>,
}

/// A command that is in the queue. What it resolves to is its answer; dropping it does not withdraw
/// the command.
#[derive(Debug)]
pub struct Queued(oneshot::Receiver<Result<Answer, SubmitError>>);

impl Future for Queued {
    type Output = Result<Answer, SubmitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = Pin::new(&mut self.0).poll(context);
        answered.map(|answer| answer.unwrap_or(Err(SubmitError::Closed)))
    }
}

/// A command that was not queued.
#[derive(Debug)]
pub struct Unqueued {
    /// Why.
    pub error: SubmitError,
    /// The command.
    pub request: Box<Request>,
}

/// The way to the writer. Clones share it, and cost next to nothing: a service makes several for
/// each request.
#[derive(Clone, Debug)]
pub struct Writer(Arc<WayIn>);

#[derive(Debug)]
struct WayIn {
    queue: mpsc::Sender<Waiting>,
    db: PgPool,
    log_id: watch::Receiver<Option<Uuid>>,
    at_hand: AtHand,
    progress: Progress,
    stop: tokio_util::sync::CancellationToken,
}

impl Writer {
    /// Starts the writer's task. It ends when [`Writer::close`] was called or all clones are gone,
    /// after answering what was accepted.
    pub fn start(db: &PgPool, settings: Settings) -> (Self, JoinHandle<()>) {
        let (queue, commands) = mpsc::channel(settings.queue_commands_max);
        let stop = tokio_util::sync::CancellationToken::new();
        let (known, log_id) = watch::channel(None);
        let at_hand = AtHand::default();
        let appender = appender::Appender::new(db, settings, known, at_hand.clone());
        let progress = Progress::default();
        let task = task::Task::new(appender, settings, commands, progress.clone(), stop.clone());
        let way_in = WayIn { queue, db: db.clone(), log_id, at_hand, progress, stop };
        (Self(Arc::new(way_in)), tokio::spawn(task.run()))
    }

    /// The database that holds the log.
    pub fn db(&self) -> &PgPool {
        &self.0.db
    }

    /// The id of the log that is appended to; `None` until it was reached.
    pub fn log_id(&self) -> Option<Uuid> {
        *self.0.log_id.borrow()
    }

    /// What it appends from now on, for the relay beside it.
    pub fn at_hand(&self) -> AtHand {
        self.0.at_hand.clone()
    }

    /// The id of the log, if that is another one than `log_id`; not where it had that id before,
    /// and `seen`, the furthest position that is known of it, is before it went on under another.
    /// Asks the database where it seems so: the log may have got its id since anything was
    /// appended.
    pub async fn is_another(&self, log_id: Uuid, seen: Option<i64>) -> sqlx::Result<Option<Uuid>> {
        if self.log_id() == Some(log_id) {
            return Ok(None);
        }
        let current = identity::current(&self.0.db).await?;
        if current.log_id == log_id && current.settled {
            return Ok(None);
        }
        let shared = identity::shared_with(&self.0.db, log_id).await?;
        let is_past = shared.zip(seen).is_some_and(|(shared, seen)| seen <= shared);
        Ok((!is_past).then_some(current.log_id))
    }

    /// Queues a command, at the first poll, and waits for its answer. Dropping the future does not
    /// withdraw the command.
    pub async fn submit(&self, request: Request) -> Result<Answer, SubmitError> {
        match self.enqueue(Box::new(request)) {
            Ok(queued) => queued.await,
            Err(Unqueued { error, .. }) => Err(error),
        }
    }

    /// Queues a command behind all others, or gives it back.
    pub fn enqueue(&self, request: Box<Request>) -> Result<Queued, Unqueued> {
        self.queue(request, None)
    }

    /// The same for somebody who will not wait for ever: a command whose turn has not come after
    /// `patience` is not begun, and refused as [`SubmitError::Busy`], or as
    /// [`SubmitError::Unavailable`] where it is the log that does not answer.
    pub async fn submit_soon(
        &self,
        request: Box<Request>,
        patience: Duration,
    ) -> Result<Answer, SubmitError> {
        let (until, settled) = (Instant::now() + patience, Arc::new(AtomicBool::new(false)));
        let patience = Patience { until, settled: settled.clone() };
        let mut queued = self.queue(request, Some(patience)).map_err(|unqueued| unqueued.error)?;
        tokio::select! {
            biased;
            answer = &mut queued => return answer,
            () = sleep_until(until.into()) => {}
        }
        if !settled.swap(true, Ordering::Relaxed) {
            return Err(self.0.progress.lateness());
        }
        queued.await
    }

    fn queue(&self, request: Box<Request>, patience: Option<Patience>) -> Result<Queued, Unqueued> {
        if request.key.as_ref().is_some_and(|key| key.len() > KEY_BYTES_MAX) {
            return Err(Unqueued { error: SubmitError::KeyTooLong, request });
        }
        if self.0.stop.is_cancelled() {
            return Err(Unqueued { error: SubmitError::Closed, request });
        }
        let (answer, answered) = oneshot::channel();
        match self.0.queue.try_send(Waiting { request, patience, answer }) {
            Ok(()) => Ok(Queued(answered)),
            Err(mpsc::error::TrySendError::Full(Waiting { request, .. })) => {
                Err(Unqueued { error: SubmitError::Busy, request })
            }
            Err(mpsc::error::TrySendError::Closed(Waiting { request, .. })) => {
                Err(Unqueued { error: SubmitError::Closed, request })
            }
        }
    }

    /// Stops taking commands. Those accepted are still answered.
    pub fn close(&self) {
        self.0.stop.cancel();
    }
}
