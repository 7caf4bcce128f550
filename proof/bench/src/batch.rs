//! Cart commands in batches: one event each, so that they compare with rows copied.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::carts::{LINES_PER_CART, PRODUCTS};
use crate::catalogue;
use crate::client::Connection;
use crate::figures::cpu_time;

/// How hard to drive.
#[derive(clap::Args)]
pub struct Args {
    /// Where command-api listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: String,
    /// Connections, each with one batch at a time
    #[arg(long, default_value_t = 4)]
    connections: usize,
    /// Commands in one batch, at least; whole carts are filled
    #[arg(long, default_value_t = 5_000)]
    commands: usize,
    /// Seconds measured: batches begun within them count to their end
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

/// Drives batches and returns the figures.
pub async fn run(args: &Args) -> Result<Value> {
    let mut connection = Connection::open(&args.address).await?;
    let skus = Arc::new(catalogue::offer(&mut connection, PRODUCTS).await?);
    let (start, cpu_before) = (Instant::now(), cpu_time());
    let end = start + Duration::from_secs(args.seconds);
    let mut senders = JoinSet::new();
    for _ in 0..args.connections {
        let mut connection = Connection::open(&args.address).await?;
        let (skus, commands) = (skus.clone(), args.commands);
        senders.spawn(async move {
            let mut count = 0;
            while Instant::now() < end {
                count += connection.batch(carts(&skus, commands)?).await?;
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(sent) = senders.join_next().await {
        count += sent??;
    }
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_time().saturating_sub(cpu_before));
    Ok(json!({
        "count": count, "per_second": count as f64 / seconds,
        "load_cpus": cpu.as_secs_f64() / seconds,
    }))
}

/// Carts made and filled, each command under its own key.
fn carts(skus: &[String], commands: usize) -> Result<String> {
    let mut lines = String::new();
    for number in 0..commands.div_ceil(1 + LINES_PER_CART) {
        let cart = Uuid::now_v7();
        let key = cart.simple();
        writeln!(
            lines,
            r#"{{"command":"cart.create","key":"{key}","data":{{"id":"{cart}","currency":"EUR"}}}}"#
        )?;
        for line in 0..LINES_PER_CART {
            let sku = &skus[(number + line * 7) % skus.len()];
            write!(lines, r#"{{"command":"cart.add_line","key":"{key}-{line}","id":"{cart}","#)?;
            writeln!(lines, r#""data":{{"sku":"{sku}","quantity":1}}}}"#)?;
        }
    }
    Ok(lines)
}
