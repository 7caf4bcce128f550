//! The writer's loop: gather, have the batch appended, answer. What a failure means to those who
//! wait is said here; how a batch gets into the log, in `log`.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::batch::Entry;
use super::log::{AppendError, Log, Results};
use super::{Answer, Settings, SubmitError, Waiting};

/// How long a batch whose connection broke is tried again before its callers are told.
const SETTLE_MS_MAX: u64 = 15_000;
/// One attempt, connecting included; longer than Postgres lets any of its statements run. What is
/// silent for longer is a connection that only we believe in.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// The pause between two tries.
const SETTLE_PAUSE_MS: u64 = 200;

/// Why a batch has no results.
enum Failure {
    /// Postgres stays away.
    Outage,
    /// Something in the batch is at fault.
    Refused,
}

/// An entry and those who wait for it: more than one if a key came twice.
struct Taken {
    entry: Entry,
    answers: Vec<tokio::sync::oneshot::Sender<Result<Answer, SubmitError>>>,
}

pub(super) struct Task {
    settings: Settings,
    commands: mpsc::Receiver<Waiting>,
    /// Taken from the queue but not yet decided: what did not fit the last batch.
    left_over: VecDeque<Waiting>,
    stop: CancellationToken,
    log: Log,
}

impl Task {
    pub fn new(
        db: &PgPool,
        settings: Settings,
        commands: mpsc::Receiver<Waiting>,
        stop: CancellationToken,
    ) -> Self {
        Self { settings, commands, left_over: VecDeque::new(), stop, log: Log::new(db, settings) }
    }

    pub async fn run(mut self) {
        let mut gathered = Vec::with_capacity(self.settings.batch_commands_max);
        while self.gather(&mut gathered).await {
            let batch = deduplicate(&mut gathered);
            let started = Instant::now();
            metrics::histogram!("writer_batch_commands").record(batch.len() as f64);
            self.process(batch).await;
            metrics::histogram!("writer_batch_seconds").record(started.elapsed().as_secs_f64());
            self.log.rest();
        }
    }

    /// Waits for commands; false when there will be no more.
    async fn gather(&mut self, into: &mut Vec<Waiting>) -> bool {
        let most = self.settings.batch_commands_max;
        into.extend(self.left_over.drain(..most.min(self.left_over.len())));
        if !into.is_empty() {
            return true;
        }
        tokio::select! {
            biased;
            taken = self.commands.recv_many(into, most) => taken > 0,
            () = self.stop.cancelled() => {
                self.commands.close();
                self.commands.recv_many(into, most).await > 0
            }
        }
    }

    /// Appends a batch and answers it, whatever happens.
    async fn process(&mut self, batch: Vec<Taken>) {
        let (mut entries, mut answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|taken| (taken.entry, taken.answers)).unzip();
        let unavailable = Err(SubmitError::Unavailable);
        let results = match self.settle(&entries).await {
            Ok(results) => results,
            Err(Failure::Refused) if entries.len() > 1 => self.settle_singly(&entries).await,
            Err(Failure::Refused | Failure::Outage) => vec![unavailable; entries.len()],
        };
        let done = results.len();
        for (result, waiting) in results.into_iter().zip(answers.drain(..done)) {
            for answer in waiting {
                // Whoever asked may have gone; what was done is kept under the key.
                let _ = answer.send(result.clone());
            }
        }
        // What did not fit comes first in the next batch.
        for (entry, waiting) in entries.drain(done..).zip(answers).rev() {
            for answer in waiting {
                self.left_over.push_front(Waiting { request: entry.request.clone(), answer });
            }
        }
    }

    /// One command of a batch is at fault: each by itself, so that the others get through.
    async fn settle_singly(&mut self, entries: &[Entry]) -> Results {
        let mut results = Vec::with_capacity(entries.len());
        for entry in entries {
            match self.settle(std::slice::from_ref(entry)).await {
                Ok(alone) => results.extend(alone),
                Err(Failure::Refused) => results.push(Err(SubmitError::Unavailable)),
                Err(Failure::Outage) => break,
            }
        }
        results.resize(entries.len(), Err(SubmitError::Unavailable));
        results
    }

    /// Appends the batch, however often the connection breaks, until it is known what became of
    /// it.
    async fn settle(&mut self, entries: &[Entry]) -> Result<Results, Failure> {
        let deadline = Instant::now() + Duration::from_millis(SETTLE_MS_MAX);
        let mut sure = true;
        loop {
            let attempt = tokio::time::timeout(ATTEMPT_MAX, self.log.attempt(entries, sure)).await;
            let error = match attempt.unwrap_or(Err(AppendError::Silent)) {
                Ok(results) => return Ok(results),
                Err(error) => error,
            };
            metrics::counter!("writer_append_failures_total").increment(1);
            let outage = error.is_outage();
            if !outage || Instant::now() > deadline {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, commands = entries.len(), "a batch was not appended");
                return Err(if outage { Failure::Outage } else { Failure::Refused });
            }
            // Nobody knows whether it was appended: from now on, look before appending.
            sure = false;
            tokio::time::sleep(Duration::from_millis(SETTLE_PAUSE_MS)).await;
        }
    }
}

/// A key that comes twice in one batch is decided once and answered twice.
fn deduplicate(gathered: &mut Vec<Waiting>) -> Vec<Taken> {
    let mut batch: Vec<Taken> = Vec::with_capacity(gathered.len());
    let mut by_key: HashMap<String, usize> = HashMap::new();
    for Waiting { request, answer } in gathered.drain(..) {
        let key = match &request.key {
            Some(key) => key.clone(),
            None => format!("g:{}", Uuid::now_v7()),
        };
        if let Some(first) = by_key.get(&key).map(|index| &mut batch[*index]) {
            if first.entry.request.fingerprint == request.fingerprint {
                first.answers.push(answer);
            } else {
                let _ = answer.send(Err(SubmitError::KeyReused));
            }
            continue;
        }
        by_key.insert(key.clone(), batch.len());
        batch.push(Taken { entry: Entry { key, request }, answers: vec![answer] });
    }
    batch
}
