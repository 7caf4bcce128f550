//! Searches of the catalogue: words, some misspelt, some within a brand. Through the engine, or of
//! Meilisearch itself, which is asked for the very same.

use anyhow::Result;
use serde_json::{Value, json};

use crate::catalogue::{BRANDS, MANNERS, THINGS};
use crate::drive::{Caller, Pace, closed_loop};
use crate::wire::Request;

/// Every so many searches one has a letter too few.
const MISSPELT_EVERY: usize = 3;
/// Every so many searches one is within a brand.
const BRANDED_EVERY: usize = 4;
/// Between the words of one search and the next: a prime.
const STRIDE: usize = 5;

/// What to search, and how hard.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pace: Pace,
    /// The index, if Meilisearch itself is asked
    #[arg(long)]
    index: Option<String>,
    /// Its key
    #[arg(long, env = "MEILI_MASTER_KEY", hide_env_values = true, default_value = "")]
    key: String,
}

/// Drives searches and returns the figures.
pub async fn run(args: &Args) -> Result<Value> {
    closed_loop(&args.pace, |number| {
        let direct = args.index.clone().map(|index| (index, format!("Bearer {}", args.key)));
        Shopper { next: number * STRIDE, direct }
    })
    .await
}

struct Shopper {
    next: usize,
    /// Meilisearch's index, and what lets us in.
    direct: Option<(String, String)>,
}

impl Caller for Shopper {
    fn next(&mut self) -> Request {
        self.next += STRIDE;
        let (manner, thing) =
            (MANNERS[self.next % MANNERS.len()], THINGS[self.next % THINGS.len()]);
        let misspelt = self.next.is_multiple_of(MISSPELT_EVERY);
        let thing = if misspelt { &thing[..thing.len() - 1] } else { thing };
        let brand = BRANDS[self.next % BRANDS.len()];
        let brand = self.next.is_multiple_of(BRANDED_EVERY).then_some(brand);
        let Some((index, key)) = &self.direct else {
            let brand = brand.map(|brand| format!("&brand={brand}")).unwrap_or_default();
            return Request::get(format!("/v1/search?q={manner}+{thing}{brand}"));
        };
        let filter = brand.map(|brand| format!(r#""brand" IN ["{brand}"]"#));
        let query = json!({
            "q": format!("{manner} {thing}"), "page": 1, "hitsPerPage": 20,
            "filter": Vec::from_iter(filter),
            "facets": ["brand", "category_levels", "in_stock", "attributes", "options"],
            "sort": [],
        });
        Request::post(format!("/indexes/{index}/search"), query.to_string())
            .with("authorization", key.clone())
    }
}
