//! The document of the thing that a command was for, as query-api shows it: which streams make it,
//! and the document itself, folded from the log by the domain's own folds up to the command. No
//! read model is asked; it may not have come so far.

use domain::page::order;
use domain::{
    Category, Event, StreamId, cart, fulfilment, location, payment, product, return_, stock,
};
use event_store::{Recorded, read, versions};
use serde::Serialize;
use sqlx::PgPool;

use crate::streams::{EVENTS_MAX, NotRead, of_streams, seen};
use crate::today;

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

/// The document of what a command was for, as its events up to a position left it; `None` where
/// there is none to show, where it is made of too many events, or where it cannot be read now: the
/// command is done whatever comes of this.
pub async fn after(
    db: &PgPool,
    category: Category,
    id: &str,
    position: i64,
) -> Option<Representation> {
    let subject = StreamId::of(category, id)?;
    match shown(db, category, &subject, position).await {
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

fn written(document: &impl Serialize, numbers: &[i64]) -> Option<Representation> {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let json = serde_json::to_string(document).ok()?;
    Some(Representation { json, tag: format!("\"{}\"", numbers.join(".")) })
}
