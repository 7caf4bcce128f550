//! Row `search`: `GET /v1/search`, against Meilisearch asked directly for the very same hits and
//! facets, with as many connections.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::ground::{Ground, number, wait_until_shown};
use super::{Goal, Measured, Row};

pub const ROW: Row = Row {
    name: "search",
    about: "GET /v1/search, against Meilisearch asked directly",
    by_default: true,
    measure,
};

/// Products to find.
const PRODUCTS: &str = "5000";
const QUICK_PRODUCTS: &str = "2000";
/// Shoppers who search at the same time.
const CONNECTIONS: &str = "4";
/// The index, as the projector names it unless told otherwise.
const INDEX: &str = "products";
/// The sides take turns this often.
const TURNS: u32 = 2;
/// The percentiles, as lines and as the load names them.
const PERCENTILES: [(&str, &str); 2] = [("search p50", "p50_ms"), ("search p99", "p99_ms")];

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let meilisearch = ground.meilisearch()?;
    let direct = meilisearch.strip_prefix("http://").context("an address")?;
    let (commands, projector) =
        (ground.command_api("command-api")?, ground.projector(&["search"])?);
    let query = ground.query_api()?;
    let products = if ground.quick { QUICK_PRODUCTS } else { PRODUCTS };
    ground.load(&["catalogue", "--address", &commands.address, "--products", products])?;
    wait_until_shown(&query, &["search"])?;
    ground.stop(&projector)?;
    ground.stop(&commands)?;
    let (mut directs, mut searches) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        directs.push(search(ground, &["--address", direct, "--index", INDEX])?);
        searches.push(search(ground, &["--address", &query.address])?);
    }
    PERCENTILES
        .map(|(line, name)| {
            Ok(Measured {
                name: line.to_owned(),
                value: mean(&searches, name)?,
                unit: "ms",
                baseline: mean(&directs, name)?,
                baseline_is: "Meilisearch asked directly",
                goal: Goal::AtMost { land: 1.3, goal: 1.05 },
                details: json!({
                    "per_second": mean(&searches, "per_second")?,
                    "baseline_per_second": mean(&directs, "per_second")?,
                    "load_cpus": mean(&searches, "load_cpus")?,
                }),
            })
        })
        .into_iter()
        .collect()
}

fn search(ground: &Ground<'_>, target: &[&str]) -> Result<Value> {
    let seconds = ground.seconds.div_ceil(TURNS.into()).to_string();
    let pace = ["--connections", CONNECTIONS, "--seconds", &seconds];
    ground.load(&[&["search"], target, &pace].concat())
}

/// Of the turns.
fn mean(turns: &[Value], name: &str) -> Result<f64> {
    let figures = turns.iter().map(|turn| number(turn, name)).collect::<Result<Vec<_>>>()?;
    Ok(figures.iter().sum::<f64>() / figures.len() as f64)
}
