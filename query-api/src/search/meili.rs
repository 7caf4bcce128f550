//! Asking Meilisearch. It may be away at any time: then there is no answer, soon.

use std::time::Duration;

use meilisearch_sdk::client::Client;
use meilisearch_sdk::errors::{Error, ErrorType};
use meilisearch_sdk::indexes::Index;
use meilisearch_sdk::search::{SearchResults, Selectors};
use serde_json::value::to_raw_value;
use serde_json::{Map, Value};
use service::config;

use super::breaker::Breaker;
use super::request::{OneOf, Sort, Wanted};
use super::{Facets, Found};

/// How long one search may take.
const SEARCH_TIMEOUT: Duration = Duration::from_millis(800);
/// How long a Meilisearch that failed is left alone.
const PAUSE: Duration = Duration::from_secs(2);
/// What hits are counted by.
const FACETS: [&str; 5] = ["brand", "category_levels", "in_stock", "attributes", "options"];

/// The catalogue in Meilisearch.
pub struct Meili {
    client: Client,
    index: Index,
    breaker: Breaker,
}

impl Meili {
    /// An error means that the key cannot be sent.
    pub fn new(search: &config::Search, index: &str) -> Result<Self, Error> {
        let key = search.key.as_ref().map(config::Secret::expose).filter(|key| !key.is_empty());
        let client = Client::new(search.url.trim_end_matches('/'), key)?;
        let index = client.index(index);
        Ok(Self { client, index, breaker: Breaker::new(PAUSE) })
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
                return found(wanted, results);
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

    async fn ask(&self, wanted: &Wanted) -> Result<SearchResults<Map<String, Value>>, Error> {
        let filters = filters(wanted);
        let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
        let sort = sort(wanted);
        let sort: Vec<&str> = sort.iter().map(String::as_str).collect();
        self.index
            .search()
            .with_query(&wanted.words)
            .with_page(wanted.page as usize)
            .with_hits_per_page(wanted.limit as usize)
            .with_array_filter(filters)
            .with_facets(Selectors::Some(&FACETS))
            .with_sort(&sort)
            .execute()
            .await
    }
}

/// A missing index or key is Meilisearch not being ready, not a wrong search.
fn is_our_fault(error: &meilisearch_sdk::errors::MeilisearchError) -> bool {
    use meilisearch_sdk::errors::ErrorCode;
    error.error_type == ErrorType::InvalidRequest && error.error_code != ErrorCode::IndexNotFound
}

fn found(wanted: &Wanted, results: SearchResults<Map<String, Value>>) -> Option<Found> {
    let hits = results.hits.iter().map(|hit| to_raw_value(&hit.result));
    let hits = hits.collect::<Result<_, _>>().ok()?;
    let facets: Facets = results
        .facet_distribution
        .unwrap_or_default()
        .into_iter()
        .filter(|(_, values)| !values.is_empty())
        .map(|(facet, values)| {
            (facet, values.into_iter().map(|(value, count)| (value, count as u64)).collect())
        })
        .collect();
    let total = results.total_hits.unwrap_or_default() as u64;
    Some(Found { hits, total, page: wanted.page, limit: wanted.limit, facets })
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
