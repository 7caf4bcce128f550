//! A parcel of an order.
//!
//! `created → packed → shipped → delivered`; `created | packed → cancelled`;
//! `shipped → delivery_failed → delivered | returned_to_sender`;
//! `shipped | delivery_failed → lost`; `delivered → delivery_failed | lost`, where that was told
//! and was not so: all of it then.
//! An attempt to hand it over may fail several times, or succeed for some of it: it is
//! `partly_delivered` then, and what was not taken goes on as what nobody took.

pub mod document;
mod event;
mod rules;

use serde::{Deserialize, Serialize};

pub use event::{
    Cancelled, Created, Delivered, DeliveryFailed, Event, Lost, Packed, PartlyDelivered,
    ReturnedToSender, Shipped, TrackingSet,
};
pub use rules::{Error, HeldAt};

use crate::ids::OrderId;
use crate::order::{self, Units};
use crate::return_::Arrival;
use crate::text::{Label, Location, Note};

/// Arrivals that a parcel that comes back may be told in.
pub const ARRIVALS_MAX: usize = 1_000;

/// Failed attempts to hand a parcel over that are recorded.
pub const ATTEMPTS_MAX: u32 = 100;

/// Where a parcel stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Never planned.
    #[default]
    Unborn,
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
    /// Called off.
    Cancelled,
}

/// Of the shape of [`Fulfilment`] and of its fold. Raise it with every change of either: snapshots
/// of another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 6;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// A parcel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    /// Where it stands in its life.
    pub status: Status,
    /// Whose it is, once it exists.
    pub order_id: Option<OrderId>,
    /// What is in it, without what was handed over of it in part.
    pub lines: Vec<Units>,
    /// What was handed over before the rest.
    pub taken: Vec<Units>,
    /// Where it leaves from, once that is known.
    pub location: Option<Location>,
    /// Who carries it.
    pub carrier: Option<Label>,
    /// Under which number.
    pub tracking: Option<Label>,
    /// How often nobody took it.
    pub attempts: u32,
    /// What is known of it since it was lost.
    pub loss: Option<Note>,
    /// What came back of it, and what became of that.
    pub back: Vec<Arrival>,
    /// Whether that goes out again.
    pub send_again: bool,
}

impl Fulfilment {
    /// How many things it holds beside itself.
    pub fn items(&self) -> usize {
        self.lines.len() + self.taken.len() + self.back.len()
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Created(created) => {
                self.status = Status::Created;
                self.order_id = Some(created.order_id);
                self.lines.clone_from(&created.lines);
                self.location.clone_from(&created.location);
            }
            Event::Packed(_) => self.status = Status::Packed,
            Event::Shipped(shipped) => {
                self.status = Status::Shipped;
                self.location = shipped.location.clone().or_else(|| self.location.take());
                self.carrier.clone_from(&shipped.carrier);
                self.tracking.clone_from(&shipped.tracking);
            }
            Event::TrackingSet(set) => {
                self.carrier.clone_from(&set.carrier);
                self.tracking.clone_from(&set.tracking);
            }
            Event::Delivered(_) => self.status = Status::Delivered,
            Event::PartlyDelivered(handed) => {
                self.status = Status::PartlyDelivered;
                self.lines = order::without(&self.lines, &handed.lines);
                self.taken.extend_from_slice(&handed.lines);
            }
            Event::DeliveryFailed(_) => {
                self.undeliver();
                self.status = Status::DeliveryFailed;
                self.attempts += 1;
            }
            Event::ReturnedToSender(returned) => {
                self.status = Status::ReturnedToSender;
                self.back.clone_from(&returned.lines);
                self.send_again = returned.send_again;
            }
            Event::Lost(lost) => {
                self.undeliver();
                self.back.clear();
                self.status = Status::Lost;
                self.loss = Some(lost.reason.clone());
            }
            Event::Cancelled(_) => self.status = Status::Cancelled,
        }
    }

    /// All that was put into it, each SKU once.
    pub fn whole(&self) -> Vec<Units> {
        let all = [self.lines.as_slice(), &self.taken].concat();
        order::merge(all, |_| u32::MAX).unwrap_or_default()
    }

    /// Where it was told to be handed over, nothing of it was.
    fn undeliver(&mut self) {
        if self.status == Status::Delivered {
            self.lines = self.whole();
            self.taken.clear();
        }
    }
}
