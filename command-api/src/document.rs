//! The document of the thing that a command was for, as query-api shows it: which streams make it,
//! and the document itself, folded from the log by the domain's own folds up to the command. No
//! read model is asked; it may not have come so far.

use domain::page::order;
use domain::{
    Category, Event, Seen, StreamId, cart, fulfilment, location, payment, product, return_, stock,
};
use event_store::{Recorded, Unreadable, read, versions};
use serde::Serialize;
use sqlx::PgPool;

use crate::command::Accepted;
use crate::today;

/// The most events that are folded for one answer. What has more is answered as if nobody had asked
/// for the document: it is for the callers of carts and orders, not for a year of a SKU's stock.
pub const EVENTS_MAX: usize = 1_000;

/// A document as an answer has it, with its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representation {
    /// The JSON, as query-api has it.
    pub json: String,
    /// What query-api tags it with where it folds it too, quotes included.
    pub tag: String,
}

/// A stream that an event names, of which a document holds the events too.
type Part = fn(&Event) -> Option<StreamId>;

/// How the streams are found that make a document beside its own; `None` where it has its own
/// alone.
pub fn part_of(category: Category) -> Option<Part> {
    match category {
        Category::Order => Some(order::part),
        _ => None,
    }
}

/// The streams that make the document of `target` beside its own, each at the version it had at a
/// position. Those that came later show in its own stream, which names them.
///
/// # Errors
/// Where the log cannot be asked.
pub async fn parts_at(
    db: &PgPool,
    target: &StreamId,
    position: i64,
) -> sqlx::Result<Vec<(StreamId, i64)>> {
    let Some(part) = part_of(target.category()) else { return Ok(Vec::new()) };
    let own = read::of_stream(db, &target.to_string(), 0, read::PAGE_EVENTS_MAX).await?.events;
    // What cannot be read, the command that needs it is told by the writer.
    let own = own.iter().filter(|raw| raw.position <= position).filter_map(|raw| raw.decode().ok());
    let parts: Vec<StreamId> = own.filter_map(|recorded| part(&recorded.event)).collect();
    let names: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let versions = versions::at(db, &names, position).await?;
    Ok(parts.into_iter().zip(versions).collect())
}

/// The document after an accepted command, as its events left it; `None` where there is none to
/// show, where it is made of too many events, or where it cannot be read now: the command is done
/// whatever comes of this.
pub async fn after(db: &PgPool, category: Category, accepted: &Accepted) -> Option<Representation> {
    let subject = StreamId::of(category, &accepted.id)?;
    match shown(db, category, &subject, accepted.position).await {
        Ok(shown) => shown,
        Err(error) => {
            let error = event_store::causes(&error);
            tracing::warn!(error, "a document was left out of an answer");
            None
        }
    }
}

async fn shown(
    db: &PgPool,
    category: Category,
    subject: &StreamId,
    position: i64,
) -> Result<Option<Representation>, NotRead> {
    let Some(events) = history(db, subject, position).await? else { return Ok(None) };
    if category != Category::Cart {
        return Ok(fold(category, &events));
    }
    let fold = |document, event| cart::document::fold(document, &seen(event));
    let Some(cart) = events.iter().fold(None, fold) else { return Ok(None) };
    let numbers = [cart.version];
    Ok(written(&today::shown(db, cart).await?, &numbers))
}

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

/// All events up to a position that make the document of `subject`; `None` if they are too many.
async fn history(
    db: &PgPool,
    subject: &StreamId,
    until: i64,
) -> Result<Option<Vec<Recorded>>, NotRead> {
    let Some(mut events) = of_streams(db, std::slice::from_ref(subject), until).await? else {
        return Ok(None);
    };
    if let Some(part) = part_of(subject.category()) {
        let parts: Vec<StreamId> = events.iter().filter_map(|own| part(&own.event)).collect();
        let Some(of_parts) = of_streams(db, &parts, until).await? else { return Ok(None) };
        events.extend(of_parts);
    }
    Ok((events.len() <= EVENTS_MAX).then_some(events))
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

/// Folds the document of a kind. Those that readers do not see have none.
fn fold(category: Category, events: &[Recorded]) -> Option<Representation> {
    /// By which fold, and tagged by which of its numbers.
    macro_rules! folded {
        ($fold:path, |$document:ident| $($number:expr),+) => {{
            let fold = |document, event| $fold(document, &seen(event));
            let $document = events.iter().fold(None, fold)?;
            written(&$document, &[$($number),+])
        }};
    }
    match category {
        Category::Product => folded!(product::document::fold, |it| it.version),
        Category::Stock => folded!(stock::document::fold, |it| it.version),
        Category::Order => folded!(order::fold, |it| it.version, it.position),
        Category::Payment => folded!(payment::document::fold, |it| it.version),
        Category::Fulfilment => folded!(fulfilment::document::fold, |it| it.version),
        Category::Return => folded!(return_::document::fold, |it| it.version),
        Category::Location => folded!(location::document::fold, |it| it.version),
        // A cart is shown with more than its own events.
        Category::Cart | Category::Sku => None,
    }
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

fn written(document: &impl Serialize, numbers: &[i64]) -> Option<Representation> {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let json = serde_json::to_string(document).ok()?;
    Some(Representation { json, tag: format!("\"{}\"", numbers.join(".")) })
}
