//! Row `hot`: commands to one SKU's stock from 64 connections over two command-apis, against row
//! `append`, whose commands are spread over many streams and go to one process.

use anyhow::Result;
use serde_json::json;

use super::ground::{Ground, number};
use super::pgbench::CLIENTS;
use super::{Goal, Measured, Row, append};

pub const ROW: Row = Row {
    name: "hot",
    about: "commands to one SKU through two command-apis, against row append",
    by_default: true,
    measure,
};

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let one = ground.command_api("command-api")?;
    let baseline = match ground.earlier(append::ROW.name) {
        Some(rate) => rate,
        None => number(&append::carts(ground, &one, ground.seconds)?, "per_second")?,
    };
    let other = ground.command_api("command-api-2")?;
    let (connections, seconds) = (CLIENTS.to_string(), ground.seconds.to_string());
    let figures = ground.load(&[
        "stock",
        "--address",
        &one.address,
        "--address",
        &other.address,
        "--connections",
        &connections,
        "--seconds",
        &seconds,
    ])?;
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
        value: number(&figures, "per_second")?,
        unit: "commands/s",
        baseline,
        baseline_is: "row append",
        goal: Goal::AtLeast { land: 0.5, goal: 0.9 },
        details: json!({
            "p50_ms": figures["p50_ms"], "p99_ms": figures["p99_ms"],
            "load_cpus": figures["load_cpus"],
        }),
    }])
}
