//! Row `batch`: commands through `POST /v1/batch`, of one event each, against COPY of these very
//! events into an empty table like the log's, its indexes included.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::ground::Ground;
use crate::load::carts::{LINES_PER_CART, PRODUCTS};
use crate::load::catalogue;
use crate::load::client::Connection;
use crate::load::figures::cpu_time;
use crate::measured::{Goal, Measured};

/// Connections, each with one batch at a time.
const CONNECTIONS: usize = 4;
/// Commands in one batch, at least; whole carts are filled.
const COMMANDS: usize = 5_000;
/// The COPY is repeated; one is short.
const COPIES: u32 = 3;

pub async fn measure(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
    let service = ground.command_api("command-api").await?;
    let sent = send(&service.address, ground.seconds).await?;
    let memory = ground.running(&service.name)?.memory_peak_mib()?;
    ground.stop(&service).await?;
    let events: f64 = ground.sql("SELECT count(*) FROM events").await?.parse()?;
    Ok(vec![Measured {
        name: ground.row.to_owned(),
        value: sent.per_second,
        unit: "commands/s",
        baseline: events / copy(ground).await?,
        baseline_is: "COPY of the same events into the indexed table",
        goal: Goal::AtLeast { land: 0.3, goal: 0.5 },
        details: json!({
            "events": events, "load_cpus": sent.load_cpus, "command_api_peak_mib": memory,
        }),
    }])
}

/// The seconds that Postgres takes for a COPY of the log.
async fn copy(ground: &Ground<'_>) -> Result<f64> {
    let file = ground.postgres_folder()?.join("events.copy");
    let file = file.display();
    ground.sql(&format!("COPY events TO '{file}'")).await?;
    let empty = "DROP TABLE IF EXISTS copied; CREATE TABLE copied (LIKE events INCLUDING ALL)";
    let mut seconds = 0.0;
    for _ in 0..COPIES {
        ground.sql(empty).await?;
        seconds += ground.timed_sql(&format!("COPY copied FROM '{file}'")).await?;
    }
    Ok(seconds / f64::from(COPIES))
}

/// What became of the batches.
struct Sent {
    per_second: f64,
    load_cpus: f64,
}

/// Sends batches for so many seconds: those begun within them count to their end.
async fn send(address: &str, seconds: u64) -> Result<Sent> {
    let mut connection = Connection::open(address).await?;
    let skus = Arc::new(catalogue::offer(&mut connection, PRODUCTS).await?);
    let (start, cpu_before) = (Instant::now(), cpu_time());
    let end = start + Duration::from_secs(seconds);
    let mut senders = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::open(address).await?;
        let skus = skus.clone();
        senders.spawn(async move {
            let mut count = 0;
            while Instant::now() < end {
                count += connection.batch(carts(&skus)?).await?;
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(sent) = senders.join_next().await {
        count += sent??;
    }
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_time().saturating_sub(cpu_before));
    Ok(Sent { per_second: count as f64 / seconds, load_cpus: cpu.as_secs_f64() / seconds })
}

/// Carts made and filled, each command under its own key.
fn carts(skus: &[String]) -> Result<String> {
    let mut lines = String::new();
    for number in 0..COMMANDS.div_ceil(1 + LINES_PER_CART) {
        let cart = Uuid::now_v7();
        let key = cart.simple();
        writeln!(
            lines,
            r#"{{"command":"cart.create","key":"{key}","data":{{"id":"{cart}","currency":"EUR"}}}}"#
        )?;
        for line in 0..LINES_PER_CART {
            let sku = &skus[(number + line * 7) % skus.len()];
            let data = format!(r#"{{"sku":"{sku}","quantity":1}}"#);
            writeln!(
                lines,
                r#"{{"command":"cart.add_line","key":"{key}-{line}","id":"{cart}","data":{data}}}"#
            )?;
        }
    }
    Ok(lines)
}
