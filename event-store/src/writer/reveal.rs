//! The second half of an append: makes it durable, shows it to readers, and answers. Meanwhile the
//! next batches are decided and appended; they wait for the disk together.
//!
//! It works on a connection that was made before anything it reveals was appended. As long as that
//! holds, the server has not crashed in between, and one durable commit makes durable all that was
//! appended before it. When it breaks, nobody knows: what was not revealed goes back to the task,
//! which looks it up.

use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::log::Results;
use super::task::Taken;

/// Batches that wait while one is revealed; with more, the writer gathers. Shorter queues make
/// larger batches, which cost less each command.
const WAITING_MAX: usize = 1;
/// How often an idle writer looks whether another process died between the halves of an append.
const STRAGGLERS_POLL: Duration = Duration::from_secs(1);
/// A connection that is silent for longer is one that only we believe in.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// A batch in the log that no reader sees yet.
pub(super) struct Appended {
    pub taken: Vec<Taken>,
    /// One for each that was taken.
    pub results: Results,
    /// The tail after it.
    pub tail: i64,
}

/// The way to the task that reveals.
pub(super) struct Revealer {
    batches: mpsc::Sender<Appended>,
    task: JoinHandle<Ended>,
}

/// What is left of a revealer's work.
#[derive(Default)]
pub(super) struct Ended {
    /// What could not be revealed: it may be in the log.
    pub unrevealed: Vec<Appended>,
    /// Whether anything was.
    pub worked: bool,
}

impl Revealer {
    /// Works on `connection` until it breaks or [`Revealer::finish`] is called.
    pub fn start(connection: PgConnection) -> Self {
        let (batches, waiting) = mpsc::channel(WAITING_MAX);
        Self { batches, task: tokio::spawn(run(connection, waiting)) }
    }

    /// Waits until a batch can be taken without waiting.
    pub async fn room(&self) {
        // Broken, it takes none: the batch will find that out.
        let _ = self.batches.reserve().await;
    }

    /// Takes a batch that was appended while this was at work. Gives it back if it has ended.
    pub async fn take(&self, batch: Appended) -> Result<(), Appended> {
        self.batches.send(batch).await.map_err(|refused| refused.0)
    }

    /// Returns when the connection has broken. There is then nothing to do but to finish.
    pub async fn broken(&self) {
        self.batches.closed().await;
    }

    /// Returns when all is answered, but for what could not be revealed.
    pub async fn finish(self) -> Ended {
        drop(self.batches);
        // It does not panic; if it did, those who wait would learn that they were dropped.
        self.task.await.unwrap_or_default()
    }
}

async fn run(mut connection: PgConnection, mut waiting: mpsc::Receiver<Appended>) -> Ended {
    let mut worked = false;
    loop {
        let (batch, revealed) = match timeout(STRAGGLERS_POLL, waiting.recv()).await {
            Ok(Some(batch)) => {
                let revealed = timeout(SILENCE_MAX, reveal(&mut connection, batch.tail)).await;
                (Some(batch), revealed)
            }
            Ok(None) => return Ended { unrevealed: vec![], worked },
            Err(_) => (None, timeout(SILENCE_MAX, reveal_stragglers(&mut connection)).await),
        };
        if let Ok(Ok(())) = revealed {
            worked = true;
            batch.into_iter().for_each(answer);
        } else {
            // The task meets the same outage and reports it.
            metrics::counter!("writer_reveal_failures_total").increment(1);
            waiting.close();
            let mut unrevealed: Vec<Appended> = batch.into_iter().collect();
            while let Some(batch) = waiting.recv().await {
                unrevealed.push(batch);
            }
            return Ended { unrevealed, worked };
        }
    }
}

/// Makes durable what was appended before, and shows it up to `until`.
async fn reveal(connection: &mut PgConnection, until: i64) -> sqlx::Result<()> {
    sqlx::query!("SELECT reveal($1)", until).fetch_one(connection).await.map(drop)
}

/// What a process appended that died before it could reveal it. Its callers ask again, and are
/// answered by its keys; but the log must not wait for that.
async fn reveal_stragglers(connection: &mut PgConnection) -> sqlx::Result<()> {
    let beyond =
        "SELECT reveal(t.position) FROM log_tail t, log_head h WHERE t.position > h.position";
    sqlx::query(beyond).fetch_optional(connection).await.map(drop)
}

fn answer(batch: Appended) {
    for (taken, result) in batch.taken.into_iter().zip(batch.results) {
        taken.answer(&result);
    }
}
