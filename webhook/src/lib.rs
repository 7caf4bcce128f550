//! Webhooks: who outside is told of events, and how.
//!
//! * [`subscriptions`]: who is told of what; `signing`: the secrets between us; [`target`]: where
//!   they listen, and `address`: which of that is of the internet; `event_types`: of what;
//! * `follower`: from the log to what is to be sent; `deliveries`: that list; `sender`: claims what
//!   is due and sends it; `backoff`: when it is sent again;
//! * `cloud_event`: what is sent; [`wire`]: how;
//! * `care`: what is let go of in the end; [`routes`]: where all of it is asked for; [`config`]:
//!   settings.
//!
//! It runs beside the reactor. It decides nothing, appends nothing, and knows no event but by its
//! name.

mod address;
mod backoff;
mod care;
mod cloud_event;
pub mod config;
mod deliveries;
mod event_types;
mod follower;
mod metrics;
pub mod routes;
mod sender;
mod signing;
pub mod subscriptions;
pub mod target;
pub mod wire;

use std::sync::Arc;

use identity::master::Master;
use service::database;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::wire::Wire;

/// Connections for following, claiming and saying what came of it.
const CONNECTIONS_MAX: u32 = 5;

/// What it takes to tell others. Clones share it.
#[derive(Clone, Debug)]
pub struct Dispatcher {
    db: PgPool,
    master: Arc<Master>,
    wire: Wire,
}

impl Dispatcher {
    /// Of the subscriptions in this database, whose secrets are sealed under `master`.
    pub fn new(db: PgPool, master: Arc<Master>, wire: Wire) -> Self {
        Self { db, master, wire }
    }

    /// As a process is told; none without a master key.
    ///
    /// # Errors
    /// Nothing can be sent over TLS from here.
    pub fn set_up(
        db: &PgPool,
        master: Option<Arc<Master>>,
        settings: &Settings,
    ) -> Result<Option<Self>, Unready> {
        let Some(master) = master else { return Ok(None) };
        Ok(Some(Self::new(db.clone(), master, Wire::new(settings.reach())?)))
    }
}

/// Nothing can be sent from here.
#[derive(Debug, thiserror::Error)]
#[error("the connections of webhooks cannot be set up")]
pub struct Unready(#[from] reqwest::Error);

/// Tells others of events until told to stop; what is being sent then is finished first. To be run
/// once the process has a recorder of metrics.
pub async fn run(dispatcher: Dispatcher, settings: Settings, stop: CancellationToken) {
    metrics::describe_metrics();
    let db = forgetful(&dispatcher.db);
    let dispatcher = Dispatcher { db: db.clone(), ..dispatcher };
    let more = Notify::new();
    let following = follower::follow(db.clone(), &more);
    let caring = care::care(db.clone(), settings.kept());
    let observing = metrics::observe(db.clone());
    let sending = sender::send(dispatcher, &more, stop.clone());
    let watching = async {
        tokio::select! {
            () = following => {}
            () = caring => {}
            () = observing => {}
            () = stop.cancelled() => {}
        }
    };
    tokio::join!(sending, watching);
    db.close().await;
}

/// What is to be sent is made from the log, in one statement with how far that was read: what a
/// crash takes of the two is made again, under the same ids, and what it takes of what came of it
/// is sent again, under the same ids too.
fn forgetful(db: &PgPool) -> PgPool {
    database::forgetful(db, CONNECTIONS_MAX)
}
