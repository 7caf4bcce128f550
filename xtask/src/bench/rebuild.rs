//! Row `rebuild`: the orders read model folded anew by `projector rebuild orders`, in positions of
//! the log covered per second, against COPY of the same log to nowhere.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::ground::{Ground, in_turns, number, output};
use super::{Goal, Measured, Row};

pub const ROW: Row = Row {
    name: "rebuild",
    about: "the orders read model from the log, against COPY of the log to nowhere",
    by_default: true,
    measure,
};

/// Events in the log, of every kind: half of them are about orders. Fewer would show how quickly a
/// process starts.
const EVENTS: &str = "600000";
const EVENTS_QUICK: &str = "300000";

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    ground.database()?;
    let events = if ground.quick { EVENTS_QUICK } else { EVENTS };
    let events = number(&ground.load(&["fill", "--events", events])?, "events")?;
    // The first one finds no rows to stand beside; the second one compares its own with those of
    // the first before it takes their place, and deletes them: what an operator waits for.
    let (copied, rebuilt) = in_turns(1, || copy(ground), || rebuild_orders(ground))?;
    let (copied_again, beside) = in_turns(1, || copy(ground), || rebuild_orders(ground))?;
    let orders = ground.sql("SELECT count(*) FROM orders")?;
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
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

fn copy(ground: &Ground<'_>) -> Result<f64> {
    ground.timed_sql("COPY events TO '/dev/null'")
}

fn rebuild_orders(ground: &Ground<'_>) -> Result<f64> {
    Ok(rebuild(ground, "orders")?.0)
}

/// Runs the projector's command, as an operator would. Returns the seconds it took in all, and what
/// it printed.
pub fn rebuild(ground: &Ground<'_>, projection: &str) -> Result<(f64, String)> {
    let mut command = ground.program("projector")?;
    command.args(["rebuild", projection]).env("RUST_LOG", "warn");
    let start = Instant::now();
    let printed = output(&mut command, "the rebuild")?.stdout;
    Ok((start.elapsed().as_secs_f64(), String::from_utf8(printed)?))
}
