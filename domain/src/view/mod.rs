//! What readers see: one document a product, SKU, cart, order, payment, parcel, day or search hit,
//! folded from the same events that the rules go by.
//!
//! A document is the JSON that is served, whole; and it is all that the next fold needs, so that
//! it can be kept, taken up again and brought to any position. Each `fold` takes the document as
//! it was and one event, and gives the document as it is then; events that are not about it leave
//! it as it was. Where a document is made of several streams, their order against each other does
//! not matter, only the order within each.
//!
//! No tables and no queries here: who keeps the documents is the projector's business.

pub mod cart;
pub mod fulfilment;
pub mod order;
pub mod payment;
pub mod product;
pub mod sales;
pub mod search;
pub mod search_keys;
pub mod stock;

mod html;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use crate::Event;
use crate::StreamId;

/// An event with its place in the log.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The stream it belongs to.
    pub stream: &'a StreamId,
    /// Its place in the stream, from 1.
    pub version: i64,
    /// Its place in the log, from 1.
    pub position: i64,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What happened.
    pub event: &'a Event,
}

/// Marks a document as of an event of its own stream.
macro_rules! stamp {
    ($document:expr, $seen:expr) => {
        $document.version = $seen.version;
        $document.position = $document.position.max($seen.position);
        $document.updated_at = $document.updated_at.max($seen.occurred_at);
    };
}
use stamp;
