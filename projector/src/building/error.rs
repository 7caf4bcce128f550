//! Why a new build was not made, or not switched to.

use crate::builds::{Maker, WrongVersion};
use crate::search::IndexError;
use crate::search::sender::PushError;
use crate::step::Fenced;
use crate::working::fold::BatchError;

/// Why a rebuild, or a way back, ended without a switch. What a rebuild has written is deleted by
/// the next one.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The rows are not this program's.
    #[error(transparent)]
    Version(#[from] WrongVersion),
    /// There is no going back to what is kept.
    #[error(transparent)]
    NoWayBack(#[from] NoWayBack),
    /// There is another one.
    #[error("a build of it is being made already{}", by(.maker.as_ref()))]
    Busy {
        /// Who is at it, if that is known.
        maker: Option<Maker>,
    },
    /// It took too long somewhere, and somebody cleared it away.
    #[error(transparent)]
    Fenced(#[from] Fenced),
    /// Events could not be folded.
    #[error("the log could not be folded")]
    Batch(#[source] BatchError),
    /// Postgres is away.
    #[error("the database is in trouble")]
    Database(#[from] sqlx::Error),
    /// Meilisearch did not take the documents.
    #[error("the new search index could not be filled")]
    Push(#[from] PushError),
    /// Meilisearch did not swap the indexes.
    #[error("the search indexes could not be swapped")]
    Index(#[from] IndexError),
}

/// Why readers do not go back to a build.
#[derive(Debug, thiserror::Error)]
pub enum NoWayBack {
    /// There is none.
    #[error("no build of {0} is kept: there is nothing to go back to")]
    Nothing(&'static str),
    /// It is of a program before this one, which would go on with it as it never began.
    #[error(
        "the build of {name} that is kept is of version {found} of its code; this program has \
         {known}: go back to that program first, which then goes back to its build"
    )]
    Older {
        /// The projection.
        name: &'static str,
        /// The version of the build.
        found: i32,
        /// The version of this program.
        known: i32,
    },
    /// It is of a later program.
    #[error(
        "the build of {name} that is kept is of version {found} of its code; this program has \
         {known}: only that program can go on with it"
    )]
    Newer {
        /// The projection.
        name: &'static str,
        /// The version of the build.
        found: i32,
        /// The version of this program.
        known: i32,
    },
    /// The log was put back since.
    #[error(
        "the build of {0} that is kept holds what the log has no more, for that was put back or is \
         another one: `projector drop {0}`"
    )]
    Lost(&'static str),
}

fn by(maker: Option<&Maker>) -> String {
    let Some(Maker { build, owner, until }) = maker else { return String::new() };
    let until = until.format("%H:%M:%S UTC");
    format!(": build {build} by {owner}, who has until {until} to give a sign of life")
}

impl From<BatchError> for RebuildError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Fenced(fenced) => Self::Fenced(fenced),
            error => Self::Batch(error),
        }
    }
}

impl RebuildError {
    /// Whether folding may go on after a moment. Whether the lease was lost, or just the answer to
    /// a commit, is seen then.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Fenced(_) | Self::Database(_) | Self::Batch(BatchError::Database(_)))
    }
}
