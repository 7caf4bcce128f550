//! The append row: carts created and filled, one command a request, as fast as answers come.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::client::Connection;

/// Lines put into each cart after it is created.
const LINES_PER_CART: usize = 4;
/// Products on sale, so that carts differ.
const PRODUCTS: usize = 50;

/// What to drive, and how hard.
#[derive(clap::Args)]
pub struct Args {
    /// Where command-api listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: String,
    /// Connections, each with one request at a time
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Seconds measured
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds before that, not counted
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
}

/// What one connection did while it was measured.
#[derive(Default)]
struct Tally {
    latencies_us: Vec<u32>,
    refused: u64,
}

/// Drives the row and returns its figures.
pub async fn run(args: &Args) -> anyhow::Result<Value> {
    let skus = Arc::new(stock_the_shop(&args.address).await?);
    let start = Instant::now() + Duration::from_secs(args.warm_up);
    let end = start + Duration::from_secs(args.seconds);
    let mut shoppers = Vec::with_capacity(args.connections);
    for number in 0..args.connections {
        let connection = Connection::open(&args.address).await?;
        shoppers.push(tokio::spawn(shop(connection, skus.clone(), number, start, end)));
    }
    let mut latencies = Vec::new();
    let mut refused = 0;
    for shopper in shoppers {
        let tally = shopper.await??;
        latencies.extend(tally.latencies_us);
        refused += tally.refused;
    }
    ensure!(refused == 0, "{refused} commands were refused");
    latencies.sort_unstable();
    let at = |permille: usize| {
        let index = latencies.len() * permille / 1_000;
        f64::from(latencies.get(index).copied().unwrap_or(0)) / 1_000.0
    };
    Ok(json!({
        "commands": latencies.len(),
        "commands_per_second": latencies.len() as f64 / args.seconds as f64,
        "p50_ms": at(500), "p99_ms": at(990), "p999_ms": at(999),
    }))
}

/// Puts products on sale; returns their SKUs.
async fn stock_the_shop(address: &str) -> anyhow::Result<Vec<String>> {
    let run = Uuid::now_v7().simple().to_string();
    let mut skus = Vec::new();
    let mut lines = String::new();
    for number in 0..PRODUCTS {
        let (id, sku) = (Uuid::now_v7(), format!("{run}-{number}"));
        let create = json!({"command": "product.create", "key": format!("{sku}-c"), "data": {
            "id": id, "title": format!("Bench {number}"),
            "variants": [{"sku": sku, "prices": [{"amount": "19.99", "currency": "EUR"}]}],
        }});
        let publish =
            json!({"command": "product.publish", "key": format!("{sku}-p"), "id": id, "data": {}});
        writeln!(lines, "{create}\n{publish}")?;
        skus.push(sku);
    }
    let mut connection = Connection::open(address).await?;
    let (status, verdicts) =
        connection.post("/v1/batch", &run, "application/x-ndjson", lines).await?;
    ensure!(status.is_success(), "the batch was refused: {}", String::from_utf8_lossy(&verdicts));
    for verdict in verdicts.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let verdict: Value = serde_json::from_slice(verdict)?;
        ensure!(verdict["status"].as_u64() < Some(300), "refused: {verdict}");
    }
    Ok(skus)
}

async fn shop(
    mut connection: Connection,
    skus: Arc<Vec<String>>,
    number: usize,
    start: Instant,
    end: Instant,
) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    let run = Uuid::now_v7().simple().to_string();
    let mut commands = 0;
    let mut cart = String::new();
    let mut line = LINES_PER_CART;
    while Instant::now() < end {
        commands += 1;
        let key = format!("{run}-{commands}");
        let before = Instant::now();
        let (path, body) = if line == LINES_PER_CART {
            ("/v1/carts".to_owned(), r#"{"currency":"EUR"}"#.to_owned())
        } else {
            let sku = &skus[(number + line * 7 + commands) % skus.len()];
            (format!("/v1/carts/{cart}/lines"), format!(r#"{{"sku":"{sku}","quantity":1}}"#))
        };
        let (status, answer) = connection.post(&path, &key, "application/json", body).await?;
        if before >= start {
            tally.latencies_us.push(before.elapsed().as_micros().try_into().unwrap_or(u32::MAX));
            tally.refused += u64::from(!status.is_success());
        }
        if line == LINES_PER_CART {
            let created: Value = serde_json::from_slice(&answer)?;
            created["id"].as_str().context("the answer names no cart")?.clone_into(&mut cart);
            line = 0;
        } else {
            line += 1;
        }
    }
    Ok(tally)
}
