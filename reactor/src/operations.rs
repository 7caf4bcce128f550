//! What is done by hand: see which events wait, take them up again at once, and leave out one that
//! will never be read. Each says what it found and what it did, on standard output.

use serde_json::{Value, json};
use service::say;
use sqlx::PgPool;

use crate::waiting::{self, RetryOutcome, WaitingEvent};

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

/// Which event is to be left out, and why.
#[derive(Clone, Debug, clap::Args)]
pub struct LeftOut {
    /// Where in the log the event stands
    #[arg(long)]
    position: i64,
    /// Why: it stands in this program's log
    #[arg(long)]
    reason: String,
}

/// How what waits is printed.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Printing {
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Events listed at once.
const LISTED_MAX: i64 = 10_000;

/// The database could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the database could not be asked")]
pub struct Error(#[from] sqlx::Error);

/// Lists the events that no program could read yet, and says how many there are.
pub async fn parked(db: &PgPool, printing: Printing) -> Result<(), Error> {
    let listed = waiting::list(db, LISTED_MAX).await?;
    let count = waiting::count(db).await?;
    if printing.json {
        say(format!("{:#}", as_json(&listed, count)));
        return Ok(());
    }
    for event in listed {
        let WaitingEvent { position, stream, reactions, reason, parked_at } = event;
        let (parked_at, reactions) = (parked_at.to_rfc3339(), reactions.join(","));
        say(format!("{position}\t{stream}\t{reactions}\t{parked_at}\t{reason}"));
    }
    say(format!("{count} parked"));
    Ok(())
}

fn as_json(listed: &[WaitingEvent], count: i64) -> Value {
    let events = listed.iter().map(|event| {
        let WaitingEvent { position, stream, reactions, reason, parked_at } = event;
        json!({
            "position": position,
            "stream": stream,
            "reactions": reactions,
            "parked_at": parked_at,
            "reason": reason,
        })
    });
    json!({ "parked": count, "events": events.collect::<Vec<_>>() })
}

/// Takes up again what could not be read: one event, which must be parked, or all. Says whether
/// none of them is parked any more.
pub async fn retry(db: &PgPool, which: Which) -> Result<bool, Error> {
    let positions = match which.position {
        Some(position) => vec![position],
        None => waiting::list(db, LISTED_MAX).await?.iter().map(|event| event.position).collect(),
    };
    let mut done = true;
    for position in positions {
        let outcome = waiting::retry(db, position).await?;
        tell(position, &outcome);
        // Of all of them, one may have been taken up meanwhile.
        let is_gone = outcome == RetryOutcome::NotWaiting && which.all;
        done &= outcome == RetryOutcome::Done || is_gone;
    }
    Ok(done)
}

/// Leaves out an event that is parked and will never be read, and takes up what came after it in
/// its stream. Says whether it did so and the stream waits no more.
pub async fn skip(db: &PgPool, which: LeftOut) -> Result<bool, Error> {
    let LeftOut { position, reason } = which;
    let outcome = waiting::skip(db, position).await?;
    if outcome != RetryOutcome::NotWaiting {
        tracing::warn!(position, reason, "an event is left out by the reactor");
    }
    tell(position, &outcome);
    Ok(outcome == RetryOutcome::Done)
}

/// Says what came of an event.
fn tell(position: i64, outcome: &RetryOutcome) {
    say(match outcome {
        RetryOutcome::Done => format!("{position}: done"),
        RetryOutcome::NotWaiting => format!("{position}: is not parked"),
        RetryOutcome::StillWaits(reason) => format!("{position}: still parked: {reason}"),
    });
}
