//! Streams as they stand in the log, read for the documents of answers.

use domain::{Seen, StreamId};
use event_store::{Recorded, Unreadable, read};
use sqlx::PgPool;

/// The most events that are folded for one answer. What has more is answered as if nobody had asked
/// for the document: it is for the callers of carts and orders, not for a year of a SKU's stock.
pub const EVENTS_MAX: usize = 1_000;

/// Why the events of a document could not be had.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// The log is away.
    #[error("the log could not be asked")]
    Database(#[from] sqlx::Error),
    /// One of them is of another program.
    #[error(transparent)]
    Event(#[from] Unreadable),
}

/// The events of some streams up to a position; `None` if they are more than [`EVENTS_MAX`].
pub(crate) async fn of_streams(
    db: &PgPool,
    streams: &[StreamId],
    until: i64,
) -> Result<Option<Vec<Recorded>>, NotRead> {
    if streams.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let names: Vec<String> = streams.iter().map(ToString::to_string).collect();
    let from_the_first = vec![0; names.len()];
    let page = read::of_streams(db, &names, &from_the_first, EVENTS_MAX as i64 + 1).await?;
    if page.cut || page.events.len() > EVENTS_MAX {
        return Ok(None);
    }
    let until = page.events.iter().filter(|raw| raw.position <= until);
    Ok(Some(until.map(event_store::RawEvent::decode).collect::<Result<_, _>>()?))
}

pub(crate) fn seen(recorded: &Recorded) -> Seen<'_> {
    Seen {
        stream: &recorded.stream,
        version: recorded.version,
        position: recorded.position,
        occurred_at: recorded.occurred_at,
        event: &recorded.event,
    }
}
