//! One attempt to pay an order, by card or in cash on delivery.
//!
//! Card: `created → requires_action → authorized → partially_captured → captured →
//! partially_refunded → refunded`; `authorized → voided | expired`;
//! `created | requires_action → failed`. Cash: `created → cod_pending → collected → remitted`,
//! `cod_pending → uncollected`.
//!
//! Whatever a gateway does is first *requested*, then recorded as done, refused or *unknown*; an
//! unknown request is settled only by asking the gateway again under the same key. One request is
//! in flight at a time.

pub mod document;
mod event;
mod rules;

pub use event::{
    ActionRequired, Authorized, Captured, Collected, CollectionDue, Created, Event, Expired,
    Failed, Operation, OutcomeUnknown, Refunded, Remitted, RequestFailed, Requested, Uncollected,
    Voided,
};
pub use rules::{Error, Verdict};
use serde::{Deserialize, Serialize};

use crate::ids::OrderId;
use crate::money::Money;
use crate::order::PaymentMethod;

/// Where a payment stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Never begun.
    #[default]
    Unborn,
    /// Begun; the gateway is being asked.
    Created,
    /// Waiting for the customer to confirm at their bank.
    RequiresAction,
    /// Set aside.
    Authorized,
    /// Taken in part.
    PartiallyCaptured,
    /// Taken in full.
    Captured,
    /// Given back in part.
    PartiallyRefunded,
    /// Given back in full.
    Refunded,
    /// The authorisation was given back.
    Voided,
    /// The authorisation lapsed.
    Expired,
    /// It will not be paid this way.
    Failed,
    /// The courier is to collect it.
    CodPending,
    /// The courier has it.
    Collected,
    /// The courier handed it over.
    Remitted,
    /// The courier could not collect it.
    Uncollected,
}

/// A request whose outcome is not recorded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// What was asked for.
    pub operation: Operation,
    /// How much of it.
    pub amount: Money,
    /// The how manieth request.
    pub request: u32,
    /// Whether the gateway's answer was lost.
    pub unknown: bool,
}

/// A payment that exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What is paid.
    pub order_id: OrderId,
    /// How.
    pub method: PaymentMethod,
    /// How much is due.
    pub amount: Money,
    /// How much was set aside.
    pub authorized: Money,
    /// How much was taken.
    pub captured: Money,
    /// How much was given back.
    pub refunded: Money,
}

/// Of the shape of [`Payment`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 1;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// A payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Where it stands in its life.
    pub status: Status,
    /// What it is about, once begun.
    pub terms: Option<Terms>,
    /// What the gateway is being asked for.
    pub in_flight: Option<InFlight>,
    /// How many requests were made.
    pub requests: u32,
}

impl Payment {
    /// How many things it holds beside itself.
    #[allow(clippy::unused_self, reason = "as the others have it")]
    pub fn items(&self) -> usize {
        0
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Created(created) => self.begin(created),
            Event::Requested(requested) => {
                let Requested { operation, amount, request, .. } = *requested;
                self.requests = request;
                self.in_flight = Some(InFlight { operation, amount, request, unknown: false });
            }
            Event::OutcomeUnknown(_) => {
                if let Some(in_flight) = &mut self.in_flight {
                    in_flight.unknown = true;
                }
            }
            Event::ActionRequired(_) => self.settle(Status::RequiresAction),
            Event::Authorized(authorized) => {
                self.settle(Status::Authorized);
                if let Some(terms) = &mut self.terms {
                    terms.authorized = authorized.amount;
                }
            }
            Event::Captured(captured) => self.add_captured(captured.amount),
            Event::Refunded(refunded) => self.add_refunded(refunded.amount),
            Event::Voided(_) => self.settle(Status::Voided),
            Event::Expired(_) => self.settle(Status::Expired),
            Event::Failed(_) => self.settle(Status::Failed),
            Event::RequestFailed(_) => self.in_flight = None,
            Event::CollectionDue(_) => self.status = Status::CodPending,
            Event::Collected(collected) => {
                self.add_captured(collected.amount);
                self.status = Status::Collected;
            }
            Event::Remitted(_) => self.status = Status::Remitted,
            Event::Uncollected(_) => self.status = Status::Uncollected,
        }
    }

    /// Whether the gateway is being asked to give the authorisation back.
    pub fn is_being_voided(&self) -> bool {
        self.in_flight.is_some_and(|waiting| waiting.operation == Operation::Void)
    }

    fn begin(&mut self, created: &Created) {
        let zero = Money::zero(created.amount.currency());
        self.status = Status::Created;
        self.terms = Some(Terms {
            order_id: created.order_id,
            method: created.method,
            amount: created.amount,
            authorized: zero,
            captured: zero,
            refunded: zero,
        });
    }

    fn settle(&mut self, status: Status) {
        self.status = status;
        self.in_flight = None;
    }

    // Sums are checked by the rules; an impossible one leaves the amount as it was.
    fn add_captured(&mut self, amount: Money) {
        let Some(terms) = &mut self.terms else { return };
        terms.captured = terms.captured.plus(amount).unwrap_or(terms.captured);
        let full = terms.captured == terms.amount;
        self.settle(if full { Status::Captured } else { Status::PartiallyCaptured });
    }

    fn add_refunded(&mut self, amount: Money) {
        let Some(terms) = &mut self.terms else { return };
        terms.refunded = terms.refunded.plus(amount).unwrap_or(terms.refunded);
        let full = terms.refunded == terms.captured;
        self.settle(if full { Status::Refunded } else { Status::PartiallyRefunded });
    }
}
