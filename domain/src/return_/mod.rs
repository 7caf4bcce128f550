//! Goods of an order that come back after they were delivered.
//!
//! `requested → approved → received → closed`, `approved → closed`,
//! `requested | approved → rejected | withdrawn`.
//! Its goods arrive in parts as they come, each part in a condition: for sale again at a location,
//! or written off.

pub mod document;
mod rules;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use rules::Error;

use crate::ids::OrderId;
use crate::money::Money;
use crate::order::Units;
use crate::text::{Location, Note, Quantity, Sku};

events! {
    /// The customer wants to send goods back.
    Requested = "return.requested", schema 1;
    /// They may.
    Approved = "return.approved", schema 1;
    /// They may not.
    Rejected = "return.rejected", schema 1;
    /// The customer keeps them after all.
    Withdrawn = "return.withdrawn", schema 1;
    /// Goods arrived.
    Received = "return.received", schema 1;
    /// Nothing more is expected.
    Closed = "return.closed", schema 1;
}

/// `return.requested`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requested {
    /// Whose goods.
    pub order_id: OrderId,
    /// What is to come back.
    pub lines: Vec<Units>,
    /// Why.
    pub reason: Note,
}

/// `return.approved`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Approved {
    /// Whose goods.
    pub order_id: OrderId,
}

/// `return.rejected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// Whose goods.
    pub order_id: OrderId,
    /// Why.
    pub reason: Note,
}

/// `return.withdrawn`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Withdrawn {
    /// Whose goods.
    pub order_id: OrderId,
}

/// What becomes of goods that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// They are put there; whether that is for sale is the location's affair.
    Stored(Location),
    /// They are worth nothing any more.
    WrittenOff,
}

/// Goods that came back. In JSON they have a `location`, or are `written_off: true`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "ArrivalJson", into = "ArrivalJson")]
pub struct Arrival {
    /// What.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// What becomes of them.
    pub disposal: Disposal,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ArrivalJson {
    sku: Sku,
    quantity: Quantity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<Location>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    written_off: bool,
}

impl Arrival {
    /// What came back, whatever becomes of it.
    pub fn units(&self) -> Units {
        Units { sku: self.sku.clone(), quantity: self.quantity }
    }
}

impl TryFrom<ArrivalJson> for Arrival {
    type Error = &'static str;

    fn try_from(arrival: ArrivalJson) -> Result<Self, &'static str> {
        let ArrivalJson { sku, quantity, location, written_off } = arrival;
        let disposal = match (location, written_off) {
            (Some(location), false) => Disposal::Stored(location),
            (None, true) => Disposal::WrittenOff,
            (Some(_), true) | (None, false) => {
                return Err("needs either a location or written_off: true");
            }
        };
        Ok(Self { sku, quantity, disposal })
    }
}

impl From<Arrival> for ArrivalJson {
    fn from(Arrival { sku, quantity, disposal }: Arrival) -> Self {
        let (location, written_off) = match disposal {
            Disposal::Stored(location) => (Some(location), false),
            Disposal::WrittenOff => (None, true),
        };
        Self { sku, quantity, location, written_off }
    }
}

/// What is not given back for goods that came back, for they were worth less by then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// How much of their price.
    pub amount: Money,
    /// Why.
    pub reason: Note,
}

/// `return.received`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Received {
    /// Whose goods.
    pub order_id: OrderId,
    /// What arrived.
    pub lines: Vec<Arrival>,
    /// What is not given back for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Withheld>,
}

/// `return.closed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Closed {
    /// Whose goods.
    pub order_id: OrderId,
}

/// Where a return stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ReturnStatus")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Never asked for.
    #[default]
    Unborn,
    /// Asked for.
    Requested,
    /// Its goods are expected.
    Approved,
    /// Some of them arrived, or all.
    Received,
    /// It was refused.
    Rejected,
    /// Nothing of it came, and the customer keeps all.
    Withdrawn,
    /// Nothing more is expected.
    Closed,
}

impl std::fmt::Display for Status {
    /// As it is stored and shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// Arrivals that one command may name, and a return may have in all.
pub const ARRIVALS_MAX: usize = 1_000;

/// Of the shape of [`Return`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 4;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// A return.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    /// Where it stands in its life.
    pub status: Status,
    /// Whose goods, once it was asked for.
    pub order_id: Option<OrderId>,
    /// How many arrivals were recorded.
    pub arrivals: usize,
    /// Why it was refused.
    pub rejection: Option<Note>,
}

impl Return {
    /// How many things it holds beside itself.
    #[allow(clippy::unused_self, reason = "as the others have it")]
    pub fn items(&self) -> usize {
        0
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Requested(requested) => {
                self.status = Status::Requested;
                self.order_id = Some(requested.order_id);
            }
            Event::Approved(_) => self.status = Status::Approved,
            Event::Rejected(rejected) => {
                self.status = Status::Rejected;
                self.rejection = Some(rejected.reason.clone());
            }
            Event::Received(received) => {
                self.status = Status::Received;
                self.arrivals += received.lines.len();
            }
            Event::Withdrawn(_) => self.status = Status::Withdrawn,
            Event::Closed(_) => self.status = Status::Closed,
        }
    }
}

impl Event {
    /// The order whose goods these are.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::Requested(Requested { order_id, .. })
            | Self::Approved(Approved { order_id })
            | Self::Rejected(Rejected { order_id, .. })
            | Self::Withdrawn(Withdrawn { order_id })
            | Self::Received(Received { order_id, .. })
            | Self::Closed(Closed { order_id }) => *order_id,
        }
    }
}
