//! `query-api serve`: the reading half as a process.

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use query_api::{App, Settings};
use service::config::{Bus, Database, Http, Logging, Search};
use service::{bus, database, shutdown, telemetry};

/// Listened on when nothing else is said.
const DEFAULT_PORT: u16 = 8081;

/// Reads of the commerce engine
#[derive(Parser)]
#[command(name = "query-api", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer reads until told to stop
    Serve(Box<Serve>),
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    bus: Bus,
    #[command(flatten)]
    search: Search,
    #[command(flatten)]
    http: Http,
    #[command(flatten)]
    logging: Logging,
    /// The Meilisearch index that holds the catalogue
    #[arg(long, env = "SEARCH_INDEX", default_value = "products")]
    search_index: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Command::Serve(told) = Cli::parse().command;
    telemetry::init(told.logging.format);
    let stop = shutdown::signal();
    let address = told.http.address(DEFAULT_PORT);
    let db = database::connect(&told.database).context("DATABASE_URL is no Postgres URL")?;
    let settings = Settings {
        bus: bus::connect(&told.bus, "query-api").await.context("NATS_URL cannot be used")?,
        stream: told.bus.stream.clone(),
        search: told.search.clone(),
        index: told.search_index.clone(),
        token: told.http.token().cloned(),
    };
    let app = App::start(db, settings, stop.clone()).context("MEILI_MASTER_KEY cannot be sent")?;
    let router = query_api::router(app);
    query_api::describe_metrics();
    service::serve(router, address, stop).await?;
    Ok(())
}
