//! The document of a SKU's stock.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::StreamId;
use crate::seen::{Seen, stamp};
use crate::sku;
use crate::stock::{self, Level, Short, Stock};
use crate::text::{Location, Sku};

/// Units at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AtLocation {
    /// Where.
    pub location: Location,
    /// Whether what lies there is for sale.
    pub sellable: bool,
    /// In the building.
    pub on_hand: i64,
    /// Set aside for orders that are not yet certain.
    pub reserved: i64,
    /// Set aside for orders that are.
    pub committed: i64,
    /// What may still be sold; below zero where orders hold more than is here.
    pub available: i64,
    /// Of those in the building, units that were sold as another product's, which had the SKU
    /// before: they are carried nowhere, and written off.
    #[serde(default)]
    pub of_another: i64,
}

/// The stock of one SKU. Which orders hold it is not in it, because of a SKU in a flash sale
/// thousands do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Stock", extend("examples" = [crate::page::example::stock()]))]
pub struct Document {
    /// The SKU.
    pub id: Sku,
    /// The version of its stream; 0 where a product sells it and none was ever there.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// Units in the building, over all locations.
    pub on_hand: i64,
    /// Units set aside for orders that are not yet certain.
    pub reserved: i64,
    /// Units set aside for orders that are.
    pub committed: i64,
    /// What may still be sold; below zero where more is promised than is there.
    pub available: i64,
    /// Units promised that are not there.
    pub short: i64,
    /// Whose they are, as it was when units were last found missing: the newest holds first, 100
    /// at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub short_orders: Vec<Short>,
    /// Units that may be promised beyond what is there, over all orders.
    pub backorder_max: u32,
    /// How many of these are left.
    pub backorderable: i64,
    /// So many units for sale, or fewer, are few.
    pub threshold: Option<u32>,
    /// Whether they are few.
    pub low: bool,
    /// Units by location.
    pub locations: Vec<AtLocation>,
    /// When it was first heard of: when some of it first came, or, before that, when a product
    /// took its SKU.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

impl Document {
    /// What can be had, now or later: what may still be sold, and what may be promised beyond it.
    pub fn obtainable(&self) -> i64 {
        (self.available + i64::from(self.backorder_max)).max(0)
    }
}

/// The document after an event.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (event, sku) = match (seen.event, seen.stream) {
        (Event::Stock(event), StreamId::Stock(sku)) => (event, sku),
        // A product sells it, and none of it was ever there.
        (Event::Sku(sku::Event::Assigned(_)), StreamId::Sku(sku)) => {
            return document.or_else(|| Some(empty(sku.clone(), seen)));
        }
        _ => return document,
    };
    let known = document.filter(|document| document.version > 0 || document.id != *sku);
    let mut document = known.unwrap_or_else(|| empty(sku.clone(), seen));
    if document.id == *sku {
        let mut stock = document.stock();
        stock.evolve(event);
        document.take(&stock);
        document.name_short(event);
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
        short: 0,
        short_orders: vec![],
        backorder_max: 0,
        backorderable: 0,
        threshold: None,
        low: false,
        locations: vec![],
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

impl Document {
    /// The stock it shows, without what orders hold.
    fn stock(&self) -> Stock {
        let level = |at: &AtLocation| {
            let AtLocation { sellable, on_hand, reserved, committed, of_another, .. } = *at;
            let level = Level { sellable, on_hand, reserved, committed, of_another };
            (at.location.clone(), level)
        };
        Stock {
            levels: self.locations.iter().map(level).collect(),
            backorder_max: self.backorder_max,
            threshold: self.threshold,
            ..Stock::default()
        }
    }

    fn name_short(&mut self, event: &stock::Event) {
        match event {
            stock::Event::Counted(stock::Counted { short, .. })
            | stock::Event::Adjusted(stock::Adjusted { short, .. })
            | stock::Event::ReceiptCorrected(stock::ReceiptCorrected { short, .. })
            | stock::Event::Transferred(stock::Transferred { short, .. }) => {
                self.short_orders.clone_from(short);
            }
            _ if self.short == 0 => self.short_orders.clear(),
            _ => {}
        }
    }

    fn take(&mut self, stock: &Stock) {
        let at = |(location, level): (&Location, &Level)| AtLocation {
            location: location.clone(),
            sellable: level.sellable,
            on_hand: level.on_hand,
            reserved: level.reserved,
            committed: level.committed,
            available: level.available(),
            of_another: level.of_another,
        };
        self.locations = stock.levels.iter().map(at).collect();
        self.on_hand = self.locations.iter().map(|at| at.on_hand).sum();
        self.reserved = self.locations.iter().map(|at| at.reserved).sum();
        self.committed = self.locations.iter().map(|at| at.committed).sum();
        self.available = stock.available();
        self.short = (-self.available).max(0);
        self.backorder_max = stock.backorder_max;
        self.backorderable = (i64::from(stock.backorder_max) - self.short).max(0);
        self.threshold = stock.threshold;
        self.low = stock.is_low(self.available);
    }
}
