//! Something that is away: told once when that begins, with the cause, and once when it ends. What
//! happens meanwhile is the same again and again.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// Whether something is away, and since when.
#[derive(Debug)]
pub struct Outage {
    what: &'static str,
    since: Mutex<Option<Instant>>,
}

impl Outage {
    /// Of something that is taken to be there.
    pub const fn new(what: &'static str) -> Self {
        Self { what, since: Mutex::new(None) }
    }

    /// It is away, for this reason. Told in the log if that is new; returns whether it is.
    pub fn goes_on(&self, cause: &dyn std::fmt::Display) -> bool {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = since.is_none();
        if is_new {
            *since = Some(Instant::now());
            tracing::warn!(%cause, "{} is away, or not as it should be", self.what);
        }
        is_new
    }

    /// It is there. Told in the log if it was away; returns whether it was.
    pub fn ended(&self) -> bool {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(since) = since {
            let seconds = since.elapsed().as_secs();
            tracing::info!(seconds, "{} is back", self.what);
        }
        since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_when_it_begins_and_when_it_ends() {
        let outage = Outage::new("the database");
        assert!(!outage.ended());
        assert!(outage.goes_on(&"refused"));
        assert!(!outage.goes_on(&"refused"));
        assert!(outage.ended());
        assert!(!outage.ended());
        assert!(outage.goes_on(&"refused again"));
    }
}
