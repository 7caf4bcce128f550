//! `query-api serve`: the reading half as a process.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser, Subcommand};
use identity::config::Asking;
use query_api::caching::Caching;
use query_api::{App, Settings};
use service::arguments::arrange;
use service::config::{Bus, Database, Http, Logging, Search, Secret};
use service::rates::Dear;
use service::{build, bus, database, exposed, openapi, shutdown, telemetry};
use vault::index::WordIndex;

/// Listened on when nothing else is said.
const DEFAULT_PORT: u16 = 8081;
/// What is dear: by address, less often.
const DEAR: &[Dear] = &[(None, "/v1/search")];

/// Reads of the commerce engine
#[derive(Parser)]
#[command(name = "query-api", version = build::TEXT)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    bus: Bus,
    #[command(flatten)]
    search: Search,
    #[command(flatten)]
    http: Http,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    logging: Logging,
    /// The Meilisearch index that holds the catalogue
    #[arg(long, global = true, env = "SEARCH_INDEX", default_value = "products")]
    search_index: String,
    /// A key of Meilisearch that may search, in place of the one that may do everything
    #[arg(long, global = true, env = "MEILI_SEARCH_KEY", hide_env_values = true)]
    meili_search_key: Option<Secret>,
    /// What `command-api index-key` prints: people are found with it by what is known of them, and
    /// nothing of them is read. Without it orders are not found by a name, an e-mail or a phone
    /// number
    #[arg(long, global = true, env = "INDEX_KEY", hide_env_values = true)]
    index_key: Option<Secret>,
    #[command(flatten)]
    caching: Caching,
}

#[derive(Subcommand)]
enum Command {
    /// Answer reads until told to stop; this is what happens when nothing is said
    Serve,
    /// Write the documents of the API and of the events into a folder
    Describe {
        /// Where to
        folder: PathBuf,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let Cli {
        command,
        database,
        bus,
        search,
        http,
        asking,
        logging,
        search_index,
        meili_search_key,
        index_key,
        caching,
    } = Cli::parse_from(arrange(&Cli::command(), "serve", std::env::args_os()));
    telemetry::init(&logging)?;
    if let Command::Describe { folder } = command {
        let documents = [
            ("query-api.openapi.json", query_api::described::document()),
            ("events.asyncapi.json", query_api::events::asyncapi()),
            ("events.schema.json", query_api::events::schemas()),
        ];
        return openapi::serve::write(&folder, &documents).context("they cannot be written there");
    }
    http.check()?;
    let (does, address) = ("answers reads", http.address(DEFAULT_PORT));
    // With the least key there is. An empty one, as compose files pass it, is none.
    let key = meili_search_key.filter(|key| !key.expose().is_empty()).or(search.key.clone());
    let search = Search { key, ..search };
    exposed::check_servers(&http, &database, Some(&bus), Some(&search))?;
    let index_key = index_key.filter(|key| !key.expose().is_empty());
    let index_key = index_key.as_ref().map(WordIndex::read).transpose()?.map(Arc::new);
    telemetry::begin("query-api", does, address, &database, Some(&bus), Some(&search))?;
    let shutdown = shutdown::signal(http.drain_delay());
    let db = database::connect_at_start(&database).await?;
    let settings = Settings {
        bus: bus::connect(&bus, "query-api").await.context("NATS_URL cannot be used")?,
        stream: bus.stream.clone(),
        search,
        index: search_index,
        guard: asking.guard(&http, DEFAULT_PORT, &db)?,
        index_key,
        caching,
        origins: http.origins.clone(),
        proxies: http.rates.proxies,
    };
    let app = App::start(db, settings, shutdown.stop.clone())
        .context("the key of Meilisearch cannot be sent")?;
    let health = query_api::health(&app).asks(!asking.is_open(&http));
    let router = query_api::router(app, &health);
    query_api::describe_metrics();
    let router = service::rates::limit(router, &http.rates, DEAR);
    service::serve(router, &health, &http, DEFAULT_PORT, shutdown).await?;
    Ok(())
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
