//! What can happen to the stock of a SKU, as stored.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{FulfilmentId, OrderId, ReturnId};
use crate::text::{Location, Note, Quantity};

events! {
    /// Units arrived.
    Received = "stock.received", schema 1;
    /// Units that were told to have arrived had not, or not there.
    ReceiptCorrected = "stock.receipt_corrected", schema 1;
    /// Units were carried from one location to another.
    Transferred = "stock.transferred", schema 1;
    /// The units at a location were counted.
    Counted = "stock.counted", schema 1;
    /// A count was put right.
    Adjusted = "stock.adjusted", schema 1;
    /// Units were set aside for an order until a time.
    Reserved = "stock.reserved", schema 1;
    /// The order is certain: its units no longer expire.
    Committed = "stock.committed", schema 1;
    /// The order is off: its units are for sale again.
    Released = "stock.released", schema 1;
    /// Units left the building.
    Shipped = "stock.shipped", schema 1;
    /// It was said how many units may be promised beyond what is there.
    PolicySet = "stock.policy_set", schema 1;
    /// It was said how few units are few.
    ThresholdSet = "stock.threshold_set", schema 1;
    /// Few units are left. Told once, and again when there were more meanwhile.
    Low = "stock.low", schema 1;
}

/// A location, and whether what lies there is for sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shelf {
    /// Which.
    pub location: Location,
    /// Whether what lies there is for sale.
    pub sellable: bool,
}

impl Shelf {
    /// How many of so many units here are for sale.
    pub(super) fn for_sale(&self, units: i64) -> i64 {
        if self.sellable { units } else { 0 }
    }
}

/// Units at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "StockPart")]
pub struct Part {
    /// Where they are.
    pub location: Location,
    /// How many.
    pub quantity: Quantity,
}

/// Units that an order was promised and that are not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "StockShort")]
pub struct Short {
    /// Whose they are.
    pub order_id: OrderId,
    /// How many.
    pub quantity: Quantity,
}

/// `stock.received`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Received {
    /// Where to.
    pub location: Location,
    /// Whether what lies there is for sale.
    pub sellable: bool,
    /// How many units.
    pub quantity: Quantity,
    /// Where they come from.
    pub source: Source,
    /// Whether they were sold as another product's, which had the SKU before: what has it now must
    /// not be sold of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_another: bool,
}

/// Where units come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "StockSource")]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A supplier delivered them.
    Delivery {
        /// The delivery note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<Note>,
    },
    /// A parcel of an order came back.
    Parcel {
        /// Whose it was.
        order_id: OrderId,
        /// Which.
        fulfilment_id: FulfilmentId,
        /// Whether they stay set aside for that order, which is sent them again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    /// A customer sent them back.
    Return {
        /// Of which order they were.
        order_id: OrderId,
        /// With which return.
        return_id: ReturnId,
    },
}

/// `stock.receipt_corrected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "StockReceiptCorrected")]
pub struct ReceiptCorrected {
    /// Where they were said to be.
    pub location: Location,
    /// Whether what lies there is for sale.
    pub sellable: bool,
    /// How many units.
    pub quantity: Quantity,
    /// Where they were said to come from.
    pub source: Source,
    /// Whether they were told to be another product's, which had the SKU before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_another: bool,
    /// Who comes short, where more was promised than is there: the newest holds first.
    pub short: Vec<Short>,
}

/// `stock.transferred`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transferred {
    /// Where from.
    pub from: Shelf,
    /// Where to.
    pub to: Shelf,
    /// How many units.
    pub quantity: Quantity,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Note>,
    /// Who comes short, where more was promised than is now for sale: the newest holds first.
    pub short: Vec<Short>,
}

/// `stock.counted`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counted {
    /// Where.
    pub location: Location,
    /// Whether what lies there is for sale.
    pub sellable: bool,
    /// Units found.
    pub on_hand: i64,
    /// Units that should have been there.
    pub expected: i64,
    /// Why it was counted, or what was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Note>,
    /// Who comes short, where more was promised than is there: the newest holds first.
    pub short: Vec<Short>,
}

/// `stock.adjusted`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Adjusted {
    /// Where.
    pub location: Location,
    /// Whether what lies there is for sale.
    pub sellable: bool,
    /// Units found (positive) or missing (negative).
    pub delta: i64,
    /// Why.
    pub reason: Note,
    /// Who comes short, where more was promised than is there: the newest holds first.
    pub short: Vec<Short>,
}

/// `stock.reserved`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reserved {
    /// For whom.
    pub order_id: OrderId,
    /// What was set aside, and where.
    pub parts: Vec<Part>,
    /// When the order is cancelled if it is still unpaid.
    pub until: DateTime<Utc>,
}

/// `stock.committed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Committed {
    /// For whom.
    pub order_id: OrderId,
    /// What was reserved and is now committed.
    pub parts: Vec<Part>,
}

/// `stock.released`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Released {
    /// Whose it was.
    pub order_id: OrderId,
    /// What is for sale again.
    pub parts: Vec<Part>,
    /// Whether the units had been committed, not just reserved.
    pub committed: bool,
}

/// `stock.shipped`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shipped {
    /// Whose it is.
    pub order_id: OrderId,
    /// In which parcel.
    pub fulfilment_id: FulfilmentId,
    /// What left, and from where.
    pub parts: Vec<Part>,
    /// Which parts of what the order holds are gone with it: as many units, maybe elsewhere.
    pub held: Vec<Part>,
}

/// `stock.policy_set`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicySet {
    /// Units that may be promised beyond what is there.
    pub backorder_max: u32,
}

/// `stock.threshold_set`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdSet {
    /// So many units for sale, or fewer, are few; nobody is told without one.
    pub threshold: Option<u32>,
}

/// `stock.low`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Low {
    /// What may still be sold.
    pub available: i64,
    /// What it has come down to.
    pub threshold: u32,
}

impl Event {
    /// By how many units it changes what may be sold.
    pub fn available_by(&self) -> i64 {
        match self {
            Self::Received(Received { source: Source::Parcel { again: true, .. }, .. }) => 0,
            Self::Received(received) if received.sellable => i64::from(received.quantity),
            Self::ReceiptCorrected(corrected) if corrected.sellable => {
                -i64::from(corrected.quantity)
            }
            Self::Counted(counted) if counted.sellable => counted.on_hand - counted.expected,
            Self::Adjusted(adjusted) if adjusted.sellable => adjusted.delta,
            Self::Transferred(Transferred { from, to, quantity, .. }) => {
                let units = i64::from(*quantity);
                to.for_sale(units) - from.for_sale(units)
            }
            Self::Reserved(reserved) => -units(&reserved.parts),
            Self::Released(released) => units(&released.parts),
            // Where nothing is for sale.
            Self::Received(_) | Self::ReceiptCorrected(_) | Self::Counted(_) | Self::Adjusted(_)
            // Reserved before, gone after, from where they were for sale: not so either way.
            | Self::Committed(_) | Self::Shipped(_)
            | Self::PolicySet(_)
            | Self::ThresholdSet(_)
            | Self::Low(_) => 0,
        }
    }
}

/// Units over all of these parts.
pub(super) fn units(parts: &[Part]) -> i64 {
    parts.iter().map(|part| i64::from(part.quantity)).sum()
}
