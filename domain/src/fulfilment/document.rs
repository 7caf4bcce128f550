//! The document of a parcel. It is served as part of its order's.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::StreamId;
use crate::fulfilment;
use crate::ids::{FulfilmentId, OrderId};
use crate::order::{self, Units};
use crate::return_::Arrival;
use crate::seen::{Seen, stamp};
use crate::text::{Label, Location, Note};

/// Where a parcel stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "FulfilmentState")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Planned.
    Created,
    /// Packed.
    Packed,
    /// On its way.
    Shipped,
    /// Handed over.
    Delivered,
    /// Some of it was handed over: the rest is tried again or sent back.
    PartlyDelivered,
    /// Nobody took it: it is tried again or sent back.
    DeliveryFailed,
    /// Back.
    ReturnedToSender,
    /// Nobody knows where.
    Lost,
    /// Called off before it left.
    Cancelled,
}

/// A parcel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Fulfilment", extend("examples" = [crate::page::example::fulfilment()]))]
pub struct Document {
    /// Its id.
    pub id: FulfilmentId,
    /// The version of its stream.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// Whose it is.
    pub order_id: OrderId,
    /// Where it stands in its life.
    pub status: Status,
    /// What is in it.
    pub lines: Vec<Units>,
    /// What of that was handed over.
    pub delivered: Vec<Units>,
    /// What came back of it undelivered, and what became of that.
    pub received: Vec<Arrival>,
    /// What of that goes out again in another parcel.
    pub again: Vec<Units>,
    /// Where it leaves from; null while not all of it is there, and of an order that was recorded.
    pub location: Option<Location>,
    /// Who carries it.
    pub carrier: Option<Label>,
    /// Under which number.
    pub tracking: Option<Label>,
    /// How often nobody took it.
    pub attempts: u32,
    /// Why nobody took it, or what is known of it since it is lost.
    pub failure: Option<Note>,
    /// When it left.
    pub shipped_at: Option<DateTime<Utc>>,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The document after an event.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (Event::Fulfilment(event), StreamId::Fulfilment(id)) = (seen.event, seen.stream) else {
        return document;
    };
    if let fulfilment::Event::Created(created) = event {
        return document.or_else(|| Some(create(*id, created, seen)));
    }
    let mut document = document?;
    if document.id == *id {
        document.apply(event, seen);
        stamp!(document, seen);
    }
    Some(document)
}

fn create(id: FulfilmentId, created: &fulfilment::Created, seen: &Seen) -> Document {
    Document {
        id,
        version: seen.version,
        position: seen.position,
        order_id: created.order_id,
        status: Status::Created,
        lines: created.lines.clone(),
        delivered: vec![],
        received: vec![],
        again: vec![],
        location: created.location.clone(),
        carrier: None,
        tracking: None,
        attempts: 0,
        failure: None,
        shipped_at: None,
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

impl Document {
    /// Whether any of it left for good: was handed over, came back to stay, or is still away.
    pub fn is_gone(&self) -> bool {
        let for_good = order::without(&self.lines, &self.again);
        self.shipped_at.is_some() && !for_good.is_empty()
    }

    fn apply(&mut self, event: &fulfilment::Event, seen: &Seen) {
        self.status = match event {
            fulfilment::Event::TrackingSet(set) => {
                self.carrier.clone_from(&set.carrier);
                self.tracking.clone_from(&set.tracking);
                self.status
            }
            fulfilment::Event::Created(_) => Status::Created,
            fulfilment::Event::Packed(_) => Status::Packed,
            fulfilment::Event::Shipped(shipped) => {
                self.carrier.clone_from(&shipped.carrier);
                self.tracking.clone_from(&shipped.tracking);
                self.location = shipped.location.clone().or_else(|| self.location.take());
                self.shipped_at = Some(seen.occurred_at);
                Status::Shipped
            }
            fulfilment::Event::Delivered(_) => {
                self.delivered.clone_from(&self.lines);
                Status::Delivered
            }
            fulfilment::Event::PartlyDelivered(handed) => {
                self.delivered.extend_from_slice(&handed.lines);
                Status::PartlyDelivered
            }
            fulfilment::Event::DeliveryFailed(failed) => {
                self.undeliver();
                self.failure = Some(failed.reason.clone());
                self.attempts += 1;
                Status::DeliveryFailed
            }
            fulfilment::Event::Lost(lost) => {
                self.undeliver();
                self.received.clear();
                self.failure = Some(lost.reason.clone());
                Status::Lost
            }
            fulfilment::Event::ReturnedToSender(returned) => {
                self.received.clone_from(&returned.lines);
                self.again = returned.again();
                Status::ReturnedToSender
            }
            fulfilment::Event::Cancelled(_) => Status::Cancelled,
        };
    }

    /// Where it was told to be handed over, nothing of it was.
    fn undeliver(&mut self) {
        if self.status == Status::Delivered {
            self.delivered.clear();
        }
    }
}
