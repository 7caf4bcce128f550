//! How far the projections have come, as query-api tells it.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::Service;

/// How long the projections may take to show a catalogue.
const SHOWN_TIMEOUT: Duration = Duration::from_mins(2);
/// Pause between two looks whether they do.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The part of `GET /v1/projections` we read.
#[derive(Deserialize)]
struct Progress {
    items: Vec<Projection>,
}

/// How far a projection has come.
#[derive(Deserialize)]
pub struct Projection {
    name: String,
    lag_events: i64,
    /// Streams it could not go on with.
    pub parked_streams: i64,
    dirty_documents: Option<i64>,
}

impl Projection {
    /// Whether readers see everything.
    pub fn is_caught_up(&self) -> bool {
        self.lag_events == 0 && self.dirty_documents.unwrap_or(0) == 0
    }
}

/// All projections, as query-api tells of them.
pub async fn projections(query_api: &Service) -> Result<Vec<Projection>> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.get(format!("{}/v1/projections", query_api.url())).send().await?;
    let progress: Progress = answer.error_for_status()?.json().await?;
    Ok(progress.items)
}

/// Waits until readers see all of the log in these projections, or in all when none is named; and
/// in Meilisearch if search is one of them.
pub async fn wait_until_shown(query_api: &Service, names: &[&str]) -> Result<()> {
    let deadline = Instant::now() + SHOWN_TIMEOUT;
    loop {
        let mut awaited = projections(query_api).await?;
        awaited.retain(|one| names.is_empty() || names.contains(&one.name.as_str()));
        let begun = !awaited.is_empty() && awaited.len() >= names.len();
        if begun && awaited.iter().all(Projection::is_caught_up) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the projections do not catch up");
        sleep(POLL_INTERVAL).await;
    }
}
