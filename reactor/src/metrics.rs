//! What the reactor says of itself in numbers, each with its meaning.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use sqlx::PgPool;

use crate::{list, reactions, waiting};

/// How often it says what waits.
const OBSERVE: Duration = Duration::from_secs(10);
/// How long after its time a thing is overdue.
const OVERDUE: Duration = Duration::from_mins(1);
/// Overdue things that are counted.
const OVERDUE_MAX: i64 = 10_000;

/// Describes the metrics of this crate, and has its counters begin at 0. To be called once the
/// process has a recorder.
pub fn describe_metrics() {
    describe_gauge!("reaction_tasks_overdue", Unit::Count, "Things due for more than a minute");
    describe_gauge!("reaction_events_parked", Unit::Count, "Events that wait to be understood");
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
        ("reaction_events_parked_total", "Events that were not understood when they were read"),
        ("gateway_answers_refused_total", "Answers of the gateway that could not be recorded"),
        ("gateway_requests_forgotten_total", "Requests whose fate nobody knows any more"),
    ] {
        describe_counter!(name, Unit::Count, help);
        counter!(name).increment(0);
    }
}

/// Says now and then what waits, for ever.
pub(crate) async fn observe(db: PgPool) {
    loop {
        if let Ok(overdue) = list::overdue(&db, reactions::ALL, OVERDUE, OVERDUE_MAX).await {
            gauge!("reaction_tasks_overdue").set(overdue as f64);
        }
        if let Ok(parked) = waiting::count(&db).await {
            gauge!("reaction_events_parked").set(parked as f64);
        }
        tokio::time::sleep(OBSERVE).await;
    }
}
