//! The metrics of query-api: what they mean, and counting what is under way.

use metrics::{describe_gauge, gauge};

/// Gauges of what is under way.
const UNDER_WAY: [(&str, &str); 3] = [
    ("followers", "Clients that follow the log or an order live"),
    ("exports", "Exports of the log under way"),
    ("reads_waiting", "Reads that wait for a position"),
];

/// Tells what the metrics of this crate mean, and begins them, so that the first of a kind is a
/// change.
pub fn describe_metrics() {
    for (name, help) in UNDER_WAY {
        describe_gauge!(name, help);
        gauge!(name).increment(0.0);
    }
    crate::search::describe_metrics();
    event_store::tail::describe_metrics();
}

/// One of those that a gauge counts, as long as it is there.
pub struct UnderWay(&'static str);

impl UnderWay {
    /// One more.
    pub fn new(gauge: &'static str) -> Self {
        gauge!(gauge).increment(1.0);
        Self(gauge)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        gauge!(self.0).decrement(1.0);
    }
}
