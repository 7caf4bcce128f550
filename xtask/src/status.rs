//! `cargo xtask status`: what runs, where it listens, and how far behind each projection is.

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::layout::Layout;
use crate::record::{Record, Recorded};
use crate::{http, progress};

/// The part of `GET /v1/projections` that is shown.
#[derive(Deserialize)]
struct Projections {
    items: Vec<Projection>,
}

#[derive(Deserialize)]
struct Projection {
    name: String,
    build: i16,
    position: i64,
    lag_events: i64,
    lag_seconds: f64,
    parked_streams: i64,
    /// Search documents on their way to Meilisearch; only search has any.
    dirty_documents: Option<i64>,
}

/// Prints the table of processes, then that of projections. Fails when something is down.
pub fn run(layout: &Layout) -> Result<ExitCode> {
    let record = Record::load(&layout.record())?;
    let Some(record) = record.filter(|record| record.owner.is_alive() || record.is_alive()) else {
        progress::result("nothing is running: `cargo xtask up` starts it");
        return Ok(ExitCode::FAILURE);
    };
    progress::result(&format!("{:<12} {:<6} {:>8}  {:<42} LOG", "PROCESS", "STATE", "PID", "URL"));
    for process in &record.processes {
        progress::result(&row(process));
    }
    let query_api = record.processes.iter().find(|process| process.name == "query-api");
    if let Some(process) = query_api.filter(|process| process.id.is_alive()) {
        progress::result(&projections(&process.url)?);
    }
    let all_run = record.processes.iter().all(|process| process.id.is_alive());
    Ok(if all_run { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(process: &Recorded) -> String {
    let Recorded { name, id, url, log, .. } = process;
    let state = if id.is_alive() { "runs" } else { "ended" };
    format!("{name:<12} {state:<6} {:>8}  {url:<42} {}", id.pid, log.display())
}

/// The lag of each projection, as query-api tells it.
fn projections(query_url: &str) -> Result<String> {
    let answer = http::get(&format!("{query_url}/v1/projections"))?;
    if !answer.is_success() {
        bail!("query-api answered {}: {}", answer.status, answer.body);
    }
    let Projections { items } =
        serde_json::from_str(&answer.body).context("cannot read query-api's answer")?;
    let mut table = format!(
        "\n{:<12} {:>6} {:>12} {:>12} {:>10} {:>8} {:>8}",
        "PROJECTION", "BUILD", "POSITION", "BEHIND", "SECONDS", "PARKED", "UNSENT"
    );
    for item in items {
        let Projection { name, build, position, lag_events, lag_seconds, parked_streams, .. } =
            &item;
        let unsent = item.dirty_documents.map_or(String::new(), |documents| documents.to_string());
        table.push_str(&format!(
            "\n{name:<12} {build:>6} {position:>12} {lag_events:>12} {lag_seconds:>10.1} \
             {parked_streams:>8} {unsent:>8}"
        ));
    }
    Ok(table)
}
