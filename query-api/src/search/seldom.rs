//! Saying a thing that happens with every request no more than once a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The shortest time between two lines.
const PERIOD: Duration = Duration::from_secs(1);

/// When it was last said.
#[derive(Debug, Default)]
pub struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    /// Whether to say it at `now`.
    pub fn is_due(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= PERIOD);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_and_others_a_second_later() {
        let (seldom, began) = (Seldom::default(), Instant::now());
        assert!(seldom.is_due(began));
        assert!(!seldom.is_due(began + PERIOD / 2));
        assert!(seldom.is_due(began + PERIOD));
        assert!(!seldom.is_due(began + PERIOD));
    }
}
