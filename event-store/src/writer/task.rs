//! The writer's loop: gather, decide, append, answer.
//!
//! The common case is one statement. When a belief was stale, or a connection broke and nobody
//! knows what became of the batch, the task takes the head, looks at what is there, decides again
//! and appends while nothing can move. That settles it: what was appended after all is found by
//! its keys.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use domain::StreamId;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Acquire, ConnectOptions, PgConnection, PgPool};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::append::{self, Kept, LoadError};
use super::batch::{self, Decided, Entry, Undecided};
use super::cache::Cache;
use super::{Answer, Settings, SubmitError, Waiting};

/// Rounds of loading for one batch: a command looks up a cart, then its products, then their
/// stock, and commands that build on each other add rounds. After these the batch is cut short at
/// the first command that still lacks something; as many again for one command alone mean a
/// decision that never ends.
const LOAD_ROUNDS_MAX: u32 = 8;
/// How long a batch whose connection broke is tried again before its callers are told.
const SETTLE_MS_MAX: u64 = 15_000;
/// One attempt, connecting included; longer than Postgres lets any of its statements run. What is
/// silent for longer is a connection that only we believe in.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// The pause between two tries.
const SETTLE_PAUSE_MS: u64 = 200;

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
enum AppendError {
    #[error("a state could not be loaded")]
    Load(#[from] LoadError),
    #[error("the append failed")]
    Database(#[from] sqlx::Error),
    #[error("an event could not be written as JSON")]
    Encoding(#[source] serde_json::Error),
    #[error("a decision asked for states without end")]
    Endless,
    #[error("the log moved while its head was held")]
    Moved,
    #[error("Postgres did not answer in time")]
    Silent,
}

/// What became of each command of a batch, in its order; short if the batch was cut.
type Results = Vec<Result<Answer, SubmitError>>;

/// Why a batch has no results.
enum Failure {
    /// Postgres stays away.
    Outage,
    /// Something in the batch is at fault.
    Refused,
}

impl AppendError {
    /// Whether the connection or the server failed, rather than the batch.
    fn is_outage(&self) -> bool {
        let error = match self {
            Self::Database(error) | Self::Load(LoadError::Database(error)) => error,
            // With the connection the cache goes, and with it whatever belief was wrong.
            Self::Silent | Self::Moved => return true,
            Self::Load(LoadError::Unreadable(_)) | Self::Encoding(_) | Self::Endless => {
                return false;
            }
        };
        match error {
            sqlx::Error::Database(error) => {
                // Shutdown and crash, cancelled or timed out, out of resources, not now: the
                // classes of errors that pass.
                let code = error.code().unwrap_or_default();
                ["57", "53", "55", "25", "40", "08"].iter().any(|class| code.starts_with(class))
            }
            // What is stored cannot be read by this program, now or later.
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_)
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::RowNotFound => false,
            _ => true,
        }
    }
}

/// An entry and those who wait for it: more than one if a key came twice.
struct Taken {
    entry: Entry,
    answers: Vec<tokio::sync::oneshot::Sender<Result<Answer, SubmitError>>>,
}

pub(super) struct Task {
    options: PgConnectOptions,
    connection: Option<PgConnection>,
    settings: Settings,
    commands: mpsc::Receiver<Waiting>,
    /// Taken from the queue but not yet decided: what did not fit the last batch.
    left_over: VecDeque<Waiting>,
    stop: CancellationToken,
    cache: Cache,
}

impl Task {
    pub fn new(
        db: &PgPool,
        settings: Settings,
        commands: mpsc::Receiver<Waiting>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            options: append::options(&db.connect_options()),
            connection: None,
            settings,
            commands,
            left_over: VecDeque::new(),
            stop,
            cache: Cache::new(settings.cache_items_max),
        }
    }

    pub async fn run(mut self) {
        let mut gathered = Vec::with_capacity(self.settings.batch_commands_max);
        while self.gather(&mut gathered).await {
            let batch = deduplicate(&mut gathered);
            let started = Instant::now();
            metrics::histogram!("writer_batch_commands").record(batch.len() as f64);
            self.process(batch).await;
            metrics::histogram!("writer_batch_seconds").record(started.elapsed().as_secs_f64());
            self.cache.shrink();
            metrics::gauge!("writer_cache_items").set(self.cache.items() as f64);
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
            let attempt = tokio::time::timeout(ATTEMPT_MAX, self.attempt(entries, sure)).await;
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

    /// One attempt. May be dropped at any point: the connection goes with it, and the keys say
    /// later what became of it.
    async fn attempt(&mut self, entries: &[Entry], sure: bool) -> Result<Results, AppendError> {
        let mut connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            // Behind a new connection may be a log that was restored or that lost its end: what
            // was folded from the old one is forgotten.
            self.cache = Cache::new(self.settings.cache_items_max);
            self.options.connect().await?
        };
        let result = self.attempt_on(&mut connection, entries, sure).await;
        // A connection that failed is dropped, not used again: it may be inside a transaction.
        if result.is_ok() {
            self.connection = Some(connection);
        }
        result
    }

    async fn attempt_on(
        &mut self,
        connection: &mut PgConnection,
        entries: &[Entry],
        sure: bool,
    ) -> Result<Results, AppendError> {
        let decided = self.decide(connection, entries).await?;
        if sure {
            if let Some(head) = append::append(connection, &decided.rows).await? {
                return Ok(self.conclude(decided, head));
            }
            metrics::counter!("writer_stale_batches_total").increment(1);
        }
        self.append_holding_head(connection, entries, decided.touched).await
    }

    /// Decides and appends while the head is held: nothing can move meanwhile.
    async fn append_holding_head(
        &mut self,
        connection: &mut PgConnection,
        entries: &[Entry],
        mut touched: HashSet<StreamId>,
    ) -> Result<Results, AppendError> {
        let mut transaction = connection.begin().await?;
        append::lock_head(&mut transaction).await?;
        let keys: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        let mut kept = append::kept(&mut transaction, &keys).await?;
        let fresh: Vec<Entry> = entries
            .iter()
            .filter(|entry| !kept.contains_key(&entry.key))
            .map(|Entry { key, request }| Entry { key: key.clone(), request: request.clone() })
            .collect();

        let mut results = Vec::new();
        if fresh.is_empty() {
            // Said aloud: a dropped transaction lets go of the head only with the next statement.
            transaction.rollback().await?;
        } else {
            // A new decision may look at streams the last one did not: those in the cache may be
            // stale as well, so refresh until it looks at nothing new.
            let decided = loop {
                append::load(&mut transaction, &mut self.cache, &touched).await?;
                let decided = self.decide(&mut transaction, &fresh).await?;
                if decided.touched.is_subset(&touched) {
                    break decided;
                }
                touched.extend(decided.touched);
            };
            let head = append::append(&mut transaction, &decided.rows).await?;
            let head = head.ok_or(AppendError::Moved)?;
            transaction.commit().await?;
            results = self.conclude(decided, head);
        }

        // Put both kinds of answers back into the order of the entries; a batch that was cut short
        // is answered up to the cut.
        let mut appended = results.into_iter();
        let mut merged = Vec::with_capacity(entries.len());
        for Entry { key, request } in entries {
            match kept.remove(key) {
                Some(kept) => merged.push(replay(kept, request.fingerprint)),
                None => match appended.next() {
                    Some(result) => merged.push(result),
                    None => break,
                },
            }
        }
        Ok(merged)
    }

    /// Decides, loading what is missing, until nothing is.
    async fn decide(
        &mut self,
        connection: &mut PgConnection,
        entries: &[Entry],
    ) -> Result<Decided, AppendError> {
        for round in 1..=2 * LOAD_ROUNDS_MAX {
            let cut = round > LOAD_ROUNDS_MAX;
            match batch::decide(entries, &self.cache, &self.settings, cut) {
                Ok(decided) => return Ok(decided),
                Err(Undecided::Encoding(error)) => return Err(AppendError::Encoding(error)),
                Err(Undecided::Missing(streams)) => {
                    append::load(connection, &mut self.cache, &streams).await?;
                }
            }
        }
        Err(AppendError::Endless)
    }

    /// The batch is durable: remember the states it left and make the answers.
    fn conclude(&mut self, decided: Decided, head: i64) -> Results {
        metrics::counter!("writer_events_total").increment(decided.rows.streams.len() as u64);
        for stream in &decided.touched {
            self.cache.touch(stream);
        }
        self.cache.put_all(decided.states);
        let answers = decided.outcomes.into_iter().map(|(outcome, offset)| {
            Ok(Answer { outcome, position: head + offset, replayed: false })
        });
        answers.collect()
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

fn replay(kept: Kept, fingerprint: Uuid) -> Result<Answer, SubmitError> {
    if kept.fingerprint != fingerprint {
        return Err(SubmitError::KeyReused);
    }
    Ok(Answer { outcome: kept.outcome, position: kept.position, replayed: true })
}
