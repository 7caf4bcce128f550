//! Row `rebuild`: the orders read model folded anew by `projector rebuild orders`, in positions of
//! the log covered per second, against COPY of the same log to nowhere.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::fill;
use crate::ground::{Ground, in_turns, output};
use crate::measured::{Goal, Measured};

/// Events in the log, of every kind: half of them are about orders. Fewer would show how quickly a
/// process starts.
const EVENTS: i64 = 600_000;
const EVENTS_QUICK: i64 = 300_000;

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let database = ground.database().await?;
    let log = fill::log(&database, if ground.quick { EVENTS_QUICK } else { EVENTS }).await?;
    let events = log.events as f64;
    // The first one finds no rows to stand beside; the second one compares its own with those of
    // the first before it takes their place, and deletes them: what an operator waits for.
    let (copied, rebuilt) =
        in_turns(1, async || copy(ground).await, async || orders(ground).await).await?;
    let (copied_again, beside) =
        in_turns(1, async || copy(ground).await, async || orders(ground).await).await?;
    let orders = ground.sql("SELECT count(*) FROM orders").await?;
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value: events / rebuilt,
        unit: "events/s",
        baseline: events / f64::midpoint(copied, copied_again),
        baseline_is: "COPY of the log to /dev/null",
        goal: Goal::AtLeast { land: 0.3, goal: 0.5 },
        details: json!({
            "events": events, "orders": orders.parse::<u64>().context("no count of orders")?,
            "beside_a_live_build_per_second": events / beside,
        }),
    }])
}

async fn copy(ground: &Ground<'_>) -> Result<f64> {
    ground.timed_sql("COPY events TO '/dev/null'").await
}

async fn orders(ground: &Ground<'_>) -> Result<f64> {
    Ok(rebuild(ground, "orders").await?.0)
}

/// Runs the projector's command, as an operator would. Returns the seconds it took in all, and what
/// it printed.
pub async fn rebuild(ground: &Ground<'_>, projection: &str) -> Result<(f64, String)> {
    let mut command = ground.program("projector", &["rebuild", projection])?;
    command.env("RUST_LOG", "warn");
    let start = Instant::now();
    let printed = output(&mut command, "the rebuild").await?.stdout;
    Ok((start.elapsed().as_secs_f64(), String::from_utf8(printed)?))
}
