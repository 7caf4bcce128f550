//! `chaos`: rounds of load and faults on a stack of real processes. `cargo xtask chaos` builds
//! everything, writes the specification of the stack, and runs this.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use chaos::cluster::Cluster;
use chaos::cluster::specification::Specification;
use chaos::fault::{self, Fault};
use chaos::report::{self, Table};
use chaos::round::{self, Settings};
use clap::Parser;
use harness::{INTERRUPTED_EXIT_CODE, interrupted};

/// The largest seed chosen by itself: short enough to be read out.
const OWN_SEED_MAX: u64 = 999_999;

/// Breaks the engine in every way known, and checks that every promise was kept
#[derive(Parser)]
struct Cli {
    /// What to run: a file that `cargo xtask chaos` writes
    #[arg(long)]
    specification: PathBuf,
    /// How many rounds
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// What decides all that is random; the second round has the next number, and so on
    #[arg(long)]
    seed: Option<u64>,
    /// How long a round's load lasts
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// Clients at once
    #[arg(long, default_value_t = 24)]
    clients: usize,
    /// Every fault once in each round, however long that takes, instead of those that fit into it
    #[arg(long)]
    each: bool,
    /// Only this fault, by its name in the table; may be given several times
    #[arg(long = "fault", value_name = "NAME")]
    faults: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    // Whatever ends the run, the cluster is dropped, which stops and removes all that it started.
    tokio::select! {
        done = run(&cli) => done,
        done = interrupted() => done.map(|()| ExitCode::from(INTERRUPTED_EXIT_CODE)),
    }
}

async fn run(cli: &Cli) -> Result<ExitCode> {
    let length = Duration::try_from_secs_f64(cli.minutes * 60.0).context("--minutes")?;
    let first_seed = cli.seed.unwrap_or_else(|| fastrand::u64(..=OWN_SEED_MAX));
    say(&format!("{} rounds of {} s, seed {first_seed}", cli.rounds, length.as_secs()));
    let mut cluster = Cluster::start(Specification::read(&cli.specification)?).await?;
    let mut table = Table::default();
    let faults = possible(&cluster, &cli.faults, &mut table)?;
    for (number, seed) in (1..=cli.rounds).zip(first_seed..) {
        let settings = Settings { seed, length, clients: cli.clients, each: cli.each };
        let held = round::run(&mut cluster, &faults, settings).await;
        if let Ok(outcome) = &held {
            say(&report::round(number, outcome));
            table.add(outcome);
            if outcome.violations.is_empty() {
                if number == cli.rounds {
                    say(&report::checked(outcome));
                }
                continue;
            }
            outcome.history.save(&cluster.folder().join("history.ndjson"))?;
        }
        say(&table.to_string());
        let kept = cluster.keep().await?.display();
        say(&format!("kept in {kept}\nagain with {}", again(cli, seed)));
        held.context("the round broke off")?;
        return Ok(ExitCode::FAILURE);
    }
    say(&table.to_string());
    Ok(ExitCode::SUCCESS)
}

/// The faults wanted that can happen here.
fn possible(
    cluster: &Cluster,
    wanted: &[String],
    table: &mut Table,
) -> Result<Vec<&'static dyn Fault>> {
    let mut faults = vec![];
    for fault in fault::ALL.iter().copied() {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == fault.name()) {
            continue;
        }
        if let Some(why) = fault.missing(cluster) {
            table.miss(fault.name(), why);
        } else {
            table.expect(fault.name());
            faults.push(fault);
        }
    }
    ensure!(wanted.is_empty() || !faults.is_empty(), "no fault has such a name");
    Ok(faults)
}

/// What repeats a round: its faults and its load, on an empty log.
fn again(cli: &Cli, seed: u64) -> String {
    let faults = cli.faults.iter().map(|fault| format!(" --fault {fault:?}"));
    format!(
        "cargo xtask chaos --rounds 1 --seed {seed} --minutes {} --clients {}{}{}",
        cli.minutes,
        cli.clients,
        if cli.each { " --each" } else { "" },
        faults.collect::<String>()
    )
}

/// Results are for standard output. Whoever reads them may have heard enough, which ends no run.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
