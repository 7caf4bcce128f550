//! The running projector: a worker for each projection asked for, and the pusher of the search
//! documents.

use std::sync::Arc;
use std::time::Duration;

use event_store::reached::Teller;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use indicatif::ProgressBar;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::building::error::RebuildError;
use crate::building::rebuild::rebuild;
use crate::builds::{self, WrongVersion};
use crate::projection::Projection;
use crate::search::pusher::{self, Trouble};
use crate::search::{Meili, leftovers};
use crate::working::outage::{self, Outage};
use crate::working::rest::Rest;
use crate::working::worker::{self, Context, Readers};
use crate::working::{announce, parking};
use crate::{projections, status};

/// Rebuilds that a process does by itself at a time: each takes all that a database has to give.
const REBUILDS_MAX: usize = 1;
/// How long to wait before looking again whether a projection can be worked on, at first and at
/// most: a rebuild that fails has read much of the log.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
const LOOK_AGAIN_MAX: Duration = Duration::from_mins(2);

/// Works on projections until the process ends. An error means that a build is newer than this
/// program: then all workers have stopped.
pub fn run(
    context: Context,
    wanted: Vec<&'static Projection>,
    meili: Meili,
    trouble: Trouble,
) -> BoxFuture<'static, Result<(), WrongVersion>> {
    // Boxed, so that its code is made here once and not in each program anew.
    async move {
        let mut workers = JoinSet::new();
        let measured = status::measure(context.db.clone(), wanted.clone(), context.stop.clone());
        workers.spawn(async move {
            measured.await;
            Ok(())
        });
        let rebuilding = Arc::new(Semaphore::new(REBUILDS_MAX));
        for projection in wanted {
            let (context, meili, trouble) = (context.clone(), meili.clone(), trouble.clone());
            let rebuilding = Arc::clone(&rebuilding);
            workers.spawn(async move {
                project(context, projection, meili, trouble, &rebuilding).await
            });
        }
        let (mut result, mut broke) = (Ok(()), None);
        while let Some(ended) = workers.join_next().await {
            let ended = ended.unwrap_or_else(|error| {
                tracing::error!(%error, "a worker broke; the process ends");
                broke = error.try_into_panic().ok();
                Ok(())
            });
            // One that ends before it was told to takes the others with it.
            context.stop.cancel();
            result = result.and(ended);
        }
        // Not a success: a supervisor shall start the process again.
        if let Some(panic) = broke {
            std::panic::resume_unwind(panic);
        }
        result
    }
    .boxed()
}

/// Works on one projection, after rebuilding it if this program folds it differently from the one
/// that built it. Readers have the old build until then.
async fn project(
    context: Context,
    projection: &'static Projection,
    meili: Meili,
    trouble: Trouble,
    rebuilding: &Semaphore,
) -> Result<(), WrongVersion> {
    let is_search = std::ptr::eq(projection, projections::SEARCH);
    let index = is_search.then_some(&meili);
    let mut outage = Outage::new(projection.name, LOOK_AGAIN, LOOK_AGAIN_MAX);
    if !bring_up_to_date(&context, projection, index, rebuilding, &mut outage).await {
        return Ok(());
    }
    let mut workers = JoinSet::new();
    if is_search {
        let (db, meili) = (context.db.clone(), meili.clone());
        workers.spawn(async move {
            if let Err(error) = leftovers::drop_leftovers(&db, &meili).await {
                let cause = parking::chain(&error);
                tracing::warn!(cause, "search indexes that were left behind stay until a restart");
            }
            Ok(())
        });
    }
    let rest = Rest::default();
    if let Some((client, stream_name)) = context.bus.clone() {
        let listening = rest.clone().listen(client, stream_name, projection.name);
        tokio::spawn(context.stop.clone().run_until_cancelled_owned(listening));
    }
    let (holding, held) = watch::channel(None);
    if let Some((client, stream_name)) = &context.bus {
        let teller = Teller::new(client.clone(), stream_name, projection.name);
        // Nobody waits for NATS to be told of the end.
        let telling = announce::announce(teller, held.clone());
        tokio::spawn(context.stop.clone().run_until_cancelled_owned(telling));
    }
    if is_search {
        let (index, trouble) = (meili.live(), trouble.clone());
        let (db, stop) = (context.db.clone(), context.stop.clone());
        workers.spawn(async move {
            pusher::run(db, index, held, trouble, stop).await;
            Ok(())
        });
    }
    workers.spawn(worker::run(context, projection, Readers { holding, rest }));
    let mut result = Ok(());
    while let Some(ended) = workers.join_next().await {
        // A worker that broke breaks the process: a supervisor starts it again, and nobody reads a
        // projection that stands still without saying so.
        let ended = ended.unwrap_or_else(|error| match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Ok(()),
        });
        result = result.and(ended);
    }
    result
}

/// Rebuilds an outdated projection, or waits until somebody else has. False when the process ends
/// meanwhile.
async fn bring_up_to_date(
    context: &Context,
    projection: &'static Projection,
    meili: Option<&Meili>,
    rebuilding: &Semaphore,
    outage: &mut Outage,
) -> bool {
    while !context.stop.is_cancelled() {
        match builds::active(&context.db, projection).await {
            Ok(active) if active.version >= projection.version => {
                outage.over();
                return true;
            }
            Ok(_) => tokio::select! {
                () = rebuild_in_turn(context, projection, meili, rebuilding, outage) => {}
                () = context.stop.cancelled() => return false,
            },
            Err(error) => {
                let cause = outage::cause(&context.db, &error).await;
                outage.wait(&cause, &context.stop).await;
            }
        }
    }
    false
}

/// Rebuilds a projection once those are done that this process began before.
async fn rebuild_in_turn(
    context: &Context,
    projection: &'static Projection,
    meili: Option<&Meili>,
    rebuilding: &Semaphore,
    outage: &mut Outage,
) {
    // Never closed.
    let place = rebuilding.acquire().await;
    let (name, to) = (projection.name, projection.version);
    tracing::info!(projection = name, to, "rebuilding for a new version");
    let progress = ProgressBar::hidden();
    let owner = format!("{}/rebuild", context.owner);
    let rebuilt = rebuild(&context.db, projection, meili, &owner, &progress).await;
    // Whoever waits for a cause to pass does not keep others waiting.
    drop(place);
    match rebuilt {
        Ok(_) => outage.over(),
        Err(busy @ RebuildError::Busy { .. }) => {
            tracing::info!(projection = name, "{busy}");
            let _ = tokio::time::timeout(LOOK_AGAIN, context.stop.cancelled()).await;
        }
        Err(error) => {
            metrics::counter!("projection_rebuild_failures_total", "projection" => name)
                .increment(1);
            let cause = outage::cause(&context.db, &error).await;
            outage.wait(&cause, &context.stop).await;
        }
    }
}
