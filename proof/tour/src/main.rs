//! `tour`: a season of a shop, played through its public API alone. Guests whose cards are declined
//! and repeated, parcels refused and lost, goods that come back, a dispute, a gateway that stands
//! still; the wrong people, who ask for what is not theirs, and somebody who is forgotten; people
//! and programs that work there, and who is told by webhook and mail; and at the end every figure
//! that the engine shows must be that of the tour's own ledger. Each act is done as whoever it is
//! for.
//!
//! `cargo xtask tour` starts the engine with a stand-in of Stripe, and runs this.

mod acts;
mod caller;
mod gateway;
mod inbox;
mod ledger;
mod receiver;
mod shop;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use harness::{INTERRUPTED_EXIT_CODE, interrupted};

use crate::gateway::Stripe;
use crate::inbox::Inbox;
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
    /// A token of the owner
    #[arg(long, env = "OWNER_TOKEN", hide_env_values = true)]
    owner_token: String,
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
    /// Where mails are to be taken, as command-api was told
    #[arg(long)]
    smtp_port: u16,
    /// Where the log of the stand-in is written
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
    let (proprietor, clerk) = (cli.owner_token, cli.staff_token);
    let (analyst, ops) = (cli.analyst_token, cli.ops_token);
    let staff = Staff { proprietor, clerk, analyst, ops };
    let inbox = Inbox::open(cli.smtp_port).await?;
    let shop = Shop::new(cli.command_api, cli.query_api, staff, inbox)?;
    let mut stripe =
        Stripe::start(cli.stand_in, cli.stand_in_port, cli.log, shop.webhooks()).await?;
    let mut ledger = Ledger::default();
    let outage = Duration::from_secs_f64(60.0 * cli.outage_minutes);
    acts::all(&shop, &mut stripe, &mut ledger, outage).await?;
    let figures = ledger.check(&shop).await?;
    say(&format!("{figures} figures, all as in the ledger"));
    Ok(())
}

/// Results are for standard output. Whoever reads them may have heard enough, which ends no run.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
