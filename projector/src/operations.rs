//! What is done to projections by hand, from the command line or over HTTP: each is kept for
//! whoever asks later who it was, and gives what came of it, which others tell.

use std::time::Duration;

use indicatif::ProgressBar;
use sqlx::PgPool;

use crate::building::error::RebuildError;
use crate::building::rebuild::{self, Report};
use crate::building::reset;
use crate::building::rollback::{self, WentBack};
use crate::care::{self, CalledOff};
use crate::projection::Projection;
use crate::search::Meili;
use crate::working::retry::{self, Retried, RetryError};
use crate::working::skip::{self, SkipError};
use crate::{builds, checkpoint, kept, projections};

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
    /// This process, unlike any other.
    pub owner: &'a str,
    /// Counts positions.
    pub progress: &'a ProgressBar,
}

impl<'a> Tools<'a> {
    /// The search server, for the one projection that is also sent there.
    fn meili(&self, projection: &Projection) -> Option<&'a Meili> {
        std::ptr::eq(projection, projections::SEARCH).then_some(self.meili)
    }
}

impl Hand<'_> {
    async fn keeps(&self, action: &str, detail: Option<&str>) -> sqlx::Result<()> {
        care::record(self.db, self.projection, action, detail, self.by).await
    }
}

/// Lets nobody work on it until it is resumed. Says whether it was not paused before.
pub async fn pause(hand: Hand<'_>) -> Result<bool, HandError> {
    hand.keeps("pause", None).await?;
    Ok(care::pause(hand.db, hand.projection).await?)
}

/// Lets those who run it work on it again. Says whether it was paused.
pub async fn resume(hand: Hand<'_>) -> Result<bool, HandError> {
    hand.keeps("resume", None).await?;
    Ok(care::resume(hand.db, hand.projection).await?)
}

/// Calls off what is being made.
pub async fn cancel(hand: Hand<'_>) -> Result<Option<CalledOff>, HandError> {
    hand.keeps("cancel", None).await?;
    Ok(care::cancel(hand.db, hand.projection).await?)
}

/// Takes it from those who work on it, and leaves it to others for a while. Says from whom.
pub async fn release(hand: Hand<'_>, keep_from: Duration) -> Result<Vec<String>, HandError> {
    let Hand { db, projection, .. } = hand;
    hand.keeps("release", Some(&format!("for {} s", keep_from.as_secs()))).await?;
    let build = builds::active(db, projection).await?.build;
    let taken = checkpoint::hand_over(db, projection, build, keep_from).await?;
    Ok(taken.into_iter().filter_map(|taken| taken.from).collect())
}

/// Takes parked streams up again.
pub async fn retry(hand: Hand<'_>, stream: Option<&str>) -> Result<Retried, HandError> {
    hand.keeps("retry", stream).await?;
    Ok(retry::retry(hand.db, hand.projection, stream).await?)
}

/// Leaves an event out for good.
pub async fn skip(
    hand: Hand<'_>,
    stream: &str,
    position: i64,
    reason: &str,
) -> Result<Retried, HandError> {
    hand.keeps("skip", Some(&format!("{stream} at {position}: {reason}"))).await?;
    Ok(skip::skip(hand.db, hand.projection, stream, position, reason).await?)
}

/// Builds it anew, and switches readers to that.
pub async fn rebuild(hand: Hand<'_>, tools: Tools<'_>) -> Result<Report, HandError> {
    let Hand { db, projection, .. } = hand;
    hand.keeps("rebuild", None).await?;
    let meili = tools.meili(projection);
    Ok(rebuild::rebuild(db, projection, meili, tools.owner, tools.progress).await?)
}

/// Switches readers back to the build that they saw before.
pub async fn rollback(hand: Hand<'_>, tools: Tools<'_>) -> Result<WentBack, HandError> {
    let Hand { db, projection, .. } = hand;
    hand.keeps("rollback", None).await?;
    let meili = tools.meili(projection);
    Ok(rollback::rollback(db, projection, meili, tools.owner, tools.progress).await?)
}

/// Deletes the build that readers saw before. Says which it was, if one was kept.
pub async fn drop_kept(hand: Hand<'_>) -> Result<Option<i16>, HandError> {
    hand.keeps("drop", None).await?;
    Ok(kept::delete(hand.db, hand.projection).await?)
}

/// Begins it anew in an empty build, which readers see while it grows. Says which it is.
pub async fn reset(hand: Hand<'_>, tools: Tools<'_>) -> Result<i16, HandError> {
    let Hand { db, projection, .. } = hand;
    hand.keeps("reset", None).await?;
    Ok(reset::reset(db, projection, tools.meili(projection), tools.owner).await?)
}
