//! The peers of the in-process append row: the same carts through the command handlers of other
//! event-sourcing libraries for Postgres, as they are published. Prints commands per second, as
//! JSON on one line.
//!
//! `cargo xtask bench in-process` builds and runs it; nothing else does, for it is built only with
//! `RUSTFLAGS="--cfg peers"`, without which its dependencies are none of the workspace's. They
//! bring a TLS library of the system, which the engine does without: its headers must be installed.

mod cart;
mod cqrs;
mod esrs;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Parser, ValueEnum};
use serde_json::json;
use sqlx_of_peers::Executor as _;
use sqlx_of_peers::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use tokio::task::JoinSet;
use uuid::Uuid;

use cart::{Command, Shopper};

/// That of the services, so that both sides of a comparison have the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Args {
    /// Which library
    #[arg(value_enum)]
    peer: Peer,
    /// The server; tables are made in a schema of the library's own
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: PgConnectOptions,
    /// Tasks, each with one command at a time
    #[arg(long, default_value_t = 64)]
    tasks: usize,
    /// Connections of the library's pool
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// Seconds measured
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Seconds before that, not counted
    #[arg(long, default_value_t = 1)]
    warm_up: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Peer {
    /// cqrs-es with postgres-es
    CqrsEs,
    /// esrs
    Esrs,
}

/// A library with the cart in it.
trait Carts: Send + Sync + 'static {
    /// Has the library load the cart, decide the command and store what it comes to.
    fn ask(&self, cart: Uuid, command: Command) -> impl Future<Output = Result<()>> + Send;
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let commands = match args.peer {
        Peer::CqrsEs => drive(cqrs::Shop::open(pool(&args, "cqrs_es").await?).await?, &args).await,
        Peer::Esrs => drive(esrs::Shop::open(pool(&args, "esrs").await?).await?, &args).await,
    }?;
    report(&json!({ "commands": commands, "per_second": commands as f64 / args.seconds as f64 }));
    Ok(())
}

#[allow(clippy::print_stdout)] // the result is this program's output
fn report(figures: &serde_json::Value) {
    println!("{figures}");
}

/// A pool whose tables lie in `schema`, which is made if it is missing.
async fn pool(args: &Args, schema: &str) -> Result<PgPool> {
    let options = args.database.clone().options([("search_path", schema)]);
    let pool = PgPoolOptions::new().max_connections(args.connections).connect_with(options).await?;
    pool.execute(format!("CREATE SCHEMA IF NOT EXISTS {schema}").as_str()).await?;
    Ok(pool)
}

/// Fills carts and returns how many commands were answered in the time that counts.
async fn drive(shop: impl Carts, args: &Args) -> Result<usize> {
    let shop = Arc::new(shop);
    let start = Instant::now() + Duration::from_secs(args.warm_up);
    let end = start + Duration::from_secs(args.seconds);
    let mut shoppers = JoinSet::new();
    for number in 0..args.tasks {
        let shop = shop.clone();
        shoppers.spawn(async move {
            let mut shopper = Shopper::new(number);
            let mut counted = 0;
            loop {
                let (cart, command) = shopper.next()?;
                shop.ask(cart, command).await?;
                let heard = Instant::now();
                if heard >= end {
                    return anyhow::Ok(counted);
                }
                counted += usize::from(heard >= start);
            }
        });
    }
    let mut commands = 0;
    while let Some(counted) = shoppers.join_next().await {
        commands += counted??;
    }
    Ok(commands)
}
