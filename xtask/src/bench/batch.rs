//! Row `batch`: commands through `POST /v1/batch`, of one event each, against COPY of these very
//! events into an empty table like the log's, its indexes included.

use anyhow::Result;
use serde_json::json;

use super::ground::{Ground, number};
use super::{Goal, Measured, Row};

pub const ROW: Row = Row {
    name: "batch",
    about: "commands through POST /v1/batch, against COPY of the same events",
    by_default: true,
    measure,
};

/// The COPY is repeated; one is short.
const COPIES: u32 = 3;

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let service = ground.command_api("command-api")?;
    let seconds = ground.seconds.to_string();
    let figures = ground.load(&["batch", "--address", &service.address, "--seconds", &seconds])?;
    let memory = ground.memory_peak_mib(&service.name)?;
    ground.stop(&service)?;

    // Where Postgres's own user may write.
    let file = ground.folder().join("postgres").join("events.copy");
    let file = file.display();
    ground.sql(&format!("COPY events TO '{file}'"))?;
    let events: f64 = ground.sql("SELECT count(*) FROM events")?.parse()?;
    let mut seconds = 0.0;
    for _ in 0..COPIES {
        ground
            .sql("DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE events INCLUDING ALL)")?;
        seconds += ground.timed_sql(&format!("COPY copied FROM '{file}'"))?;
    }
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
        value: number(&figures, "per_second")?,
        unit: "commands/s",
        baseline: events * f64::from(COPIES) / seconds,
        baseline_is: "COPY of the same events into the indexed table",
        goal: Goal::AtLeast { land: 0.3, goal: 0.5 },
        details: json!({
            "events": events, "load_cpus": figures["load_cpus"], "command_api_peak_mib": memory,
        }),
    }])
}
