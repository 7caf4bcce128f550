//! The document of a SKU's stock.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::StreamId;
use crate::seen::{Seen, stamp};
use crate::stock::{Level, Stock};
use crate::text::{Location, Sku};

/// Units at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtLocation {
    /// Where.
    pub location: Location,
    /// In the building.
    pub on_hand: i64,
    /// Set aside for orders that are not yet certain.
    pub reserved: i64,
    /// Set aside for orders that are.
    pub committed: i64,
    /// What may still be sold.
    pub available: i64,
}

/// The stock of one SKU. Which orders hold it is not in it, because of a SKU in a flash sale
/// thousands do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The SKU.
    pub id: Sku,
    /// The version of its stream.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// Units in the building, over all locations.
    pub on_hand: i64,
    /// Units set aside for orders that are not yet certain.
    pub reserved: i64,
    /// Units set aside for orders that are.
    pub committed: i64,
    /// What may still be sold.
    pub available: i64,
    /// The same by location.
    pub locations: Vec<AtLocation>,
    /// When it was first counted.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The document after an event.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (Event::Stock(event), StreamId::Stock(sku)) = (seen.event, seen.stream) else {
        return document;
    };
    let mut document = document.unwrap_or_else(|| empty(sku.clone(), seen));
    if document.id == *sku {
        let mut stock = Stock::default();
        for at in &document.locations {
            let AtLocation { location, on_hand, reserved, committed, .. } = at.clone();
            stock.levels.insert(location, Level { on_hand, reserved, committed });
        }
        stock.evolve(event);
        document.take(&stock);
        stamp!(document, seen);
    }
    Some(document)
}

fn empty(id: Sku, seen: &Seen) -> Document {
    Document {
        id,
        version: 0,
        position: 0,
        on_hand: 0,
        reserved: 0,
        committed: 0,
        available: 0,
        locations: vec![],
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

impl Document {
    fn take(&mut self, stock: &Stock) {
        let at = |(location, level): (&Location, &Level)| AtLocation {
            location: location.clone(),
            on_hand: level.on_hand,
            reserved: level.reserved,
            committed: level.committed,
            available: level.available(),
        };
        self.locations = stock.levels.iter().map(at).collect();
        self.on_hand = self.locations.iter().map(|at| at.on_hand).sum();
        self.reserved = self.locations.iter().map(|at| at.reserved).sum();
        self.committed = self.locations.iter().map(|at| at.committed).sum();
        self.available = stock.available();
    }
}
