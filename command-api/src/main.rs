//! The process: what it is told, what runs in it, and the order in which it ends.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use command_api::config::{DEFAULT_PORT, Serve};
use command_api::payment::{parked, process, sandbox::Sandbox};
use command_api::{App, import, metrics, operations, router};
use event_store::{Writer, relay};
use service::config::{Bus, Database, Logging};
use service::health::Health;
use service::{bus, database, shutdown, telemetry};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long all parts together may take to end after the drain: with it, and some seconds to
/// spare, within the 45 s that a container is given.
const STOP_TIME_MAX: Duration = Duration::from_secs(20);

/// Takes commands and appends what they come to.
#[derive(Debug, Parser)]
#[command(name = "command-api", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
    #[command(flatten)]
    logging: Logging,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Serve the API; this is what happens when nothing is said
    Serve(Serve),
    /// Bring the database to the schema of this build
    Migrate(Database),
    /// Let the log go on in the place of the one it is a copy of, or of its own end that was lost by
    /// a restore: it gets a new id, and the JetStream stream is its own from then on
    Adopt {
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        bus: Bus,
    },
    /// List the events that the payment process could not understand
    Parked(Database),
    /// Take up events again that the payment process could not understand
    Retry {
        #[command(flatten)]
        database: Database,
        /// Where in the log the event stands
        #[arg(long, required_unless_present = "all", conflicts_with = "all")]
        position: Option<i64>,
        /// All of them
        #[arg(long)]
        all: bool,
    },
    /// Turn a file into commands
    Import {
        #[command(flatten)]
        database: Database,
        #[command(subcommand)]
        what: import::Args,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments: Vec<_> = std::env::args_os().collect();
    if arguments.len() <= 1 {
        arguments.push("serve".into());
    }
    let Cli { task, logging } = Cli::parse_from(arguments);
    telemetry::init(logging.format);
    match task {
        Task::Serve(settings) => serve(settings).await.map(|()| ExitCode::SUCCESS),
        Task::Migrate(database) => done(operations::migrate(&database).await),
        Task::Adopt { database, bus } => adopt(&database, &bus).await,
        Task::Parked(database) => done(operations::parked(&pool(&database)?).await),
        Task::Retry { database, position, .. } => {
            let all_done = operations::retry(&pool(&database)?, position).await?;
            Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Task::Import { database, what } => Ok(import::run(what, pool(&database)?).await?),
    }
}

fn done(result: Result<(), operations::Error>) -> anyhow::Result<ExitCode> {
    Ok(result.map(|()| ExitCode::SUCCESS)?)
}

async fn adopt(database: &Database, bus: &Bus) -> anyhow::Result<ExitCode> {
    let nats = bus::connect(bus, "command-api").await.context("NATS_URL is wrong")?;
    let nats = nats.map(async_nats::jetstream::new);
    done(operations::adopt(&pool(database)?, nats, &bus.stream).await)
}

fn pool(settings: &Database) -> anyhow::Result<PgPool> {
    database::connect(settings).context("DATABASE_URL is not the URL of a Postgres")
}

/// Serves until told to stop, then ends from the outside in: requests, payments, writer, relay.
async fn serve(settings: Serve) -> anyhow::Result<()> {
    let stop = shutdown::signal();
    service::metrics::install();
    metrics::describe_metrics();
    let db = pool(&settings.database)?;
    let nats = bus::connect(&settings.bus, "command-api").await.context("NATS_URL is wrong")?;
    let (writer, writing) = Writer::start(&db, settings.writer());
    let broken = CancellationToken::new();
    let watched = |what, task| watch(what, task, stop.clone(), broken.clone());
    let writing = watched("the writer", writing);

    let (stop_paying, stop_relaying) = (CancellationToken::new(), CancellationToken::new());
    let gateway = Sandbox::new(db.clone());
    let paying = process::run(db.clone(), writer.clone(), gateway, stop_paying.clone());
    let paying = watched("the payment process", tokio::spawn(paying));
    let relay = nats.clone().map(|client| {
        let (context, stream) = (async_nats::jetstream::new(client), settings.bus.stream.clone());
        relay::Relay::new(db.clone(), context, stream, settings.stream_limits())
    });
    let condition = relay.as_ref().map(relay::Relay::condition);
    let relaying =
        relay.map(|relay| watched("the relay", tokio::spawn(relay.run(stop_relaying.clone()))));

    let app = App::new(writer.clone(), settings.reservation())
        .with_commands_max(settings.commands_max as usize);
    let routes = router(&app, settings.http.token(), health(db, nats, condition));
    let served = service::serve(routes, settings.http.address(DEFAULT_PORT), stop.clone()).await;

    // Not only signals end it: after a failed bind, too, the parts end because they are told to.
    stop.cancel();
    let deadline = Instant::now() + STOP_TIME_MAX;
    stop_paying.cancel();
    ended("the payment process", paying, deadline).await;
    writer.close();
    ended("the writer", writing, deadline).await;
    stop_relaying.cancel();
    if let Some(relaying) = relaying {
        ended("the relay", relaying, deadline).await;
    }
    served.context("the API could not be served")?;
    anyhow::ensure!(!broken.is_cancelled(), "a part of the service broke");
    Ok(())
}

/// Sees to it that the service does not outlive one of its parts: a process without its writer
/// would refuse every command and call itself healthy.
fn watch(
    what: &'static str,
    task: JoinHandle<()>,
    stop: CancellationToken,
    broken: CancellationToken,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let ended = task.await;
        if ended.is_err() || !stop.is_cancelled() {
            tracing::error!(?ended, "{what} broke; the service stops");
            broken.cancel();
            stop.cancel();
        }
    })
}

/// Without Postgres nothing can be accepted. Without NATS everything can: readers fall back on the
/// log.
fn health(db: PgPool, nats: Option<async_nats::Client>, relay: Option<relay::Condition>) -> Health {
    let payments = db.clone();
    let mut health = Health::new().requires("postgres", move || {
        let db = db.clone();
        async move { database::check(&db).await }
    });
    health = health.prefers("payments", move || {
        let db = payments.clone();
        async move { parked::check(&db).await }
    });
    if let Some(relay) = relay {
        health = health.prefers("relay", move || std::future::ready(relay.check()));
    }
    match nats {
        None => health,
        Some(client) => health.prefers("nats", move || {
            let connected = bus::check(&client);
            async move { connected }
        }),
    }
}

async fn ended(what: &str, task: JoinHandle<()>, deadline: Instant) {
    match tokio::time::timeout_at(deadline, task).await {
        Ok(Ok(())) => tracing::debug!("{what} has ended"),
        Ok(Err(error)) => tracing::error!(%error, "{what} broke"),
        Err(_) => tracing::warn!("{what} did not end in time"),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
