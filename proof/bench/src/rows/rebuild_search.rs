//! Row `rebuild-search`: a search index filled anew by `projector rebuild search`, in documents per
//! second that it puts into Meilisearch, against the same documents posted raw to an index with the
//! same settings. The folding of the catalogue, which comes before, is the affair of row `rebuild`;
//! what the whole command takes stands in the details.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::postgres::PgPool;

use super::rebuild::rebuild;
use crate::ground::{Ground, Meilisearch};
use crate::load::catalogue;
use crate::measured::{Goal, Measured};

/// Products in the catalogue: fewer would show how quickly Meilisearch begins.
const PRODUCTS: usize = 20_000;
/// The index whose settings are used, as the projector names it unless told otherwise.
const INDEX: &str = "products";
/// The index that is filled raw, and deleted again.
const RAW_INDEX: &str = "raw";
/// Documents in one raw request.
const DOCUMENTS_PER_REQUEST: usize = 10_000;
/// How often a task is asked after.
const TASK_POLL: Duration = Duration::from_millis(10);
/// How long a task may take.
const TASK_TIMEOUT: Duration = Duration::from_mins(5);

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let service = ground.command_api("command-api").await?;
    catalogue::make(&service.address, PRODUCTS).await?;
    ground.stop(&service).await?;
    let client = Client::builder().no_proxy().build()?;
    let direct = Direct { client, at: ground.meilisearch().await? };
    ground.sql("VACUUM (ANALYZE) events").await?;
    // The first one finds no documents to stand beside; the second one compares its own with those
    // of the first before it takes their place: what an operator waits for.
    let first = Filled::of(rebuild(ground, "search").await?)?;
    let documents = documents(&ground.database().await?).await?;
    let raw = direct.fill(&documents).await?;
    let second = Filled::of(rebuild(ground, "search").await?)?;
    let posted = f64::midpoint(raw, direct.fill(&documents).await?);
    let count = documents.len();
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value: count as f64 / f64::midpoint(first.seconds, second.seconds),
        unit: "documents/s",
        baseline: count as f64 / posted,
        baseline_is: "the documents posted raw, 10,000 a request",
        goal: Goal::AtLeast { land: 0.8, goal: 0.95 },
        details: json!({
            "documents": count, "raw_seconds": posted,
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

/// The documents that the index holds.
async fn documents(database: &str) -> Result<Vec<String>> {
    let db = PgPool::connect(database).await?;
    let documents = "SELECT document::text FROM search_documents WHERE listed ORDER BY id";
    let documents: Vec<String> = sqlx::query_scalar(documents).fetch_all(&db).await?;
    ensure!(!documents.is_empty(), "the database holds no search documents");
    Ok(documents)
}

/// One who asks Meilisearch itself.
struct Direct {
    client: Client,
    at: Meilisearch,
}

impl Direct {
    /// Posts the documents, as fast as Meilisearch takes them, to an index of their own. Returns
    /// the seconds it took.
    async fn fill(&self, documents: &[String]) -> Result<f64> {
        let bodies: Vec<String> = documents
            .chunks(DOCUMENTS_PER_REQUEST)
            .map(|batch| format!("[{}]", batch.join(",")))
            .collect();
        let settings = format!("/indexes/{INDEX}/settings");
        let settings = self.ask(Method::GET, &settings, String::new()).await?;
        let create = json!({"uid": RAW_INDEX, "primaryKey": "id"}).to_string();
        self.wait_for(&self.ask(Method::POST, "/indexes", create).await?).await?;
        let path = format!("/indexes/{RAW_INDEX}/settings");
        self.wait_for(&self.ask(Method::PATCH, &path, settings.to_string()).await?).await?;

        let path = format!("/indexes/{RAW_INDEX}/documents");
        let mut tasks = Vec::with_capacity(bodies.len());
        let start = Instant::now();
        for body in bodies {
            tasks.push(self.ask(Method::POST, &path, body).await?);
        }
        for task in &tasks {
            self.wait_for(task).await?;
        }
        let seconds = start.elapsed().as_secs_f64();
        let path = format!("/indexes/{RAW_INDEX}");
        self.wait_for(&self.ask(Method::DELETE, &path, String::new()).await?).await?;
        Ok(seconds)
    }

    /// Sends a request and returns the answer; for what takes time, that is a task.
    async fn ask(&self, method: Method, path: &str, body: String) -> Result<Value> {
        let request = self.client.request(method, format!("{}{path}", self.at.url));
        let request = request.bearer_auth(&self.at.key).header("content-type", "application/json");
        let request = if body.is_empty() { request } else { request.body(body) };
        let answer = request.send().await?;
        let status = answer.status();
        let answer = answer.text().await?;
        ensure!(status.is_success(), "Meilisearch said {status} to {path}: {answer}");
        Ok(serde_json::from_str(&answer)?)
    }

    async fn wait_for(&self, task: &Value) -> Result<()> {
        let id = task["taskUid"].as_u64().context("the answer is no task")?;
        let deadline = Instant::now() + TASK_TIMEOUT;
        while Instant::now() < deadline {
            let task = self.ask(Method::GET, &format!("/tasks/{id}"), String::new()).await?;
            match task["status"].as_str() {
                Some("succeeded") => return Ok(()),
                Some("enqueued" | "processing") => tokio::time::sleep(TASK_POLL).await,
                _ => bail!("a task failed: {task}"),
            }
        }
        bail!("task {id} took longer than {} s", TASK_TIMEOUT.as_secs())
    }
}
