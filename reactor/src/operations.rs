//! What is done by hand: see which events wait, and take them up again at once. Each says what it
//! found and what it did, on standard output.

use std::io::{self, Write};

use sqlx::PgPool;

use crate::waiting::{self, RetryOutcome};

/// Which events are to be taken up again.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Which {
    /// Where in the log the event stands
    #[arg(long, required_unless_present = "all", conflicts_with = "all")]
    position: Option<i64>,
    /// All of them
    #[arg(long)]
    all: bool,
}

/// Events listed at once.
const LISTED_MAX: i64 = 10_000;

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Postgres said no, or is away.
    #[error("the database could not be asked")]
    Database(#[from] sqlx::Error),
    /// Nobody reads what is said.
    #[error("the output could not be written")]
    Output(#[from] io::Error),
}

/// Lists the events that no program could read yet.
pub async fn parked(db: &PgPool) -> Result<(), Error> {
    let mut out = io::stdout();
    for event in waiting::list(db, LISTED_MAX).await? {
        writeln!(out, "{}\t{}\t{}", event.position, event.parked_at.to_rfc3339(), event.reason)?;
    }
    writeln!(out, "{} parked", waiting::count(db).await?)?;
    Ok(())
}

/// Takes up again what could not be read: one event, or all. Says whether none of them is parked
/// any more.
pub async fn retry(db: &PgPool, which: Which) -> Result<bool, Error> {
    let mut out = io::stdout();
    let positions = match which.position {
        Some(position) => vec![position],
        None => waiting::list(db, LISTED_MAX).await?.iter().map(|event| event.position).collect(),
    };
    let mut done = true;
    for position in positions {
        match waiting::retry(db, position).await? {
            RetryOutcome::Done => writeln!(out, "{position}: done")?,
            RetryOutcome::NotWaiting => writeln!(out, "{position}: is not parked")?,
            RetryOutcome::StillWaits(reason) => {
                done = false;
                writeln!(out, "{position}: still parked: {reason}")?;
            }
        }
    }
    Ok(done)
}
