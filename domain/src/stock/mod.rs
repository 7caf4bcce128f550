//! The stock of one SKU at every location: on hand, reserved, committed.
//!
//! `available = on hand - reserved - committed`, over all locations that sell. An order's units go
//! `reserved → committed → shipped`, or back by release. A hold says where units were set aside;
//! what counts is how many: units may be carried elsewhere, or leave from another location.
//!
//! What is promised never exceeds what is there and what the policy allows beyond. What is *there*
//! is what was counted, whatever was promised: `available` may then be below zero, at a location
//! or over all, and the event names the orders that come short.

pub mod document;
mod event;
mod levels;
mod rules;

use std::collections::BTreeMap;

pub use event::{
    Adjusted, Committed, Counted, Event, Low, Part, PolicySet, ReceiptCorrected, Received,
    Released, Reserved, Shelf, Shipped, Short, Source, ThresholdSet, Transferred,
};
pub use levels::{Level, SHORT_MAX};
pub use rules::{Error, ON_HAND_MAX};

use serde::{Deserialize, Serialize};

use crate::ids::OrderId;
use crate::text::Location;

/// What an order holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Units not yet shipped, by location.
    pub parts: Vec<Part>,
    /// Whether the order is certain.
    pub committed: bool,
    /// Which reservation of this SKU it was, from 1.
    pub number: u64,
}

/// Of the shape of [`Stock`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 4;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = crate::refusal::All<crate::refusal::OfSku<Error>>;

/// The stock of one SKU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Units by location.
    pub levels: BTreeMap<Location, Level>,
    /// What orders hold of them.
    pub holds: BTreeMap<OrderId, Hold>,
    /// Reservations made so far.
    pub reservations: u64,
    /// Units that may be promised beyond what is there.
    pub backorder_max: u32,
    /// So many units for sale, or fewer, are few.
    pub threshold: Option<u32>,
    /// Whether it was told that they are few.
    pub low: bool,
}

impl Stock {
    /// How many things it holds beside itself.
    pub fn items(&self) -> usize {
        self.levels.len() + self.holds.len()
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Received(received) => self.take_in(received),
            Event::ReceiptCorrected(corrected) => {
                let ReceiptCorrected { location, sellable, quantity, of_another, .. } = corrected;
                let units = i64::from(*quantity);
                let level = self.level(location, *sellable);
                level.on_hand -= units;
                level.of_another -= if *of_another { units } else { 0 };
            }
            Event::Transferred(Transferred { from, to, quantity, .. }) => {
                self.level(&from.location, from.sellable).on_hand -= i64::from(*quantity);
                self.level(&to.location, to.sellable).on_hand += i64::from(*quantity);
            }
            Event::Counted(Counted { location, sellable, on_hand, .. }) => {
                let level = self.level(location, *sellable);
                level.change(on_hand - level.on_hand);
            }
            Event::Adjusted(Adjusted { location, sellable, delta, .. }) => {
                self.level(location, *sellable).change(*delta);
            }
            Event::Reserved(reserved) => self.set_aside(reserved),
            Event::Committed(committed) => {
                for part in &committed.parts {
                    let level = self.level_of(part);
                    level.reserved -= i64::from(part.quantity);
                    level.committed += i64::from(part.quantity);
                }
                if let Some(hold) = self.holds.get_mut(&committed.order_id) {
                    hold.committed = true;
                }
            }
            Event::Released(released) => {
                for part in &released.parts {
                    let level = self.level_of(part);
                    if released.committed {
                        level.committed -= i64::from(part.quantity);
                    } else {
                        level.reserved -= i64::from(part.quantity);
                    }
                }
                self.shrink_hold(released.order_id, &released.parts);
            }
            Event::Shipped(shipped) => self.take_out(shipped),
            Event::PolicySet(policy) => self.backorder_max = policy.backorder_max,
            Event::ThresholdSet(set) => self.threshold = set.threshold,
            Event::Low(_) => self.low = true,
        }
        // There are enough again: the next time they are few is news.
        if self.low && !self.is_low(self.available()) {
            self.low = false;
        }
    }

    fn take_in(&mut self, received: &Received) {
        let Received { location, sellable, quantity, source, of_another } = received;
        let level = self.level(location, *sellable);
        level.on_hand += i64::from(*quantity);
        if *of_another {
            level.of_another += i64::from(*quantity);
        }
        if let Source::Parcel { order_id, again: true, .. } = source {
            self.hold_again(*order_id, Part { location: location.clone(), quantity: *quantity });
        }
    }

    /// Where the order holds none by now, it counts as one that came last.
    fn hold_again(&mut self, order_id: OrderId, part: Part) {
        self.level_of(&part).committed += i64::from(part.quantity);
        let hold = self.holds.entry(order_id).or_insert_with(|| {
            self.reservations += 1;
            Hold { parts: vec![], committed: true, number: self.reservations }
        });
        hold.parts = levels::joined(std::mem::take(&mut hold.parts), part);
    }

    fn level(&mut self, location: &Location, sellable: bool) -> &mut Level {
        let level = self.levels.entry(location.clone()).or_default();
        level.sellable = sellable;
        level
    }

    /// Where units are held: only what is for sale is set aside.
    fn level_of(&mut self, part: &Part) -> &mut Level {
        self.level(&part.location, true)
    }

    fn set_aside(&mut self, reserved: &Reserved) {
        for part in &reserved.parts {
            self.level_of(part).reserved += i64::from(part.quantity);
        }
        self.reservations += 1;
        let (parts, number) = (reserved.parts.clone(), self.reservations);
        self.holds.insert(reserved.order_id, Hold { parts, committed: false, number });
    }

    fn take_out(&mut self, shipped: &Shipped) {
        for part in &shipped.parts {
            self.level_of(part).on_hand -= i64::from(part.quantity);
        }
        for part in &shipped.held {
            self.level_of(part).committed -= i64::from(part.quantity);
        }
        self.shrink_hold(shipped.order_id, &shipped.held);
    }

    fn shrink_hold(&mut self, order_id: OrderId, gone: &[Part]) {
        let Some(hold) = self.holds.get_mut(&order_id) else { return };
        hold.parts = levels::remaining(&hold.parts, gone);
        if hold.parts.is_empty() {
            self.holds.remove(&order_id);
        }
    }
}
