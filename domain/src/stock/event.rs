//! What can happen to the stock of a SKU, as stored.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{FulfilmentId, OrderId, ReturnId};
use crate::text::{Location, Note, Quantity};

events! {
    /// Units arrived.
    Received = "stock.received", schema 1;
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
}

/// Units at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where they are.
    pub location: Location,
    /// How many.
    pub quantity: Quantity,
}

/// `stock.received`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Where to.
    pub location: Location,
    /// How many units.
    pub quantity: Quantity,
    /// Where they come from.
    pub source: Source,
}

/// Where units come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    },
    /// A customer sent them back.
    Return {
        /// Of which order they were.
        order_id: OrderId,
        /// With which return.
        return_id: ReturnId,
    },
}

/// `stock.adjusted`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    /// Where.
    pub location: Location,
    /// Units found (positive) or missing (negative).
    pub delta: i64,
    /// Why.
    pub reason: Note,
}

/// `stock.reserved`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// For whom.
    pub order_id: OrderId,
    /// What was set aside, and where.
    pub parts: Vec<Part>,
    /// When the order is cancelled if it is still unpaid.
    pub until: DateTime<Utc>,
}

/// `stock.committed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// For whom.
    pub order_id: OrderId,
    /// What was reserved and is now committed.
    pub parts: Vec<Part>,
}

/// `stock.released`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Whose it was.
    pub order_id: OrderId,
    /// What is for sale again.
    pub parts: Vec<Part>,
    /// Whether the units had been committed, not just reserved.
    pub committed: bool,
}

/// `stock.shipped`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipped {
    /// Whose it is.
    pub order_id: OrderId,
    /// In which parcel.
    pub fulfilment_id: FulfilmentId,
    /// What left, and from where.
    pub parts: Vec<Part>,
}
