//! Meilisearch as the projector needs it: indexes with their settings, documents in and out, and
//! the swap of two indexes. Every request and every task is waited for within a bound.

use std::future::Future;
use std::time::{Duration, Instant};

use meilisearch_sdk::client::{Client, SwapIndexes};
use meilisearch_sdk::documents::DocumentsQuery;
use meilisearch_sdk::errors::{Error, ErrorCode, ErrorType, MeilisearchError};
use meilisearch_sdk::indexes::IndexesQuery;
use meilisearch_sdk::settings::Settings;
use meilisearch_sdk::task_info::TaskInfo;
use meilisearch_sdk::tasks::Task;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// How an index is searched: attributes, synonyms, ranking, typos. The one place to change it.
const SETTINGS: &str = include_str!("../../search-settings.json");
/// The field that identifies a document.
const PRIMARY_KEY: &str = "id";
/// Indexes listed in one request.
const INDEXES_PAGE: usize = 1_000;
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a task may wait in Meilisearch's queue and run.
const TASK_TIMEOUT: Duration = Duration::from_mins(5);
/// How long the first pause is between two questions after a task, and the longest. A task that
/// has taken long may be asked after late: each pause is a thirty-second part of that.
const TASK_POLL_MIN: Duration = Duration::from_millis(5);
const TASK_POLL_MAX: Duration = Duration::from_millis(500);

/// Why Meilisearch did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It said no, or could not be reached.
    #[error("Meilisearch: {doing}")]
    Request {
        /// What was tried.
        doing: &'static str,
        /// What came of it.
        #[source]
        source: Box<Error>,
    },
    /// It did not answer.
    #[error("Meilisearch: no answer in time to {0}")]
    Timeout(&'static str),
    /// It took the task and failed at it.
    #[error("Meilisearch: the task to {doing} failed: {reason}")]
    Task {
        /// What was tried.
        doing: &'static str,
        /// In Meilisearch's words.
        reason: String,
        /// The same for programs.
        code: Box<ErrorCode>,
        /// Whether what was sent is at fault, rather than Meilisearch.
        invalid: bool,
    },
    /// It was deleted while it was being made.
    #[error("Meilisearch: the index is gone again")]
    Gone,
    /// The settings in this program are not what Meilisearch's are.
    #[error("the search settings cannot be read")]
    Settings(#[from] serde_json::Error),
}

/// Which index it is that has a name: one that was lost and made anew, or swapped for another, is
/// another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(String);

/// A document as the index has it. Whoever has the key may have put it there: anything may be in
/// it.
#[derive(Clone, Debug, Deserialize)]
pub struct IndexedDocument {
    /// Its id: that of a product, if it was put there by this program.
    pub id: Value,
    /// The position of the last event in it; the same holds for it.
    pub position: Option<Value>,
}

/// Meilisearch, with the name of the live index.
#[derive(Clone, Debug)]
pub struct Meili {
    client: Client,
    live: String,
}

/// One index.
#[derive(Clone, Debug)]
pub struct Index {
    client: Client,
    uid: String,
}

impl Meili {
    /// Meilisearch at a URL. Nothing is asked of it yet.
    pub fn new(url: &str, key: Option<&str>, live: &str) -> Result<Self, IndexError> {
        let client = Client::new(url.trim_end_matches('/'), key).map_err(request("connect"))?;
        Ok(Self { client, live: live.to_owned() })
    }

    /// The index that is searched.
    pub fn live(&self) -> Index {
        Index { client: self.client.clone(), uid: self.live.clone() }
    }

    /// The index that a build is gathered in until it becomes the live one.
    pub fn of_build(&self, build: i16) -> Index {
        Index { client: self.client.clone(), uid: format!("{}_build_{build}", self.live) }
    }

    /// The numbers of the builds that there are indexes of.
    pub async fn builds(&self) -> Result<Vec<i16>, IndexError> {
        let (mut builds, mut offset) = (vec![], 0);
        let prefix = format!("{}_build_", self.live);
        loop {
            let mut query = IndexesQuery::new(&self.client);
            query.with_offset(offset).with_limit(INDEXES_PAGE);
            let page = self.client.list_all_indexes_raw_with(&query);
            let page = bounded("list indexes", page).await?;
            let Some(page) = page["results"].as_array().filter(|page| !page.is_empty()) else {
                return Ok(builds);
            };
            let names = page.iter().filter_map(|index| index["uid"].as_str());
            let numbers = names.filter_map(|name| name.strip_prefix(&prefix)?.parse::<i16>().ok());
            builds.extend(numbers);
            offset += page.len();
        }
    }

    /// Puts an index in the place of the live one, which takes its name, in one step.
    pub async fn swap_with_live(&self, index: &Index) -> Result<(), IndexError> {
        let indexes = (self.live.clone(), index.uid.clone());
        let swap = SwapIndexes { indexes, rename: None };
        let doing = "swap indexes";
        let task = bounded(doing, self.client.swap_indexes([&swap])).await?;
        finish(&self.client, doing, task).await
    }

    /// Whether Meilisearch answers.
    pub async fn check(&self) -> Result<(), IndexError> {
        bounded("say how it is", self.client.health()).await.map(drop)
    }
}

impl Index {
    /// Which index this is now; `None` if there is none.
    pub async fn identity(&self) -> Result<Option<Identity>, IndexError> {
        match bounded("look an index up", self.client.get_raw_index(&self.uid)).await {
            // To the nanosecond, and kept by the index itself when its name is given to another.
            Ok(index) => Ok(index["createdAt"].as_str().map(|at| Identity(at.to_owned()))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the index holds: up to `limit` documents after the first `offset`.
    pub async fn held(
        &self,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<IndexedDocument>, IndexError> {
        let index = self.client.index(&self.uid);
        let mut query = DocumentsQuery::new(&index);
        query.with_offset(offset).with_limit(limit).with_fields(["id", "position"]);
        Ok(bounded("read documents", query.execute::<IndexedDocument>()).await?.results)
    }

    /// Makes the index if there is none and applies the settings if they differ. Says which it is.
    pub async fn ensure(&self) -> Result<Identity, IndexError> {
        self.ensure_settings().await?;
        self.identity().await?.ok_or(IndexError::Gone)
    }

    async fn ensure_settings(&self) -> Result<(), IndexError> {
        let wanted: Value = serde_json::from_str(SETTINGS)?;
        let index = self.client.index(&self.uid);
        let settings = match bounded("read settings", index.get_settings()).await {
            Ok(settings) => serde_json::to_value(settings)?,
            Err(error) if error.is_not_found() => {
                let create = self.client.create_index(&self.uid, Some(PRIMARY_KEY));
                let task = bounded("create an index", create).await?;
                finish(&self.client, "create an index", task).await?;
                Value::Null
            }
            Err(error) => return Err(error),
        };
        if covers(&settings, &wanted) {
            return Ok(());
        }
        tracing::info!(index = self.uid, "applying the search settings");
        let wanted: Settings = serde_json::from_value(wanted)?;
        let task = bounded("apply settings", index.set_settings(&wanted)).await?;
        finish(&self.client, "apply settings", task).await
    }

    /// How many documents it holds; none if there is no such index.
    pub async fn count(&self) -> Result<u64, IndexError> {
        match bounded("count documents", self.client.index(&self.uid).get_stats()).await {
            Ok(stats) => Ok(u64::try_from(stats.number_of_documents).unwrap_or(u64::MAX)),
            Err(error) if error.is_not_found() => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Adds documents, or replaces those it has.
    pub async fn put(&self, documents: &[Box<RawValue>]) -> Result<(), IndexError> {
        if documents.is_empty() {
            return Ok(());
        }
        let index = self.client.index(&self.uid);
        let doing = "add documents";
        let task = bounded(doing, index.add_or_replace(documents, Some(PRIMARY_KEY))).await?;
        finish(&self.client, doing, task).await
    }

    /// Takes documents out, if it has them.
    pub async fn remove<T>(&self, ids: &[T]) -> Result<(), IndexError>
    where
        T: std::fmt::Display + std::fmt::Debug + Serialize + Send + Sync,
    {
        if ids.is_empty() {
            return Ok(());
        }
        let index = self.client.index(&self.uid);
        let doing = "delete documents";
        let task = bounded(doing, index.delete_documents(ids)).await?;
        finish(&self.client, doing, task).await
    }

    /// Deletes the index with all that is in it, if it exists.
    pub async fn drop_index(&self) -> Result<(), IndexError> {
        let doing = "delete an index";
        let task = bounded(doing, self.client.delete_index(&self.uid)).await?;
        match finish(&self.client, doing, task).await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other,
        }
    }
}

impl IndexError {
    fn is_not_found(&self) -> bool {
        match self {
            Self::Request { source, .. } => matches!(
                source.as_ref(),
                Error::Meilisearch(error) if error.error_code == ErrorCode::IndexNotFound
            ),
            Self::Task { code, .. } => **code == ErrorCode::IndexNotFound,
            Self::Timeout(_) | Self::Gone | Self::Settings(_) => false,
        }
    }
}

fn request(doing: &'static str) -> impl FnOnce(Error) -> IndexError {
    move |source| IndexError::Request { doing, source: Box::new(source) }
}

async fn bounded<T>(
    doing: &'static str,
    asked: impl Future<Output = Result<T, Error>>,
) -> Result<T, IndexError> {
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, asked).await;
    answer.map_err(|_| IndexError::Timeout(doing))?.map_err(request(doing))
}

/// Waits for a task to end.
async fn finish(client: &Client, doing: &'static str, task: TaskInfo) -> Result<(), IndexError> {
    let began = Instant::now();
    while began.elapsed() < TASK_TIMEOUT {
        match bounded(doing, client.get_task(&task)).await? {
            Task::Succeeded { .. } => return Ok(()),
            Task::Failed { content } => return Err(failed(doing, content.error)),
            Task::Enqueued { .. } | Task::Processing { .. } => {}
        }
        let pause = (began.elapsed() / 32).clamp(TASK_POLL_MIN, TASK_POLL_MAX);
        tokio::time::sleep(pause).await;
    }
    Err(IndexError::Timeout(doing))
}

fn failed(doing: &'static str, error: MeilisearchError) -> IndexError {
    let invalid = matches!(error.error_type, ErrorType::InvalidRequest)
        && error.error_code != ErrorCode::IndexNotFound;
    let (reason, code) = (error.error_message, Box::new(error.error_code));
    IndexError::Task { doing, reason, code, invalid }
}

/// Whether `actual` has everything that `wanted` names. Meilisearch gives lists that are sets in
/// an order of its own; a list whose order matters has the wanted one once it was applied.
fn covers(actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (Value::Object(actual), Value::Object(wanted)) => wanted.iter().all(|(name, wanted)| {
            let actual = actual.get(name).unwrap_or(&Value::Null);
            let ordered = ["rankingRules", "searchableAttributes"].contains(&name.as_str());
            if ordered { actual == wanted } else { covers(actual, wanted) }
        }),
        (Value::Array(actual), Value::Array(wanted)) => {
            actual.len() == wanted.len() && wanted.iter().all(|item| actual.contains(item))
        }
        _ => actual == wanted,
    }
}
