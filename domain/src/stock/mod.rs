//! The stock of one SKU at every location: on hand, reserved, committed.
//!
//! `available = on hand - reserved - committed`, at each location never below zero. An order's
//! units go `reserved → committed → shipped`, or back by release.

pub mod document;
mod event;
mod rules;

use std::collections::BTreeMap;

pub use event::{Adjusted, Committed, Event, Part, Received, Released, Reserved, Shipped, Source};
pub use rules::{Error, ON_HAND_MAX};

use serde::{Deserialize, Serialize};

use crate::ids::OrderId;
use crate::text::Location;

/// Units at one location.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// In the building.
    pub on_hand: i64,
    /// Set aside for orders that are not yet certain.
    pub reserved: i64,
    /// Set aside for orders that are.
    pub committed: i64,
}

impl Level {
    /// What may still be sold.
    pub fn available(&self) -> i64 {
        self.on_hand - self.reserved - self.committed
    }
}

/// What an order holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Units not yet shipped, by location.
    pub parts: Vec<Part>,
    /// Whether the order is certain.
    pub committed: bool,
}

/// Of the shape of [`Stock`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 1;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = crate::refusal::OfSku<Error>;

/// The stock of one SKU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Units by location.
    pub levels: BTreeMap<Location, Level>,
    /// What orders hold of them.
    pub holds: BTreeMap<OrderId, Hold>,
}

impl Stock {
    /// How many things it holds beside itself.
    pub fn items(&self) -> usize {
        self.levels.len() + self.holds.len()
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Received(received) => {
                self.level(&received.location).on_hand += i64::from(received.quantity);
            }
            Event::Adjusted(adjusted) => self.level(&adjusted.location).on_hand += adjusted.delta,
            Event::Reserved(reserved) => {
                for part in &reserved.parts {
                    self.level(&part.location).reserved += i64::from(part.quantity);
                }
                let hold = Hold { parts: reserved.parts.clone(), committed: false };
                self.holds.insert(reserved.order_id, hold);
            }
            Event::Committed(committed) => {
                for part in &committed.parts {
                    let level = self.level(&part.location);
                    level.reserved -= i64::from(part.quantity);
                    level.committed += i64::from(part.quantity);
                }
                if let Some(hold) = self.holds.get_mut(&committed.order_id) {
                    hold.committed = true;
                }
            }
            Event::Released(released) => {
                for part in &released.parts {
                    let level = self.level(&part.location);
                    if released.committed {
                        level.committed -= i64::from(part.quantity);
                    } else {
                        level.reserved -= i64::from(part.quantity);
                    }
                }
                self.shrink_hold(released.order_id, &released.parts);
            }
            Event::Shipped(shipped) => self.take_out(shipped),
        }
    }

    /// What may still be sold, over all locations.
    pub fn available(&self) -> i64 {
        self.levels.values().map(Level::available).sum()
    }

    fn level(&mut self, location: &Location) -> &mut Level {
        self.levels.entry(location.clone()).or_default()
    }

    fn take_out(&mut self, shipped: &Shipped) {
        for part in &shipped.parts {
            let level = self.level(&part.location);
            level.committed -= i64::from(part.quantity);
            level.on_hand -= i64::from(part.quantity);
        }
        self.shrink_hold(shipped.order_id, &shipped.parts);
    }

    fn shrink_hold(&mut self, order_id: OrderId, gone: &[Part]) {
        let Some(hold) = self.holds.get_mut(&order_id) else { return };
        hold.parts = rules::remaining(&hold.parts, gone);
        if hold.parts.is_empty() {
            self.holds.remove(&order_id);
        }
    }
}
