//! The document of a location.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::location;
use crate::seen::{Seen, stamp};
use crate::text::{Label, Location};
use crate::{Event, StreamId};

/// A location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "StockLocation", extend("examples" = [crate::page::example::location()]))]
pub struct Document {
    /// Its code.
    pub id: Location,
    /// The version of its stream.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// Whether what lies there is for sale.
    pub sellable: bool,
    /// What people call it.
    pub name: Option<Label>,
    /// Where its address is found, as the caller refers to it.
    pub address_ref: Option<Label>,
    /// When it was first set.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The document after an event.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (Event::Location(event), StreamId::Location(id)) = (seen.event, seen.stream) else {
        return document;
    };
    let mut document = document.unwrap_or_else(|| Document {
        id: id.clone(),
        version: 0,
        position: 0,
        sellable: false,
        name: None,
        address_ref: None,
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    });
    if document.id == *id {
        match event {
            location::Event::Set(set) => {
                document.sellable = set.sellable;
                document.name.clone_from(&set.name);
                document.address_ref.clone_from(&set.address_ref);
            }
        }
        stamp!(document, seen);
    }
    Some(document)
}
