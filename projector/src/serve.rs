//! The process that keeps projections up to date: the workers, and the port that operations look
//! at and do by hand what they do, which is there until the last worker has stopped.

use std::sync::Arc;

use async_nats::ConnectError;
use event_store::tail::Tail;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use identity::config::Asking;
use service::config::{Bus, Database, Http, Search, Wrong};
use service::shutdown::Shutdown;
use service::{ServeError, exposed, pooler, rates, shutdown, telemetry};
use sqlx::PgPool;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::admin::jobs::Jobs;
use crate::admin::{self, Office};
use crate::builds::WrongVersion;
use crate::projection::Projection;
use crate::search::Meili;
use crate::search::pusher::Trouble;
use crate::working::worker::Context;
use crate::{health, metrics, run};

/// Where the projector listens unless it is told.
const DEFAULT_PORT: u16 = 8082;

/// What the process is told.
pub struct Settings {
    /// The database, for the first line.
    pub database: Database,
    /// NATS.
    pub bus: Bus,
    /// The port of operations.
    pub http: Http,
    /// Meilisearch, for the first line.
    pub search: Search,
    /// Who may do by hand what is done by hand.
    pub asking: Asking,
    /// This process, unlike any other.
    pub owner: String,
}

/// Why the process ended when it was not told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be meant.
    #[error(transparent)]
    Settings(#[from] Wrong),
    /// Where NATS is cannot be meant.
    #[error("NATS_URL is no good")]
    Bus(#[from] ConnectError),
    /// Nobody can be listened to.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A build is newer than this program.
    #[error(transparent)]
    Version(#[from] WrongVersion),
    /// Something went wrong inside.
    #[error("a part of the process broke")]
    Broken(#[from] JoinError),
}

/// Works on projections until told to stop.
pub fn serve(
    db: PgPool,
    wanted: Vec<&'static Projection>,
    meili: Meili,
    settings: Settings,
) -> BoxFuture<'static, Result<(), Error>> {
    // Boxed, so that its code is made here once and not in each program anew.
    keep_running(db, wanted, meili, settings).boxed()
}

async fn keep_running(
    db: PgPool,
    wanted: Vec<&'static Projection>,
    meili: Meili,
    settings: Settings,
) -> Result<(), Error> {
    let Settings { database, bus, http, search, asking, owner } = settings;
    http.check()?;
    exposed::check_servers(&http, &database, Some(&bus), Some(&search))?;
    let names: Vec<&str> = wanted.iter().map(|projection| projection.name).collect();
    // What is for nobody but a few is not there where nobody is asked who they are.
    let asks = !asking.is_open(&http);
    let without = if asks { "" } else { "; nothing under /admin, for nobody is asked (API_TOKEN)" };
    let does = format!("projects {}{without}", names.join(", "));
    let address = http.address(DEFAULT_PORT);
    telemetry::begin("projector", &does, address, &database, Some(&bus), Some(&search))?;
    pooler::refuse(&db.connect_options()).await?;
    let shutdown = shutdown::signal(http.drain_delay());
    let stop = shutdown.stop.clone();
    metrics::describe_metrics();
    let client = service::bus::connect(&bus, "projector").await?;
    let trouble = Trouble::default();
    let health = health::checks(&db, &wanted, client.clone(), &meili, &trouble).asks(asks);
    let jobs = Arc::new(Jobs::new(meili.clone(), &owner, stop.clone()));
    let mut router = health.router();
    if asks {
        let guard = asking.guard(&http, DEFAULT_PORT, &db)?;
        let office = Office { db: db.clone(), jobs: Arc::clone(&jobs) };
        router = router.merge(admin::router(office, &guard));
    }
    let context = Context {
        tail: Tail::start(
            db.clone(),
            client.clone().map(async_nats::jetstream::new),
            bus.stream.clone(),
        ),
        bus: client.map(|client| (client, bus.stream)),
        db,
        owner,
        stop: stop.clone(),
    };
    // Watched until the last worker has stopped.
    let watched = CancellationToken::new();
    let router = rates::limit(service::http::shell(router), &http.rates, &[]);
    let end = Shutdown { stop: watched.clone(), ..shutdown };
    let serving =
        tokio::spawn(
            async move { service::serve(router, &health, &http, DEFAULT_PORT, end).await },
        );
    let working = tokio::spawn(run::run(context, wanted, meili, Arc::clone(&trouble)));
    let ended = until_both_end(serving, working, &stop, &watched).await;
    // Whatever ended the process, they are told to.
    stop.cancel();
    jobs.ended().await;
    ended
}

/// Waits for the port and for the workers: whichever ends first has the other end.
async fn until_both_end(
    mut serving: JoinHandle<Result<(), ServeError>>,
    mut working: JoinHandle<Result<(), WrongVersion>>,
    stop: &CancellationToken,
    watched: &CancellationToken,
) -> Result<(), Error> {
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
