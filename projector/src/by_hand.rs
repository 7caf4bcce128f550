//! What the command line has people do to projections by hand, and what is said of it then.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;
use service::say;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::building::error::RebuildError;
use crate::operations::{self, Hand, HandError, RELEASED_FOR, RELEASED_FOR_MAX, Tools};
use crate::projection::Projection;
use crate::search::Meili;
use crate::{outcome, printout, projections, said};

/// What `verify` exits with when it found no difference, but streams are parked, of which it says
/// nothing.
const EXIT_PARKED: u8 = 3;
/// And when something could not be verified, because it is being rebuilt or verified already.
const EXIT_BUSY: u8 = 4;

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
        #[arg(long = "for", default_value_t = RELEASED_FOR,
              value_parser = clap::value_parser!(u64).range(1..=RELEASED_FOR_MAX))]
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
        // A signal ends all of it at once, as what breaks does.
        let stop = CancellationToken::new();
        let tools = |progress| Tools { meili, owner, progress, stop: &stop };
        Ok(match self {
            Self::Rebuild { projection } => {
                let bar = said::bar(projection);
                let tools = tools(&bar);
                said::rebuilt(projection, &operations::rebuild(hand(projection), tools).await?)
            }
            Self::Rollback { projection } => {
                let bar = said::bar(projection);
                let tools = tools(&bar);
                said::went_back(projection, &operations::rollback(hand(projection), tools).await?)
            }
            Self::Drop { projection } => {
                let bar = said::bar(projection);
                let tools = tools(&bar);
                said::dropped(projection, operations::drop_kept(hand(projection), tools).await?)
            }
            Self::Reset { projection, yes: false } => said::would_reset(projection),
            Self::Reset { projection, yes: true } => {
                let bar = said::bar(projection);
                let tools = tools(&bar);
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

/// Folds the log anew, compares with what readers see, and says so, one projection after the other.
pub async fn verify_all(
    with: With<'_>,
    wanted: Vec<&'static Projection>,
    json: bool,
) -> Result<ExitCode, HandError> {
    let With { db, meili, by, owner } = with;
    let stop = CancellationToken::new();
    let (mut same, mut parked, mut busy, mut found) = (true, false, vec![], vec![]);
    for projection in wanted {
        let hand = Hand { db, projection, by };
        let tools = Tools { meili, owner, progress: &said::bar(projection), stop: &stop };
        let report = match operations::verify(hand, tools).await {
            Ok(report) => report,
            Err(HandError::Rebuild(error @ RebuildError::Busy { .. })) => {
                busy.push(format!("{}: not verified: {error}", projection.name));
                found.push(printout::unverified_as_json(projection, &error));
                continue;
            }
            Err(error) => return Err(error),
        };
        same &= report.differences.is_empty() && report.compared_at.is_some();
        parked |= report.parked > 0 || report.parked_before > 0;
        if json {
            found.push(outcome::verified(projection, &report));
            continue;
        }
        for difference in &report.differences {
            say(format!("{} {} {}", difference.table, difference.id, difference.kind));
        }
        say(printout::summary(projection, &report));
    }
    if json {
        say(format!("{:#}", Value::from(found)));
    } else {
        for line in &busy {
            say(line);
        }
    }
    Ok(match (same, busy.is_empty(), parked) {
        (false, ..) => ExitCode::FAILURE,
        (true, false, _) => ExitCode::from(EXIT_BUSY),
        (true, true, true) => ExitCode::from(EXIT_PARKED),
        (true, true, false) => ExitCode::SUCCESS,
    })
}

/// A projection by its name.
pub fn parse_projection(name: &str) -> Result<&'static Projection, String> {
    projections::find(name).ok_or_else(projections::known)
}
