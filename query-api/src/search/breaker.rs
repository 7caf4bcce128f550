//! Leaves a server that is away alone, so that not every request waits for it to be away.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Open after a failure, for a pause; then one request at a time tries again.
#[derive(Debug)]
pub struct Breaker {
    began: Instant,
    pause: Duration,
    /// Milliseconds since `began` until which nobody tries; 0 while all is well.
    open_until: AtomicU64,
}

impl Breaker {
    /// A closed one that opens for `pause`.
    pub fn new(pause: Duration) -> Self {
        Self { began: Instant::now(), pause, open_until: AtomicU64::new(0) }
    }

    /// Whether all is well, or the pause is over. Takes no turn.
    pub fn may_try(&self) -> bool {
        let until = self.open_until.load(Ordering::Relaxed);
        until == 0 || self.now() >= until
    }

    /// Whether to try now. After a pause only one caller is told so; it keeps the others away for
    /// another pause, or until it succeeds.
    pub fn take_turn(&self) -> bool {
        let until = self.open_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        let next = self.after_pause();
        self.now() >= until
            && self
                .open_until
                .compare_exchange(until, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// All is well again.
    pub fn succeeded(&self) {
        self.open_until.store(0, Ordering::Relaxed);
    }

    /// Nobody tries for a pause.
    pub fn failed(&self) {
        self.open_until.store(self.after_pause(), Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn after_pause(&self) -> u64 {
        let pause = u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX);
        self.now().saturating_add(pause).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_tries_and_a_success_lets_all_in() {
        let breaker = Breaker::new(Duration::from_millis(50));
        assert!(breaker.take_turn());
        breaker.failed();
        assert!(!breaker.take_turn() && !breaker.may_try());
        std::thread::sleep(Duration::from_millis(60));
        assert!(breaker.may_try());
        assert!(breaker.take_turn());
        assert!(!breaker.take_turn(), "only one at a time");
        breaker.succeeded();
        assert!(breaker.take_turn() && breaker.take_turn());
    }
}
