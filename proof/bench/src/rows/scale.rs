//! Row `scale`: the same things measured on logs of very different lengths. A table of them should
//! be flat: what an engine does per command, read or start must not grow with its past.
//!
//! Each log is filled, folded by a projector in the ordinary way, and then started on afresh.
//! Commands are driven with the relay running and no projector; reads, and what memory the services
//! came to hold, are measured after the projector has caught up with those commands.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::fill::{self, Log, time};
use crate::ground::{Ground, Projection, Service, output, projections};
use crate::inserts::CLIENTS;
use crate::load::carts;
use crate::load::drive::{Caller, Pace, closed_loop};
use crate::load::wire::{Request, Wire};
use crate::measured::{Goal, Measured};
use crate::terminal;

/// What a figure may be of that on the smallest log.
const FLAT_TIME: Goal = Goal::AtMost { land: 2.0, goal: 1.25 };
const FLAT_RATE: Goal = Goal::AtLeast { land: 0.7, goal: 0.9 };

/// Projections that readers have.
const PROJECTIONS: usize = 7;
/// How long they may take to fold the longest log.
const CATCH_UP_TIMEOUT: Duration = Duration::from_hours(1);
/// Connections of the readers: few enough that an answer's time is the service's, not the queue's
/// before it.
const READERS: usize = 2;
/// Pause between two looks whether they have.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The reactor keeps its place this often when there is nothing to do, in events.
const REACTOR_KEEPS_EVENTS: i64 = 10_000;

/// Something measured on one log.
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
    details: Value,
}

/// The figures of one log, in the order of the table.
#[derive(Default)]
struct Figures(Vec<Figure>);

impl Figures {
    fn add(&mut self, name: &str, value: f64, unit: &'static str, details: Value) {
        let goal = if unit.ends_with("/s") { FLAT_RATE } else { FLAT_TIME };
        self.0.push(Figure { name: name.to_owned(), value, unit, goal, details });
    }

    /// From the start of a process to its first "ready". Returns what memory it holds then, in MiB.
    fn started(
        &mut self,
        ground: &Ground<'_>,
        service: &Service,
        began: Instant,
        details: Value,
    ) -> Result<u64> {
        let took = began.elapsed().as_secs_f64() * 1_000.0;
        self.add(&format!("startup.{}", service.name), took, "ms", details);
        ground.running(&service.name)?.memory_mib()
    }
}

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    ground.database().await?;
    ground.nats().await?;
    ground.meilisearch().await?;
    let mut sizes = ground.log_sizes().to_vec();
    sizes.sort_unstable();
    let mut logs = Vec::new();
    for (number, size) in sizes.iter().enumerate() {
        if number > 0 {
            empty(ground).await?;
        }
        logs.push((*size, on_a_log(ground, *size).await?));
    }
    Ok(table(logs))
}

/// Figure by figure, each on all logs, beside that on the smallest.
fn table(logs: Vec<(i64, Figures)>) -> Vec<Measured> {
    let mut lines: Vec<(usize, Measured)> = Vec::new();
    let mut smallest: Vec<f64> = Vec::new();
    for (size, figures) in logs {
        if smallest.is_empty() {
            smallest = figures.0.iter().map(|figure| figure.value).collect();
        }
        for ((place, figure), baseline) in figures.0.into_iter().enumerate().zip(&smallest) {
            let Figure { name, value, unit, goal, details } = figure;
            let name = format!("scale.{name}@{size}");
            let baseline_is = "the same on the smallest log";
            let baseline = *baseline;
            lines.push((
                place,
                Measured { name, value, unit, baseline, baseline_is, goal, details },
            ));
        }
    }
    lines.sort_by_key(|(place, _)| *place);
    lines.into_iter().map(|(_, line)| line).collect()
}

/// Brings the database back to what it is after its first migration.
async fn empty(ground: &Ground<'_>) -> Result<()> {
    ground.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await?;
    let mut migrate = ground.program("command-api", &["migrate"])?;
    output(&mut migrate, "migrate the database").await?;
    // Another log, on the NATS of the one before.
    let mut adopt = ground.program("command-api", &["adopt"])?;
    output(&mut adopt, "take the stream over").await.map(drop)
}

async fn on_a_log(ground: &mut Ground<'_>, size: i64) -> Result<Figures> {
    let mut figures = Figures::default();
    terminal::step("Filling", &format!("a log of {size} events"));
    let began = Instant::now();
    let log = fill::log(&ground.database().await?, size).await?;
    let filled = began.elapsed().as_secs_f64();
    let events = log.events;

    terminal::step("Waiting", "for the projections to catch up");
    let began = Instant::now();
    let services = [
        ground.command_api("command-api").await?,
        ground.projector(&[]).await?,
        ground.query_api().await?,
    ];
    wait_until_caught_up(ground, &services[2]).await?;
    let caught_up = began.elapsed().as_secs_f64();
    terminal::step("Caught up", &format!("with {events} events in {caught_up:.0} s"));
    for service in services.iter().rev() {
        ground.stop(service).await?;
    }
    // As autovacuum would have left a log that grew in years.
    ground.sql("VACUUM (ANALYZE); CHECKPOINT").await?;
    disk(&mut figures, ground, events).await?;

    terminal::step("Measuring", "start-up and commands");
    let made = json!({ "events": events, "fill_seconds": filled, "catch_up_seconds": caught_up });
    let began = Instant::now();
    let commands = ground.command_api("command-api").await?;
    let commands_ready_mib = figures.started(ground, &commands, began, made)?;
    first_command(&mut figures, &commands, &log).await?;
    append(&mut figures, ground.seconds, &commands).await?;
    terminal::step("Measuring", "start-up and reads");
    let began = Instant::now();
    let projector = ground.projector(&[]).await?;
    let projector_ready_mib = figures.started(ground, &projector, began, Value::Null)?;
    let began = Instant::now();
    let queries = ground.query_api().await?;
    let queries_ready_mib = figures.started(ground, &queries, began, Value::Null)?;
    first_read(&mut figures, &queries, &log).await?;
    wait_until_caught_up(ground, &queries).await?;
    reads(&mut figures, ground.seconds.div_ceil(3), &queries, &log).await?;

    let held = [
        (&commands, commands_ready_mib),
        (&projector, projector_ready_mib),
        (&queries, queries_ready_mib),
    ];
    for (Service { name, .. }, ready) in held {
        let peak = ground.running(name)?.memory_peak_mib()?;
        figures.add(&format!("memory.{name}.ready"), ready as f64, "MiB", Value::Null);
        figures.add(&format!("memory.{name}.peak"), peak as f64, "MiB", Value::Null);
    }
    for service in [&queries, &projector, &commands] {
        ground.stop(service).await?;
    }
    Ok(figures)
}

/// What the log takes on the disk, for each of its events: what a longer one will take.
async fn disk(figures: &mut Figures, ground: &Ground<'_>, events: i64) -> Result<()> {
    for table in ["events", "commands"] {
        for (part, size) in [("table", "pg_table_size"), ("indexes", "pg_indexes_size")] {
            let bytes = ground.sql(&format!("SELECT {size}('{table}')")).await?;
            let each = bytes.parse::<f64>()? / events as f64;
            figures.add(&format!("disk.{table}.{part}"), each, "bytes", Value::Null);
        }
    }
    Ok(())
}

/// A command on streams that stand in the log: they are loaded for it.
async fn first_command(figures: &mut Figures, commands: &Service, log: &Log) -> Result<()> {
    let body = json!({ "sku": log.sku, "quantity": 1 }).to_string();
    let request = Request::post(format!("/v1/carts/{}/lines", log.cart), body);
    let took = first(commands, &request).await?;
    figures.add("first-command", took, "ms", Value::Null);
    Ok(())
}

async fn first_read(figures: &mut Figures, queries: &Service, log: &Log) -> Result<()> {
    let took = first(queries, &Request::get(format!("/v1/products/{}", log.product))).await?;
    figures.add("first-read", took, "ms", Value::Null);
    Ok(())
}

/// From connecting to the answer, in milliseconds.
async fn first(service: &Service, request: &Request) -> Result<f64> {
    let began = Instant::now();
    let mut wire = Wire::open(&service.address).await?;
    let answer = wire.ask(request).await?;
    let took = began.elapsed().as_secs_f64() * 1_000.0;
    let said = String::from_utf8_lossy(answer.body);
    ensure!((200..300).contains(&answer.status), "{}: {said}", answer.status);
    Ok(took)
}

async fn append(figures: &mut Figures, seconds: u64, commands: &Service) -> Result<()> {
    let carts = carts::drive(&Pace::on(&commands.address, CLIENTS, seconds)).await?;
    let details = json!({ "p50_ms": carts.p50_ms, "p99_ms": carts.p99_ms });
    figures.add("append", carts.per_second, "commands/s", details);
    Ok(())
}

/// Reads all over the log, one kind after the other: how long a reader waits for an answer.
async fn reads(figures: &mut Figures, seconds: u64, queries: &Service, log: &Log) -> Result<()> {
    let Log { product, order, rounds, .. } = log;
    let kinds = [
        ("product", format!("/v1/products/{product}")),
        ("orders", "/v1/orders".to_owned()),
        // Rare ones among many, oldest first and newest first.
        ("orders-filtered", "/v1/orders?status=pending&sort=created_at".to_owned()),
        ("orders-two-filters", "/v1/orders?status=confirmed&payment_status=authorized".to_owned()),
        ("order-as-of", format!("/v1/orders/{order}?as_of=2037-01-01T00:00:00Z")),
        ("projections", "/v1/projections".to_owned()),
    ];
    let pace = Pace::on(&queries.address, READERS, seconds);
    for (kind, path) in kinds {
        let reader = |number| Reader { path: path.clone(), rounds: *rounds, next: number as i64 };
        let found = closed_loop(&pace, reader).await?;
        for (percentile, value) in [("p50", found.p50_ms), ("p99", found.p99_ms)] {
            figures.add(&format!("read.{kind}.{percentile}"), value, "ms", Value::Null);
        }
    }
    Ok(())
}

/// Asks for the same thing of one round after the other.
struct Reader {
    path: String,
    rounds: i64,
    next: i64,
}

impl Caller for Reader {
    fn next(&mut self) -> Request {
        // A stride without a common divisor visits every round, near ones far apart.
        self.next = (self.next + 7_919) % self.rounds;
        Request::get(time::in_round(&self.path, self.next))
    }
}

/// Waits until readers see everything and the reactor has read it, and fails if any of them
/// could not go on with a stream.
async fn wait_until_caught_up(ground: &Ground<'_>, queries: &Service) -> Result<()> {
    let deadline = Instant::now() + CATCH_UP_TIMEOUT;
    let payments = format!(
        "SELECT h.position - (SELECT min(position) FROM reactions) < {REACTOR_KEEPS_EVENTS}
         FROM log_head h"
    );
    loop {
        let all = projections(queries).await?;
        let parked: i64 = all.iter().map(|projection| projection.parked_streams).sum();
        ensure!(parked == 0, "{parked} streams are parked");
        let done = all.len() == PROJECTIONS
            && all.iter().all(Projection::is_caught_up)
            && ground.sql(&payments).await? == "t";
        if done {
            break;
        }
        if Instant::now() > deadline {
            bail!("the projections are still behind after {} s", CATCH_UP_TIMEOUT.as_secs());
        }
        sleep(POLL_INTERVAL).await;
    }
    let waiting = ground.sql("SELECT count(*) FROM reaction_waiting").await?;
    ensure!(waiting == "0", "the reactor could not read on in {waiting} streams");
    Ok(())
}
