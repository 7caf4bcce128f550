//! What the command API says of itself in numbers, each with its meaning.

use metrics::counter;

use crate::routes;

/// Describes the log's metrics, and has the counters of this crate begin at 0. To be called once
/// the process has a recorder.
pub fn describe_metrics() {
    event_store::metrics::describe_metrics();
    for route in routes::all() {
        for outcome in event_store::metrics::OUTCOMES {
            counter!("commands_total", "kind" => route.name, "outcome" => outcome).increment(0);
        }
    }
}
