//! The load of the benches: drives a running command-api over HTTP and prints what it reached, as
//! JSON on one line. `cargo xtask bench` starts what it drives and sets the result beside its
//! baseline; nothing here starts, mocks or looks into a service.

mod carts;
mod client;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    row: Row,
}

#[derive(Subcommand)]
enum Row {
    /// Durable cart commands per second, each under its own idempotency key
    Append(carts::Args),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let result = match Cli::parse().row {
        Row::Append(args) => carts::run(&args).await?,
    };
    report(&result);
    Ok(())
}

#[allow(clippy::print_stdout)] // the result is this program's output
fn report(result: &serde_json::Value) {
    println!("{result}");
}
