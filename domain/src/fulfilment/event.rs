//! What can happen to a parcel, as stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::OrderId;
use crate::order::{self, Units};
use crate::return_::{Arrival, Disposal};
use crate::text::{Label, Location, Note};

events! {
    /// It was planned.
    Created = "fulfilment.created", schema 1;
    /// It was packed.
    Packed = "fulfilment.packed", schema 1;
    /// It left.
    Shipped = "fulfilment.shipped", schema 1;
    /// Who carries it, and under which number, was told late or put right.
    TrackingSet = "fulfilment.tracking_set", schema 1;
    /// It was handed over.
    Delivered = "fulfilment.delivered", schema 1;
    /// Some of it was handed over, the rest was not taken.
    PartlyDelivered = "fulfilment.partly_delivered", schema 1;
    /// Nobody took it this time.
    DeliveryFailed = "fulfilment.delivery_failed", schema 1;
    /// It came back.
    ReturnedToSender = "fulfilment.returned_to_sender", schema 1;
    /// Nobody knows where it is.
    Lost = "fulfilment.lost", schema 1;
    /// It was called off before it left.
    Cancelled = "fulfilment.cancelled", schema 1;
}

/// `fulfilment.created`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    /// Whose parcel.
    pub order_id: OrderId,
    /// What is in it.
    pub lines: Vec<Units>,
    /// Where it leaves from. Not known of what is not all there yet, nor of an order that was
    /// recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
}

/// `fulfilment.packed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Packed {
    /// Whose parcel.
    pub order_id: OrderId,
}

/// `fulfilment.shipped`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shipped {
    /// Whose parcel.
    pub order_id: OrderId,
    /// Where it left from. Not known of an order that was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Who carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Label>,
    /// Under which number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<Label>,
}

/// `fulfilment.tracking_set`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrackingSet {
    /// Whose parcel.
    pub order_id: OrderId,
    /// Who carries it, as is known by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier: Option<Label>,
    /// Under which number, as is known by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<Label>,
}

/// `fulfilment.delivered`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivered {
    /// Whose parcel.
    pub order_id: OrderId,
}

/// `fulfilment.partly_delivered`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartlyDelivered {
    /// Whose parcel.
    pub order_id: OrderId,
    /// What was handed over.
    pub lines: Vec<Units>,
}

/// `fulfilment.delivery_failed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryFailed {
    /// Whose parcel.
    pub order_id: OrderId,
    /// Why.
    pub reason: Note,
}

/// `fulfilment.returned_to_sender`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReturnedToSender {
    /// Whose parcel.
    pub order_id: OrderId,
    /// What came back, and what became of it. What else was in it is lost.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Arrival>,
    /// Whether what was put somewhere goes out again, in another parcel.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub send_again: bool,
}

/// `fulfilment.lost`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lost {
    /// Whose parcel.
    pub order_id: OrderId,
    /// What is known about it.
    pub reason: Note,
}

/// `fulfilment.cancelled`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cancelled {
    /// Whose parcel.
    pub order_id: OrderId,
}

impl ReturnedToSender {
    /// What goes out again of what came back, each SKU once.
    pub fn again(&self) -> Vec<Units> {
        let stored = self.lines.iter().filter(|arrival| arrival.disposal != Disposal::WrittenOff);
        let units = stored.filter(|_| self.send_again).map(Arrival::units);
        order::merge(units.collect(), |_| u32::MAX).unwrap_or_default()
    }
}

impl Event {
    /// The order whose parcel this is.
    pub fn order_id(&self) -> OrderId {
        match self {
            Self::Created(Created { order_id, .. })
            | Self::Packed(Packed { order_id })
            | Self::Shipped(Shipped { order_id, .. })
            | Self::TrackingSet(TrackingSet { order_id, .. })
            | Self::Delivered(Delivered { order_id })
            | Self::PartlyDelivered(PartlyDelivered { order_id, .. })
            | Self::DeliveryFailed(DeliveryFailed { order_id, .. })
            | Self::ReturnedToSender(ReturnedToSender { order_id, .. })
            | Self::Lost(Lost { order_id, .. })
            | Self::Cancelled(Cancelled { order_id }) => *order_id,
        }
    }
}
