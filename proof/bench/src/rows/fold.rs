//! Row `fold`: the first command on a stream of 100,000 events, in a process that has just started,
//! against the first on a stream of 10 in another such process. Both processes have answered a
//! command on an unrelated stream before, so that starting and connecting is not what is timed.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;
use tokio::time::Instant;
use uuid::Uuid;

use super::hot::Clerk;
use crate::ground::{Ground, Service};
use crate::load::catalogue;
use crate::load::client::Connection;
use crate::load::drive::Caller as _;
use crate::load::wire::Wire;
use crate::measured::{Goal, Measured};

/// Events of the streams.
const LONG: usize = 100_000;
const SHORT: usize = 10;
/// Samples of each side; an odd number has a median.
const SAMPLES: usize = 7;
const QUICK_SAMPLES: usize = 3;
/// Commands in one batch.
const COMMANDS_PER_BATCH: usize = 10_000;

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let service = ground.command_api("command-api").await?;
    let long = stream(&service, LONG).await?;
    let short = stream(&service, SHORT).await?;
    let unrelated = stream(&service, SHORT).await?;
    ground.stop(&service).await?;
    let samples = if ground.quick { QUICK_SAMPLES } else { SAMPLES };
    let (mut longs, mut shorts) = (Vec::new(), Vec::new());
    // The first of each only brings Postgres's pages in.
    for sample in 0..=samples {
        for (sku, times) in [(&long, &mut longs), (&short, &mut shorts)] {
            let ms = first(ground, sku, &unrelated).await?;
            if sample > 0 {
                times.push(ms);
            }
        }
    }
    let details = json!({ "long_ms": longs, "short_ms": shorts });
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value: median(&mut longs),
        unit: "ms",
        baseline: median(&mut shorts),
        baseline_is: "first command on a stream of 10 events",
        goal: Goal::AtMost { land: 10.0, goal: 2.0 },
        details,
    }])
}

/// A stock stream of so many events, made by commands that take in one unit after the other.
/// Returns its SKU.
async fn stream(service: &Service, events: usize) -> Result<String> {
    let mut connection = Connection::open(&service.address).await?;
    let sku = catalogue::offer(&mut connection, 1).await?.remove(0);
    let mut left = events;
    while left > 0 {
        let commands = left.min(COMMANDS_PER_BATCH);
        let run = Uuid::now_v7().simple();
        let mut lines = String::new();
        let data = r#"{"location":"main","quantity":1}"#;
        for number in 0..commands {
            writeln!(
                lines,
                r#"{{"command":"stock.receive","key":"{run}-{number}","id":"{sku}","data":{data}}}"#
            )?;
        }
        left -= connection.batch(lines).await?;
    }
    Ok(sku)
}

/// One unrelated command of a process of its own, then the one that is timed, in milliseconds.
async fn first(ground: &mut Ground<'_>, sku: &str, unrelated: &str) -> Result<f64> {
    let service = ground.command_api("command-api").await?;
    let mut wire = Wire::open(&service.address).await?;
    let mut clerk = Clerk::of(unrelated);
    let request = clerk.next();
    clerk.hear(&wire.ask(&request).await?)?;
    let mut clerk = Clerk::of(sku);
    let request = clerk.next();
    let asked = Instant::now();
    let answer = wire.ask(&request).await?;
    let ms = asked.elapsed().as_secs_f64() * 1_000.0;
    clerk.hear(&answer)?;
    ground.stop(&service).await?;
    Ok(ms)
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
