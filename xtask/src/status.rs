//! `cargo xtask status`: what runs, where it listens, and how far behind each projection is.

use std::process::ExitCode;

use anyhow::Result;

use crate::layout::Layout;
use crate::progress;
use crate::projections::{self, Projection};
use crate::record::{Record, Recorded};

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
        progress::result(&table(&projections::list(&process.url)?));
    }
    let ended = record.processes.iter().filter(|process| !process.id.is_alive());
    if let Some(remark) = remark(&ended.map(|process| &*process.name).collect::<Vec<_>>()) {
        progress::result(&remark);
    }
    if record.owner.is_alive() && query_api.is_none() {
        progress::result("`cargo xtask up` is still starting: its own output shows how far it is");
    }
    let all_run = record.processes.iter().all(|process| process.id.is_alive());
    Ok(if all_run { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is to be done about those that have ended.
fn remark(ended: &[&str]) -> Option<String> {
    if ended.is_empty() {
        return None;
    }
    let unknown = if ended.contains(&"query-api") {
        "; how far the projections are is not known without query-api"
    } else {
        ""
    };
    Some(format!(
        "\n{} ended, its log says why{unknown}. A part is not started by itself: \
         `cargo xtask down`, then `cargo xtask up`, which goes on with the data as they are",
        ended.join(", ")
    ))
}

fn row(process: &Recorded) -> String {
    let Recorded { name, id, url, log, .. } = process;
    let state = if id.is_alive() { "runs" } else { "ended" };
    format!("{name:<12} {state:<6} {:>8}  {url:<42} {}", id.pid, log.display())
}

/// The lag of each projection.
fn table(projections: &[Projection]) -> String {
    let mut lines = vec![format!(
        "{:<12} {:>6} {:>12} {:>12} {:>10} {:>8} {:>8}",
        "PROJECTION", "BUILD", "POSITION", "BEHIND", "SECONDS", "PARKED", "UNSENT"
    )];
    for projection in projections {
        let Projection { name, build, position, lag_events, lag_seconds, parked_streams, .. } =
            projection;
        let unsent = projection.dirty_documents.map_or(String::new(), |count| count.to_string());
        lines.push(format!(
            "{name:<12} {build:>6} {position:>12} {lag_events:>12} {lag_seconds:>10.1} \
             {parked_streams:>8} {unsent:>8}"
        ));
    }
    format!("\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_is_named_with_what_to_do() {
        assert_eq!(remark(&[]), None);
        let projector = remark(&["projector"]).unwrap();
        assert!(projector.contains("projector ended") && projector.contains("xtask down"));
        assert!(!projector.contains("not known"));
        assert!(remark(&["nats", "query-api"]).unwrap().contains("projections are is not known"));
    }
}
