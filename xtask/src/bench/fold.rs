//! Row `fold`: the first command on a stream of 100,000 events, in a process that has just started,
//! against the first on a stream of 10 in another such process. Both processes have answered a
//! command on an unrelated stream before, so that starting and connecting is not what is timed.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::ground::{Ground, Service, number};
use super::{Goal, Measured, Row};

pub const ROW: Row = Row {
    name: "fold",
    about: "first command on a stream of 100,000 events, cold, against a stream of 10",
    by_default: true,
    measure,
};

/// Events of the streams.
const LONG: &str = "100000";
const SHORT: &str = "10";
/// Samples of each side; an odd number has a median.
const SAMPLES: usize = 7;
const QUICK_SAMPLES: usize = 3;

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let service = ground.command_api("command-api")?;
    let long = stream(ground, &service, LONG)?;
    let short = stream(ground, &service, SHORT)?;
    let unrelated = stream(ground, &service, SHORT)?;
    ground.stop(&service)?;
    let samples = if ground.quick { QUICK_SAMPLES } else { SAMPLES };
    let (mut longs, mut shorts) = (Vec::new(), Vec::new());
    // The first of each only brings Postgres's pages in.
    for sample in 0..=samples {
        for (sku, times) in [(&long, &mut longs), (&short, &mut shorts)] {
            let ms = first(ground, sku, &unrelated)?;
            if sample > 0 {
                times.push(ms);
            }
        }
    }
    let details = json!({ "long_ms": longs, "short_ms": shorts });
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
        value: median(&mut longs),
        unit: "ms",
        baseline: median(&mut shorts),
        baseline_is: "first command on a stream of 10 events",
        goal: Goal::AtMost { land: 10.0, goal: 2.0 },
        details,
    }])
}

/// A stock stream of so many events, made by commands. Returns its SKU.
fn stream(ground: &Ground<'_>, service: &Service, events: &str) -> Result<String> {
    let made = ground.load(&["receipts", "--address", &service.address, "--events", events])?;
    Ok(made["sku"].as_str().context("the load named no SKU")?.to_owned())
}

/// Of a process of its own, in milliseconds.
fn first(ground: &mut Ground<'_>, sku: &str, unrelated: &str) -> Result<f64> {
    let service = ground.command_api("command-api")?;
    let address = &service.address;
    let asked = ["first", "--address", address, "--sku", sku, "--unrelated", unrelated];
    let figures = ground.load(&asked)?;
    ground.stop(&service)?;
    number(&figures, "ms")
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}
