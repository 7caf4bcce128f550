//! What can happen to a return, as stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::OrderId;
use crate::money::Money;
use crate::order::Units;
use crate::return_::Status;
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
    /// Something else arrived than was told.
    ReceiptCorrected = "return.receipt_corrected", schema 1;
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

/// `return.receipt_corrected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReceiptCorrected {
    /// Whose goods.
    pub order_id: OrderId,
    /// What was said to have arrived in all.
    pub before: Vec<Arrival>,
    /// What did; nothing, if it was another return's.
    pub lines: Vec<Arrival>,
    /// How much of the price of all of it is not given back, where that is not as much as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Money>,
    /// Who says so, and how they know.
    pub reason: Note,
}

/// `return.closed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Closed {
    /// Whose goods.
    pub order_id: OrderId,
}

impl ReceiptCorrected {
    /// Where the return stands then: one that was closed stays so, and of which nothing came, its
    /// goods are expected.
    pub(super) fn leads_to(&self, before: Status) -> Status {
        match before {
            Status::Closed => Status::Closed,
            _ if self.lines.is_empty() => Status::Approved,
            _ => Status::Received,
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
            | Self::ReceiptCorrected(ReceiptCorrected { order_id, .. })
            | Self::Closed(Closed { order_id }) => *order_id,
        }
    }
}
