//! What the projector measures: every name with its meaning, and its counters at zero from the
//! start, so that a rate sees the first failure too.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};

use crate::projection::Projection;
use crate::projections;

/// Says what each metric means and begins to count. To be called once, at the start.
pub fn describe_metrics() {
    event_store::tail::describe_metrics();
    describe_work();
    describe_standing();
    describe_search();
    for projection in projections::ALL {
        for name in [
            "projection_batch_failures_total",
            "projection_events_total",
            "projection_malformed_messages_total",
            "projection_rebuild_failures_total",
        ] {
            counter!(name, "projection" => projection.name).increment(0);
        }
    }
    for name in [
        "projection_measure_failures_total",
        "search_documents_refused_total",
        "search_documents_sent_total",
        "search_push_failures_total",
    ] {
        counter!(name).increment(0);
    }
}

fn describe_work() {
    describe_counter!("projection_events_total", "Events folded into rows by this process");
    describe_histogram!(
        "projection_batch_duration_seconds",
        Unit::Seconds,
        "Time to fold a batch of events and commit it"
    );
    describe_counter!(
        "projection_batch_failures_total",
        "Batches that failed and are tried again; nothing of them was written"
    );
    describe_counter!(
        "projection_malformed_messages_total",
        "Messages on the bus that were no events; the log was read instead"
    );
    describe_counter!(
        "projection_rebuild_failures_total",
        "Rebuilds that this process began by itself and did not finish"
    );
    describe_gauge!(
        "projection_owned_slots",
        "Slots that this process works on, of 256; 0 where it stands by"
    );
}

fn describe_standing() {
    describe_gauge!("projection_ranges", "Ranges of slots that those who work on it share");
    describe_gauge!(
        "projection_position",
        "Position of the last event folded, by the range of slots that is furthest behind"
    );
    describe_gauge!("projection_lag_events", "Events of the log that are not folded yet");
    describe_gauge!(
        "projection_lag_seconds",
        Unit::Seconds,
        "For how long the next event has been waiting"
    );
    describe_gauge!(
        "projection_ahead_events",
        "Events by which a projection stands beyond the log: above 0 it holds what never happened"
    );
    describe_gauge!(
        "projection_waits_for_upgrade",
        "1 while it stands before an event that only a newer program can read"
    );
    describe_gauge!("projection_paused", "1 while somebody has paused it");
    describe_gauge!("projection_held", "1 while some process works on each of its slots");
    describe_gauge!("projection_parked_streams", "Streams whose events wait");
    describe_gauge!("projection_skipped_events", "Events that somebody decided to leave out");
    describe_gauge!("projection_rebuild_running", "Builds that are being made, by any process");
    describe_gauge!(
        "projection_builds_abandoned",
        "Builds that nobody reads or makes: a rebuild or verification of them broke off"
    );
    describe_gauge!(
        "projection_build_kept",
        "1 while the build that readers saw before is kept, to go back to"
    );
    describe_counter!(
        "projection_measure_failures_total",
        "Times that the gauges could not be brought up to date: they stand where they stood"
    );
}

fn describe_search() {
    describe_gauge!("search_documents_dirty", "Documents that wait to be sent to Meilisearch");
    describe_counter!("search_documents_sent_total", "Documents that Meilisearch has taken");
    describe_counter!(
        "search_documents_refused_total",
        "Documents that Meilisearch did not take; they are set aside until they change"
    );
    describe_counter!(
        "search_push_failures_total",
        "Rounds of sending that ended early and are tried again"
    );
}

/// How many slots of a projection this process works on.
pub fn owned(projection: &Projection, slots: i16) {
    gauge!("projection_owned_slots", "projection" => projection.name).set(f64::from(slots));
}
