//! What the command API says of itself in numbers, each with its meaning.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};

use crate::routes;

/// Describes the metrics of this crate and of the log's, and has its counters begin at 0. To be
/// called once the process has a recorder.
pub fn describe_metrics() {
    event_store::metrics::describe_metrics();
    describe_counter!("commands_total", Unit::Count, "Commands decided, by kind and outcome");
    for route in routes::all() {
        for outcome in ["accepted", "refused", "replayed", "failed"] {
            counter!("commands_total", "kind" => route.name, "outcome" => outcome).increment(0);
        }
    }
    describe_gauge!("payment_tasks_overdue", Unit::Count, "Things due for more than a minute");
    describe_gauge!("payment_events_parked", Unit::Count, "Events that wait to be understood");
    describe_histogram!(
        "gateway_request_duration_seconds",
        Unit::Seconds,
        "Time from a gateway's question to its answer"
    );
    describe_counter!("gateway_answers_total", Unit::Count, "Answers of the gateway, by kind");
    for kind in ["verdict", "unknown"] {
        counter!("gateway_answers_total", "kind" => kind).increment(0);
    }
    for (name, help) in [
        ("payment_events_parked_total", "Events that were not understood when they were read"),
        ("gateway_answers_refused_total", "Answers of the gateway that could not be recorded"),
    ] {
        describe_counter!(name, Unit::Count, help);
        counter!(name).increment(0);
    }
}
