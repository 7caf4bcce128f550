//! What is done to projections by hand: each says what it found and what it did, on standard
//! output, and is kept for whoever asks later who it was.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use service::say;
use sqlx::PgPool;

use crate::building::error::RebuildError;
use crate::building::rebuild::{self, Filled, verify};
use crate::projection::Projection;
use crate::search::Meili;
use crate::working::retry::{self, Retried, RetryError};
use crate::working::skip::{self, SkipError};
use crate::{builds, care, checkpoint, printout};

/// What `verify` exits with when it found no difference, but streams are parked, of which it says
/// nothing.
const EXIT_PARKED: u8 = 3;
/// And when something could not be verified, because it is being rebuilt or verified already.
const EXIT_BUSY: u8 = 4;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum HandError {
    /// Postgres said no, or is away.
    #[error("the database could not be asked")]
    Database(#[from] sqlx::Error),
    /// A build could not be made.
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

impl Hand<'_> {
    async fn keeps(&self, action: &str, detail: Option<&str>) -> sqlx::Result<()> {
        care::record(self.db, self.projection, action, detail, self.by).await
    }
}

/// Lets nobody work on it until it is resumed.
pub async fn pause(hand: Hand<'_>) -> Result<ExitCode, HandError> {
    hand.keeps("pause", None).await?;
    let done = care::pause(hand.db, hand.projection).await?;
    let state = if done { "paused" } else { "paused already" };
    say(format!("{}: {state}; `projector resume` lets it go on", hand.projection.name));
    Ok(ExitCode::SUCCESS)
}

/// Lets those who run it work on it again.
pub async fn resume(hand: Hand<'_>) -> Result<ExitCode, HandError> {
    hand.keeps("resume", None).await?;
    let done = care::resume(hand.db, hand.projection).await?;
    let state = if done { "goes on" } else { "was not paused" };
    say(format!("{}: {state}", hand.projection.name));
    Ok(ExitCode::SUCCESS)
}

/// Calls off the rebuild or verification that is under way.
pub async fn cancel(hand: Hand<'_>) -> Result<ExitCode, HandError> {
    hand.keeps("cancel", None).await?;
    let name = hand.projection.name;
    let Some(build) = care::cancel(hand.db, hand.projection).await? else {
        say(format!("{name}: nothing is being made"));
        return Ok(ExitCode::FAILURE);
    };
    say(format!("{name}: build {build} is called off and deleted"));
    Ok(ExitCode::SUCCESS)
}

/// Takes it from those who work on it, and leaves it to others for a while.
pub async fn release(hand: Hand<'_>, keep_from: Duration) -> Result<ExitCode, HandError> {
    let Hand { db, projection, .. } = hand;
    let (name, seconds) = (projection.name, keep_from.as_secs());
    hand.keeps("release", Some(&format!("for {seconds} s"))).await?;
    let build = builds::active(db, projection).await?.build;
    let taken = checkpoint::hand_over(db, projection, build, keep_from).await?;
    let mut holders = taken.into_iter().filter_map(|taken| taken.from).peekable();
    if holders.peek().is_none() {
        say(format!("nobody works on {name}"));
        return Ok(ExitCode::FAILURE);
    }
    for holder in holders {
        say(format!("{name}: released by {holder}, which leaves it to others for {seconds} s"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Takes parked streams up again.
pub async fn retry(hand: Hand<'_>, stream: Option<&str>) -> Result<ExitCode, HandError> {
    let Hand { db, projection, .. } = hand;
    hand.keeps("retry", stream).await?;
    let retried = retry::retry(db, projection, stream).await?;
    if retried.released.is_empty() && retried.stuck.is_empty() {
        if let Some(stream) = stream {
            say(format!("{stream} is not parked in {}", projection.name));
            return Ok(ExitCode::FAILURE);
        }
        say("nothing is parked");
    }
    Ok(report_retried(&retried))
}

/// Leaves an event out for good.
pub async fn skip(
    hand: Hand<'_>,
    stream: &str,
    position: i64,
    reason: &str,
) -> Result<ExitCode, HandError> {
    hand.keeps("skip", Some(&format!("{stream} at {position}: {reason}"))).await?;
    let retried = skip::skip(hand.db, hand.projection, stream, position, reason).await?;
    say(format!("skipped the event of {stream} at {position}"));
    Ok(report_retried(&retried))
}

fn report_retried(retried: &Retried) -> ExitCode {
    for stream in &retried.released {
        say(format!("released {stream}"));
    }
    for (stream, reason) in &retried.stuck {
        say(format!("still parked: {stream}: {reason}"));
    }
    if retried.stuck.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Builds it anew, and switches readers to that.
pub async fn rebuild(
    hand: Hand<'_>,
    meili: Option<&Meili>,
    owner: &str,
) -> Result<ExitCode, HandError> {
    let Hand { db, projection, .. } = hand;
    hand.keeps("rebuild", None).await?;
    let report = rebuild::rebuild(db, projection, meili, owner, &bar(projection)).await?;
    say(printout::summary(projection, &report));
    if let Some(Filled { documents, took }) = report.filled {
        let (name, seconds) = (projection.name, took.as_secs_f64());
        say(format!("{name}: {documents} documents in a new index after {seconds:.3} s"));
    }
    say(format!("{}: readers see build {} now", projection.name, report.to));
    Ok(ExitCode::SUCCESS)
}

/// Folds the log anew and compares with what readers see.
pub async fn verify_all(
    db: &PgPool,
    wanted: Vec<&'static Projection>,
    owner: &str,
    json: bool,
) -> Result<ExitCode, HandError> {
    let (mut same, mut parked, mut busy, mut found) = (true, false, vec![], vec![]);
    for projection in wanted {
        let report = match verify(db, projection, owner, &bar(projection)).await {
            Ok(report) => report,
            Err(error @ RebuildError::Busy { .. }) => {
                busy.push(format!("{}: not verified: {error}", projection.name));
                found.push(printout::unverified_as_json(projection, &error));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        same &= report.differences.is_empty() && report.compared_at.is_some();
        parked |= report.parked > 0 || report.parked_before > 0;
        if json {
            found.push(printout::verified_as_json(projection, &report));
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

fn bar(projection: &Projection) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:>10} {wide_bar} {human_pos}/{human_len} events, {per_sec}, {eta} left",
    );
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_prefix(projection.name)
}
