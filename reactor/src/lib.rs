//! What happens by itself after an event: the gateway is asked, an order that nobody paid is called
//! off, an authorisation that nobody captured is let go, a cart that nobody touched is given up.
//!
//! * [`reactions`]: one file each; [`reaction`]: what one has to be; [`task`]: a thing to do;
//! * `keeper`: follows the log and keeps the list of things to do; `notes`: what events make of it;
//! * `list`: that list; `doer`: claims what is due and sees it done; [`hands`]: what may be used
//!   for it;
//! * [`waiting`]: streams that wait for a program that can read them;
//! * [`tokens`], [`actions`]: what of a payment lies sealed outside the log;
//! * [`gateway`]: those who move money; [`cdn`]: who keeps copies of the catalogue;
//! * [`cart_expiry`]: after how long a cart is given up;
//! * [`operations`]: what is done by hand; [`serve`]: a process that does nothing else.
//!
//! It runs inside command-api, or alone. It knows no routes, and decides nothing about a shop: what
//! an answer means for a payment and its order is the domain's.

pub mod actions;
pub mod cart_expiry;
pub mod cdn;
mod doer;
pub mod gateway;
#[cfg(test)]
mod given;
pub mod hands;
mod keeper;
mod list;
pub mod metrics;
mod notes;
pub mod operations;
pub mod reaction;
pub mod reactions;
pub mod serve;
pub mod task;
pub mod tokens;
pub mod waiting;

use chrono::TimeDelta;
use event_store::Writer;
use mail::Post;
use mail::sender::Carrier;
pub use notes::List;
use service::database;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use vault::Vault;

use crate::cdn::Cdn;
use crate::gateway::Gateways;
use crate::gateway::settings::Settings;
use crate::hands::{Hands, KnownPeople};
use crate::reaction::Registered;
use crate::reactions::PURGE_CDN;

/// Connections for the list, and for reading what it is about.
const CONNECTIONS_MAX: u32 = 8;

/// What the reactor knows of people, and who takes its mails to the server.
#[derive(Debug, Default)]
pub struct Correspondence {
    /// What is known of people.
    pub known: KnownPeople,
    /// Who sends what is written to them, and what others have written.
    pub carrier: Option<Carrier>,
}

impl Correspondence {
    /// With those whom the vault knows, by this carrier: who has neither writes to nobody.
    pub fn new(vault: Option<Vault>, carrier: Option<Carrier>) -> Self {
        let post = vault.clone().filter(|_| carrier.is_some()).map(Post::new);
        Self { known: KnownPeople { vault, post }, carrier }
    }
}

/// What runs until it is told to stop; what is being done then is finished first. Carts that nobody
/// touches lie for `cart_term`, or for ever.
///
/// # Errors
/// With half of what a gateway needs.
pub fn run(
    db: &PgPool,
    writer: Writer,
    settings: &Settings,
    cart_term: Option<TimeDelta>,
    people: Correspondence,
    cdn: Option<Cdn>,
    stop: CancellationToken,
) -> Result<impl Future<Output = ()> + Send + use<>, gateway::Error> {
    let db = forgetful(db);
    let (gateways, known) = (Gateways::new(&db, settings)?, people.known.clone());
    let hands = Hands::new(db.clone(), writer, gateways, known, cart_term);
    let beside = Beside { events_term: settings.events_term(), people, cdn };
    Ok(react(db, hands, beside, stop))
}

/// What runs beside the doer.
struct Beside {
    events_term: TimeDelta,
    people: Correspondence,
    cdn: Option<Cdn>,
}

async fn react(db: PgPool, hands: Hands, beside: Beside, stop: CancellationToken) {
    let Beside { events_term, people, cdn } = beside;
    let more = Notify::new();
    // A program of another setting, beside this one, does not move what it does not have.
    let of_cdn = cdn.is_some().then_some(&PURGE_CDN);
    let reactions: Vec<&'static Registered> = reactions::ALL.iter().chain(of_cdn).collect();
    let keeper = keeper::keep(db.clone(), &reactions, &more);
    let observer = metrics::observe(db.clone());
    let forgetter = gateway::inbox::forget(db.clone(), events_term);
    let doer = doer::act(db.clone(), hands, &more, stop.clone());
    let watching = async {
        tokio::select! {
            () = keeper => {}
            () = observer => {}
            () = forgetter => {}
            () = stop.cancelled() => {}
        }
    };
    let carrying = async {
        if let Some((carrier, post)) = people.carrier.zip(people.known.post) {
            carrier.run(post, stop.clone()).await;
        }
    };
    let purging = async {
        if let Some(cdn) = cdn {
            cdn.run(db.clone(), stop.clone()).await;
        }
    };
    tokio::join!(doer, watching, carrying, purging);
    db.close().await;
}

/// The list and how far it has come are made from the log, together: what a crash takes of them is
/// made again, and what was done is done once, by its keys. For the sandbox's books too: whatever
/// the log says was entered before, and what is entered before is on the disk before.
fn forgetful(db: &PgPool) -> PgPool {
    database::forgetful(db, CONNECTIONS_MAX)
}
