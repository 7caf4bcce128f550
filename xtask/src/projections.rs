//! How far the projections have come, as query-api tells it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::{http, interrupt, progress};

/// How long `up` waits for them to show the demo.
const CATCH_UP_TIMEOUT: Duration = Duration::from_mins(1);
/// Pause between two looks.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The part of `GET /v1/projections` we read.
#[derive(Deserialize)]
struct Answer {
    items: Vec<Projection>,
}

/// One projection.
#[derive(Deserialize)]
pub struct Projection {
    pub name: String,
    /// Which of its builds readers see.
    pub build: i16,
    /// Up to where in the log it has come.
    pub position: i64,
    /// Events it lacks.
    pub lag_events: i64,
    /// How long ago the first of them was recorded.
    pub lag_seconds: f64,
    /// Streams it could not go on with.
    pub parked_streams: i64,
    /// Search documents on their way to Meilisearch; only search has any.
    pub dirty_documents: Option<i64>,
}

/// Asks query-api.
pub fn list(query_url: &str) -> Result<Vec<Projection>> {
    let answer = http::get(&format!("{query_url}/v1/projections"))?;
    if !answer.is_success() {
        bail!("query-api answered {} about its projections: {}", answer.status, answer.body);
    }
    let Answer { items } =
        serde_json::from_str(&answer.body).context("cannot read query-api's answer")?;
    Ok(items)
}

/// Waits until readers see everything; says so when that takes long, and goes on.
pub fn wait_until_caught_up(query_url: &str) -> Result<()> {
    progress::step("Waiting", "for the projections to catch up");
    let deadline = Instant::now() + CATCH_UP_TIMEOUT;
    while !list(query_url)?.iter().all(Projection::is_caught_up) {
        if Instant::now() > deadline {
            progress::warning("they have not yet: `cargo xtask status` shows how far they are");
            return Ok(());
        }
        interrupt::check()?;
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

impl Projection {
    /// Whether readers see everything.
    pub fn is_caught_up(&self) -> bool {
        self.lag_events == 0 && self.dirty_documents.unwrap_or(0) == 0
    }
}
