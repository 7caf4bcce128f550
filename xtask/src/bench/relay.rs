//! Row `relay`: events per second from the log to `JetStream`, against the same payloads published
//! raw to a stream of the same kind, pipelined.

use anyhow::Result;
use serde_json::json;

use super::ground::{Ground, number};
use super::{Goal, Measured, Row};

pub const ROW: Row = Row {
    name: "relay",
    about: "events from the log to JetStream, against raw pipelined publishing",
    by_default: true,
    measure,
};

/// Events in the log.
const EVENTS: &str = "200000";
const EVENTS_QUICK: &str = "50000";

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    ground.database()?;
    ground.nats()?;
    // The stream is made while the log is empty: then all of the log is to be published.
    ground.load(&["relay", "--prepare"])?;
    let events = if ground.quick { EVENTS_QUICK } else { EVENTS };
    ground.load(&["fill", "--events", events])?;
    let figures = ground.load(&["relay"])?;
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
        value: number(&figures, "per_second")?,
        unit: "events/s",
        baseline: number(&figures, "raw_per_second")?,
        baseline_is: "raw publish, 512 under way",
        goal: Goal::AtLeast { land: 0.7, goal: 0.9 },
        details: json!({
            "events": figures["events"], "bytes_per_event": figures["bytes_per_event"],
        }),
    }])
}
