//! What the command line has people do to projections by hand, and what is said of it then.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use sqlx::PgPool;

use crate::operations::{self, Hand, HandError, Tools};
use crate::projection::Projection;
use crate::search::Meili;
use crate::{projections, said};

/// Something that is done by hand.
#[derive(Subcommand)]
pub enum ByHand {
    /// Build a projection anew beside the one that is read, and switch readers to it. The one that
    /// they saw before is kept
    Rebuild {
        /// Which one
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
    },
    /// Switch readers back to the build that they saw before, brought to the end of the log. What
    /// they see now is kept in its stead
    Rollback {
        /// Of which projection
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
    },
    /// Delete the build that readers saw before
    Drop {
        /// Of which projection
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
    },
    /// Delete all that a projection has made, what is parked and skipped too, and begin at the
    /// start of the log: readers see what there is of it by then
    Reset {
        /// Which one
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
        /// That it is meant; else it says what it would do, and exits with 1
        #[arg(long)]
        yes: bool,
    },
    /// Take up parked streams again, in the order of their events
    Retry {
        /// Of which projection
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
        /// Only this stream, and those that wait for it
        #[arg(long)]
        stream: Option<String>,
    },
    /// Leave an event out for good that keeps its stream parked, or stops the projection
    Skip {
        /// Of which projection
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
        /// The event's stream
        #[arg(long)]
        stream: String,
        /// The event's position
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        position: i64,
        /// Why, for whoever asks later
        #[arg(long)]
        reason: String,
    },
    /// Let nobody work on a projection until it is resumed; it is read as it stands
    Pause {
        /// Which one
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
    },
    /// Let those who run a projection work on it again
    Resume {
        /// Which one
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
    },
    /// Call off a rebuild, a verification or a way back that is under way, whoever began it. What a
    /// newer program begins by itself is begun again: stop that program
    Cancel {
        /// Of which projection
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
    },
    /// Take a projection from those who work on it, so that others take it over
    Release {
        /// Which one
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
        /// For how long they may not take the same slots again, seconds
        #[arg(long = "for", default_value_t = 30,
              value_parser = clap::value_parser!(u64).range(1..=3600))]
        seconds: u64,
    },
}

/// What it is done with.
#[derive(Clone, Copy)]
pub struct With<'a> {
    /// The database.
    pub db: &'a PgPool,
    /// Where the catalogue is searched.
    pub meili: &'a Meili,
    /// Who it is.
    pub by: &'a str,
    /// This process, unlike any other.
    pub owner: &'a str,
}

impl ByHand {
    /// Does it, says what came of it, and what to exit with.
    pub async fn run(self, with: With<'_>) -> Result<ExitCode, HandError> {
        let With { db, meili, by, owner } = with;
        let hand = |projection| Hand { db, projection, by };
        Ok(match self {
            Self::Rebuild { projection } => {
                let tools = Tools { meili, owner, progress: &said::bar(projection) };
                said::rebuilt(projection, &operations::rebuild(hand(projection), tools).await?)
            }
            Self::Rollback { projection } => {
                let tools = Tools { meili, owner, progress: &said::bar(projection) };
                said::went_back(projection, &operations::rollback(hand(projection), tools).await?)
            }
            Self::Drop { projection } => {
                said::dropped(projection, operations::drop_kept(hand(projection)).await?)
            }
            Self::Reset { projection, yes: false } => said::would_reset(projection),
            Self::Reset { projection, yes: true } => {
                let tools = Tools { meili, owner, progress: &said::bar(projection) };
                said::was_reset(projection, operations::reset(hand(projection), tools).await?)
            }
            Self::Retry { projection, stream } => {
                let stream = stream.as_deref();
                let retried = operations::retry(hand(projection), stream).await?;
                said::retried(projection, stream, &retried)
            }
            Self::Skip { projection, stream, position, reason } => {
                let hand = hand(projection);
                let retried = operations::skip(hand, &stream, position, &reason).await?;
                said::skipped(&stream, position, &retried)
            }
            Self::Pause { projection } => {
                said::paused(projection, operations::pause(hand(projection)).await?)
            }
            Self::Resume { projection } => {
                said::resumed(projection, operations::resume(hand(projection)).await?)
            }
            Self::Cancel { projection } => {
                said::cancelled(projection, operations::cancel(hand(projection)).await?)
            }
            Self::Release { projection, seconds } => {
                let keep_from = Duration::from_secs(seconds);
                let holders = operations::release(hand(projection), keep_from).await?;
                said::released(projection, &holders, keep_from)
            }
        })
    }
}

/// A projection by its name.
pub fn parse_projection(name: &str) -> Result<&'static Projection, String> {
    projections::find(name).ok_or_else(|| {
        let known: Vec<&str> = projections::ALL.iter().map(|known| known.name).collect();
        format!("there is {}", known.join(", "))
    })
}
