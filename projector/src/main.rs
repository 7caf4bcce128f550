//! The projector's command line.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use event_store::tail::Tail;
use indicatif::{ProgressBar, ProgressStyle};
use projector::projection::Projection;
use projector::rebuild::{Filled, Report, rebuild, verify};
use projector::runner::Context;
use projector::search::Meili;
use projector::search::pusher::Trouble;
use projector::{health, projections, retry, run, status};
use service::config::{Bus, Database, Http, Logging, Search};
use service::shutdown::Shutdown;
use sqlx::PgPool;
use sqlx::types::Uuid;
use tokio_util::sync::CancellationToken;

/// Where the projector listens unless it is told.
const DEFAULT_PORT: u16 = 8082;

/// Builds what readers see out of the log
#[derive(Parser)]
#[command(name = "projector", version = service::build::TEXT)]
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
    logging: Logging,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    bus: Bus,
    #[command(flatten)]
    http: Http,
    #[command(flatten)]
    search: SearchIndex,
}

#[derive(Subcommand)]
enum Command {
    /// Keep projections up to date with the log
    Run {
        /// Only this projection; may be given several times
        #[arg(long = "projection", value_parser = parse_projection)]
        projections: Vec<&'static Projection>,
    },
    /// Build a projection anew beside the one that is read, and switch readers to it
    Rebuild {
        /// Which one
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
    },
    /// Take up parked streams again, in the order of their events
    Retry {
        /// Of which projection
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
        /// Only this stream, and those that wait for it
        #[arg(long)]
        stream: Option<String>,
    },
    /// Print where every projection stands
    Status,
    /// Fold the log anew and compare with what readers see; fails if anything differs
    Verify {
        /// Only this projection
        #[arg(value_parser = parse_projection)]
        projection: Option<&'static Projection>,
    },
}

/// Where the catalogue is searched.
#[derive(Args)]
struct SearchIndex {
    #[command(flatten)]
    server: Search,
    /// The name of the index that is searched
    #[arg(long = "search-index", global = true, env = "SEARCH_INDEX", default_value = "products")]
    index: String,
}

impl SearchIndex {
    fn connect(&self) -> anyhow::Result<Meili> {
        let key = self.server.key.as_ref().map(service::config::Secret::expose);
        Meili::new(&self.server.url, key, &self.index).context("MEILI_URL or its key is no good")
    }
}

fn parse_projection(name: &str) -> Result<&'static Projection, String> {
    projections::find(name).ok_or_else(|| {
        let known: Vec<&str> = projections::ALL.iter().map(|known| known.name).collect();
        format!("there is {}", known.join(", "))
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Cli { command, shared } = Cli::parse();
    service::telemetry::init(shared.logging.format)?;
    let db = service::database::connect(&shared.database)?;
    match command {
        Command::Run { projections } => {
            let wanted =
                if projections.is_empty() { projections::ALL.to_vec() } else { projections };
            keep_running(db, wanted, shared).await?;
        }
        Command::Rebuild { projection } => {
            let meili = shared.search.connect()?;
            let meili = std::ptr::eq(projection, projections::SEARCH).then_some(&meili);
            let bar = bar(projection);
            let report = rebuild(&db, projection, meili, &owner(), &bar).await?;
            report_rebuild(projection, &report);
        }
        Command::Retry { projection, stream } => {
            return retry_parked(&db, projection, stream.as_deref()).await;
        }
        Command::Status => print(&status::table(&db).await?),
        Command::Verify { projection } => {
            let wanted = projection.map_or_else(|| projections::ALL.to_vec(), |one| vec![one]);
            return verify_all(&db, wanted).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Results go to standard output, everything else to standard error.
#[allow(clippy::print_stdout)]
fn print(line: &str) {
    println!("{line}");
}

/// This process, unlike any other.
fn owner() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "projector".to_owned());
    format!("{host}/{}/{}", std::process::id(), Uuid::now_v7().simple())
}

async fn keep_running(
    db: PgPool,
    wanted: Vec<&'static Projection>,
    shared: Shared,
) -> anyhow::Result<()> {
    let Shared { database, bus, http, search, .. } = shared;
    http.check()?;
    let names: Vec<&str> = wanted.iter().map(|projection| projection.name).collect();
    let (does, address) = (format!("projects {}", names.join(", ")), http.address(DEFAULT_PORT));
    service::telemetry::begin("projector", &does, address, &database, &bus, Some(&search.server));
    let shutdown = service::shutdown::signal(http.drain_delay());
    let stop = shutdown.stop.clone();
    let client = service::bus::connect(&bus, "projector").await.context("NATS_URL is no good")?;
    let meili = search.connect()?;
    let trouble = Trouble::default();
    let health = health::checks(&db, &wanted, client.clone(), &meili, &trouble);
    let context = Context {
        tail: Tail::start(
            db.clone(),
            client.clone().map(async_nats::jetstream::new),
            bus.stream.clone(),
        ),
        bus: client.map(|client| (client, bus.stream)),
        db,
        owner: owner(),
        stop: stop.clone(),
    };
    // Watched until the last worker has stopped.
    let watched = CancellationToken::new();
    let router = service::http::shell(health.router());
    let end = Shutdown { stop: watched.clone(), ..shutdown };
    let serving =
        tokio::spawn(
            async move { service::serve(router, &health, &http, DEFAULT_PORT, end).await },
        );
    let working = tokio::spawn(run::run(context, wanted, meili, Arc::clone(&trouble)));
    let mut serving = std::pin::pin!(serving);
    let mut working = std::pin::pin!(working);
    tokio::select! {
        served = &mut serving => {
            stop.cancel();
            working.await??;
            served??;
        }
        worked = &mut working => {
            watched.cancel();
            serving.await??;
            worked??;
        }
    }
    Ok(())
}

async fn retry_parked(
    db: &PgPool,
    projection: &'static Projection,
    stream: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let retried = retry::retry(db, projection, stream).await?;
    for stream in &retried.released {
        print(&format!("released {stream}"));
    }
    for (stream, reason) in &retried.stuck {
        print(&format!("still parked: {stream}: {reason}"));
    }
    if retried.released.is_empty() && retried.stuck.is_empty() {
        print("nothing is parked");
    }
    Ok(if retried.stuck.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn verify_all(db: &PgPool, wanted: Vec<&'static Projection>) -> anyhow::Result<ExitCode> {
    let mut same = true;
    for projection in wanted {
        let report = verify(db, projection, &owner(), &bar(projection)).await?;
        same &= report.differences.is_empty() && report.compared_at.is_some();
        for difference in &report.differences {
            print(&format!("{} {} {}", difference.table, difference.id, difference.kind));
        }
        print(&summary(projection, &report));
    }
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn report_rebuild(projection: &Projection, report: &Report) {
    print(&summary(projection, report));
    if let Some(Filled { documents, took }) = report.filled {
        let (name, seconds) = (projection.name, took.as_secs_f64());
        print(&format!("{name}: {documents} documents in a new index after {seconds:.3} s"));
    }
    print(&format!("{}: readers see build {} now", projection.name, report.to));
}

fn summary(projection: &Projection, report: &Report) -> String {
    let name = projection.name;
    let compared = match report.compared_at {
        Some(position) => format!("{} differences at {position}", report.differences.len()),
        None => "not compared: its ranges of slots stand at different positions".to_owned(),
    };
    let Report { from, to, parked, .. } = report;
    format!("{name}: build {from} against a fresh {to}: {compared}; {parked} streams parked anew")
}

fn bar(projection: &Projection) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:>10} {wide_bar} {human_pos}/{human_len} events, {per_sec}, {eta} left",
    );
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_prefix(projection.name)
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
