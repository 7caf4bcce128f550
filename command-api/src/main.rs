//! The process: what it is told, what runs in it, and the order in which it ends.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use command_api::config::{DEFAULT_PORT, Serve};
use command_api::payment::{parked, process, sandbox::Sandbox};
use command_api::{App, import, metrics, operations, router};
use event_store::{Writer, relay};
use service::config::{Bus, Database, Http, Logging};
use service::health::Health;
use service::{build, bus, database, shutdown, telemetry};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long all parts together may take to end after the drain: with it, and some seconds to
/// spare, within the 45 s that a container is given.
const STOP_TIME_MAX: Duration = Duration::from_secs(20);

/// Takes commands and appends what they come to.
#[derive(Debug, Parser)]
#[command(name = "command-api", version = build::TEXT)]
struct Cli {
    #[command(subcommand)]
    task: Task,
    #[command(flatten)]
    shared: Shared,
}

/// What every task may be told, before its name or after.
#[derive(Debug, Args)]
struct Shared {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    bus: Bus,
    #[command(flatten)]
    http: Http,
    #[command(flatten)]
    logging: Logging,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Serve the API; this is what happens when nothing is said
    Serve(Serve),
    /// Bring the database to the schema of this build
    Migrate,
    /// Let the log go on in the place of the one it is a copy of, or of its own end that was lost by
    /// a restore: it gets a new id, and the JetStream stream is its own from then on
    Adopt,
    /// List the events that the payment process could not understand
    Parked,
    /// Take up events again that the payment process could not understand
    Retry {
        /// Where in the log the event stands
        #[arg(long, required_unless_present = "all", conflicts_with = "all")]
        position: Option<i64>,
        /// All of them
        #[arg(long)]
        all: bool,
    },
    /// Turn a file into commands
    Import {
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
    let Cli { task, shared } = Cli::parse_from(arguments);
    telemetry::init(shared.logging.format)?;
    match task {
        Task::Serve(settings) => serve(settings, shared).await.map(|()| ExitCode::SUCCESS),
        Task::Migrate => done(operations::migrate(&shared.database).await),
        Task::Adopt => adopt(&shared.database, &shared.bus).await,
        Task::Parked => done(operations::parked(&database::connect(&shared.database)?).await),
        Task::Retry { position, .. } => {
            let db = database::connect(&shared.database)?;
            let all_done = operations::retry(&db, position).await?;
            Ok(if all_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Task::Import { what } => Ok(import::run(what, database::connect(&shared.database)?).await?),
    }
}

fn done(result: Result<(), operations::Error>) -> anyhow::Result<ExitCode> {
    Ok(result.map(|()| ExitCode::SUCCESS)?)
}

async fn adopt(database: &Database, bus: &Bus) -> anyhow::Result<ExitCode> {
    let nats = bus::connect(bus, "command-api").await.context("NATS_URL is wrong")?;
    let nats = nats.map(async_nats::jetstream::new);
    done(operations::adopt(&database::connect(database)?, nats, &bus.stream).await)
}

/// Serves until told to stop, then ends from the outside in: requests, payments, writer, relay.
async fn serve(settings: Serve, shared: Shared) -> anyhow::Result<()> {
    let Shared { database, bus, http, .. } = shared;
    http.check()?;
    let does = "takes commands, relays the log, asks the payment gateway";
    telemetry::begin("command-api", does, http.address(DEFAULT_PORT), &database, &bus, None);
    let shutdown = shutdown::signal(http.drain_delay());
    let stop = shutdown.stop.clone();
    service::metrics::install();
    metrics::describe_metrics();
    let db = database::connect(&database)?;
    let nats = bus::connect(&bus, "command-api").await.context("NATS_URL is wrong")?;
    let (writer, writing) = Writer::start(&db, settings.writer());
    let broken = CancellationToken::new();
    let watched = |what, task| watch(what, task, stop.clone(), broken.clone());
    let writing = watched("the writer", writing);

    let (stop_paying, stop_relaying) = (CancellationToken::new(), CancellationToken::new());
    let payments = process::forgetful(&db);
    let gateway = Sandbox::new(payments.clone());
    let paying = process::run(payments, writer.clone(), gateway, stop_paying.clone());
    let paying = watched("the payment process", tokio::spawn(paying));
    let relay = nats.clone().map(|client| {
        let (context, stream) = (async_nats::jetstream::new(client), bus.stream.clone());
        relay::Relay::new(db.clone(), context, stream, settings.stream_limits())
    });
    let condition = relay.as_ref().map(relay::Relay::condition);
    let relaying =
        relay.map(|relay| watched("the relay", tokio::spawn(relay.run(stop_relaying.clone()))));

    let app = App::new(writer.clone(), settings.reservation())
        .with_commands_max(settings.commands_max as usize);
    let health = health(&db, nats, condition);
    let routes = router(&app, http.token(), &health);
    let served = service::serve(routes, &health, &http, DEFAULT_PORT, shutdown).await;

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
fn health(
    db: &PgPool,
    nats: Option<async_nats::Client>,
    relay: Option<relay::Condition>,
) -> Health {
    let (postgres, payments) = (Arc::new(database::Probe::new(db)), db.clone());
    let mut health = Health::new().requires("postgres", move || {
        let postgres = postgres.clone();
        async move { postgres.check().await }
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
            let client = client.clone();
            async move { bus::check(&client).await }
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
