//! The baseline of rebuilding the search index: the documents that it holds, posted raw, as fast as
//! Meilisearch takes them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgPool};

/// The index that is filled, and deleted again.
const INDEX: &str = "raw";
/// How often a task is asked after.
const TASK_POLL: Duration = Duration::from_millis(10);
/// How long a task may take.
const TASK_TIMEOUT: Duration = Duration::from_mins(5);

/// What to post, and where.
#[derive(clap::Args)]
pub struct Args {
    /// The database whose search documents are posted
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: PgConnectOptions,
    /// Meilisearch
    #[arg(long, env = "MEILI_URL")]
    url: String,
    /// Its key
    #[arg(long, env = "MEILI_MASTER_KEY", hide_env_values = true)]
    key: String,
    /// The index whose settings are used
    #[arg(long, default_value = "products")]
    settings_of: String,
    /// Documents in one request
    #[arg(long, default_value_t = 10_000)]
    batch: usize,
}

/// Posts the documents and returns how many a second were taken.
pub async fn run(args: &Args) -> anyhow::Result<Value> {
    let documents = documents(&args.database).await?;
    ensure!(!documents.is_empty(), "the database holds no search documents");
    let bodies: Vec<String> =
        documents.chunks(args.batch).map(|batch| format!("[{}]", batch.join(","))).collect();
    let meili = Meili { client: Client::new(), url: args.url.clone(), key: args.key.clone() };
    let settings = format!("/indexes/{}/settings", args.settings_of);
    let settings = meili.ask(Method::GET, &settings, String::new()).await?;
    let create = json!({"uid": INDEX, "primaryKey": "id"}).to_string();
    meili.wait_for(&meili.ask(Method::POST, "/indexes", create).await?).await?;
    let path = format!("/indexes/{INDEX}/settings");
    meili.wait_for(&meili.ask(Method::PATCH, &path, settings.to_string()).await?).await?;

    let path = format!("/indexes/{INDEX}/documents");
    let mut tasks = Vec::with_capacity(bodies.len());
    let start = Instant::now();
    for body in bodies {
        tasks.push(meili.ask(Method::POST, &path, body).await?);
    }
    for task in &tasks {
        meili.wait_for(task).await?;
    }
    let seconds = start.elapsed().as_secs_f64();
    let delete = meili.ask(Method::DELETE, &format!("/indexes/{INDEX}"), String::new()).await?;
    meili.wait_for(&delete).await?;
    Ok(json!({
        "documents": documents.len(),
        "seconds": seconds,
        "per_second": documents.len() as f64 / seconds,
    }))
}

async fn documents(database: &PgConnectOptions) -> anyhow::Result<Vec<String>> {
    let db = PgPool::connect_with(database.clone()).await?;
    let documents = "SELECT document::text FROM search_documents WHERE listed ORDER BY id";
    Ok(sqlx::query_scalar(documents).fetch_all(&db).await?)
}

struct Meili {
    client: Client,
    url: String,
    key: String,
}

impl Meili {
    /// Sends a request and returns the answer; for what takes time, that is a task.
    async fn ask(&self, method: Method, path: &str, body: String) -> anyhow::Result<Value> {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.bearer_auth(&self.key).header("content-type", "application/json");
        let request = if body.is_empty() { request } else { request.body(body) };
        let answer = request.send().await?;
        let status = answer.status();
        let answer = answer.text().await?;
        ensure!(status.is_success(), "Meilisearch said {status} to {path}: {answer}");
        Ok(serde_json::from_str(&answer)?)
    }

    async fn wait_for(&self, task: &Value) -> anyhow::Result<()> {
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
