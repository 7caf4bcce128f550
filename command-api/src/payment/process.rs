//! The payment process: follows the log, keeps the list of things to do, and sees them done.
//!
//! Every command-api runs it. Two of them share the list: one keeps it, by compare-and-set on the
//! position, and both do what is due, by leases.

use std::sync::Arc;
use std::time::Duration;

use domain::{Category, Event, StreamId, order, payment};
use event_store::listen::HeadListener;
use event_store::{RawEvent, Recorded, Writer, causes, read};
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::act::Actor;
use super::gateway::Gateway;
use super::parked;
use super::tasks::{self, Change, Changes, Kind, Parked};

/// Things done at once: gateways answer in seconds.
const AT_ONCE_MAX: usize = 64;
/// How long whoever claimed a thing may take; a gateway that takes longer is asked again under the
/// same key.
const LEASE_SECONDS: f64 = 30.0;
/// How often the list is looked at without a reason.
const POLL: Duration = Duration::from_secs(1);
/// The pause in which events gather while there are some: a busy log is read in pages, not one by
/// one.
const GATHER: Duration = Duration::from_millis(10);
/// Positions after which the place in the log is kept even if nothing there matters.
const KEEP_POSITIONS: i64 = 10_000;
/// How often it says what waits.
const OBSERVE: Duration = Duration::from_secs(10);
/// How long after its time a thing is overdue.
const OVERDUE_SECONDS: f64 = 60.0;
/// Overdue things that are counted.
const OVERDUE_MAX: i64 = 10_000;
/// What the process understands.
const CATEGORIES: [Category; 2] = [Category::Order, Category::Payment];
/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);
/// Connections for the list, and for reading what it is about.
const CONNECTIONS_MAX: u32 = 8;

/// Runs until told to stop; what is being done then is finished first.
/// `db` is [`forgetful`].
pub async fn run<G: Gateway>(db: PgPool, writer: Writer, gateway: G, stop: CancellationToken) {
    let more = Arc::new(Notify::new());
    let keeper = keep(db.clone(), more.clone());
    let observer = observe(db.clone());
    let doer = act(Arc::new(Actor { db, writer, gateway }), more, stop.clone());
    tokio::pin!(doer);
    tokio::select! {
        () = &mut doer => return,
        () = keeper => {}
        () = observer => {}
        () = stop.cancelled() => {}
    }
    doer.await;
}

/// Connections whose commits do not wait for the disk. The list and how far it has come are made
/// from the log, together: what a crash takes of them is made again, and what was done is done
/// once, by its keys. For the sandbox's books too: whatever the log says was entered before, and
/// what is entered before is on the disk before.
pub fn forgetful(db: &PgPool) -> PgPool {
    let options = db.connect_options().as_ref().clone().options([("synchronous_commit", "off")]);
    db.options().clone().max_connections(CONNECTIONS_MAX).connect_lazy_with(options)
}

/// Says now and then what waits, for ever.
async fn observe(db: PgPool) {
    loop {
        if let Ok(overdue) = tasks::overdue(&db, OVERDUE_SECONDS, OVERDUE_MAX).await {
            metrics::gauge!("payment_tasks_overdue").set(overdue as f64);
        }
        if let Ok(parked) = parked::count(&db).await {
            metrics::gauge!("payment_events_parked").set(parked as f64);
        }
        tokio::time::sleep(OBSERVE).await;
    }
}

/// Keeps the list from the log, for ever.
async fn keep(db: PgPool, more: Arc<Notify>) {
    let mut failing = false;
    loop {
        if let Err(error) = follow(&db, &more, &mut failing).await {
            if !failing {
                let error = causes(error.as_ref());
                tracing::warn!(error, "the payment process is interrupted and will try again");
            }
            failing = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn follow(
    db: &PgPool,
    more: &Notify,
    failing: &mut bool,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut listener = HeadListener::connect(db).await?;
    let categories = CATEGORIES.map(|category| category.name().to_owned());
    let mut kept = tasks::position(db).await?;
    let mut scanned = kept;
    loop {
        let page = read::of_categories(db, scanned, &categories, read::PAGE_EVENTS_MAX).await?;
        *failing = false;
        let idle = page.scanned_to == scanned;
        scanned = page.scanned_to;
        let (changes, parked) = understand(&page.events);
        let due = !changes.is_empty();
        // Most of the log is not about orders: what need not be kept at once is kept now and then.
        if due || !parked.is_empty() || scanned - kept >= KEEP_POSITIONS {
            if tasks::keep(db, kept, scanned, changes, parked).await? {
                kept = scanned;
            } else {
                // Another process was quicker: go on from where it is.
                kept = tasks::position(db).await?;
                scanned = kept;
            }
            if due {
                more.notify_one();
            }
        }
        if idle {
            listener.changed(POLL).await;
        } else {
            tokio::time::sleep(GATHER).await;
        }
    }
}

/// What a stretch of the log makes of the list.
pub(super) fn understand(events: &[RawEvent]) -> (Changes, Vec<Parked>) {
    let mut changes = Changes::new();
    let mut parked = Vec::new();
    for event in events {
        match event.decode() {
            Ok(recorded) => note(&recorded, &mut changes),
            Err(error) => {
                // Postgres keeps no NUL.
                let reason = causes(&error).replace('\0', "");
                tracing::error!(position = event.position, reason, "an event is parked");
                metrics::counter!("payment_events_parked_total").increment(1);
                parked.push((event.position, reason));
            }
        }
    }
    (changes, parked)
}

/// What one event makes of the list.
fn note(recorded: &Recorded, changes: &mut Changes) {
    let Recorded { stream, event, position, recorded_at, .. } = recorded;
    match (stream, event) {
        (StreamId::Order(id), Event::Order(event)) => match event {
            order::Event::Placed(placed) => {
                let due = Change::Due(placed.reserved_until, *position);
                changes.insert((Kind::ExpireOrder, id.0), due);
            }
            order::Event::Confirmed(_) | order::Event::Cancelled(_) => {
                changes.insert((Kind::ExpireOrder, id.0), Change::Settled);
            }
            order::Event::PaymentStarted(_)
            | order::Event::FulfilmentPlanned(_)
            | order::Event::FulfilmentClosed(_)
            | order::Event::Completed(_) => {}
        },
        (StreamId::Payment(id), Event::Payment(event)) => {
            let (ask, expire) = match event {
                // By the log's clock, not the caller's: Postgres says when something is due.
                payment::Event::Requested(_) => (Some(Change::Due(*recorded_at, *position)), None),
                payment::Event::Authorized(authorized) => {
                    (Some(Change::Settled), Some(Change::Due(authorized.expires_at, *position)))
                }
                payment::Event::Captured(_)
                | payment::Event::Voided(_)
                | payment::Event::Expired(_)
                | payment::Event::Failed(_) => (Some(Change::Settled), Some(Change::Settled)),
                payment::Event::ActionRequired(_)
                | payment::Event::Refunded(_)
                | payment::Event::RequestFailed(_) => (Some(Change::Settled), None),
                payment::Event::Created(_)
                | payment::Event::OutcomeUnknown(_)
                | payment::Event::CollectionDue(_)
                | payment::Event::Collected(_)
                | payment::Event::Remitted(_)
                | payment::Event::Uncollected(_) => (None, None),
            };
            for (kind, change) in [(Kind::AskGateway, ask), (Kind::ExpireAuthorization, expire)] {
                if let Some(change) = change {
                    changes.insert((kind, id.0), change);
                }
            }
        }
        _ => {}
    }
}

/// Sees to it that what is due is done, until told to stop.
async fn act<G: Gateway>(actor: Arc<Actor<G>>, more: Arc<Notify>, stop: CancellationToken) {
    let mut running = JoinSet::new();
    while !stop.is_cancelled() {
        let free = AT_ONCE_MAX.saturating_sub(running.len());
        // The keeper meets the same outage and reports it.
        let claimed = tasks::claim(&actor.db, free as i64, LEASE_SECONDS).await.unwrap_or_default();
        let none = claimed.is_empty();
        for task in claimed {
            let actor = actor.clone();
            running.spawn(async move {
                if let Err(error) = actor.act(task).await {
                    let (error, kind) = (causes(&error), task.kind.name());
                    tracing::warn!(error, kind, subject = %task.subject, "will be tried again");
                }
            });
        }
        let full = running.len() >= AT_ONCE_MAX;
        tokio::select! {
            () = stop.cancelled() => {}
            Some(_) = running.join_next(), if full => {}
            () = more.notified(), if none && !full => {}
            () = tokio::time::sleep(POLL), if none && !full => {}
            () = std::future::ready(()), if !none && !full => {}
        }
        while running.try_join_next().is_some() {}
    }
    while running.join_next().await.is_some() {}
}
