//! The connections that are open, and which of them has to go: one whose answer nobody takes, one
//! that says nothing, or, when a newcomer needs its place, the one that was idle for longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::ledger::{Ledger, Patience};

/// How long a connection may be left alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Until its first request is there.
    pub first_head: Duration,
    /// Without a request or an answer under way.
    pub idle: Duration,
    /// The same when others need its place.
    pub idle_when_full: Duration,
    /// With an answer under way.
    pub patience: Patience,
}

/// An open connection.
pub(crate) struct Connection {
    /// What is under way on it.
    pub ledger: Arc<Ledger>,
    /// Tells who attends to it that it is to end.
    pub end: CancellationToken,
}

/// All open connections of a port.
#[derive(Default)]
pub(crate) struct Connections(Mutex<Open>);

#[derive(Default)]
struct Open {
    all: BTreeMap<u64, Arc<Connection>>,
    opened: u64,
}

impl Connections {
    /// Notes a connection, until what is returned is dropped.
    pub fn open(self: &Arc<Self>, now: Instant) -> Opened {
        let connection =
            Arc::new(Connection { ledger: Ledger::new(now), end: CancellationToken::new() });
        let mut open = self.lock();
        let number = open.opened;
        open.opened += 1;
        open.all.insert(number, connection.clone());
        Opened { number, connection, connections: self.clone() }
    }

    /// Ends those that were left alone for too long.
    pub fn tidy(&self, limits: Limits, now: Instant) {
        for connection in self.lock().all.values().filter(|open| !open.end.is_cancelled()) {
            let Connection { ledger, end } = &**connection;
            if ledger.is_stuck(limits.patience, now) {
                tracing::debug!("a connection whose answers are not taken is ended");
                metrics::counter!("connections_unread_total").increment(1);
                end.cancel();
            }
            let idle_max = if ledger.has_spoken() { limits.idle } else { limits.first_head };
            if ledger.idle(now).is_some_and(|idle| idle >= idle_max) {
                tracing::debug!("an idle connection is ended");
                end.cancel();
            }
        }
    }

    /// Ends the one that was idle for longest; false if there is none.
    pub fn shed(&self, limits: Limits, now: Instant) -> bool {
        let open = self.lock();
        let idle = open.all.values().filter(|open| !open.end.is_cancelled());
        let idle = idle.filter_map(|open| Some((open.ledger.idle(now)?, open)));
        match idle.max_by_key(|(idle, _)| *idle) {
            Some((idle, connection)) if idle >= limits.idle_when_full => {
                metrics::counter!("connections_shed_total").increment(1);
                connection.end.cancel();
                true
            }
            _ => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place among those that are open.
pub(crate) struct Opened {
    number: u64,
    pub connection: Arc<Connection>,
    connections: Arc<Connections>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.connections.lock().all.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const LIMITS: Limits = Limits {
        first_head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        idle_when_full: SECOND,
        patience: Patience { unread: Duration::from_mins(1), slowest: 1_000 },
    };

    fn ended(opened: &Opened) -> bool {
        opened.connection.end.is_cancelled()
    }

    #[test]
    fn the_one_that_was_idle_for_longest_makes_way() {
        let (connections, began) = (Arc::new(Connections::default()), Instant::now());
        let younger = connections.open(began + SECOND);
        let oldest = connections.open(began);
        let busy = connections.open(began - SECOND);
        let _request = busy.connection.ledger.begin();
        assert!(!connections.shed(LIMITS, began + SECOND / 2), "all have just come");
        assert!(connections.shed(LIMITS, began + 3 * SECOND));
        assert!(ended(&oldest) && !ended(&younger) && !ended(&busy));
        assert!(connections.shed(LIMITS, began + 3 * SECOND));
        assert!(ended(&younger) && !ended(&busy));
        assert!(!connections.shed(LIMITS, began + 3 * SECOND));
        drop(oldest);
        assert_eq!(connections.lock().all.len(), 2);
    }

    #[test]
    fn who_says_nothing_or_takes_nothing_goes() {
        let (connections, began) = (Arc::new(Connections::default()), Instant::now());
        let [silent, spoke, unread] = std::array::from_fn(|_| connections.open(began));
        drop(spoke.connection.ledger.begin());
        let _answer = unread.connection.ledger.answer(Some(1), began);
        connections.tidy(LIMITS, began + 10 * SECOND);
        assert!(ended(&silent) && !ended(&spoke) && !ended(&unread));
        connections.tidy(LIMITS, began + 60 * SECOND);
        assert!(!ended(&spoke) && ended(&unread));
        connections.tidy(LIMITS, Instant::now() + 75 * SECOND);
        assert!(ended(&spoke));
    }
}
