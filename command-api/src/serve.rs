//! The serving process: what runs in it, and the order in which it ends.

use std::sync::Arc;
use std::time::Duration;

use async_nats::ConnectError;
use event_store::{Writer, relay};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use service::config::{Bus, Database, Http, Wrong};
use service::health::Health;
use service::{ServeError, bus, database, shutdown, telemetry};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::{DEFAULT_PORT, Serve};
use crate::payment::{parked, process, sandbox::Sandbox};
use crate::{App, metrics, router};

/// How long all parts together may take to end after the drain: with it, and some seconds to
/// spare, within the 45 s that a container is given.
const STOP_TIME_MAX: Duration = Duration::from_secs(20);

/// Why the process ended when it was not told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be meant.
    #[error(transparent)]
    Settings(#[from] Wrong),
    /// Where NATS is cannot be meant.
    #[error("NATS_URL is wrong")]
    Bus(#[from] ConnectError),
    /// Nobody can be listened to.
    #[error("the API could not be served")]
    Serve(#[from] ServeError),
    /// Something went wrong inside.
    #[error("a part of the service broke")]
    Broken,
}

/// Serves until told to stop, then ends from the outside in: requests, payments, writer, relay.
pub fn serve(
    settings: Serve,
    database: Database,
    bus: Bus,
    http: Http,
) -> BoxFuture<'static, Result<(), Error>> {
    // Boxed, so that its code is made here once and not in each program anew.
    run(settings, database, bus, http).boxed()
}

async fn run(settings: Serve, database: Database, bus: Bus, http: Http) -> Result<(), Error> {
    http.check()?;
    let does = "takes commands, relays the log, asks the payment gateway";
    telemetry::begin("command-api", does, http.address(DEFAULT_PORT), &database, &bus, None);
    let shutdown = shutdown::signal(http.drain_delay());
    let stop = shutdown.stop.clone();
    service::metrics::install();
    metrics::describe_metrics();
    let db = database::connect(&database)?;
    let nats = bus::connect(&bus, "command-api").await?;
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
    served?;
    if broken.is_cancelled() { Err(Error::Broken) } else { Ok(()) }
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
