//! More commands than the engine carries: what becomes of those it takes and of those it turns
//! away, what it costs in memory, and how soon all is well again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

use crate::load::figures::Latencies;
use crate::load::wire::{Request, Wire};

/// The pause between two looks at the memory.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// What to overload, and by how much.
#[derive(clap::Args)]
pub struct Args {
    /// Where command-api listens; started with a small `COMMANDS_MAX`, for this machine also sends
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: String,
    /// What it carries is measured with so many commands at once: its `COMMANDS_MAX`
    #[arg(long, default_value_t = 4)]
    at_once: usize,
    /// How many times that rate is sent
    #[arg(long, default_value_t = 10.0)]
    times: f64,
    /// Connections to send on; with enough of them no request waits for another's answer
    #[arg(long, default_value_t = 256)]
    connections: usize,
    /// Seconds of each of the two
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// Whom requests were answered by, and how soon.
#[derive(Default)]
struct Tally {
    accepted: Latencies,
    refused: Latencies,
}

/// When requests are due.
#[derive(Clone)]
struct Timetable {
    begin: Instant,
    end: Instant,
    /// None means as soon as the one before is answered.
    per_second: Option<f64>,
    taken: Arc<AtomicU64>,
}

impl Timetable {
    fn new(seconds: u64, per_second: Option<f64>) -> Self {
        let begin = Instant::now();
        let end = begin + Duration::from_secs(seconds);
        Self { begin, end, per_second, taken: Arc::default() }
    }

    /// When the next request is due, which may be past; none after the end.
    fn next(&self) -> Option<Instant> {
        let due = match self.per_second {
            None => Instant::now(),
            Some(rate) => {
                let number = self.taken.fetch_add(1, Ordering::Relaxed);
                self.begin + Duration::from_secs_f64(number as f64 / rate)
            }
        };
        (due < self.end).then_some(due)
    }
}

/// Measures what is carried, sends a multiple of it, and returns the figures of both.
pub async fn run(args: &Args) -> Result<Value> {
    let Args { address, at_once, times, connections, seconds } = args;
    let alone = send(address, *at_once, Timetable::new(*seconds, None)).await?;
    ensure!(alone.refused.len() == 0, "refused without an overload: --at-once is too much");
    let carried = alone.accepted.len() as f64 / *seconds as f64;
    let before = memory(address).await?;
    let timetable = Timetable::new(*seconds, Some(times * carried));
    let end = timetable.end;
    let (flood, peak) =
        tokio::join!(send(address, *connections, timetable), peak_memory(address, end));
    let Tally { mut accepted, mut refused } = flood?;
    let began = Instant::now();
    let after = send_one(&mut Wire::open(address).await?).await?;
    let recovery = began.elapsed();
    ensure!(after, "refused after the overload");
    let lasted = *seconds as f64;
    Ok(json!({
        "carried_per_second": carried,
        "offered_per_second": (accepted.len() + refused.len()) as f64 / lasted,
        "accepted": accepted.summary(lasted), "refused": refused.summary(lasted),
        "refused_last_ms": refused.permille(1_000),
        "memory_before_bytes": before, "memory_peak_bytes": peak?,
        "recovery_ms": recovery.as_secs_f64() * 1_000.0,
    }))
}

/// Sends by a timetable; whichever connection is free takes the next. Latency counts from when a
/// request was due.
async fn send(address: &str, connections: usize, timetable: Timetable) -> Result<Tally> {
    let mut callers = JoinSet::new();
    for _ in 0..connections {
        let (mut wire, timetable) = (Wire::open(address).await?, timetable.clone());
        callers.spawn(async move {
            let mut tally = Tally::default();
            while let Some(due) = timetable.next() {
                sleep_until(due).await;
                let is_accepted = send_one(&mut wire).await?;
                let latencies = if is_accepted { &mut tally.accepted } else { &mut tally.refused };
                latencies.add(due.elapsed());
            }
            anyhow::Ok(tally)
        });
    }
    let mut all = Tally::default();
    while let Some(tally) = callers.join_next().await {
        let Tally { accepted, refused } = tally??;
        all.accepted.extend(accepted);
        all.refused.extend(refused);
    }
    Ok(all)
}

/// Makes a cart, and says whether it was accepted. A refusal that does not say when to come back is
/// an error, as is any other answer.
async fn send_one(wire: &mut Wire) -> Result<bool> {
    let request = Request::post("/v1/carts".into(), r#"{"currency":"EUR"}"#.into());
    let request = request.with("idempotency-key", Uuid::now_v7().to_string());
    let answer = wire.ask(&request).await?;
    if answer.status < 300 {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(answer.body);
    ensure!(matches!(answer.status, 429 | 503), "{}: {said}", answer.status);
    ensure!(said.contains("\"retry_after\":"), "does not say when to come back: {said}");
    Ok(false)
}

/// What the process says it holds, in bytes.
async fn memory(address: &str) -> Result<f64> {
    let mut wire = Wire::open(address).await?;
    let metrics = wire.ask(&Request::get("/metrics".into())).await?;
    let metrics = str::from_utf8(metrics.body)?;
    let value = metrics.lines().find_map(|l| l.strip_prefix("process_resident_memory_bytes "));
    Ok(value.context("no such metric")?.parse()?)
}

async fn peak_memory(address: &str, end: Instant) -> Result<f64> {
    let mut peak: f64 = 0.0;
    while Instant::now() < end {
        peak = peak.max(memory(address).await?);
        sleep(LOOK_PAUSE).await;
    }
    Ok(peak)
}
