//! The bench: everything that `cargo xtask bench` measures, a file a row in [`rows`].
//!
//! xtask builds, writes down which programs and servers there are, and runs this; a row starts
//! what it needs of them, drives it and its baseline, and says what came of both. Nothing here
//! mocks or looks into a service.

mod fill;
mod ground;
mod inserts;
mod load;
mod measured;
mod overload;
mod rows;
mod specification;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use harness::{INTERRUPTED_EXIT_CODE, interrupted};

use specification::Specification;

/// That of the services, so that both sides of a comparison have the same; tests link theirs.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Rows of the table, as `cargo xtask bench` has written them down
    Rows {
        /// What to run, and on what: a file that `cargo xtask bench` writes
        #[arg(long)]
        specification: PathBuf,
    },
    /// More commands than a running command-api carries
    Overload(overload::Args),
    /// The baseline of row `read`: one query a request and nothing else, until it is ended
    #[command(hide = true)]
    BareRead(rows::read::Bare),
}

fn main() -> Result<ExitCode> {
    match Cli::parse().command {
        Command::Rows { specification } => {
            let told = Specification::read(&specification)?;
            one_thread(async {
                // Whatever ends the run, the ground is dropped, and with it all that it started.
                tokio::select! {
                    measured = rows::measure(&told) => measured,
                    done = interrupted() => done.map(|()| ExitCode::from(INTERRUPTED_EXIT_CODE)),
                }
            })
        }
        Command::Overload(args) => {
            terminal::result(&one_thread(overload::run(&args))?.to_string());
            Ok(ExitCode::SUCCESS)
        }
        Command::BareRead(args) => {
            tokio::runtime::Runtime::new()?.block_on(rows::read::serve(&args))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// For what only drives: it shares the machine with what it drives, and one thread costs least.
fn one_thread<T>(load: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(load)
}
