//! The load of the benches: drives running services over HTTP, NATS or Postgres and prints what it
//! reached, as JSON on one line. `cargo xtask bench` starts what it drives and sets the result
//! beside its baseline; nothing here starts, mocks or looks into a service.

mod batch;
mod carts;
mod catalogue;
mod checkouts;
mod client;
mod documents;
mod drive;
mod engine;
mod figures;
mod fill;
mod first;
mod freshness;
mod in_process;
mod overload;
mod read;
mod relay;
mod search;
mod stock;
mod wire;

use anyhow::Result;
use clap::{Parser, Subcommand};
use serde_json::Value;

/// That of the services, so that both sides of a comparison have the same; tests link theirs.
#[cfg(not(test))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    load: Load,
}

#[derive(Subcommand)]
enum Load {
    /// Cart commands, each a request under its own idempotency key
    Carts(carts::Args),
    /// Whole checkouts, each counted when its order is confirmed
    Checkouts(checkouts::Args),
    /// Commands to one SKU's stock
    Stock(stock::Args),
    /// Cart commands in batches
    Batch(batch::Args),
    /// A stock stream of a given length
    Receipts(first::Receipts),
    /// The first command on a stream
    First(first::Args),
    /// Products on sale, for reads and searches
    Catalogue(catalogue::Args),
    /// How long a command's effect takes to show, beside a bare script doing the same hops
    Freshness(freshness::Args),
    /// More commands than are carried
    Overload(overload::Args),
    /// Reads of single products
    Read(read::Args),
    /// Answers the same reads with one query and nothing else, until it is ended
    BareRead(read::Bare),
    /// Searches of the catalogue, through the engine or of Meilisearch itself
    Search(search::Args),
    /// The same carts in this process, without HTTP
    InProcess(in_process::Args),
    /// The log to `JetStream` by the relay, and the same published raw
    Relay(relay::Args),
    /// The search documents, posted to Meilisearch raw
    Documents(documents::Args),
    /// A log of any length in an empty database
    Fill(fill::Args),
    /// Reads all over such a log
    FilledReads(fill::reads::Args),
}

fn main() -> Result<()> {
    let figures = match Cli::parse().load {
        Load::Carts(args) => one_thread(carts::run(&args)),
        Load::Checkouts(args) => one_thread(checkouts::run(&args)),
        Load::Stock(args) => one_thread(stock::run(&args)),
        Load::Batch(args) => one_thread(batch::run(&args)),
        Load::Receipts(args) => one_thread(first::receive(&args)),
        Load::First(args) => one_thread(first::run(&args)),
        Load::Catalogue(args) => one_thread(catalogue::run(&args)),
        Load::Freshness(args) => one_thread(freshness::run(&args)),
        Load::Overload(args) => one_thread(overload::run(&args)),
        Load::Read(args) => one_thread(read::run(&args)),
        Load::BareRead(args) => all_threads(read::serve(&args)),
        Load::Search(args) => one_thread(search::run(&args)),
        Load::InProcess(args) => all_threads(in_process::run(&args)),
        Load::Relay(args) => all_threads(relay::run(&args)),
        Load::Documents(args) => one_thread(documents::run(&args)),
        Load::Fill(args) => one_thread(fill::run(&args)),
        Load::FilledReads(args) => one_thread(fill::reads::run(&args)),
    }?;
    report(&figures);
    Ok(())
}

/// For what only drives: it shares the machine with what it drives, and one thread costs least.
fn one_thread(load: impl Future<Output = Result<Value>>) -> Result<Value> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(load)
}

/// For what does the work itself that is measured.
fn all_threads(work: impl Future<Output = Result<Value>>) -> Result<Value> {
    tokio::runtime::Runtime::new()?.block_on(work)
}

#[allow(clippy::print_stdout)] // the result is this program's output
fn report(figures: &Value) {
    println!("{figures}");
}
