//! What is done to projections by hand, from the command line or over HTTP: each is kept for
//! whoever asks later who it was, and gives what came of it, which others tell.

use std::time::Duration;

use futures::FutureExt as _;
use indicatif::ProgressBar;
use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::building::error::{NoWayBack, RebuildError};
use crate::building::rebuild::{self, Report};
use crate::building::reset;
use crate::building::rollback::{self, WentBack};
use crate::care::{self, CalledOff};
use crate::projection::Projection;
use crate::search::Meili;
use crate::working::parking;
use crate::working::retry::{self, Retried, RetryError};
use crate::working::skip::{self, SkipError};
use crate::{builds, checkpoint, kept, outcome, projections};

/// For how long who worked on a projection leaves it to others unless that is said, seconds.
pub const RELEASED_FOR: u64 = 30;
/// And at most.
pub const RELEASED_FOR_MAX: u64 = 3_600;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum HandError {
    /// Postgres said no, or is away.
    #[error("the database could not be asked")]
    Database(#[from] sqlx::Error),
    /// A build could not be made, or not be gone back to.
    #[error(transparent)]
    Rebuild(#[from] RebuildError),
    /// Streams could not be taken up.
    #[error(transparent)]
    Retry(#[from] RetryError),
    /// An event could not be left out.
    #[error(transparent)]
    Skip(#[from] SkipError),
    /// The process was told to end before it was done.
    #[error("the process that was at it has ended")]
    Stopped,
}

/// Whoever does something, and to what.
#[derive(Clone, Copy)]
pub struct Hand<'a> {
    /// The database.
    pub db: &'a PgPool,
    /// The projection.
    pub projection: &'static Projection,
    /// Who it is.
    pub by: &'a str,
}

/// What it takes to make a build.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Where the catalogue is searched.
    pub meili: &'a Meili,
    /// Whoever makes it, unlike any other.
    pub owner: &'a str,
    /// Counts positions.
    pub progress: &'a ProgressBar,
    /// Cancelled when the process shall end.
    pub stop: &'a CancellationToken,
}

/// What takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengthy {
    /// A build is made anew.
    Rebuild,
    /// One is made to compare with.
    Verify,
    /// The one before is brought to the end of the log.
    Rollback,
    /// The one before is deleted.
    Drop,
    /// All are.
    Reset,
}

impl Lengthy {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Rebuild, Self::Verify, Self::Rollback, Self::Drop, Self::Reset];

    /// As it is called on the command line, and kept.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Verify => "verify",
            Self::Rollback => "rollback",
            Self::Drop => "drop",
            Self::Reset => "reset",
        }
    }
}

impl<'a> Tools<'a> {
    /// The search server, for the one projection that is also sent there.
    fn meili(&self, projection: &Projection) -> Option<&'a Meili> {
        std::ptr::eq(projection, projections::SEARCH).then_some(self.meili)
    }
}

impl Hand<'_> {
    /// Does something, and keeps who did it and what came of it.
    async fn does<T>(
        &self,
        action: &str,
        detail: Option<&str>,
        work: impl Future<Output = Result<T, HandError>> + Send,
        told: impl FnOnce(&T) -> Value + Send,
    ) -> Result<T, HandError> {
        let id = care::record(self.db, self.projection, action, detail, self.by).await?;
        let done = work.await;
        let outcome = match &done {
            Ok(it) => told(it),
            Err(error) => outcome::failed(&parking::chain(error)),
        };
        if let Err(error) = care::came_of(self.db, id, &outcome).await {
            let (projection, cause) = (self.projection.name, parking::chain(&error));
            tracing::warn!(projection, action, cause, "what came of it is not kept");
        }
        done
    }

    /// Does something that takes its time, until the process ends: then others begin at once.
    async fn takes<T>(
        &self,
        tools: Tools<'_>,
        work: impl Future<Output = Result<T, RebuildError>> + Send,
    ) -> Result<T, HandError> {
        tokio::select! {
            done = work => Ok(done?),
            () = tools.stop.cancelled() => {
                care::let_go(self.db, self.projection, tools.owner).await?;
                Err(HandError::Stopped)
            }
        }
    }
}

/// Whether something that takes its time would be begun now.
pub async fn may(hand: Hand<'_>, action: Lengthy) -> Result<(), HandError> {
    let Hand { db, projection, .. } = hand;
    let active = builds::active(db, projection).await?;
    let kept = async || {
        let kept = kept::find(db, projection).await?;
        Ok::<_, RebuildError>(kept.ok_or(NoWayBack::Nothing(projection.name))?)
    };
    match action {
        Lengthy::Rebuild | Lengthy::Reset => {
            active.refuse_newer(projection).map_err(RebuildError::from)?;
        }
        Lengthy::Verify => active.check(projection).map_err(RebuildError::from)?,
        Lengthy::Rollback => kept().await?.check(projection).map_err(RebuildError::from)?,
        Lengthy::Drop => return Ok(kept().await.map(drop)?),
    }
    match builds::maker(db, projection).await? {
        Some(maker) => Err(RebuildError::Busy { maker: Some(maker) }.into()),
        None => Ok(()),
    }
}

/// Lets nobody work on it until it is resumed. Says whether it was not paused before.
pub async fn pause(hand: Hand<'_>) -> Result<bool, HandError> {
    let work = async { Ok(care::pause(hand.db, hand.projection).await?) };
    hand.does("pause", None, work, |changed| outcome::paused(true, *changed)).await
}

/// Lets those who run it work on it again. Says whether it was paused.
pub async fn resume(hand: Hand<'_>) -> Result<bool, HandError> {
    let work = async { Ok(care::resume(hand.db, hand.projection).await?) };
    hand.does("resume", None, work, |changed| outcome::paused(false, *changed)).await
}

/// Calls off what is being made.
pub async fn cancel(hand: Hand<'_>) -> Result<Option<CalledOff>, HandError> {
    let work = async { Ok(care::cancel(hand.db, hand.projection).await?) };
    hand.does("cancel", None, work, |called_off| outcome::cancelled(*called_off)).await
}

/// Takes it from those who work on it, and leaves it to others for a while. Says from whom.
pub async fn release(hand: Hand<'_>, keep_from: Duration) -> Result<Vec<String>, HandError> {
    let Hand { db, projection, .. } = hand;
    let work = async {
        let build = builds::active(db, projection).await?.build;
        let taken = checkpoint::hand_over(db, projection, build, keep_from).await?;
        Ok(taken.into_iter().filter_map(|taken| taken.from).collect::<Vec<_>>())
    };
    let detail = format!("for {} s", keep_from.as_secs());
    hand.does("release", Some(&detail), work, |holders| outcome::released(holders)).await
}

/// Takes parked streams up again.
pub async fn retry(hand: Hand<'_>, stream: Option<&str>) -> Result<Retried, HandError> {
    let work = async { Ok(retry::retry(hand.db, hand.projection, stream).await?) };
    hand.does("retry", stream, work, outcome::retried).await
}

/// Leaves an event out for good.
pub async fn skip(
    hand: Hand<'_>,
    stream: &str,
    position: i64,
    reason: &str,
) -> Result<Retried, HandError> {
    let Hand { db, projection, .. } = hand;
    let work = async { Ok(skip::skip(db, projection, stream, position, reason).await?) };
    let detail = parking::storable(&format!("{stream} at {position}: {reason}"));
    hand.does("skip", Some(&detail), work, outcome::retried).await
}

/// Builds it anew, and switches readers to that.
pub async fn rebuild(hand: Hand<'_>, tools: Tools<'_>) -> Result<Report, HandError> {
    let Hand { db, projection, .. } = hand;
    let Tools { owner, progress, .. } = tools;
    let work = rebuild::rebuild(db, projection, tools.meili(projection), owner, progress);
    let told = |report: &Report| outcome::rebuilt(projection, report);
    hand.does(Lengthy::Rebuild.name(), None, hand.takes(tools, work), told).await
}

/// Folds the log anew, and compares that with what readers see.
pub async fn verify(hand: Hand<'_>, tools: Tools<'_>) -> Result<Report, HandError> {
    let Hand { db, projection, .. } = hand;
    let work = rebuild::verify(db, projection, tools.owner, tools.progress);
    let told = |report: &Report| outcome::verified(projection, report);
    hand.does(Lengthy::Verify.name(), None, hand.takes(tools, work), told).await
}

/// Switches readers back to the build that they saw before.
pub async fn rollback(hand: Hand<'_>, tools: Tools<'_>) -> Result<WentBack, HandError> {
    let Hand { db, projection, .. } = hand;
    let Tools { owner, progress, .. } = tools;
    let work = rollback::rollback(db, projection, tools.meili(projection), owner, progress);
    hand.does(Lengthy::Rollback.name(), None, hand.takes(tools, work), outcome::went_back).await
}

/// Deletes the build that readers saw before. Says which it was, if one was kept.
pub async fn drop_kept(hand: Hand<'_>, tools: Tools<'_>) -> Result<Option<i16>, HandError> {
    let work = hand.takes(tools, kept::delete(hand.db, hand.projection).boxed());
    hand.does(Lengthy::Drop.name(), None, work, |build| outcome::dropped(*build)).await
}

/// Begins it anew in an empty build, which readers see while it grows. Says which it is.
pub async fn reset(hand: Hand<'_>, tools: Tools<'_>) -> Result<i16, HandError> {
    let Hand { db, projection, .. } = hand;
    let work = reset::reset(db, projection, tools.meili(projection), tools.owner);
    let work = hand.takes(tools, work);
    hand.does(Lengthy::Reset.name(), None, work, |build| outcome::was_reset(*build)).await
}
