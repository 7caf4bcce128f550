//! The writer's loop: gather, have the batch appended, answer. What a failure means to those who
//! wait is said here; how a batch gets into the log, in `appender`.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::appender::Appender;
use super::batch::KeyedRequest;
use super::failure::AppendError;
use super::progress::Progress;
use super::{Answer, Patience, Settings, SubmitError, Waiting};
use crate::causes;

/// How long an outage lasts until callers are told of it. A batch that comes later still gets its
/// try.
const PATIENCE: Duration = Duration::from_secs(5);
/// One attempt, connecting included; longer than Postgres lets any of its statements run. What is
/// silent for longer is a connection that only we believe in.
const ATTEMPT_MAX: Duration = Duration::from_secs(30);
/// By how much a batch is smaller than the last one if it lets others go first, and how often it
/// does, microseconds each time. 64 callers in this process get a tenth more done a second than
/// without; over HTTP nothing changes, where waiting for everybody would cost a quarter.
const SMALL: usize = 2;
const COURTESIES_MAX: usize = 2;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// An entry and those who wait for it: more than one if a key came twice.
struct Pending {
    entry: KeyedRequest,
    answers: Vec<oneshot::Sender<Result<Answer, SubmitError>>>,
}

impl Pending {
    /// Answers all who wait for it. Some may have gone; what was done is kept under the key.
    fn answer(self, result: &Result<Answer, SubmitError>) {
        for answer in self.answers {
            let _ = answer.send(result.clone());
        }
    }
}

/// Commands on their way into the log.
struct Batch {
    commands: Vec<Pending>,
    /// Whether none of it can be in the log already.
    sure: bool,
}

impl Batch {
    /// Tells its callers that it cannot be done now.
    fn fail(self) {
        for pending in self.commands {
            pending.answer(&Err(SubmitError::Unavailable));
        }
    }
}

pub(super) struct Task {
    settings: Settings,
    commands: mpsc::Receiver<Waiting>,
    stop: CancellationToken,
    appender: Appender,
    progress: Progress,
    /// What comes before the queue: what did not fit, and what has to be tried again.
    first: VecDeque<Batch>,
    /// How many commands the last batch was gathered of.
    last_gathered: usize,
    outage_since: Option<Instant>,
}

impl Task {
    pub fn new(
        appender: Appender,
        settings: Settings,
        commands: mpsc::Receiver<Waiting>,
        progress: Progress,
        stop: CancellationToken,
    ) -> Self {
        let (first, last_gathered, outage_since) = (VecDeque::new(), 0, None);
        Self { settings, commands, stop, appender, progress, first, last_gathered, outage_since }
    }

    pub async fn run(mut self) {
        // So that the first command need not wait for it, and its log is known before it comes.
        self.appender.prepare().await;
        while let Some(batch) = self.next().await {
            self.append(batch).await;
            self.show_waiting();
            self.appender.rest();
        }
    }

    /// The next batch; none when there will be no more.
    async fn next(&mut self) -> Option<Batch> {
        let most = self.settings.batch_commands_max;
        let mut gathered = Vec::new();
        loop {
            if let Some(batch) = self.first.pop_front() {
                return Some(batch);
            }
            tokio::select! {
                biased;
                received = self.commands.recv_many(&mut gathered, most) => {
                    if received == 0 {
                        return None;
                    }
                    self.progress.moves();
                    self.appender.wait_for_turn().await;
                    self.gather_more(&mut gathered, most).await;
                    self.first.extend(deduplicate(&mut gathered, &self.progress));
                    self.show_waiting();
                    if self.first.is_empty() {
                        self.appender.give_turn_up().await;
                    }
                }
                () = self.stop.cancelled(), if !self.commands.is_closed() => self.commands.close(),
            }
        }
    }

    /// Shows what is not in the log yet: what waits in the queue, and what is to be tried, or tried
    /// again.
    fn show_waiting(&self) {
        let taken = self.first.iter().map(|batch| batch.commands.len()).sum::<usize>();
        metrics::gauge!("writer_queue_commands").set((self.commands.len() + taken) as f64);
    }

    /// Takes what came while the turn was awaited. A batch that would be much smaller than the last
    /// one lets others go first: those answered with that have only just been woken, and a batch
    /// costs the same flush of the disk whatever is in it.
    async fn gather_more(&mut self, gathered: &mut Vec<Waiting>, most: usize) {
        for _ in 0..COURTESIES_MAX {
            self.gather(gathered, most);
            if gathered.len() * SMALL >= self.last_gathered {
                break;
            }
            tokio::task::yield_now().await;
        }
        self.gather(gathered, most);
        self.last_gathered = gathered.len();
    }

    fn gather(&mut self, gathered: &mut Vec<Waiting>, most: usize) {
        while gathered.len() < most
            && let Ok(waiting) = self.commands.try_recv()
        {
            gathered.push(waiting);
        }
    }

    /// Gets a batch into the log and answers it, or puts it back to be tried again, or tells its
    /// callers that it cannot be done.
    async fn append(&mut self, batch: Batch) {
        let Batch { mut commands, sure } = batch;
        let entries: Vec<&KeyedRequest> = commands.iter().map(|pending| &pending.entry).collect();
        let started = Instant::now();
        metrics::histogram!("writer_batch_commands").record(entries.len() as f64);
        let attempt =
            tokio::time::timeout(ATTEMPT_MAX, self.appender.attempt(&entries, sure)).await;
        metrics::histogram!("writer_batch_duration_seconds").record(started.elapsed());
        match attempt.unwrap_or(Err(AppendError::Silent)) {
            Ok(results) => {
                self.outage_since = None;
                self.progress.moves();
                let left_over = commands.split_off(results.len());
                for (pending, result) in commands.into_iter().zip(&results) {
                    pending.answer(result);
                }
                if !left_over.is_empty() {
                    self.first.push_front(Batch { commands: left_over, sure });
                }
            }
            Err(error) if error.is_outage() => self.outage(&error, commands).await,
            Err(error) => self.refused(&error, Batch { commands, sure }),
        }
    }

    /// Postgres is away, or its answer was lost: nobody knows whether the batch was appended. It is
    /// tried again, unless the outage has lasted too long.
    async fn outage(&mut self, error: &AppendError, commands: Vec<Pending>) {
        metrics::counter!("writer_append_failures_total").increment(1);
        let batch = Batch { commands, sure: false };
        if self.outage_since.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
            self.first.push_front(batch);
        } else {
            report(error, batch.commands.len());
            batch.fail();
        }
        tokio::time::sleep(PAUSE).await;
    }

    /// Something in the batch is at fault: each half by itself, and so on, so that the others get
    /// through.
    fn refused(&mut self, error: &AppendError, batch: Batch) {
        metrics::counter!("writer_append_failures_total").increment(1);
        let Batch { mut commands, sure } = batch;
        if commands.len() == 1 {
            report(error, 1);
            return Batch { commands, sure }.fail();
        }
        let rest = commands.split_off(commands.len() / 2);
        self.first.push_front(Batch { commands: rest, sure });
        self.first.push_front(Batch { commands, sure });
    }
}

fn report(error: &AppendError, commands: usize) {
    tracing::error!(error = causes(error), commands, "a batch was not appended");
}

/// A key that comes twice in one batch is decided once and answered twice. What has waited too long
/// is not begun.
fn deduplicate(gathered: &mut Vec<Waiting>, progress: &Progress) -> Option<Batch> {
    let now = Instant::now();
    let mut commands: Vec<Pending> = Vec::with_capacity(gathered.len());
    let mut by_key: HashMap<String, usize> = HashMap::with_capacity(gathered.len());
    for Waiting { request, patience, answer } in gathered.drain(..) {
        if let Some(Patience { until, settled }) = patience {
            if settled.swap(true, Ordering::Relaxed) {
                continue;
            }
            if until < now {
                let _ = answer.send(Err(progress.lateness()));
                continue;
            }
        }
        let key = match &request.key {
            Some(key) => key.clone(),
            None => format!("g:{}", Uuid::now_v7()),
        };
        if let Some(first) = by_key.get(&key).map(|index| &mut commands[*index]) {
            if first.entry.request.fingerprint == request.fingerprint {
                first.answers.push(answer);
            } else {
                let _ = answer.send(Err(SubmitError::KeyReused));
            }
            continue;
        }
        by_key.insert(key.clone(), commands.len());
        commands.push(Pending { entry: KeyedRequest { key, request }, answers: vec![answer] });
    }
    (!commands.is_empty()).then_some(Batch { commands, sure: true })
}
