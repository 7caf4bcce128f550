//! Asking Meilisearch. It may be away at any time: then there is no answer, soon.

use std::time::Duration;

use meilisearch_sdk::client::Client;
use meilisearch_sdk::errors::{Error, ErrorType, MeilisearchError};
use meilisearch_sdk::indexes::Index;
use meilisearch_sdk::search::Selectors;
use serde::Deserialize;
use serde_json::value::RawValue;
use service::config::{self, Secret};
use tokio::sync::Semaphore;

use super::breaker::Breaker;
use super::request::{OneOf, Sort, Wanted};
use super::{Facets, Found};

/// How long one search may take.
const SEARCH_TIMEOUT: Duration = Duration::from_millis(800);
/// The most searches in it at once; more are refused. They would only wait there for each other,
/// beyond `SEARCH_TIMEOUT`, and then it would be taken for away.
pub const SEARCHES_MAX: usize = 64;
/// How long a Meilisearch that failed is left alone.
const PAUSE: Duration = Duration::from_secs(2);
/// What hits are counted by.
const FACETS: [&str; 5] = ["brand", "category_levels", "in_stock", "attributes", "options"];

/// The catalogue in Meilisearch.
///
/// Searches are put together by its own library and sent past it: that one zeroes 8 MiB for each
/// request and takes every hit apart, which together took a third as long as the search itself.
/// Hits are passed on as they come.
pub struct Meili {
    client: Client,
    index: Index,
    http: reqwest::Client,
    search_url: String,
    key: Option<Secret>,
    breaker: Breaker,
    /// Places for searches.
    pub room: Semaphore,
}

impl Meili {
    /// An error means that the key cannot be sent.
    pub fn new(search: &config::Search, index: &str) -> Result<Self, Error> {
        let key = search.key.clone().filter(|key| !key.expose().is_empty());
        let server = search.url.trim_end_matches('/');
        let client = Client::new(server, key.as_ref().map(Secret::expose))?;
        let search_url = format!("{server}/indexes/{index}/search");
        let (index, http) = (client.index(index), reqwest::Client::builder().build()?);
        let (breaker, room) = (Breaker::new(PAUSE), Semaphore::new(SEARCHES_MAX));
        Ok(Self { client, index, http, search_url, key, breaker, room })
    }

    /// Whether it is there, for health checks.
    pub async fn check(&self) -> Result<(), String> {
        self.client.health().await.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Whether it answered the last time, or was left alone for long enough.
    pub fn is_worth_asking(&self) -> bool {
        self.breaker.may_try()
    }

    /// What it finds, or nothing if it is away.
    pub async fn search(&self, wanted: &Wanted) -> Option<Found> {
        if !self.breaker.take_turn() {
            return None;
        }
        let reason = match tokio::time::timeout(SEARCH_TIMEOUT, self.ask(wanted)).await {
            Ok(Ok(results)) => {
                self.breaker.succeeded();
                return Some(found(wanted, results));
            }
            // It is there, only this request is not for it: the next one may be.
            Ok(Err(Error::Meilisearch(error))) if is_our_fault(&error) => {
                tracing::error!(%error, "Meilisearch refuses a search");
                self.breaker.succeeded();
                return None;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        self.breaker.failed();
        tracing::warn!(reason, "Meilisearch is away; Postgres searches");
        None
    }

    async fn ask(&self, wanted: &Wanted) -> Result<Results, Error> {
        let filters = filters(wanted);
        let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
        let sort = sort(wanted);
        let sort: Vec<&str> = sort.iter().map(String::as_str).collect();
        let mut query = self.index.search();
        query
            .with_query(&wanted.words)
            .with_page(wanted.page as usize)
            .with_hits_per_page(wanted.limit as usize)
            .with_array_filter(filters)
            .with_facets(Selectors::Some(&FACETS))
            .with_sort(&sort);
        let mut request = self.http.post(&self.search_url).json(&query);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        let answer = request.send().await?;
        let found = answer.status().is_success();
        let answer = answer.bytes().await?;
        if found {
            Ok(serde_json::from_slice(&answer)?)
        } else {
            Err(serde_json::from_slice::<MeilisearchError>(&answer)?.into())
        }
    }
}

/// What we read of its answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Results {
    hits: Vec<Box<RawValue>>,
    total_hits: u64,
    #[serde(default)]
    facet_distribution: Facets,
}

/// A missing index or key is Meilisearch not being ready, not a wrong search.
fn is_our_fault(error: &MeilisearchError) -> bool {
    use meilisearch_sdk::errors::ErrorCode;
    error.error_type == ErrorType::InvalidRequest && error.error_code != ErrorCode::IndexNotFound
}

fn found(wanted: &Wanted, results: Results) -> Found {
    let Results { hits, total_hits: total, facet_distribution: mut facets } = results;
    facets.retain(|_, values| !values.is_empty());
    Found { hits, total, page: wanted.page, limit: wanted.limit, facets }
}

/// All of these must hold.
fn filters(wanted: &Wanted) -> Vec<String> {
    let mut filters = Vec::new();
    filters.extend(any("category", &wanted.categories));
    filters.extend(any("brand", &wanted.brands));
    for (field, pairs) in [("attributes", &wanted.attributes), ("options", &wanted.options)] {
        filters.extend(each(field, pairs));
    }
    if let Some(currency) = &wanted.currency {
        let price = quoted(&format!("price.{currency}"));
        filters.extend(wanted.price_min.map(|least| format!("{price} >= {least}")));
        filters.extend(wanted.price_max.map(|most| format!("{price} <= {most}")));
    }
    filters.extend(wanted.in_stock.map(|wanted| format!("in_stock = {wanted}")));
    filters
}

fn any<'a>(field: &str, values: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let values: Vec<String> = values.into_iter().map(|value| quoted(value)).collect();
    (!values.is_empty()).then(|| format!("{} IN [{}]", quoted(field), values.join(", ")))
}

fn each(field: &str, pairs: &OneOf) -> impl Iterator<Item = String> {
    pairs.iter().filter_map(move |(name, values)| any(&format!("{field}.{name}"), values))
}

/// Within quotes only the quote and the backslash mean anything.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn sort(wanted: &Wanted) -> Option<String> {
    let currency = wanted.currency.as_deref().unwrap_or_default();
    match wanted.sort {
        Sort::Relevance => None,
        Sort::Cheapest => Some(format!("price.{currency}:asc")),
        Sort::Dearest => Some(format!("price.{currency}:desc")),
        Sort::Oldest => Some("created_ts:asc".to_owned()),
        Sort::Newest => Some("created_ts:desc".to_owned()),
        Sort::Title => Some("title:asc".to_owned()),
        Sort::TitleDown => Some("title:desc".to_owned()),
    }
}
