//! Row `in-process`: the carts of the append row, submitted to the writer without HTTP, against one
//! INSERT of one event per transaction, and against the same carts in other libraries.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::ground::{Ground, in_turns, number};
use super::peers::{self, Peers};
use super::pgbench::{self, CLIENTS, Inserts};
use super::{Goal, Measured, Row};

pub const ROW: Row = Row {
    name: "in-process",
    about: "the same commands without HTTP, against one INSERT per transaction and other libraries",
    by_default: true,
    measure,
};

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let peers = Peers::build(ground.layout())?;
    let inserts = Inserts::prepare(ground)?;
    let turns = if ground.quick { 1 } else { 2 };
    let slice = ground.seconds.div_ceil(turns.into());
    let (mut figures, mut rates) = (Value::Null, peers::NAMES.map(|name| (name, 0.0)));
    let (baseline, value) = in_turns(
        turns,
        || {
            for (name, rate) in &mut rates {
                *rate += peers.per_second(ground, name, CLIENTS, slice)? / f64::from(turns);
            }
            inserts.per_second(ground, slice)
        },
        || {
            figures = carts(ground, slice)?;
            number(&figures, "per_second")
        },
    )?;
    let best = rates.iter().map(|(_, rate)| *rate).reduce(f64::max);
    let rates: Map<_, _> =
        rates.into_iter().map(|(name, rate)| (name.to_owned(), json!(rate))).collect();
    let against = |name: &str, baseline, baseline_is, goal, details| {
        let (name, unit) = (name.to_owned(), "commands/s");
        Measured { name, value, unit, baseline, baseline_is, goal, details }
    };
    let latencies = json!({ "p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"] });
    Ok(vec![
        against(
            ROW.name,
            baseline,
            pgbench::NAME,
            Goal::AtLeast { land: 1.5, goal: 2.5 },
            latencies,
        ),
        against(
            "in-process, best peer",
            best.context("there are no peers")?,
            "the best of cqrs-es and esrs",
            Goal::AtLeast { land: 7.0, goal: 7.0 },
            json!({ "peers": rates }),
        ),
    ])
}

/// Drives carts for so many seconds, after a warm-up.
fn carts(ground: &Ground<'_>, seconds: u64) -> Result<Value> {
    let (tasks, seconds) = (CLIENTS.to_string(), seconds.to_string());
    ground.load(&["in-process", "--tasks", &tasks, "--seconds", &seconds])
}
