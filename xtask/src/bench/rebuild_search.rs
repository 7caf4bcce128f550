//! Row `rebuild-search`: a search index filled anew by `projector rebuild search`, in documents per
//! second, the folding of the catalogue included, against the same documents posted raw to an index
//! with the same settings.

use anyhow::Result;
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

/// Products in the catalogue.
const PRODUCTS: &str = "20000";
const PRODUCTS_QUICK: &str = "3000";

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let service = ground.command_api("command-api")?;
    let products = if ground.quick { PRODUCTS_QUICK } else { PRODUCTS };
    ground.load(&["catalogue", "--address", &service.address, "--products", products])?;
    ground.stop(&service)?;
    ground.meilisearch()?;
    ground.sql("VACUUM (ANALYZE) events")?;
    // The first one finds no documents to stand beside; the second one compares its own with those
    // of the first before it takes their place: what an operator waits for.
    let rebuilt = rebuild(ground, "search")?;
    let figures = ground.load(&["documents"])?;
    let beside = rebuild(ground, "search")?;
    let again = ground.load(&["documents"])?;
    let documents = number(&figures, "documents")?;
    let raw = f64::midpoint(number(&figures, "seconds")?, number(&again, "seconds")?);
    Ok(vec![Measured {
        name: ROW.name.to_owned(),
        value: documents / rebuilt,
        unit: "documents/s",
        baseline: documents / raw,
        baseline_is: "the documents posted raw, 10,000 a request",
        goal: Goal::AtLeast { land: 0.8, goal: 0.95 },
        details: json!({
            "documents": documents, "seconds": rebuilt, "raw_seconds": raw,
            "beside_a_live_index_per_second": documents / beside,
        }),
    }])
}
