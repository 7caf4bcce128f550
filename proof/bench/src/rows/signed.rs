//! Row `signed`: the commands of `append`, each by a guest of its own who sends their token,
//! against the same commands by nobody in particular, on one command-api in turns.

use anyhow::Result;
use serde_json::json;

use crate::ground::{Ground, in_turns};
use crate::inserts::CLIENTS;
use crate::load::carts;
use crate::load::client::Connection;
use crate::load::drive::Pace;
use crate::load::figures::Figures;
use crate::measured::{Goal, Measured};

/// The sides take turns this often.
const TURNS: u32 = 8;

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let service = ground.command_api("command-api").await?;
    let mut guests = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        guests.push(Connection::open(&service.address).await?.guest().await?);
    }
    let slice = ground.seconds.div_ceil(TURNS.into());
    let pace = Pace::on(&service.address, CLIENTS, slice);
    let mut figures = Figures::default();
    let (baseline, value) = in_turns(
        TURNS,
        async || Ok(carts::drive(&pace).await?.per_second),
        async || {
            figures = carts::drive_as(&pace, &guests).await?;
            Ok(figures.per_second)
        },
    )
    .await?;
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value,
        unit: "commands/s",
        baseline,
        baseline_is: "the same without a token",
        goal: Goal::AtLeast { land: 0.97, goal: 1.0 },
        details: json!({ "p50_ms": figures.p50_ms, "p99_ms": figures.p99_ms }),
    }])
}
