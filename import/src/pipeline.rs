//! Commands to the writer, one behind the other without waiting for each answer: the writer
//! decides them in the order in which they were queued, whole batches at a time.
//!
//! When the log does not take one, everything stops at once: nothing behind it may be decided as
//! if it had been. The log then holds the beginning of the import and nothing else, and a repeated
//! run, which asks the same under the same keys, goes on from there.

use std::collections::{BTreeMap, VecDeque};

use event_store::writer::{
    Answer, Outcome, Queued, Request, Settings, SubmitError, Unqueued, Writer,
};
use sqlx::PgPool;
use tokio::task::JoinHandle;

use crate::report::Counts;

/// Commands on their way at once: a few batches of the writer, well below what its queue holds, so
/// that it is never too full and the order is kept.
const WINDOW_COMMANDS: usize = 1_024;

/// What a product is refused as that is in the catalogue.
const EXISTS_ALREADY: &str = "product_already_exists";

/// Where a command comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Which product or order of the file, counted from 0.
    pub item: usize,
    /// Which line of the file; none if the command speaks for the whole item.
    pub line: Option<u64>,
}

/// A command's refusal.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// Why, in words.
    pub reason: String,
    /// Whether that was the answer to an earlier import.
    pub replayed: bool,
}

/// What became of all commands.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many.
    pub counts: Counts,
    /// The first refusal of each origin; what follows from it is not worth telling.
    pub refused: BTreeMap<Origin, Rejection>,
}

/// Commands on their way.
pub struct Pipeline {
    writer: Writer,
    task: JoinHandle<()>,
    waiting: VecDeque<(Origin, Queued)>,
    tally: Tally,
}

impl Pipeline {
    /// A pipeline with a writer of its own.
    pub fn start(db: &PgPool) -> Self {
        let (writer, task) = Writer::start(db, Settings::default());
        let waiting = VecDeque::with_capacity(WINDOW_COMMANDS);
        Self { writer, task, waiting, tally: Tally::default() }
    }

    /// Queues a command behind all others; waits while too many are on their way.
    ///
    /// # Errors
    /// When the log does not take a command; nothing behind that one is queued any more.
    pub async fn push(&mut self, origin: Origin, request: Request) -> Result<(), SubmitError> {
        while self.waiting.len() >= WINDOW_COMMANDS {
            self.take_answer().await?;
        }
        match self.writer.enqueue(Box::new(request)) {
            Ok(queued) => self.waiting.push_back((origin, queued)),
            Err(Unqueued { error, .. }) => self.settle(origin, Err(error))?,
        }
        Ok(())
    }

    /// Waits for all answers.
    ///
    /// # Errors
    /// When the log does not take a command.
    pub async fn finish(mut self) -> Result<Tally, SubmitError> {
        while !self.waiting.is_empty() {
            self.take_answer().await?;
        }
        self.writer.close();
        Ok(std::mem::take(&mut self.tally))
    }

    async fn take_answer(&mut self) -> Result<(), SubmitError> {
        let Some((origin, submission)) = self.waiting.pop_front() else { return Ok(()) };
        let result = submission.await;
        self.settle(origin, result)
    }

    fn settle(
        &mut self,
        origin: Origin,
        result: Result<Answer, SubmitError>,
    ) -> Result<(), SubmitError> {
        let (refusal, replayed) = match result {
            Ok(Answer { outcome: Outcome::Accepted { .. }, replayed, .. }) => (None, replayed),
            // What is to be created is there already: that is what was wanted.
            Ok(Answer { outcome: Outcome::Refused(refusal), .. })
                if refusal.code().0 == EXISTS_ALREADY =>
            {
                (None, true)
            }
            Ok(Answer { outcome: Outcome::Refused(refusal), replayed, .. }) => {
                (Some(refusal.to_string()), replayed)
            }
            Err(
                error @ (SubmitError::KeyReused
                | SubmitError::KeyTooLong
                | SubmitError::AnotherLog(_)
                | SubmitError::Unreadable { .. }
                | SubmitError::AnswerUnreadable { .. }),
            ) => (Some(error.to_string()), false),
            Err(error) => {
                self.task.abort();
                return Err(error);
            }
        };
        let counts = &mut self.tally.counts;
        match refusal {
            Some(reason) => {
                counts.refused += 1;
                self.tally.refused.entry(origin).or_insert(Rejection { reason, replayed });
            }
            None if replayed => counts.replayed += 1,
            None => counts.accepted += 1,
        }
        Ok(())
    }
}
