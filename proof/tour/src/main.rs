//! `tour`: a season of a shop, played through its public API alone. Guests whose cards are declined
//! and repeated, parcels refused and lost, goods that come back, a dispute, a gateway that stands
//! still; the wrong people, who ask for what
//! is not theirs, and somebody who is forgotten; and at the end every figure that the engine shows
//! must be that of the tour's own ledger. Each act is done as whoever it is for.
//!
//! `cargo xtask tour` starts the engine with a stand-in of Stripe, and runs this.

mod acts;
mod caller;
mod gateway;
mod ledger;
mod shop;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use harness::{INTERRUPTED_EXIT_CODE, interrupted};

use crate::gateway::Stripe;
use crate::ledger::Ledger;
use crate::shop::{Shop, Staff};

/// Plays a season of a shop through its API, and compares every figure with a ledger of its own
#[derive(Parser)]
struct Cli {
    /// Where command-api answers
    #[arg(long)]
    command_api: String,
    /// Where query-api answers
    #[arg(long)]
    query_api: String,
    /// A token of the back office
    #[arg(long, env = "STAFF_TOKEN", hide_env_values = true)]
    staff_token: String,
    /// A token of somebody who reckons
    #[arg(long, env = "ANALYST_TOKEN", hide_env_values = true)]
    analyst_token: String,
    /// A token of somebody who looks after the engine
    #[arg(long, env = "OPS_TOKEN", hide_env_values = true)]
    ops_token: String,
    /// The stand-in of Stripe
    #[arg(long)]
    stand_in: PathBuf,
    /// Where it is to listen, as command-api was told
    #[arg(long)]
    stand_in_port: u16,
    /// Where its log is written
    #[arg(long)]
    log: PathBuf,
    /// How long the gateway stands still, beyond what the act takes
    #[arg(long, default_value_t = 0.0)]
    outage_minutes: f64,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    tokio::select! {
        played = play(cli) => played.map(|()| ExitCode::SUCCESS),
        done = interrupted() => done.map(|()| ExitCode::from(INTERRUPTED_EXIT_CODE)),
    }
}

async fn play(cli: Cli) -> Result<()> {
    let (clerk, analyst, ops) = (cli.staff_token, cli.analyst_token, cli.ops_token);
    let shop = Shop::new(cli.command_api, cli.query_api, Staff { clerk, analyst, ops })?;
    let mut stripe =
        Stripe::start(cli.stand_in, cli.stand_in_port, cli.log, shop.webhooks()).await?;
    let mut ledger = Ledger::default();
    let outage = Duration::from_secs_f64(60.0 * cli.outage_minutes);
    acts::all(&shop, &mut stripe, &mut ledger, outage).await?;
    let figures = ledger.check(&shop).await?;
    say(&format!("{figures} figures, all as in the ledger"));
    Ok(())
}

/// Results are for standard output.
#[allow(clippy::print_stdout)]
fn say(text: &str) {
    println!("{text}");
}
