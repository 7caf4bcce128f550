//! Goods of an order that come back after they were delivered.
//!
//! `requested → approved → received → closed`, `approved → closed`,
//! `requested | approved → rejected | withdrawn`.
//! Its goods arrive in parts as they come, each part in a condition: for sale again at a location,
//! or written off. What of that was told wrongly is put right, also when it is closed: one of which
//! nothing came after all is `approved` again.

pub mod document;
mod event;
mod rules;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use event::{
    Approved, Arrival, Closed, Disposal, Event, ReceiptCorrected, Received, Rejected, Requested,
    Withdrawn, Withheld,
};
pub use rules::Error;

use crate::ids::OrderId;
use crate::money::Money;
use crate::text::{Note, Quantity};

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
pub const SCHEMA: i32 = 5;

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
    /// What arrived in all: each SKU once a place, and once that is written off.
    pub received: Vec<Arrival>,
    /// What of its price is not given back.
    pub withheld: Option<Money>,
    /// Why it was refused.
    pub rejection: Option<Note>,
}

impl Return {
    /// How many things it holds beside itself.
    pub fn items(&self) -> usize {
        self.received.len()
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
                self.received = gathered(self.received.iter().chain(&received.lines));
                if let Some(Withheld { amount, .. }) = received.withheld {
                    // Of one order, so of one currency and within what money can be.
                    self.withheld = self.withheld.map_or(Some(amount), |sum| sum.plus(amount));
                }
            }
            Event::ReceiptCorrected(corrected) => {
                self.status = corrected.leads_to(self.status);
                self.arrivals = corrected.lines.len();
                self.received = gathered(&corrected.lines);
                self.withheld = corrected.withheld.or(self.withheld);
            }
            Event::Withdrawn(_) => self.status = Status::Withdrawn,
            Event::Closed(_) => self.status = Status::Closed,
        }
    }
}

/// Arrivals of one SKU with one end are one: the first of them names it.
fn gathered<'a>(arrivals: impl IntoIterator<Item = &'a Arrival>) -> Vec<Arrival> {
    let mut all: Vec<Arrival> = Vec::new();
    for arrival in arrivals {
        let is_like = |of: &&mut Arrival| of.sku == arrival.sku && of.disposal == arrival.disposal;
        let Some(known) = all.iter_mut().find(is_like) else {
            all.push(arrival.clone());
            continue;
        };
        // No more than were delivered, so within what a quantity can be.
        let sum = known.quantity.get().saturating_add(arrival.quantity.get());
        known.quantity = Quantity::try_from(sum).unwrap_or(known.quantity);
    }
    all
}
