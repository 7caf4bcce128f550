//! Row `append`: cart commands over HTTP, each under its own idempotency key, against one INSERT of
//! one event per transaction on the same Postgres. No relay and no projector runs.

use anyhow::Result;
use serde_json::json;

use crate::ground::{Ground, Service, in_turns};
use crate::inserts::{self, CLIENTS, Inserts};
use crate::load::carts;
use crate::load::drive::Pace;
use crate::load::figures::Figures;
use crate::measured::{Goal, Measured};

/// The sides take turns this often.
const TURNS: u32 = 2;

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let inserts = Inserts::prepare(ground).await?;
    let service = ground.command_api("command-api").await?;
    let slice = ground.seconds.div_ceil(TURNS.into());
    let mut figures = Figures::default();
    let (baseline, value) = in_turns(
        TURNS,
        async || inserts.per_second(ground, slice).await,
        async || {
            figures = carts::drive(&Pace::on(&service.address, CLIENTS, slice)).await?;
            Ok(figures.per_second)
        },
    )
    .await?;
    let memory = ground.running(&service.name)?.memory_peak_mib()?;
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value,
        unit: "commands/s",
        baseline,
        baseline_is: inserts::NAME,
        goal: Goal::AtLeast { land: 0.7, goal: 1.5 },
        details: json!({
            "p50_ms": figures.p50_ms, "p99_ms": figures.p99_ms,
            "load_cpus": figures.load_cpus, "command_api_peak_mib": memory,
        }),
    }])
}

/// What this row has come to in this run, or comes to now on that command-api: the baseline of
/// others.
pub async fn per_second(ground: &Ground<'_>, service: &Service) -> Result<f64> {
    if let Some(rate) = ground.earlier("append") {
        return Ok(rate);
    }
    let pace = Pace::on(&service.address, CLIENTS, ground.seconds);
    Ok(carts::drive(&pace).await?.per_second)
}
