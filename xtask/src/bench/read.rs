//! Row `read`: `GET /v1/products/{id}`, against a bare handler that does the same one-row query on
//! the same database with as many connections, under the same load.

use anyhow::Result;
use serde_json::{Value, json};

use super::ground::{Ground, Service, in_turns, number, wait_until_shown};
use super::pgbench::CLIENTS;
use super::{Goal, Measured, Row};

pub const ROW: Row = Row {
    name: "read",
    about: "GET /v1/products/{id}, against a bare handler with the same query",
    by_default: true,
    measure,
};

/// Products to choose from.
const PRODUCTS: &str = "1000";
/// The sides take turns this often.
const TURNS: u32 = 2;

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let (commands, projector) =
        (ground.command_api("command-api")?, ground.projector(&["products"])?);
    let query = ground.query_api()?;
    ground.load(&["catalogue", "--address", &commands.address, "--products", PRODUCTS])?;
    wait_until_shown(&query, &["products"])?;
    ground.stop(&projector)?;
    ground.stop(&commands)?;
    let bare = ground.serve_load(&["bare-read"], "bare-read", "/ready")?;
    let mut figures = Value::Null;
    let (baseline, value) = in_turns(
        TURNS,
        || number(&reads(ground, &bare)?, "per_second"),
        || {
            figures = reads(ground, &query)?;
            number(&figures, "per_second")
        },
    )?;
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
        value,
        unit: "reads/s",
        baseline,
        baseline_is: "a bare axum handler with the same one-row query",
        goal: Goal::AtLeast { land: 0.8, goal: 0.95 },
        details: json!({
            "p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"],
            "load_cpus": figures["load_cpus"],
            "query_api_peak_mib": ground.memory_peak_mib(&query.name)?,
        }),
    }])
}

fn reads(ground: &Ground<'_>, service: &Service) -> Result<Value> {
    let (connections, address) = (CLIENTS.to_string(), &service.address);
    let seconds = ground.seconds.div_ceil(TURNS.into()).to_string();
    ground.load(&[
        "read",
        "--address",
        address,
        "--products",
        PRODUCTS,
        "--connections",
        &connections,
        "--seconds",
        &seconds,
    ])
}
