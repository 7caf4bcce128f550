//! The serving process: what runs in it, and the order in which it ends.

use async_nats::ConnectError;
use axum::http::Method;
use axum::{Extension, Router};
use event_store::{Writer, forget, relay};
use futures::FutureExt as _;
use futures::future::{BoxFuture, OptionFuture, join};
use identity::Guard;
use identity::config::{Asking, Giving};
use identity::routes::Identity;
use service::config::{Bus, Database, Http, Wrong};
use service::health::Health;
use service::parts::Parts;
use service::rates::{self, Dear, Proxies};
use service::{ServeError, bus, database, exposed, shutdown, telemetry};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use vault::Vault;
use vault::settings::MasterKey;
use webhook::Dispatcher;

use crate::config::{DEFAULT_PORT, Reactor, Serve};
use crate::webhooks::Webhooks;
use crate::{App, BEYOND, metrics, router};
use reactor::Correspondence;
use reactor::gateway::{self, Gateways};
use reactor::hands::KnownPeople;

/// What is dear, or could be guessed: by address, less often.
const DEAR: &[Dear] = &[
    (Some(Method::POST), "/v1/sessions"),
    (Some(Method::POST), "/v1/sessions/refresh"),
    (Some(Method::POST), "/v1/people"),
    (Some(Method::POST), "/v1/people/verify"),
    (Some(Method::POST), "/v1/people/verify/again"),
    (Some(Method::POST), "/v1/people/me/email"),
    (Some(Method::POST), "/v1/people/me/password"),
    (Some(Method::POST), "/v1/people/me/forget"),
    (Some(Method::POST), "/v1/people/me/totp"),
    (Some(Method::POST), "/v1/people/me/totp/confirm"),
    (Some(Method::POST), "/v1/people/me/totp/remove"),
    (Some(Method::POST), "/v1/people/reset"),
    (Some(Method::POST), "/v1/people/reset/confirm"),
    (Some(Method::POST), "/v1/staff/join"),
    (Some(Method::POST), "/v1/guests"),
    (Some(Method::POST), "/v1/carts/{id}/checkout"),
    (Some(Method::POST), "/v1/payments"),
];

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

/// What a process has around it, and who may ask it.
#[derive(Debug)]
pub struct Surroundings {
    /// Where Postgres is.
    pub database: Database,
    /// Where NATS is.
    pub bus: Bus,
    /// Where it listens.
    pub http: Http,
    /// Who is asked, and whose tokens are taken.
    pub asking: Asking,
    /// How tokens are given out.
    pub giving: Giving,
    /// What seals secrets in the database.
    pub master: MasterKey,
}

/// Serves until told to stop, then ends from the outside in: requests, reactor, writer, relay.
pub fn serve(settings: Serve, around: Surroundings) -> BoxFuture<'static, Result<(), Error>> {
    // Boxed, so that its code is made here once and not in each program anew.
    run(settings, around).boxed()
}

async fn run(settings: Serve, around: Surroundings) -> Result<(), Error> {
    check(&settings, &around)?;
    let Surroundings { database, bus, http, asking, giving, master } = around;
    let inside = settings.reactor == Reactor::Inside;
    let address = http.address(DEFAULT_PORT);
    telemetry::begin("command-api", does(inside), address, &database, Some(&bus), None)?;
    let shutdown = shutdown::signal(http.drain_delay());
    service::metrics::install();
    metrics::describe_metrics();
    let db = database::connect_at_start(&database).await?;
    let nats = bus::connect(&bus, "command-api").await?;
    // The reactor has its own, here or elsewhere; these only hear.
    let gateways = Gateways::new(&db, &settings.gateways)?;
    let mut parts = Parts::new(shutdown.stop.clone());
    let fitting = vault::check::at_start(&db, master.master()?, shutdown.stop.clone()).await?;
    parts.watch("the master key", tokio::spawn(fitting));
    let (writer, writing) = Writer::start(&db, settings.writer());
    let writing = parts.watch("the writer", writing);

    let people = Correspondence::new(master.vault(&db)?, settings.mail.carrier()?);
    // What is written here is sent by the reactor, here or elsewhere.
    let KnownPeople { vault, post } = people.known.clone();
    let (stop_reacting, stop_relaying) = (CancellationToken::new(), CancellationToken::new());
    let reacting = if inside {
        reactor::metrics::describe_metrics();
        let (cdn, stop) = (settings.cdn.cdn()?, stop_reacting.clone());
        let (by, term) = (writer.clone(), settings.carts.term());
        let reacting = reactor::run(&db, by, &settings.gateways, term, people, cdn, stop)?;
        Some(parts.watch("the reactor", tokio::spawn(reacting)))
    } else {
        None
    };
    let dispatcher = Dispatcher::set_up(&db, master.master()?, &settings.webhooks)?;
    let telling = dispatcher.clone().filter(|_| inside).map(|dispatcher| {
        let telling = webhook::run(dispatcher, settings.webhooks.clone(), stop_reacting.clone());
        parts.watch("the webhooks", tokio::spawn(telling))
    });
    let sweeping = sweep(&db, settings.commands_kept_days, vault.clone(), &stop_reacting);
    let sweeping = parts.watch("the sweeper", tokio::spawn(sweeping));
    let relay = nats.clone().map(|client| relaying(&db, client, bus.stream, &settings, &writer));
    let condition = relay.as_ref().map(relay::Relay::condition);
    let relaying =
        relay.map(|relay| parts.watch("the relay", tokio::spawn(relay.run(stop_relaying.clone()))));

    let app = App::new(writer.clone(), settings.reservation())
        .with_payments(settings.paying.payments(&gateways)?)
        .with_commands_max(settings.commands_max as usize)
        .with_commands_kept(settings.commands_kept())
        .with_vault(vault)
        .with_query_url(settings.public_query_url.as_deref().unwrap_or_default())
        .with_webhooks(Webhooks::new(gateways, db.clone()));
    let health = health(&db, nats, condition).asks(!asking.is_open(&http));
    let health = if inside { reactor::waiting::watch(health, &db) } else { health };
    let guard = asking.guard(&http, DEFAULT_PORT, &db)?;
    let desk = giving.desk(&master, &asking, &db, post)?;
    let identity = Identity { db: db.clone(), desk, beyond: BEYOND };
    let beside = beside(identity, dispatcher, &guard, &http);
    let routes = rates::limit(router(&app, &guard, &health, beside), &http.rates, DEAR);
    let served = service::serve(routes, &health, &http, DEFAULT_PORT, shutdown).await;

    parts.stop();
    stop_reacting.cancel();
    for part in [reacting, telling].into_iter().flatten() {
        parts.ended(part).await;
    }
    parts.ended(sweeping).await;
    writer.close();
    parts.ended(writing).await;
    stop_relaying.cancel();
    if let Some(relaying) = relaying {
        parts.ended(relaying).await;
    }
    served?;
    if parts.is_broken() { Err(Error::Broken) } else { Ok(()) }
}

/// What copies the log to NATS.
fn relaying(
    db: &PgPool,
    client: async_nats::Client,
    stream: String,
    settings: &Serve,
    writer: &Writer,
) -> relay::Relay {
    let (context, limits) = (async_nats::jetstream::new(client), settings.stream_limits());
    relay::Relay::new(db.clone(), context, stream, limits).beside(writer.at_hand())
}

/// Lets go of what has had its time: answers to commands, and what lies in the vault for nothing.
fn sweep(
    db: &PgPool,
    kept_days: u16,
    vault: Option<Vault>,
    stop: &CancellationToken,
) -> impl Future<Output = ()> + use<> {
    let forgetting = forget::run(db.clone(), kept_days, stop.clone());
    let sweeping = OptionFuture::from(vault.map(|vault| vault.sweep(stop.clone())));
    join(forgetting, sweeping).map(drop)
}

/// What is served beside the commands.
fn beside(
    identity: Identity,
    dispatcher: Option<Dispatcher>,
    guard: &Guard,
    http: &Http,
) -> Router {
    identity::routes::router(identity, guard)
        .layer(Extension(Proxies(http.rates.proxies)))
        .merge(webhook::routes::router(dispatcher, guard))
}

/// Refuses what nobody can mean, and what stands open where the internet reaches.
fn check(settings: &Serve, around: &Surroundings) -> Result<(), Wrong> {
    let Surroundings { database, bus, http, giving, master, .. } = around;
    http.check()?;
    exposed::check_servers(http, database, Some(bus), None)?;
    master.check(http.exposure.exposed)?;
    giving.check(http.exposure.exposed)?;
    settings.mail.check(http.exposure.exposed)?;
    settings.webhooks.check(http.exposure.exposed)?;
    settings.mail.check_known(master.master()?.is_some())?;
    settings.gateways.check(http.exposure.exposed)
}

/// What the process is for, in a line of its log.
fn does(inside: bool) -> &'static str {
    if inside {
        "takes commands, relays the log, asks the payment gateway, sends webhooks"
    } else {
        "takes commands, relays the log"
    }
}

/// Without Postgres nothing can be accepted. Without NATS everything can: readers fall back on the
/// log.
fn health(
    db: &PgPool,
    nats: Option<async_nats::Client>,
    relay: Option<relay::Condition>,
) -> Health {
    let mut health = database::watch(Health::new(), db);
    if let Some(relay) = relay {
        health = health.prefers("relay", move || std::future::ready(relay.check()));
    }
    match nats {
        None => health,
        Some(client) => bus::watch(health, client),
    }
}
