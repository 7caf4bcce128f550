//! What is under way on one connection, and since when nothing of it has moved.
//!
//! The transport keeps what it was given until the other end takes it, and asks a body for no more
//! meanwhile: a body cannot find out by itself that nobody reads it. So each answer writes here how
//! it gets on, and who attends to the connection looks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long an answer is left to those who do not take it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// Without any progress.
    pub unread: Duration,
    /// Bytes a second that an answer of known length is taken at least, after the time above: one
    /// who takes a little now and then does not hold it for ever.
    pub slowest: u64,
}

/// One connection's requests and answers.
pub(crate) struct Ledger {
    book: Mutex<Book>,
    /// Of all answers that were not yet taken.
    pub(crate) bytes: AtomicUsize,
}

struct Book {
    has_spoken: bool,
    /// Requests whose answer has not been taken to its end.
    requests: usize,
    /// When the last of them ended.
    idle_since: Instant,
    /// By their numbers. There are few, and room that was made for one serves the next.
    answers: Vec<(u64, Progress)>,
    answers_begun: u64,
}

struct Progress {
    began: Instant,
    moved: Instant,
    /// In bytes, where it is known; a stream is as long as it lasts.
    length: Option<u64>,
    /// Pieces that the transport holds.
    pieces: usize,
}

impl Ledger {
    /// Of a connection that has just come.
    pub fn new(now: Instant) -> Arc<Self> {
        let book = Book {
            has_spoken: false,
            requests: 0,
            idle_since: now,
            answers: Vec::new(),
            answers_begun: 0,
        };
        Arc::new(Self { book: Mutex::new(book), bytes: AtomicUsize::new(0) })
    }

    /// Notes a request, which is under way until what is returned is dropped.
    pub fn begin(self: &Arc<Self>) -> UnderWay {
        let mut book = self.book();
        book.has_spoken = true;
        book.requests += 1;
        UnderWay(self.clone())
    }

    /// Notes an answer of so many bytes, or of none that are known.
    pub fn answer(self: &Arc<Self>, length: Option<u64>, now: Instant) -> Entry {
        let under_way = self.begin();
        let mut book = self.book();
        let number = book.answers_begun;
        book.answers_begun += 1;
        book.answers.push((number, Progress { began: now, moved: now, length, pieces: 0 }));
        Entry { number, under_way }
    }

    /// Whether a whole request ever came.
    pub fn has_spoken(&self) -> bool {
        self.book().has_spoken
    }

    /// For how long nothing is under way; `None` while something is.
    pub fn idle(&self, now: Instant) -> Option<Duration> {
        let book = self.book();
        (book.requests == 0).then(|| now.saturating_duration_since(book.idle_since))
    }

    /// Whether an answer is not taken, or too slowly.
    pub fn is_stuck(&self, patience: Patience, now: Instant) -> bool {
        self.book().answers.iter().any(|(_, answer)| answer.is_stuck(patience, now))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress {
    fn is_stuck(&self, patience: Patience, now: Instant) -> bool {
        // A stream of which the transport holds nothing waits for us.
        let waits_for_the_caller = self.pieces > 0 || self.length.is_some();
        let is_unread = now.saturating_duration_since(self.moved) >= patience.unread;
        let is_slow = self.length.is_some_and(|bytes| {
            let time = patience.unread + Duration::from_secs(bytes / patience.slowest);
            now.saturating_duration_since(self.began) >= time
        });
        waits_for_the_caller && (is_unread || is_slow)
    }
}

/// A request under way. The connection is idle when the last one is dropped.
pub(crate) struct UnderWay(Arc<Ledger>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut book = self.0.book();
        book.requests -= 1;
        if book.requests == 0 {
            book.idle_since = Instant::now();
        }
    }
}

/// An answer's place in the ledger, until it is dropped.
pub(crate) struct Entry {
    number: u64,
    under_way: UnderWay,
}

impl Entry {
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.under_way.0
    }

    /// The transport was given a piece.
    pub fn given(&self, now: Instant) {
        self.change(|answer| {
            // What waited for us until now has not been waited for.
            if answer.pieces == 0 {
                answer.moved = now;
            }
            answer.pieces += 1;
        });
    }

    /// The transport has passed a piece on.
    pub fn taken(&self, now: Instant) {
        self.change(|answer| {
            answer.moved = now;
            answer.pieces -= 1;
        });
    }

    fn change(&self, change: impl FnOnce(&mut Progress)) {
        let mut book = self.ledger().book();
        if let Some((_, answer)) = book.answers.iter_mut().find(|(it, _)| *it == self.number) {
            change(answer);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.ledger().book().answers.retain(|(it, _)| *it != self.number);
    }
}

/// Bytes that are counted on a connection until this is dropped.
pub(crate) struct Counted {
    ledger: Arc<Ledger>,
    bytes: usize,
}

impl Counted {
    /// Counts `bytes`, whatever there are already.
    pub fn add(ledger: &Arc<Ledger>, bytes: usize) -> Self {
        ledger.bytes.fetch_add(bytes, Ordering::Relaxed);
        Self { ledger: ledger.clone(), bytes }
    }

    /// Counts `bytes` if all together are no more than `most`. One answer that is larger is let
    /// through where there is no other.
    pub fn fit(ledger: &Arc<Ledger>, bytes: usize, most: usize) -> Option<Self> {
        let fit = |held: usize| (held == 0 || held + bytes <= most).then_some(held + bytes);
        let fits = ledger.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fit);
        fits.is_ok().then(|| Self { ledger: ledger.clone(), bytes })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.ledger.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const PATIENCE: Patience = Patience { unread: Duration::from_mins(1), slowest: 1_000 };

    #[test]
    fn an_answer_that_does_not_move_is_stuck_and_one_that_does_is_not() {
        let began = Instant::now();
        let ledger = Ledger::new(began);
        let answer = ledger.answer(Some(600_000), began);
        assert!(!ledger.is_stuck(PATIENCE, began + 59 * SECOND));
        assert!(ledger.is_stuck(PATIENCE, began + 60 * SECOND));
        // Taken at twice the least pace, it may last.
        answer.given(began);
        for second in (50..300).step_by(50) {
            let now = began + second * SECOND;
            answer.taken(now);
            answer.given(now);
            assert!(!ledger.is_stuck(PATIENCE, now + 49 * SECOND));
        }
        drop(answer);
        assert!(!ledger.is_stuck(PATIENCE, began + 10_000 * SECOND));
    }

    #[test]
    fn an_answer_that_is_taken_drop_by_drop_ends_all_the_same() {
        let began = Instant::now();
        let ledger = Ledger::new(began);
        let answer = ledger.answer(Some(10_000), began);
        answer.given(began);
        for second in [59, 69] {
            answer.taken(began + second * SECOND);
            answer.given(began + second * SECOND);
        }
        assert!(!ledger.is_stuck(PATIENCE, began + 69 * SECOND));
        assert!(ledger.is_stuck(PATIENCE, began + 70 * SECOND));
    }

    #[test]
    fn a_stream_may_be_silent_for_as_long_as_it_likes_but_not_unread() {
        let began = Instant::now();
        let ledger = Ledger::new(began);
        let stream = ledger.answer(None, began);
        let later = began + 1_000 * SECOND;
        assert!(!ledger.is_stuck(PATIENCE, later));
        stream.given(later);
        assert!(!ledger.is_stuck(PATIENCE, later + 59 * SECOND));
        assert!(ledger.is_stuck(PATIENCE, later + 60 * SECOND));
        stream.taken(later + 60 * SECOND);
        assert!(!ledger.is_stuck(PATIENCE, later + 1_000 * SECOND));
    }

    #[test]
    fn a_connection_is_idle_when_its_last_answer_is_taken() {
        let began = Instant::now();
        let ledger = Ledger::new(began);
        assert!(!ledger.has_spoken());
        assert_eq!(ledger.idle(began + SECOND), Some(SECOND));
        let request = ledger.begin();
        let answer = ledger.answer(None, began);
        drop(request);
        assert!(ledger.has_spoken());
        assert_eq!(ledger.idle(began + SECOND), None);
        drop(answer);
        assert!(ledger.idle(Instant::now()).is_some());
    }

    #[test]
    fn a_connection_holds_so_many_bytes_or_one_answer() {
        let ledger = Ledger::new(Instant::now());
        let large = Counted::fit(&ledger, 20, 10).unwrap();
        assert!(Counted::fit(&ledger, 1, 10).is_none());
        drop(large);
        let first = Counted::fit(&ledger, 4, 10).unwrap();
        let second = Counted::fit(&ledger, 6, 10).unwrap();
        assert!(Counted::fit(&ledger, 1, 10).is_none());
        drop((first, second));
        assert_eq!(ledger.bytes.load(Ordering::Relaxed), 0);
    }
}
