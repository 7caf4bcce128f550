//! The reactor's command line.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use reactor::operations;
use reactor::serve::{Run, serve};
use service::arguments::arrange;
use service::config::{Database, Http, Logging};
use service::{build, database, telemetry};
use vault::settings::MasterKey;

/// Does what follows from events by itself. Command-api does so too, unless it is told `--reactor
/// off`
#[derive(Parser)]
#[command(name = "reactor", version = build::TEXT)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    shared: Shared,
}

/// What every command may be told, before its name or after.
#[derive(Args)]
struct Shared {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    http: Http,
    #[command(flatten)]
    master: MasterKey,
    #[command(flatten)]
    logging: Logging,
}

#[derive(Subcommand)]
enum Command {
    /// Follow the log, and do what is due; this is what happens when nothing is said
    Run(Box<Run>),
    /// List the events that could not be read
    Parked(operations::Printing),
    /// Take up events again that could not be read, which happens by itself too
    Retry(operations::Which),
    /// Leave out an event that will never be read, and take up what came after it in its stream
    Skip(operations::LeftOut),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = arrange(&Cli::command(), "run", std::env::args_os());
    let Cli { command, shared } = Cli::parse_from(arguments);
    telemetry::init(&shared.logging)?;
    match command {
        Command::Run(settings) => {
            serve(*settings, shared.database, shared.http, shared.master).await?;
        }
        Command::Parked(printing) => {
            operations::parked(&database::connect(&shared.database)?, printing).await?;
        }
        Command::Retry(which) => {
            let db = database::connect(&shared.database)?;
            if !operations::retry(&db, which).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Skip(which) => {
            let db = database::connect(&shared.database)?;
            if !operations::skip(&db, which).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
