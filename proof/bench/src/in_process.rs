//! The carts of the append row without HTTP: submitted to the writer in this process.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use domain::command::cart;
use domain::{CartId, Command, Quantity, Sku};
use event_store::Writer;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::carts::{LINES_PER_CART, PRODUCTS};
use crate::engine;
use crate::figures::Latencies;

/// What to append to, and how hard.
#[derive(clap::Args)]
pub struct Args {
    /// The database, migrated
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: PgConnectOptions,
    /// Tasks, each with one command at a time
    #[arg(long, default_value_t = 64)]
    tasks: usize,
    /// Seconds measured
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds before that, not counted
    #[arg(long, default_value_t = 1)]
    warm_up: u64,
}

/// Fills carts and returns the figures.
pub async fn run(args: &Args) -> Result<Value> {
    let writer = engine::start(&args.database).await?;
    let skus: Arc<[Sku]> = engine::offer(&writer, PRODUCTS).await?.into();
    let start = Instant::now() + Duration::from_secs(args.warm_up);
    let end = start + Duration::from_secs(args.seconds);
    let mut shoppers = JoinSet::new();
    for number in 0..args.tasks {
        shoppers.spawn(shop_until(end, start, writer.clone(), skus.clone(), number));
    }
    let mut latencies = Latencies::default();
    while let Some(shopper) = shoppers.join_next().await {
        latencies.extend(shopper??);
    }
    Ok(latencies.summary(args.seconds as f64))
}

/// Fills one cart after the other. What is answered between `start` and `end` counts.
async fn shop_until(
    end: Instant,
    start: Instant,
    writer: Writer,
    skus: Arc<[Sku]>,
    number: usize,
) -> Result<Latencies> {
    let run = Uuid::now_v7().simple();
    let mut latencies = Latencies::default();
    let mut cart_id = CartId(Uuid::nil());
    for commands in 0.. {
        let line = commands % (LINES_PER_CART + 1);
        let command = if line == 0 {
            cart_id = CartId(Uuid::now_v7());
            cart::Command::Create { currency: "EUR".parse()?, customer_id: None }
        } else {
            let sku = skus[(number + line * 7 + commands) % skus.len()].clone();
            cart::Command::AddLine { sku, quantity: Quantity::try_from(1)? }
        };
        let asked = Instant::now();
        let key = format!("c:{run}-{commands}");
        engine::ask(&writer, key, Command::Cart(cart_id, command)).await?;
        let heard = Instant::now();
        if heard >= end {
            break;
        }
        if heard >= start {
            latencies.add(heard - asked);
        }
    }
    Ok(latencies)
}
