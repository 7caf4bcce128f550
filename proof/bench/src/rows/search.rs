//! Row `search`: `GET /v1/search`, against Meilisearch asked directly for the very same hits and
//! facets, with as many connections. Words, some misspelt, some within a brand.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::ground::{Ground, wait_until_shown};
use crate::load::catalogue::{self, BRANDS, MANNERS, THINGS};
use crate::load::drive::{Caller, Pace, closed_loop};
use crate::load::figures::Figures;
use crate::load::wire::Request;
use crate::measured::{Goal, Measured};

/// Products to find.
const PRODUCTS: usize = 5_000;
const QUICK_PRODUCTS: usize = 2_000;
/// Shoppers who search at the same time.
const CONNECTIONS: usize = 4;
/// The index, as the projector names it unless told otherwise.
const INDEX: &str = "products";
/// The sides take turns this often.
const TURNS: u32 = 2;
/// Every so many searches one has a letter too few.
const MISSPELT_EVERY: usize = 3;
/// Every so many searches one is within a brand.
const BRANDED_EVERY: usize = 4;
/// Between the words of one search and the next: a prime.
const STRIDE: usize = 5;

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let meilisearch = ground.meilisearch().await?;
    let direct = meilisearch.url.strip_prefix("http://").context("an address")?;
    let commands = ground.command_api("command-api").await?;
    let projector = ground.projector(&["search"]).await?;
    let query = ground.query_api().await?;
    let products = if ground.quick { QUICK_PRODUCTS } else { PRODUCTS };
    catalogue::make(&commands.address, products).await?;
    wait_until_shown(&query, &["search"]).await?;
    ground.stop(&projector).await?;
    ground.stop(&commands).await?;
    let seconds = ground.seconds.div_ceil(TURNS.into());
    let key = Some(format!("Bearer {}", meilisearch.key));
    let (mut directs, mut searches) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        directs.push(search(direct, key.as_ref(), seconds).await?);
        searches.push(search(&query.address, None, seconds).await?);
    }
    let line = |percentile: &str, of: fn(&Figures) -> f64| Measured {
        name: format!("{} {percentile}", ground.row),
        value: mean(&searches, of),
        unit: "ms",
        baseline: mean(&directs, of),
        baseline_is: "Meilisearch asked directly",
        goal: Goal::AtMost { land: 1.3, goal: 1.05 },
        details: json!({
            "per_second": mean(&searches, |figures| figures.per_second),
            "baseline_per_second": mean(&directs, |figures| figures.per_second),
            "load_cpus": mean(&searches, |figures| figures.load_cpus.unwrap_or_default()),
        }),
    };
    Ok(vec![line("p50", |figures| figures.p50_ms), line("p99", |figures| figures.p99_ms)])
}

/// Searches through query-api; or of Meilisearch itself, with the key that lets us in.
async fn search(address: &str, key: Option<&String>, seconds: u64) -> Result<Figures> {
    let pace = Pace::on(address, CONNECTIONS, seconds);
    closed_loop(&pace, |number| Shopper { next: number * STRIDE, key: key.cloned() }).await
}

/// Of the turns.
fn mean(turns: &[Figures], of: fn(&Figures) -> f64) -> f64 {
    turns.iter().map(of).sum::<f64>() / turns.len() as f64
}

struct Shopper {
    next: usize,
    /// What lets us in, if Meilisearch itself is asked.
    key: Option<String>,
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
        let Some(key) = &self.key else {
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
        Request::post(format!("/indexes/{INDEX}/search"), query.to_string())
            .with("authorization", key.clone())
    }
}
