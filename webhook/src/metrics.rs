//! What webhooks say of themselves in numbers, each with its meaning.

use std::time::Duration;

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use sqlx::PgPool;

use crate::deliveries::{self, State};
use crate::follower;
use crate::wire::{Answer, Silence};

/// How often it says what waits.
const OBSERVE: Duration = Duration::from_secs(10);
/// Deliveries that are counted.
const COUNTED_MAX: i64 = 100_000;
const ATTEMPTS: &str = "webhook_attempts_total";
const TOOK: &str = "webhook_attempt_duration_seconds";

/// Describes the metrics of this crate, and has its counters begin at 0.
pub(crate) fn describe_metrics() {
    for (name, help) in [
        ("webhook_deliveries_pending", "Webhooks that are to be sent, or sent again"),
        ("webhook_deliveries_failed", "Webhooks that were given up and are kept"),
        ("webhook_positions_behind", "Positions of the log that webhooks have yet to be made of"),
    ] {
        describe_gauge!(name, Unit::Count, help);
    }
    describe_histogram!(TOOK, Unit::Seconds, "Time from a webhook to what its receiver said");
    describe_counter!(ATTEMPTS, Unit::Count, "Webhooks that were sent, by what came of it");
    for outcome in ["delivered", "refused", "unanswered", "unsent"] {
        counter!(ATTEMPTS, "outcome" => outcome).increment(0);
    }
}

/// Counts an attempt.
pub(crate) fn attempted(said: &Result<Answer, Silence>) {
    let outcome = match said {
        Ok(answer) if (200..300).contains(&answer.status) => "delivered",
        Ok(_) => "refused",
        Err(Silence::NotPublic | Silence::Unsent(_)) => "unsent",
        Err(_) => "unanswered",
    };
    counter!(ATTEMPTS, "outcome" => outcome).increment(1);
}

/// How long a receiver took.
pub(crate) fn took(time: Duration) {
    histogram!(TOOK).record(time);
}

/// Says now and then what waits, for ever.
pub(crate) async fn observe(db: PgPool) {
    loop {
        for (name, state) in [
            ("webhook_deliveries_pending", State::Pending),
            ("webhook_deliveries_failed", State::Failed),
        ] {
            if let Ok(count) = deliveries::count(&db, state, COUNTED_MAX).await {
                gauge!(name).set(count as f64);
            }
        }
        if let Ok(behind) = follower::behind(&db).await {
            gauge!("webhook_positions_behind").set(behind as f64);
        }
        tokio::time::sleep(OBSERVE).await;
    }
}
