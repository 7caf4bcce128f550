//! What the log says of itself in numbers, each with its meaning.

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use metrics::{Counter, Unit, counter, describe_counter, describe_gauge, describe_histogram};

use crate::writer::{Answer, Outcome, SubmitError};

/// What a command may come to: `busy` is one that was turned away for want of room, `failed` one
/// that the log did not take.
pub const OUTCOMES: [&str; 5] = ["accepted", "refused", "replayed", "busy", "failed"];

/// Describes the metrics of this crate, and has its counters begin at 0. To be called once the
/// process has a recorder.
pub fn describe_metrics() {
    describe_counter!("commands_total", Unit::Count, "Commands decided, by kind and outcome");
    describe_histogram!("writer_batch_commands", Unit::Count, "Commands in a batch");
    describe_histogram!(
        "writer_batch_duration_seconds",
        Unit::Seconds,
        "Time from a batch's decision to its commit, one attempt"
    );
    describe_gauge!("writer_queue_commands", Unit::Count, "Commands that wait to be appended");
    describe_gauge!("writer_cache_items", Unit::Count, "States, and what they list, in memory");
    describe_gauge!("log_head_position", Unit::Count, "Position of the log's last event");
    describe_gauge!("relay_position", Unit::Count, "Position of the last event in JetStream");
    describe_gauge!(
        "relay_active",
        Unit::Count,
        "1 while this process publishes the log, 0 while it stands by"
    );
    for (name, help) in [
        ("writer_events_total", "Events appended by this process"),
        ("writer_stale_batches_total", "Batches decided anew because others had appended"),
        ("writer_append_failures_total", "Attempts to append that failed, several a batch"),
        ("writer_unreadable_streams_total", "Streams found that this program cannot read"),
        ("commands_forgotten_total", "Answers to commands whose term was over"),
        ("relay_events_published_total", "Events published by this process"),
        ("relay_failures_total", "Times that relaying was interrupted"),
    ] {
        describe_counter!(name, Unit::Count, help);
        counter!(name).increment(0);
    }
}

/// Counters by kind and outcome: to find one by its labels costs more than to count.
type Kinds = HashMap<(&'static str, &'static str), Counter>;
static COMMANDS: LazyLock<RwLock<Kinds>> = LazyLock::new(RwLock::default);

/// Counts a command, by its kind and by what it came to.
pub fn count(kind: &'static str, answer: &Result<Answer, SubmitError>) {
    let outcome = match answer {
        Ok(Answer { replayed: true, .. }) => "replayed",
        Ok(Answer { outcome: Outcome::Accepted { .. }, .. }) => "accepted",
        // A key that cannot be taken is the caller's fault.
        Ok(Answer { outcome: Outcome::Refused(_), .. })
        | Err(SubmitError::KeyReused | SubmitError::KeyTooLong | SubmitError::AnotherLog(_)) => {
            "refused"
        }
        Err(SubmitError::Busy) => "busy",
        Err(_) => "failed",
    };
    let known = COMMANDS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(counter) = known.get(&(kind, outcome)) {
        return counter.increment(1);
    }
    drop(known);
    let counter = counter!("commands_total", "kind" => kind, "outcome" => outcome);
    counter.increment(1);
    COMMANDS.write().unwrap_or_else(PoisonError::into_inner).insert((kind, outcome), counter);
}
