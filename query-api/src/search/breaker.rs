//! Leaves a server that is away alone, so that not every request waits for it to be away.
//!
//! Closed, it lets everybody in; open, nobody, until whoever looks after it has found the server
//! well again. No caller's request is the try: it may be the very one that the server is slow at.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// So many of the last requests count, of those that were answered or waited for in vain.
const LAST: usize = 10;
/// When so many of them were waited for in vain, the server is away. One alone is a slow request.
const LATE_MAX: usize = 5;

/// Open while a server is away.
#[derive(Debug, Default)]
pub struct Breaker {
    state: Mutex<State>,
    opened: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_open: bool,
    /// Counts how often it was opened.
    era: u64,
    /// Whether each of the last requests was late, the newest last.
    late: Vec<bool>,
}

/// A request that was let in, and in which era: what becomes of it says nothing about a later one.
#[derive(Debug)]
#[must_use]
pub struct Admission(u64);

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The server answered.
    Answered,
    /// It did not in time: this request may be slow, or the server.
    Late,
    /// The server could not be reached, or said that it cannot answer.
    Failed,
}

impl Breaker {
    /// Lets a request in, unless the server is away.
    pub fn admit(&self) -> Option<Admission> {
        let state = self.state();
        (!state.is_open).then_some(Admission(state.era))
    }

    /// Whether the server is away.
    pub fn is_open(&self) -> bool {
        self.state().is_open
    }

    /// Takes note of what became of a request. Says whether that opened the breaker.
    pub fn note(&self, Admission(era): Admission, outcome: CallOutcome) -> bool {
        let mut state = self.state();
        if state.is_open || state.era != era {
            return false;
        }
        if state.late.len() == LAST {
            state.late.remove(0);
        }
        state.late.push(outcome == CallOutcome::Late);
        let late = state.late.iter().filter(|late| **late).count();
        if outcome != CallOutcome::Failed && late < LATE_MAX {
            return false;
        }
        *state = State { is_open: true, era: era + 1, late: Vec::new() };
        self.opened.notify_one();
        true
    }

    /// Waits until it is open. For one who looks after it.
    pub async fn opened(&self) {
        while !self.is_open() {
            self.opened.notified().await;
        }
    }

    /// The server is well again.
    pub fn close(&self) {
        self.state().is_open = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(breaker: &Breaker, outcome: CallOutcome) -> bool {
        breaker.note(breaker.admit().unwrap(), outcome)
    }

    #[test]
    fn a_failure_opens_at_once_and_only_who_looks_after_it_closes() {
        let breaker = Breaker::default();
        assert!(!ask(&breaker, CallOutcome::Answered) && breaker.admit().is_some());
        assert!(ask(&breaker, CallOutcome::Failed));
        assert!(breaker.is_open() && breaker.admit().is_none());
        breaker.close();
        assert!(!breaker.is_open() && breaker.admit().is_some());
    }

    #[test]
    fn one_slow_request_is_no_outage_and_many_of_the_last_are() {
        let breaker = Breaker::default();
        for _ in 0..100 {
            for outcome in [CallOutcome::Late, CallOutcome::Answered, CallOutcome::Answered] {
                assert!(!ask(&breaker, outcome));
            }
        }
        let breaker = Breaker::default();
        for _ in 1..LATE_MAX {
            assert!(!ask(&breaker, CallOutcome::Late));
        }
        assert!(ask(&breaker, CallOutcome::Late));
        // And it begins to count anew.
        breaker.close();
        assert!(!ask(&breaker, CallOutcome::Late));
    }

    #[test]
    fn what_becomes_of_an_old_request_says_nothing_about_a_newer_failure() {
        let breaker = Breaker::default();
        let admit = || breaker.admit().unwrap();
        let (answered, failed) = (admit(), admit());
        assert!(ask(&breaker, CallOutcome::Failed));
        assert!(!breaker.note(answered, CallOutcome::Answered));
        assert!(breaker.is_open(), "an old answer closes nothing");
        breaker.close();
        assert!(!breaker.note(failed, CallOutcome::Failed));
        assert!(!breaker.is_open(), "nor does an old failure open anything");
    }

    #[tokio::test]
    async fn who_looks_after_it_is_woken() {
        let breaker = Breaker::default();
        let failing = async {
            tokio::task::yield_now().await;
            assert!(ask(&breaker, CallOutcome::Failed));
        };
        tokio::join!(breaker.opened(), failing);
        breaker.opened().await;
    }
}
