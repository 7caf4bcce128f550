//! Asking Meilisearch. It may be away at any time: then there is no answer, soon.

use std::sync::Arc;
use std::time::Duration;

use meilisearch_sdk::client::Client;
use meilisearch_sdk::errors::{Error, ErrorCode, ErrorType, MeilisearchError};
use meilisearch_sdk::indexes::Index;
use meilisearch_sdk::search::Selectors;
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service::Problem;
use service::config::{self, Secret};
use service::throttle::Throttle;
use tokio::sync::Semaphore;

use super::breaker::{Breaker, CallOutcome};
use super::request::{OneOf, Question, Sort};
use super::{Facets, Found, count, together, too_many};
use crate::bounded::bounded;

/// How long one search may take. Meilisearch itself ends a search after half of it
/// (`searchCutoffMs` of its settings) and answers with what it has found by then.
const SEARCH_TIMEOUT: Duration = Duration::from_millis(800);
/// The most searches in it at once; more are refused. They would only wait there for each other,
/// beyond `SEARCH_TIMEOUT`, and then it would be taken for away.
pub const SEARCHES_MAX: usize = 64;
/// How long a Meilisearch that is away is left alone between two looks after it.
const PAUSE: Duration = Duration::from_secs(2);
/// What hits are counted by.
const FACETS: [&str; 5] = ["brand", "category_levels", "in_stock", "attributes", "options"];

/// What options of one variant are found by, in a document as it was sent.
const VARIANT_KEYS: &str = "variant_keys";

/// The catalogue in Meilisearch.
///
/// Searches are put together by its own library and sent past it: that one zeroes 8 MiB for each
/// request and takes every hit apart, which together took a third as long as the search itself.
/// Hits are passed on as they come.
pub struct Meili {
    index: Index,
    http: reqwest::Client,
    search_url: String,
    key: Option<Secret>,
    breaker: Breaker,
    places: Arc<Semaphore>,
    refusals: Throttle,
}

/// A search that finds something soon if anything can be found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    q: &'static str,
    page: usize,
    hits_per_page: usize,
    attributes_to_retrieve: [&'static str; 1],
}

const PROBE: Probe = Probe { q: "", page: 1, hits_per_page: 1, attributes_to_retrieve: ["id"] };

impl Meili {
    /// An error means that the key cannot be sent.
    pub fn new(search: &config::Search, index: &str) -> Result<Self, Error> {
        let key = search.key.clone().filter(|key| !key.expose().is_empty());
        let server = search.url.trim_end_matches('/');
        let client = Client::new(server, key.as_ref().map(Secret::expose))?;
        // The key goes where it was told to go, and nowhere else.
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build()?;
        Ok(Self {
            index: client.index(index),
            http,
            search_url: format!("{server}/indexes/{index}/search"),
            key,
            breaker: Breaker::default(),
            places: Arc::new(Semaphore::new(SEARCHES_MAX)),
            refusals: Throttle::new(),
        })
    }

    /// Whether it would answer a search: it is there, takes the key and has the index.
    pub async fn check(&self) -> Result<(), String> {
        match tokio::time::timeout(SEARCH_TIMEOUT, self.ask(&PROBE)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    /// Looks after it while it is away. Ends with whoever waits for it.
    pub async fn look_after(&self) {
        loop {
            self.breaker.opened().await;
            tokio::time::sleep(PAUSE).await;
            match self.check().await {
                Ok(()) => {
                    self.breaker.close();
                    metrics::gauge!("search_breaker_open").set(0);
                    tracing::info!("Meilisearch is back");
                }
                Err(reason) => tracing::debug!(reason, "Meilisearch is still away"),
            }
        }
    }

    /// Whether it is not known to be away.
    pub fn is_worth_asking(&self) -> bool {
        !self.breaker.is_open()
    }

    /// What it finds, or nothing if it does not answer. An error means that it has enough to do.
    pub async fn search(
        self: &Arc<Self>,
        question: &Arc<Question>,
    ) -> Result<Option<Found>, Problem> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| too_many("meilisearch"))?;
        let (meili, question) = (self.clone(), question.clone());
        Ok(bounded(place, async move { meili.find(&question).await }).await)
    }

    async fn find(&self, question: &Question) -> Option<Found> {
        let admission = self.breaker.admit()?;
        let (outcome, told, reason) =
            match tokio::time::timeout(SEARCH_TIMEOUT, self.ask_for(question)).await {
                Ok(Ok(results)) => {
                    self.breaker.note(admission, CallOutcome::Answered);
                    count("meilisearch", "found", 1);
                    return Some(found(question, results));
                }
                // It is there, only this request is not for it: the next one may be.
                Ok(Err(Error::Meilisearch(error))) if is_our_fault(&error) => {
                    if let Some(searches) = self.refusals.due_now() {
                        tracing::error!(%error, searches, "Meilisearch refuses a search");
                    }
                    (CallOutcome::Answered, "refused", error.to_string())
                }
                Ok(Err(error)) => (CallOutcome::Failed, "failed", error.to_string()),
                Err(_) => {
                    (CallOutcome::Late, "late", "no answer in time, several times".to_owned())
                }
            };
        count("meilisearch", told, 1);
        if self.breaker.note(admission, outcome) {
            metrics::gauge!("search_breaker_open").set(1);
            tracing::warn!(reason, "Meilisearch is away; Postgres searches");
        }
        None
    }

    async fn ask_for(&self, question: &Question) -> Result<Results, Error> {
        let filters = filters(question);
        let filters: Vec<&str> = filters.iter().map(String::as_str).collect();
        let sort = sort(question);
        let sort: Vec<&str> = sort.iter().map(String::as_str).collect();
        let mut query = self.index.search();
        query
            .with_query(&question.words)
            .with_page(question.page as usize)
            .with_hits_per_page(question.limit as usize)
            .with_array_filter(filters)
            .with_sort(&sort);
        if question.facets {
            query.with_facets(Selectors::Some(&FACETS));
        }
        self.ask(&query).await
    }

    async fn ask(&self, query: &impl Serialize) -> Result<Results, Error> {
        let mut request = self.http.post(&self.search_url).json(query);
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
    error.error_type == ErrorType::InvalidRequest && error.error_code != ErrorCode::IndexNotFound
}

fn found(question: &Question, results: Results) -> Found {
    let Results { hits, total_hits: total, facet_distribution: mut facets } = results;
    facets.retain(|_, values| !values.is_empty());
    let (page, limit) = (question.page, question.limit);
    Found { hits, total, page, limit, facets, facets_over: None, included: None }
}

/// All of these must hold.
fn filters(question: &Question) -> Vec<String> {
    let mut filters = Vec::new();
    filters.extend(any("category", &question.categories));
    filters.extend(any("brand", &question.brands));
    for (field, pairs) in [("attributes", &question.attributes), ("options", &question.options)] {
        filters.extend(each(field, pairs));
    }
    filters.extend(together::keys(question).iter().filter_map(|one_of| {
        // What an older program sent has none: it is found by each option alone.
        Some(format!("{} OR {VARIANT_KEYS} NOT EXISTS", any(VARIANT_KEYS, one_of)?))
    }));
    if let Some(currency) = &question.currency {
        let price = quoted(&format!("price.{currency}"));
        filters.extend(question.price_min.map(|least| format!("{price} >= {least}")));
        filters.extend(question.price_max.map(|most| format!("{price} <= {most}")));
    }
    filters.extend(question.in_stock.map(|question| format!("in_stock = {question}")));
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

/// Ties by id, so that whoever answers next goes on in the same order.
fn sort(question: &Question) -> Vec<String> {
    let currency = question.currency.as_deref().unwrap_or_default();
    let first = match question.sort {
        Sort::Relevance if question.words.is_empty() => "in_stock:desc created_ts:desc".to_owned(),
        Sort::Relevance => return Vec::new(),
        Sort::Cheapest => format!("price.{currency}:asc"),
        Sort::Dearest => format!("price.{currency}:desc"),
        Sort::Oldest => "created_ts:asc".to_owned(),
        Sort::Newest => "created_ts:desc".to_owned(),
        Sort::Title => "title:asc".to_owned(),
        Sort::TitleDown => "title:desc".to_owned(),
    };
    first.split(' ').chain(["id:asc"]).map(str::to_owned).collect()
}
