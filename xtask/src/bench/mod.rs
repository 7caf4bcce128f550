//! `cargo xtask bench`: what the engine reaches on this machine, beside its baseline of the same
//! run.
//!
//! Owns the command line and what the program `bench` (in `proof/bench`) is told: which rows, for
//! how long, with which programs and servers. The rows are there, a file each.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::json;

use crate::layout::Layout;
use crate::process::run_in_terminal;
use crate::servers::{Ports, Throwaway, find};
use crate::services::{COMMAND_API, PROJECTOR, QUERY_API};
use crate::specification::{self, Servers};
use crate::{cargo, ports, progress};

mod peers;

#[macro_use]
#[path = "../../../proof/bench/src/rows/list.rs"]
mod list;

/// A row of the table, as its help shows it.
struct Row {
    name: &'static str,
    /// Whether it runs when no row is named.
    by_default: bool,
    /// What is measured against what.
    about: &'static str,
}

macro_rules! as_shown {
    ($($file:ident $name:literal $by_default:literal $about:literal;)*) => {
        /// Every row, in the order of the table.
        const ROWS: &[Row] =
            &[$(Row { name: $name, by_default: $by_default, about: $about }),*];
    };
}
rows!(as_shown);

/// The row for which other libraries are built.
const BESIDE_PEERS: &str = "in-process";

/// What each side is measured for unless told otherwise, in seconds.
const SECONDS: u64 = 10;
/// The same with `--quick`.
const QUICK_SECONDS: u64 = 3;
/// The logs of `scale` unless told otherwise, in events.
const LOG_SIZES: [u64; 3] = [10_000, 1_000_000, 10_000_000];

/// Options of `bench`.
#[derive(clap::Args)]
pub struct Args {
    /// Which rows; all when none is named, but for those that say they are not among them
    #[arg(
        value_name = "ROW",
        value_parser = PossibleValuesParser::new(ROWS.iter().map(Row::as_value))
    )]
    rows: Vec<String>,
    /// Seconds that each side of a row is measured, after its warm-up [10; 3 when quick]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: Option<u64>,
    /// All rows in under three minutes: short measuring, small catalogues
    #[arg(long)]
    quick: bool,
    /// Sizes of the logs that `scale` measures on, in events
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = LOG_SIZES)]
    events: Vec<u64>,
}

impl Row {
    fn as_value(&self) -> PossibleValue {
        PossibleValue::new(self.name).help(self.about)
    }
}

/// Builds everything, and lets `bench` measure the rows, print them and write them to `bench.json`
/// in the build folder.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let programs = [COMMAND_API, PROJECTOR, QUERY_API, "bench"];
    progress::step("Building", &format!("{} (as deployed)", programs.join(", ")));
    let mut programs = cargo::build_deployed(&programs)?;
    let bench = programs.remove("bench").context("cargo built no program bench")?;
    let rows: Vec<_> = ROWS.iter().filter(|row| args.wants(row)).map(|row| row.name).collect();
    let peers = if rows.contains(&BESIDE_PEERS) { built_peers(layout) } else { None };
    let postgres = find::postgres(layout, None)?.path;
    let tools = postgres.parent().context("Postgres lies in no folder")?;
    ensure!(
        tools.join("pgbench").exists(),
        "the baselines need pgbench beside {}; Debian's package postgresql has it",
        postgres.display()
    );
    let Throwaway { stack, folder } = Throwaway::new(layout)?;
    let Servers { urls, processes } = servers(layout, folder.path())?;
    let specification = json!({
        "rows": rows, "quick": args.quick, "events": args.events,
        "seconds": args.seconds.unwrap_or(if args.quick { QUICK_SECONDS } else { SECONDS }),
        "folder": folder.path(), "figures": layout.target.join("bench.json"),
        "programs": programs, "postgres_tools": tools, "peers": peers,
        "database": urls.database, "nats": urls.nats,
        "meilisearch": urls.meilisearch, "meilisearch_key": urls.meilisearch_key,
        "processes": processes,
    });
    let file = specification::write(folder.path(), &specification)?;
    let mut command = specification::contained(&bench);
    let status = run_in_terminal(command.arg("rows").arg("--specification").arg(file))?;
    drop((stack, folder));
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn servers(layout: &Layout, folder: &Path) -> Result<Servers> {
    let [postgres, nats, meilisearch] = ports::free_for_restarts()?;
    specification::servers(layout, folder, Ports { postgres, nats, meilisearch }, &[])
}

/// Their program. Without it their row is not measured, and the others are.
fn built_peers(layout: &Layout) -> Option<std::path::PathBuf> {
    peers::build(layout).inspect_err(|error| progress::failure(&format!("{error:#}"))).ok()
}

impl Args {
    fn wants(&self, row: &Row) -> bool {
        if self.rows.is_empty() {
            row.by_default
        } else {
            self.rows.iter().any(|name| name == row.name)
        }
    }
}
