//! The process that does nothing else: what runs in it, and the order in which it ends.

use clap::Args;
use event_store::{Writer, writer};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use service::config::{Database, Http, Wrong};
use service::health::Health;
use service::parts::Parts;
use service::{ServeError, database, exposed, shutdown, telemetry};
use tokio_util::sync::CancellationToken;
use vault::settings::MasterKey;
use webhook::Dispatcher;

use crate::cart_expiry::CartExpiry;
use crate::gateway::settings::Settings;
use crate::{Correspondence, cdn, gateway, waiting};

/// Where the reactor listens unless it is told.
const DEFAULT_PORT: u16 = 8083;

/// Settings of `reactor run`.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// The gateways
    #[command(flatten)]
    pub gateways: Settings,
    /// Carts that nobody touches
    #[command(flatten)]
    pub carts: CartExpiry,
    /// Mails to people
    #[command(flatten)]
    pub mail: mail::Settings,
    /// Who is told outside
    #[command(flatten)]
    pub webhooks: webhook::config::Settings,
    /// Who keeps copies of the catalogue
    #[command(flatten)]
    pub cdn: cdn::settings::Settings,
}

/// Why the process ended when it was not told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be meant.
    #[error(transparent)]
    Settings(#[from] Wrong),
    /// A gateway cannot be made ready.
    #[error(transparent)]
    Gateway(#[from] gateway::Error),
    /// Webhooks cannot be sent.
    #[error(transparent)]
    Webhook(#[from] webhook::Unready),
    /// Nobody can be listened to.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Something went wrong inside.
    #[error("a part of the process broke")]
    Broken,
}

/// Reacts to the log until told to stop.
pub fn serve(
    settings: Run,
    database: Database,
    http: Http,
    master: MasterKey,
) -> BoxFuture<'static, Result<(), Error>> {
    // Boxed, so that its code is made here once and not in each program anew.
    keep_running(settings, database, http, master).boxed()
}

async fn keep_running(
    settings: Run,
    database: Database,
    http: Http,
    master: MasterKey,
) -> Result<(), Error> {
    let Run { gateways, carts, mail, webhooks, cdn } = settings;
    http.check()?;
    exposed::check_servers(&http, &database, None, None)?;
    master.check(http.exposure.exposed)?;
    mail.check(http.exposure.exposed)?;
    webhooks.check(http.exposure.exposed)?;
    mail.check_known(master.master()?.is_some())?;
    gateways.check(http.exposure.exposed)?;
    let (does, address) =
        ("does what follows from events by itself, sends webhooks", http.address(DEFAULT_PORT));
    telemetry::begin("reactor", does, address, &database, None, None)?;
    let shutdown = shutdown::signal(http.drain_delay());
    event_store::metrics::describe_metrics();
    crate::metrics::describe_metrics();
    let db = database::connect_at_start(&database).await?;
    let mut parts = Parts::new(shutdown.stop.clone());
    let fitting = vault::check::at_start(&db, master.master()?, shutdown.stop.clone()).await?;
    parts.watch("the master key", tokio::spawn(fitting));
    let (writer, writing) = Writer::start(&db, writer::Settings::default());
    let writing = parts.watch("the writer", writing);
    let stop_reacting = CancellationToken::new();
    let people = Correspondence::new(master.vault(&db)?, mail.carrier()?);
    let stop = stop_reacting.clone();
    let (by, term, cdn) = (writer.clone(), carts.term(), cdn.cdn()?);
    let reacting = crate::run(&db, by, &gateways, term, people, cdn, stop)?;
    let reacting = parts.watch("the reactor", tokio::spawn(reacting));
    let dispatcher = Dispatcher::set_up(&db, master.master()?, &webhooks)?;
    let telling = dispatcher.map(|dispatcher| {
        let telling = webhook::run(dispatcher, webhooks, stop_reacting.clone());
        parts.watch("the webhooks", tokio::spawn(telling))
    });

    let health = waiting::watch(database::watch(Health::new(), &db), &db);
    let router = service::http::shell(health.router());
    let served = service::serve(router, &health, &http, DEFAULT_PORT, shutdown).await;

    parts.stop();
    stop_reacting.cancel();
    parts.ended(reacting).await;
    if let Some(telling) = telling {
        parts.ended(telling).await;
    }
    writer.close();
    parts.ended(writing).await;
    served?;
    if parts.is_broken() { Err(Error::Broken) } else { Ok(()) }
}
