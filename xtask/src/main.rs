//! `cargo xtask`: everything a developer runs, one module a subcommand.
//!
//! Owns the command line and the exit code. What a subcommand does lives in its own module; what
//! several share lives beside them (`servers`, `process`, `layout`, `cargo`, `http`, `progress`).

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod api;
mod bench;
mod cargo;
mod chaos;
mod check_deploy;
mod contract;
mod debian;
mod demo;
mod down;
mod fuzz;
mod http;
mod interrupt;
mod layout;
mod maildev;
mod migrations;
mod new;
mod npm;
mod owner;
mod ports;
mod process;
mod progress;
mod projections;
mod record;
mod schema;
mod servers;
mod services;
mod specification;
mod sqlx;
mod stand_in;
mod status;
mod test;
mod tidy;
mod token;
mod tour;
mod up;
mod verifiers;

/// What a shell expects of a program ended by Ctrl-C: 128 + SIGINT.
const INTERRUPTED_EXIT_CODE: u8 = 130;

/// Runs, tests and maintains the commerce engine.
#[derive(Parser)]
#[command(bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build and start everything, load the demo shop, and say where it listens
    #[command(after_help = up::ENVIRONMENT)]
    Up(up::Args),
    /// Stop what `up` started; the data stays
    Down,
    /// Say what runs, and how far behind each projection is
    Status,
    /// Print a token of somebody for the shop that `up` started
    Token(token::Args),
    /// Run the tests against throwaway servers
    Test(test::Args),
    /// Measure what the engine reaches here, beside its baseline
    Bench(bench::Args),
    /// Break the engine in every way known under load, and check that every promise was kept
    Chaos(chaos::Args),
    /// Play a season of a shop through its API, and compare every figure with a ledger
    Tour(tour::Args),
    /// Feed the decoders of outside bytes whatever libFuzzer comes up with
    Fuzz(fuzz::Args),
    /// Regenerate the committed query data in `.sqlx`
    Sqlx(sqlx::Args),
    /// Write down the schema that the migrations make, in `migrations/schema.sql`
    Schema(schema::Args),
    /// Write down what the APIs say of themselves, in `docs/api`
    Api(api::Args),
    /// Ask the running APIs whatever their documents allow, for longer than the tests do
    Contract(contract::Args),
    /// Check what deploys the engine by tools that nobody here wrote, and say what was not checked
    #[command(after_help = check_deploy::help())]
    CheckDeploy(check_deploy::Args),
    /// Write the skeleton of a thing that is like others
    New(new::Args),
    /// Check what the house demands of its files and the compiler does not see
    Tidy(tidy::Args),
}

fn main() -> ExitCode {
    let outcome = run(&Cli::parse().command);
    match outcome {
        Ok(code) => code,
        Err(error) if error.is::<interrupt::Interrupted>() => ExitCode::from(INTERRUPTED_EXIT_CODE),
        Err(error) => {
            progress::failure(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<ExitCode> {
    interrupt::listen()?;
    let layout = layout::Layout::find()?;
    match command {
        Command::Up(args) => up::run(&layout, args),
        Command::Down => down::run(&layout),
        Command::Status => status::run(&layout),
        Command::Token(args) => token::run(&layout, args),
        Command::Test(args) => test::run(&layout, args),
        Command::Bench(args) => bench::run(&layout, args),
        Command::Chaos(args) => chaos::run(&layout, args),
        Command::Tour(args) => tour::run(&layout, args),
        Command::Fuzz(args) => fuzz::run(&layout, args),
        Command::Sqlx(args) => sqlx::run(&layout, args),
        Command::Schema(args) => schema::run(&layout, args),
        Command::Api(args) => api::run(&layout, args),
        Command::Contract(args) => contract::run(&layout, args),
        Command::CheckDeploy(args) => check_deploy::run(&layout, args),
        Command::New(args) => new::run(&layout, args),
        Command::Tidy(args) => tidy::run(&layout, args),
    }
}
