//! Telling of what happens to many at once, as requests that are turned away: a line a second at
//! most. A line for each would be work at the very moment when there is too much of it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The shortest time between two lines.
const PERIOD: Duration = Duration::from_secs(1);

/// How many there were since the last line.
#[derive(Debug)]
pub struct Throttle(Mutex<Untold>);

#[derive(Debug)]
struct Untold {
    count: u64,
    last_told: Option<Instant>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self::new()
    }
}

impl Throttle {
    /// None so far.
    pub const fn new() -> Self {
        Self(Mutex::new(Untold { count: 0, last_told: None }))
    }

    /// Counts one, and returns the number of all that were not yet told of if the time has come.
    pub fn due_now(&self) -> Option<u64> {
        self.due(Instant::now())
    }

    fn due(&self, now: Instant) -> Option<u64> {
        let mut untold = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        untold.count += 1;
        let is_due = untold.last_told.is_none_or(|last| now.duration_since(last) >= PERIOD);
        is_due.then(|| {
            untold.last_told = Some(now);
            std::mem::take(&mut untold.count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_those_of_a_second_together() {
        let turned_away = Throttle::new();
        let began = Instant::now();
        assert_eq!(turned_away.due(began), Some(1));
        assert_eq!(turned_away.due(began + PERIOD / 3), None);
        assert_eq!(turned_away.due(began + PERIOD / 2), None);
        assert_eq!(turned_away.due(began + PERIOD), Some(3));
        assert_eq!(turned_away.due(began + PERIOD), None);
    }
}
