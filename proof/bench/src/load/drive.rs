//! Driving: many connections, each with one request at a time, as fast as answers come or at a
//! given rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::figures::{Figures, Latencies, cpu_time};
use super::wire::{Answer, Request, Wire};

/// Driven before what is measured, and not counted.
pub const WARM_UP: Duration = Duration::from_secs(1);

/// How hard to drive, and where.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Where to, `host:port`; the connections are dealt out among several.
    pub addresses: Vec<String>,
    /// Connections, each with one request at a time.
    pub connections: usize,
    /// Seconds measured.
    pub seconds: u64,
}

impl Pace {
    /// On one address.
    pub fn on(address: &str, connections: usize, seconds: u64) -> Self {
        Self { addresses: vec![address.to_owned()], connections, seconds }
    }
}

/// What one connection asks, one request after the other.
pub trait Caller: Send + 'static {
    /// The next request.
    fn next(&mut self) -> Request;

    /// Looks at its answer. Unless told otherwise, anything but a success ends the run.
    fn hear(&mut self, answer: &Answer<'_>) -> Result<()> {
        let Answer { status, body } = answer;
        ensure!((200..300).contains(status), "{status}: {}", String::from_utf8_lossy(body));
        Ok(())
    }
}

/// When requests are due.
#[derive(Clone)]
enum Timetable {
    /// As soon as the one before is answered.
    Next,
    /// Evenly spread over time, whatever the answers take; whichever connection is free takes the
    /// next. Latency counts from when a request was due.
    Rate { per_second: f64, taken: Arc<AtomicU64> },
}

/// The span that is measured.
#[derive(Clone, Copy)]
struct Span {
    begin: Instant,
    start: Instant,
    end: Instant,
}

/// Drives as fast as answers come.
pub async fn closed_loop<C: Caller>(pace: &Pace, caller: impl Fn(usize) -> C) -> Result<Figures> {
    drive(pace, &Timetable::Next, caller).await
}

/// Drives at a rate, as far as the connections suffice for it.
pub async fn open_loop<C: Caller>(
    pace: &Pace,
    per_second: f64,
    caller: impl Fn(usize) -> C,
) -> Result<Figures> {
    drive(pace, &Timetable::Rate { per_second, taken: Arc::default() }, caller).await
}

async fn drive<C: Caller>(
    pace: &Pace,
    timetable: &Timetable,
    caller: impl Fn(usize) -> C,
) -> Result<Figures> {
    let mut wires = Vec::with_capacity(pace.connections);
    for address in pace.addresses.iter().cycle().take(pace.connections) {
        wires.push(Wire::open(address).await?);
    }
    let begin = Instant::now();
    let start = begin + WARM_UP;
    let span = Span { begin, start, end: start + Duration::from_secs(pace.seconds) };
    let mut callers = JoinSet::new();
    for (number, wire) in wires.into_iter().enumerate() {
        callers.spawn(call(wire, caller(number), timetable.clone(), span));
    }
    sleep_until(start).await;
    let cpu_before = cpu_time();
    sleep_until(span.end).await;
    let cpu = cpu_time().saturating_sub(cpu_before);
    let mut latencies = Latencies::default();
    while let Some(called) = callers.join_next().await {
        latencies.extend(called??);
    }
    let mut figures = latencies.summary(pace.seconds as f64);
    figures.load_cpus = Some(cpu.as_secs_f64() / pace.seconds as f64);
    Ok(figures)
}

async fn call(
    mut wire: Wire,
    mut caller: impl Caller,
    timetable: Timetable,
    span: Span,
) -> Result<Latencies> {
    let mut latencies = Latencies::default();
    loop {
        let due = match &timetable {
            Timetable::Next => Instant::now(),
            Timetable::Rate { per_second, taken } => {
                let number = taken.fetch_add(1, Ordering::Relaxed);
                let due = span.begin + Duration::from_secs_f64(number as f64 / per_second);
                sleep_until(due).await;
                due
            }
        };
        if due >= span.end {
            return Ok(latencies);
        }
        let request = caller.next();
        let answer = wire.ask(&request).await?;
        let heard = Instant::now();
        caller.hear(&answer)?;
        // What was answered within the span counts, whenever it was asked.
        if heard >= span.start && heard < span.end {
            latencies.add(heard - due);
        }
    }
}
