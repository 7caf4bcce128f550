//! One attempt to pay an order, through a gateway or in cash on delivery.
//!
//! A payment is at a *stage*, which says what may still come: `created → requires_action → open →
//! done`, or to an end without success. What was taken and given back are *sums*; the status that
//! people read follows from both. Through a gateway it is open while money is set aside and more of
//! it may be taken; in cash, while the courier may collect more.
//!
//! Whatever a gateway does is first *requested*, then recorded as done, refused or *unknown*; an
//! unknown request is settled by finding out, by a machine or a person. One request is in flight at
//! a time. What the gateway did without being asked is *reported*.

mod cash;
mod correcting;
pub mod document;
mod event;
mod folding;
mod recording;
mod refunds;
mod rules;
mod status;

use std::collections::BTreeSet;

pub use cash::{Collected, CollectionDue, Remitted, Uncollected, WriteOff};
pub use correcting::{CollectionCorrected, RefundCorrected, RemittanceCorrected};
pub use event::{
    ActionRequired, Assigned, Authorized, CapturePolicy, Captured, Created, DisputeStage, Disputed,
    Event, Expired, Failed, Operation, OutcomeUnknown, Refunded, Reported, RequestFailed,
    Requested, Resolved, Restoration, Restored, Voided,
};
pub use recording::{Finding, Report, Verdict};
pub use refunds::{REFUNDS_SHOWN_MAX, Refund};
pub use rules::{Error, Start};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use status::Status;

use crate::ids::OrderId;
use crate::money::Money;
use crate::order::PaymentMethod;
use crate::text::{Note, Token};

/// Requests that may be made of a gateway about one payment.
pub const REQUESTS_MAX: u32 = 1_000;

/// What may still come of a payment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PaymentStage")]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Never begun.
    #[default]
    Unborn,
    /// Begun; the gateway is being asked.
    Created,
    /// Waiting for the customer to confirm at their bank.
    RequiresAction,
    /// Set aside, or due in cash: some of it may be taken.
    Open,
    /// Nothing more is taken; what was taken stands in the sums.
    Done,
    /// Let go before anything was taken.
    Voided,
    /// Lapsed before anything was taken.
    Expired,
    /// It will not be paid this way.
    Failed,
    /// The courier could not collect it.
    Uncollected,
}

impl Stage {
    /// Whether something may still come of a payment that stands there.
    pub(crate) fn is_alive(self) -> bool {
        match self {
            Stage::Created | Stage::RequiresAction | Stage::Open => true,
            Stage::Unborn
            | Stage::Done
            | Stage::Voided
            | Stage::Expired
            | Stage::Failed
            | Stage::Uncollected => false,
        }
    }
}

impl std::fmt::Display for Status {
    /// As it is stored and shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// A request whose outcome is not recorded yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// What was asked for.
    pub operation: Operation,
    /// How much of it.
    pub amount: Money,
    /// The number of the request, from 1.
    pub request: u32,
    /// Whether the gateway's answer was lost.
    pub unknown: bool,
}

/// A payment that exists: its terms, and what has come of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What is paid.
    pub order_id: OrderId,
    /// How.
    pub method: PaymentMethod,
    /// When it is taken.
    pub capture: CapturePolicy,
    /// Whether the gateway takes money once and lets go of the rest with that.
    pub once: bool,
    /// How much is due.
    pub amount: Money,
    /// How much was set aside.
    pub authorized: Money,
    /// How much was taken.
    pub captured: Money,
    /// How much was given back.
    pub refunded: Money,
    /// How much of that by hand, and by no gateway.
    pub refunded_by_hand: Money,
    /// How much the bank took back after a dispute.
    pub charged_back: Money,
    /// How much the courier handed over.
    pub remitted: Money,
    /// How much of what the courier took is waited for no more.
    pub written_off: Money,
}

/// Of the shape of [`Payment`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 6;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// A payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// What may still come of it.
    pub stage: Stage,
    /// What it is about, once begun.
    pub terms: Option<Terms>,
    /// What the gateway is being asked for.
    pub in_flight: Option<InFlight>,
    /// Why, of a refund, if somebody said so.
    pub reason: Option<Note>,
    /// How many requests were made.
    pub requests: u32,
    /// The gateway's name for it.
    pub reference: Option<Token>,
    /// The gateway's names for the captures, refunds and lost disputes that are in the sums.
    pub counted: BTreeSet<Token>,
    /// Those of refunds that failed after all, and are in the sums no more.
    pub failed_refunds: BTreeSet<Token>,
    /// The gateway's names for the disputes that have ended: what is told of them late is none.
    pub ended_disputes: BTreeSet<Token>,
    /// What the gateway refused last, if it did nothing since.
    pub refused: Option<Operation>,
}

impl Payment {
    /// How many things it holds beside itself.
    pub fn items(&self) -> usize {
        self.counted.len() + self.failed_refunds.len() + self.ended_disputes.len()
    }
}

impl Terms {
    /// Whether it goes through a gateway.
    pub fn by_gateway(&self) -> bool {
        match self.method {
            PaymentMethod::Card | PaymentMethod::Paypal => true,
            PaymentMethod::CashOnDelivery | PaymentMethod::External => false,
        }
    }

    /// The most that can be taken.
    pub fn at_most_captured(&self) -> Money {
        if self.by_gateway() { self.authorized } else { self.amount }
    }

    /// What the courier took and is still to hand over.
    pub fn to_remit(&self) -> Money {
        self.captured.less(self.remitted).less(self.written_off)
    }

    /// What was taken and neither given back nor taken back.
    pub fn kept(&self) -> Money {
        self.captured.less(self.refunded).less(self.charged_back)
    }
}

/// What it comes to.
impl Payment {
    /// What may still be taken of what is set aside, or is still due in cash.
    pub fn open_amount(&self) -> Option<Money> {
        let terms = self.terms.as_ref()?;
        let open = self.stage == Stage::Open;
        open.then(|| terms.at_most_captured().less(terms.captured))
    }

    /// Whether being asked for this it is let go of before anything was set aside.
    pub(crate) fn is_given_up(&self, operation: Operation) -> bool {
        operation == Operation::Void && matches!(self.stage, Stage::Created | Stage::RequiresAction)
    }

    /// Whether something may still come of it, so that no other payment is begun beside it.
    pub fn is_alive(&self) -> bool {
        self.stage.is_alive()
    }
}
