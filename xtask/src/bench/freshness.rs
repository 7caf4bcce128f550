//! Row `freshness`: from a command's answer to a read that shows its effect, at half of full load,
//! against a bare script that commits, sends a message through JetStream and commits. The whole
//! engine runs, and both sides take turns on it while it is busy.
//!
//! Full load is what this very stack takes when driven as fast as it answers: row `append` runs
//! without relay and projectors, and half of its rate can be more than all of them together carry.

use anyhow::Result;
use serde_json::json;

use super::ground::{Ground, number, wait_until_shown};
use super::{Goal, Measured, Row, append};

pub const ROW: Row = Row {
    name: "freshness",
    about: "command's answer to visible read, at half load, against two commits and a NATS hop",
    by_default: true,
    measure,
};

/// Of the full load.
const LOAD: f64 = 0.5;
/// Seconds to find out what full load is.
const FULL_SECONDS: u64 = 3;
/// The percentiles, as lines and as the load names them.
const PERCENTILES: [(&str, &str); 2] = [("freshness p50", "p50_ms"), ("freshness p99", "p99_ms")];

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    ground.nats()?;
    ground.meilisearch()?;
    let commands = ground.command_api("command-api")?;
    ground.projector(&[])?;
    let query = ground.query_api()?;
    let full = number(&append::carts(ground, &commands, FULL_SECONDS)?, "per_second")?;
    wait_until_shown(&query, &[])?;
    let (rate, seconds) = ((full * LOAD).to_string(), ground.seconds.to_string());
    let figures = ground.load(&[
        "freshness",
        "--commands",
        &commands.address,
        "--reads",
        &query.address,
        "--rate",
        &rate,
        "--seconds",
        &seconds,
    ])?;
    PERCENTILES
        .map(|(line, name)| {
            Ok(Measured {
                name: line.to_owned(),
                value: number(&figures["shown"], name)?,
                unit: "ms",
                baseline: number(&figures["bare"], name)?,
                baseline_is: "two commits and a NATS hop, on the same busy machine",
                goal: Goal::AtMost { land: 3.0, goal: 1.5 },
                details: json!({
                    "probes": figures["shown"]["count"], "full_load": full,
                    "load": figures["background"]["per_second"],
                    "load_p99_ms": figures["background"]["p99_ms"],
                    "load_cpus": figures["background"]["load_cpus"],
                }),
            })
        })
        .into_iter()
        .collect()
}
