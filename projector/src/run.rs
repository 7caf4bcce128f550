//! The running projector: a worker for each range of slots of each projection asked for, and the
//! pusher of the search documents.

use std::sync::Arc;
use std::time::Duration;

use event_store::reached::Teller;
use indicatif::ProgressBar;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::builds::{self, WrongVersion};
use crate::projection::Projection;
use crate::rebuild::{RebuildError, rebuild};
use crate::runner::{self, Context};
use crate::search::Meili;
use crate::search::pusher::{self, Trouble};
use crate::{news, parking, projections, status};

/// Rebuilds that a process does by itself at a time: each takes all that a database has to give.
const REBUILDS_MAX: usize = 1;
/// How long to wait before looking again whether a projection can be worked on.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Works on projections until the process ends. An error means that a build is newer than this
/// program: then all workers have stopped.
pub async fn run(
    context: Context,
    wanted: Vec<&'static Projection>,
    meili: Meili,
    trouble: Trouble,
) -> Result<(), WrongVersion> {
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
        workers
            .spawn(async move { project(context, projection, meili, trouble, &rebuilding).await });
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
    if !bring_up_to_date(&context, projection, index, rebuilding).await {
        return Ok(());
    }
    let mut workers = JoinSet::new();
    for slot_from in ranges(&context, projection).await {
        let (held, holds) = watch::channel(None);
        if let Some((client, stream_name)) = &context.bus {
            let teller = Teller::new(client.clone(), stream_name, projection.name);
            // Nobody waits for NATS to be told of the end.
            let telling = news::tell(teller, holds.clone());
            tokio::spawn(context.stop.clone().run_until_cancelled_owned(telling));
        }
        workers.spawn(runner::run(context.clone(), projection, slot_from, held));
        if is_search {
            let (index, trouble) = (meili.live(), trouble.clone());
            let (db, stop) = (context.db.clone(), context.stop.clone());
            workers.spawn(async move {
                pusher::run(db, index, holds, trouble, stop).await;
                Ok(())
            });
        }
    }
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

async fn ranges(context: &Context, projection: &'static Projection) -> Vec<i16> {
    while !context.stop.is_cancelled() {
        let ranges = async {
            let build = builds::active(&context.db, projection).await?.build;
            builds::ranges(&context.db, projection, build).await
        };
        match ranges.await {
            Ok(ranges) => return ranges,
            Err(error) => look_again(context, projection, &error).await,
        }
    }
    vec![]
}

/// Rebuilds an outdated projection, or waits until somebody else has. False when the process ends
/// meanwhile.
async fn bring_up_to_date(
    context: &Context,
    projection: &'static Projection,
    meili: Option<&Meili>,
    rebuilding: &Semaphore,
) -> bool {
    while !context.stop.is_cancelled() {
        match builds::active(&context.db, projection).await {
            Ok(active) if active.version >= projection.version => return true,
            Ok(_) => tokio::select! {
                () = rebuild_in_turn(context, projection, meili, rebuilding) => {}
                () = context.stop.cancelled() => return false,
            },
            Err(error) => look_again(context, projection, &error).await,
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
) {
    // Never closed.
    let _turn = rebuilding.acquire().await;
    let (name, to) = (projection.name, projection.version);
    tracing::info!(projection = name, to, "rebuilding for a new version");
    let progress = ProgressBar::hidden();
    let owner = format!("{}/rebuild", context.owner);
    match rebuild(&context.db, projection, meili, &owner, &progress).await {
        Ok(_) => {}
        Err(RebuildError::Busy) => {
            let _ = tokio::time::timeout(LOOK_AGAIN, context.stop.cancelled()).await;
        }
        Err(error) => look_again(context, projection, &error).await,
    }
}

async fn look_again(
    context: &Context,
    projection: &Projection,
    error: &(dyn std::error::Error + Send + Sync + 'static),
) {
    tracing::warn!(projection = projection.name, cause = parking::chain(error), "trying again");
    let _ = tokio::time::timeout(LOOK_AGAIN, context.stop.cancelled()).await;
}
