//! Searching the catalogue: one request, two places that can answer it, one shape of answer.

pub mod breaker;
pub mod facets;
pub mod meili;
pub mod postgres;
pub mod request;
mod together;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use service::Problem;

use crate::fields::Fields;

/// What a refused client is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Facets, their values, and how many hits have each.
pub type Facets = BTreeMap<String, BTreeMap<String, u64>>;

/// What a search found.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The documents of this page.
    #[schemars(with = "Vec<domain::page::search::Document>")]
    pub hits: Vec<Box<RawValue>>,
    /// How many there are on all pages.
    pub total: u64,
    /// This page, from 1.
    pub page: u32,
    /// Hits on a page.
    pub limit: u32,
    /// How the hits spread; empty if that was not asked for.
    pub facets: Facets,
    /// So many hits, the first ones, are counted in `facets`; nothing if all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facets_over: Option<usize>,
    /// What is shown beside the hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub included: Option<Box<RawValue>>,
}

impl Found {
    /// The same with only these members of each hit.
    ///
    /// # Errors
    /// 500, where a hit is no JSON.
    pub fn only(self, fields: &Fields) -> Result<Self, Problem> {
        let cut = self.hits.iter().map(|hit| as_json(fields.of(hit.get())?));
        let hits = cut.collect::<Result<_, _>>()?;
        Ok(Self { hits, ..self })
    }

    /// The same with something beside the hits.
    ///
    /// # Errors
    /// 500, where that is no JSON.
    pub fn with(self, included: Option<String>) -> Result<Self, Problem> {
        Ok(Self { included: included.map(as_json).transpose()?, ..self })
    }
}

fn as_json(text: String) -> Result<Box<RawValue>, Problem> {
    RawValue::from_string(text).map_err(|error| {
        tracing::error!(%error, "a part of what was found is no JSON");
        Problem::internal()
    })
}

/// What becomes of searches in each place, as `searches_total` tells it.
const OUTCOMES: [(&str, &[&str]); 2] = [
    ("meilisearch", &["found", "late", "failed", "refused", "crowded"]),
    ("postgres", &["found", "failed", "crowded"]),
];

/// Gives the metrics of searching their help, and counters their first value.
pub fn describe_metrics() {
    metrics::describe_counter!("searches_total", "Searches by the place asked and what came of it");
    metrics::describe_gauge!(
        "search_breaker_open",
        "1 while Meilisearch is left alone because it is away, else 0"
    );
    for (backend, outcomes) in OUTCOMES {
        for outcome in outcomes {
            count(backend, outcome, 0);
        }
    }
    metrics::gauge!("search_breaker_open").set(0);
}

fn count(backend: &'static str, outcome: &'static str, searches: u64) {
    metrics::counter!("searches_total", "backend" => backend, "outcome" => outcome)
        .increment(searches);
}

/// There is no room for another search.
fn too_many(backend: &'static str) -> Problem {
    count(backend, "crowded", 1);
    let detail = "too many searches are under way";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_searches", detail)
        .retry_after(RETRY_AFTER)
}
