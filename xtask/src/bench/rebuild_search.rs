//! Row `rebuild-search`: a search index filled anew by `projector rebuild search`, in documents per
//! second that it puts into Meilisearch, against the same documents posted raw to an index with the
//! same settings. The folding of the catalogue, which comes before, is the affair of row `rebuild`;
//! what the whole command takes stands in the details.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::ground::{Ground, number};
use super::rebuild::rebuild;
use super::{Goal, Measured, Row};

pub const ROW: Row = Row {
    name: "rebuild-search",
    about: "documents into Meilisearch, against the same ones posted raw",
    by_default: true,
    measure,
};

/// Products in the catalogue: fewer would show how quickly Meilisearch begins.
const PRODUCTS: &str = "20000";

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let service = ground.command_api("command-api")?;
    ground.load(&["catalogue", "--address", &service.address, "--products", PRODUCTS])?;
    ground.stop(&service)?;
    ground.meilisearch()?;
    ground.sql("VACUUM (ANALYZE) events")?;
    // The first one finds no documents to stand beside; the second one compares its own with those
    // of the first before it takes their place: what an operator waits for.
    let first = Filled::of(rebuild(ground, "search")?)?;
    let raw = ground.load(&["documents"])?;
    let second = Filled::of(rebuild(ground, "search")?)?;
    let raw_again = ground.load(&["documents"])?;
    let documents = number(&raw, "documents")?;
    let posted = f64::midpoint(number(&raw, "seconds")?, number(&raw_again, "seconds")?);
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
        value: documents / f64::midpoint(first.seconds, second.seconds),
        unit: "documents/s",
        baseline: documents / posted,
        baseline_is: "the documents posted raw, 10,000 a request",
        goal: Goal::AtLeast { land: 0.8, goal: 0.95 },
        details: json!({
            "documents": documents, "raw_seconds": posted,
            "seconds": [first.seconds, second.seconds],
            "whole_command_seconds": [first.whole, second.whole],
        }),
    }])
}

/// A rebuild, in seconds.
struct Filled {
    /// What it said that the filling of the index took.
    seconds: f64,
    /// From the start of the process to its end.
    whole: f64,
}

impl Filled {
    /// Reads `search: 20000 documents in a new index after 2.001 s`.
    fn of((whole, printed): (f64, String)) -> Result<Self> {
        let after = printed.split_once("documents in a new index after ").map(|(_, after)| after);
        let seconds = after.and_then(|after| after.split_whitespace().next()?.parse().ok());
        Ok(Self { seconds: seconds.with_context(|| format!("no filling in {printed:?}"))?, whole })
    }
}
