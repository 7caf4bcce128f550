//! Row `append`: durable cart commands over HTTP, each under its own idempotency key, against one
//! INSERT of one event per transaction on the same Postgres. No relay and no projector runs.

use anyhow::Result;
use serde_json::{Value, json};

use super::ground::{Ground, Service, in_turns, number};
use super::pgbench::{self, CLIENTS, Inserts};
use super::{Goal, Measured, Row};

pub const ROW: Row = Row {
    name: "append",
    about: "durable cart commands over HTTP, against one INSERT per transaction",
    by_default: true,
    measure,
};

/// The sides take turns this often.
const TURNS: u32 = 2;

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let inserts = Inserts::prepare(ground)?;
    let service = ground.command_api("command-api")?;
    let slice = ground.seconds.div_ceil(TURNS.into());
    let mut figures = Value::Null;
    let (baseline, value) = in_turns(
        TURNS,
        || inserts.per_second(ground, slice),
        || {
            figures = carts(ground, &service, slice)?;
            number(&figures, "per_second")
        },
    )?;
    let memory = ground.memory_peak_mib(&service.name)?;
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
        value,
        unit: "commands/s",
        baseline,
        baseline_is: pgbench::NAME,
        goal: Goal::AtLeast { land: 0.7, goal: 1.5 },
        details: json!({
            "p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"],
            "load_cpus": figures["load_cpus"], "command_api_peak_mib": memory,
        }),
    }])
}

/// Drives carts for so many seconds, after a warm-up.
pub fn carts(ground: &Ground<'_>, service: &Service, seconds: u64) -> Result<Value> {
    let (connections, seconds) = (CLIENTS.to_string(), seconds.to_string());
    let address = &service.address;
    ground.load(&[
        "carts",
        "--address",
        address,
        "--connections",
        &connections,
        "--seconds",
        &seconds,
    ])
}
