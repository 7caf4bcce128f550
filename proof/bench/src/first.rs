//! The first command on a stream, as a process that has just started meets it.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::catalogue;
use crate::client::Connection;
use crate::drive::Caller as _;
use crate::stock::Clerk;
use crate::wire::Wire;

/// Commands in one batch.
const COMMANDS_PER_BATCH: usize = 10_000;

/// How long a stream is to be.
#[derive(clap::Args)]
pub struct Receipts {
    /// Where command-api listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: String,
    /// Events that the stream shall have
    #[arg(long)]
    events: usize,
}

/// What to ask.
#[derive(clap::Args)]
pub struct Args {
    /// Where command-api listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    address: String,
    /// The SKU whose stock the command is for
    #[arg(long)]
    sku: String,
    /// A SKU that a command is for before that, so that the process has connected to everything
    #[arg(long)]
    unrelated: String,
}

/// Puts a SKU on sale and takes in one unit after the other. Returns the SKU.
pub async fn receive(args: &Receipts) -> Result<Value> {
    let mut connection = Connection::open(&args.address).await?;
    let sku = catalogue::offer(&mut connection, 1).await?.remove(0);
    let mut left = args.events;
    while left > 0 {
        let commands = left.min(COMMANDS_PER_BATCH);
        let run = Uuid::now_v7().simple();
        let mut lines = String::new();
        for number in 0..commands {
            write!(lines, r#"{{"command":"stock.receive","key":"{run}-{number}","id":"{sku}","#)?;
            writeln!(lines, r#""data":{{"location":"hall","quantity":1}}}}"#)?;
        }
        left -= connection.batch(lines).await?;
    }
    Ok(json!({ "sku": sku, "count": args.events }))
}

/// Asks one unrelated command, then the one that is timed.
pub async fn run(args: &Args) -> Result<Value> {
    let mut wire = Wire::open(&args.address).await?;
    let mut unrelated = Clerk::of(&args.unrelated);
    let request = unrelated.next();
    unrelated.hear(&wire.ask(&request).await?)?;
    let mut clerk = Clerk::of(&args.sku);
    let request = clerk.next();
    let asked = Instant::now();
    let answer = wire.ask(&request).await?;
    let ms = asked.elapsed().as_secs_f64() * 1_000.0;
    clerk.hear(&answer)?;
    Ok(json!({ "ms": ms }))
}
