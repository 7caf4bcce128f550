//! An order: what was bought, at which prices, and how far it has come.
//!
//! `pending → confirmed → completed`, `pending | confirmed → cancelled`. Payments and parcels are
//! streams of their own; the order remembers only what its own decisions need of them.

mod event;
mod rules;

use std::collections::BTreeMap;

pub use event::{
    CancelReason, Cancelled, Completed, Confirmed, Event, FulfilmentClosed, FulfilmentPlanned,
    Line, Outcome, PaymentMethod, PaymentStarted, Placed, Units,
};
pub use rules::Error;

use serde::{Deserialize, Serialize};

use crate::ids::{FulfilmentId, PaymentId};
use crate::money::Money;
use crate::text::Sku;

/// Parcels an order may be split into.
pub const FULFILMENTS_MAX: usize = 200;

/// Where an order stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Never placed.
    #[default]
    Unplaced,
    /// Placed, its units reserved, not yet certain.
    Pending,
    /// Certain.
    Confirmed,
    /// Delivered in full.
    Completed,
    /// Off.
    Cancelled,
}

/// A parcel, as the order sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// What is in it.
    pub lines: Vec<Units>,
    /// How it ended, once it did.
    pub outcome: Option<Outcome>,
}

/// Of the shape of [`Order`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 1;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// An order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Where it stands in its life.
    pub status: Status,
    /// What was bought.
    pub lines: Vec<Line>,
    /// The sum of the lines, once placed.
    pub total: Option<Money>,
    /// The latest attempt to pay it.
    pub payment: Option<(PaymentId, PaymentMethod)>,
    /// Its parcels.
    pub parcels: BTreeMap<FulfilmentId, Parcel>,
}

impl Order {
    /// How many things it holds beside itself.
    pub fn items(&self) -> usize {
        self.lines.len() + self.parcels.len()
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Placed(placed) => {
                self.status = Status::Pending;
                self.lines.clone_from(&placed.lines);
                self.total = Some(placed.total);
            }
            Event::PaymentStarted(started) => {
                self.payment = Some((started.payment_id, started.method));
            }
            Event::Confirmed(_) => self.status = Status::Confirmed,
            Event::FulfilmentPlanned(planned) => {
                let parcel = Parcel { lines: planned.lines.clone(), outcome: None };
                self.parcels.insert(planned.fulfilment_id, parcel);
            }
            Event::FulfilmentClosed(closed) => {
                if let Some(parcel) = self.parcels.get_mut(&closed.fulfilment_id) {
                    parcel.outcome = Some(closed.outcome);
                }
            }
            Event::Completed(_) => self.status = Status::Completed,
            Event::Cancelled(_) => self.status = Status::Cancelled,
        }
    }

    /// Units of all lines.
    pub fn units(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.quantity.get())).sum()
    }

    /// Units of `sku` that are in no parcel yet, or only in parcels that were called off.
    pub fn unplanned(&self, sku: &Sku) -> u32 {
        let ordered = self.lines.iter().find(|line| line.sku == *sku);
        let ordered = ordered.map_or(0, |line| line.quantity.get());
        ordered.saturating_sub(self.units_in(sku, |outcome| outcome != Some(Outcome::Cancelled)))
    }

    /// Units of `sku` in the parcels whose outcome satisfies `which`.
    fn units_in(&self, sku: &Sku, which: impl Fn(Option<Outcome>) -> bool) -> u32 {
        self.parcels
            .values()
            .filter(|parcel| which(parcel.outcome))
            .flat_map(|parcel| &parcel.lines)
            .filter(|units| units.sku == *sku)
            .map(|units| units.quantity.get())
            .sum()
    }

    /// Whether any parcel was handed over.
    pub fn any_delivered(&self) -> bool {
        self.parcels.values().any(|parcel| parcel.outcome == Some(Outcome::Delivered))
    }

    /// Whether every unit has left in a parcel that reached its end.
    fn all_closed(&self) -> bool {
        let ended = |outcome| matches!(outcome, Some(Outcome::Delivered | Outcome::Returned));
        self.lines.iter().all(|line| self.units_in(&line.sku, ended) == line.quantity.get())
    }
}
