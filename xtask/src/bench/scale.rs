//! Row `scale`: the same things measured on logs of very different lengths. A table of them should
//! be flat: what an engine does per command, read or start must not grow with its past.
//!
//! Each log is made by the load program, folded by a projector in the ordinary way, and then
//! started on afresh. Commands are driven with the relay running and no projector; reads, and what
//! memory the services came to hold, are measured after the projector has caught up with those
//! commands.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use super::ground::{self, Ground, Service, number};
use super::pgbench::CLIENTS;
use super::{Goal, Measured, Row};
use crate::{http, interrupt, progress, projections};

pub const ROW: Row = Row {
    name: "scale",
    about: "start-up, appends, reads and memory on logs of 10 thousand to 10 million events",
    by_default: false,
    measure,
};

/// What a figure may be of that on the smallest log.
const FLAT_TIME: Goal = Goal::AtMost { land: 2.0, goal: 1.25 };
const FLAT_RATE: Goal = Goal::AtLeast { land: 0.7, goal: 0.9 };

/// Projections that readers have.
const PROJECTIONS: usize = 7;
/// How long they may take to fold the longest log.
const CATCH_UP_TIMEOUT: Duration = Duration::from_hours(1);
/// Pause between two looks whether they have.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// The payment process keeps its place this often when there is nothing to do, in events.
const PAYMENTS_KEEP_EVENTS: i64 = 10_000;

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
}

fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    ground.database()?;
    ground.nats()?;
    ground.meilisearch()?;
    let mut sizes = ground.log_sizes().to_vec();
    sizes.sort_unstable();
    let mut logs = Vec::new();
    for (number, size) in sizes.iter().enumerate() {
        if number > 0 {
            empty(ground)?;
        }
        logs.push((*size, on_a_log(ground, *size)?));
    }
    Ok(table(logs))
}

/// Figure by figure, each on all logs, beside that on the smallest.
fn table(logs: Vec<(u64, Figures)>) -> Vec<Measured> {
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
fn empty(ground: &Ground<'_>) -> Result<()> {
    ground.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")?;
    ground::output(ground.program("command-api")?.arg("migrate"), "migrate the database")?;
    // Another log, on the NATS of the one before.
    ground::output(ground.program("command-api")?.arg("adopt"), "take the stream over").map(drop)
}

fn on_a_log(ground: &mut Ground<'_>, size: u64) -> Result<Figures> {
    let mut figures = Figures::default();
    progress::step("Filling", &format!("a log of {size} events"));
    let began = Instant::now();
    let log = ground.load(&["fill", "--events", &size.to_string()])?;
    let filled = began.elapsed().as_secs_f64();
    let events = log["events"].as_u64().context("the load did not say how long the log is")?;

    progress::step("Waiting", "for the projections to catch up");
    let began = Instant::now();
    let services =
        [ground.command_api("command-api")?, ground.projector(&[])?, ground.query_api()?];
    wait_until_caught_up(ground, &services[2])?;
    let caught_up = began.elapsed().as_secs_f64();
    progress::step("Caught up", &format!("with {events} events in {caught_up:.0} s"));
    for service in services.iter().rev() {
        ground.stop(service)?;
    }
    // As autovacuum would have left a log that grew in years.
    ground.sql("VACUUM (ANALYZE); CHECKPOINT")?;

    progress::step("Measuring", "start-up and commands");
    let made = json!({
        "events": events, "fill_seconds": filled, "catch_up_seconds": caught_up,
    });
    let commands = start(&mut figures, "command-api", made, || ground.command_api("command-api"))?;
    let ready_mib = ground.memory_mib(&commands.name)?;
    first_command(&mut figures, &commands, &log)?;
    append(&mut figures, ground, &commands)?;
    progress::step("Measuring", "start-up and reads");
    let projector = start(&mut figures, "projector", Value::Null, || ground.projector(&[]))?;
    let projector_ready_mib = ground.memory_mib(&projector.name)?;
    let queries = start(&mut figures, "query-api", Value::Null, || ground.query_api())?;
    let queries_ready_mib = ground.memory_mib(&queries.name)?;
    first_read(&mut figures, &queries, &log)?;
    wait_until_caught_up(ground, &queries)?;
    reads(&mut figures, ground, &queries, &log)?;

    let held =
        [(&commands, ready_mib), (&projector, projector_ready_mib), (&queries, queries_ready_mib)];
    for (Service { name, .. }, ready) in held {
        let peak = ground.memory_peak_mib(name)?;
        figures.add(&format!("memory.{name}.ready"), ready as f64, "MiB", Value::Null);
        figures.add(&format!("memory.{name}.peak"), peak as f64, "MiB", Value::Null);
    }
    for service in [&queries, &projector, &commands] {
        ground.stop(service)?;
    }
    Ok(figures)
}

/// From the start of the process to its first "ready".
fn start(
    figures: &mut Figures,
    name: &str,
    details: Value,
    service: impl FnOnce() -> Result<Service>,
) -> Result<Service> {
    let began = Instant::now();
    let service = service()?;
    let took = began.elapsed().as_secs_f64() * 1_000.0;
    figures.add(&format!("startup.{name}"), took, "ms", details);
    Ok(service)
}

/// A command on streams that stand in the log: they are loaded for it.
fn first_command(figures: &mut Figures, commands: &Service, log: &Value) -> Result<()> {
    let (cart, sku) = (word(log, "cart")?, word(log, "sku")?);
    let url = format!("{}/v1/carts/{cart}/lines", commands.url());
    let body = json!({ "sku": sku, "quantity": 1 }).to_string();
    let began = Instant::now();
    let answer = http::post(&url, "application/json", &body)?;
    let took = began.elapsed().as_secs_f64() * 1_000.0;
    ensure!(answer.is_success(), "{}: {}", answer.status, answer.body);
    figures.add("first-command", took, "ms", Value::Null);
    Ok(())
}

fn first_read(figures: &mut Figures, queries: &Service, log: &Value) -> Result<()> {
    let url = format!("{}/v1/products/{}", queries.url(), word(log, "product")?);
    let began = Instant::now();
    let answer = http::get(&url)?;
    let took = began.elapsed().as_secs_f64() * 1_000.0;
    ensure!(answer.is_success(), "{}: {}", answer.status, answer.body);
    figures.add("first-read", took, "ms", Value::Null);
    Ok(())
}

fn append(figures: &mut Figures, ground: &Ground<'_>, commands: &Service) -> Result<()> {
    let (connections, seconds) = (CLIENTS.to_string(), ground.seconds.to_string());
    let address = &commands.address;
    let load = ["--connections", &connections, "--seconds", &seconds, "--address", address];
    let carts = ground.load(&[&["carts"], &load[..]].concat())?;
    let details = json!({ "p50_ms": carts["p50_ms"], "p99_ms": carts["p99_ms"] });
    figures.add("append", number(&carts, "per_second")?, "commands/s", details);
    Ok(())
}

fn reads(figures: &mut Figures, ground: &Ground<'_>, queries: &Service, log: &Value) -> Result<()> {
    let rounds = number(log, "rounds")?.to_string();
    let seconds = ground.seconds.div_ceil(3).to_string();
    let (product, order) = (word(log, "product")?, word(log, "order")?);
    let read = ground.load(&[
        "filled-reads",
        "--address",
        &queries.address,
        "--seconds",
        &seconds,
        "--rounds",
        &rounds,
        "--product",
        product,
        "--order",
        order,
    ])?;
    let kinds = read.as_object().context("the load printed no reads")?;
    for (kind, found) in kinds {
        for percentile in ["p50", "p99"] {
            let value = number(found, &format!("{percentile}_ms"))?;
            figures.add(&format!("read.{kind}.{percentile}"), value, "ms", Value::Null);
        }
    }
    Ok(())
}

/// Waits until readers see everything and the payment process has read it, and fails if any of them
/// could not go on with a stream.
fn wait_until_caught_up(ground: &Ground<'_>, queries: &Service) -> Result<()> {
    let deadline = Instant::now() + CATCH_UP_TIMEOUT;
    let payments = format!(
        "SELECT h.position - p.position < {PAYMENTS_KEEP_EVENTS} FROM log_head h, payment_process p"
    );
    loop {
        let all = projections::list(&queries.url())?;
        let parked: i64 = all.iter().map(|projection| projection.parked_streams).sum();
        ensure!(parked == 0, "{parked} streams are parked");
        let done = all.len() == PROJECTIONS
            && all.iter().all(projections::Projection::is_caught_up)
            && ground.sql(&payments)? == "t";
        if done {
            break;
        }
        if Instant::now() > deadline {
            bail!("the projections are still behind after {} s", CATCH_UP_TIMEOUT.as_secs());
        }
        interrupt::check()?;
        thread::sleep(POLL_INTERVAL);
    }
    let parked = ground.sql("SELECT count(*) FROM payment_process_parked")?;
    ensure!(parked == "0", "the payment process could not read {parked} events");
    Ok(())
}

fn word<'a>(log: &'a Value, name: &str) -> Result<&'a str> {
    log[name].as_str().with_context(|| format!("the load printed no {name}"))
}
