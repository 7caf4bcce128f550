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
pub mod document;
mod event;
mod recording;
mod rules;
mod status;

use std::collections::BTreeSet;

pub use cash::{Collected, CollectionCorrected, CollectionDue, Remitted, Uncollected, WriteOff};
pub use event::{
    ActionRequired, Assigned, Authorized, CapturePolicy, Captured, Created, DisputeStage, Disputed,
    Event, Expired, Failed, Operation, OutcomeUnknown, Refunded, Reported, RequestFailed,
    Requested, Resolved, Restoration, Restored, Voided,
};
pub use recording::{Finding, Report, Verdict};
pub use rules::{Error, Start};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use status::Status;

use crate::ids::OrderId;
use crate::money::Money;
use crate::order::PaymentMethod;
use crate::text::Token;

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
    /// How much the bank took back after a dispute.
    pub charged_back: Money,
    /// How much the courier handed over.
    pub remitted: Money,
    /// How much of what the courier took is waited for no more.
    pub written_off: Money,
}

/// Of the shape of [`Payment`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 5;

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
            Event::ActionRequired(required) => {
                self.settle(Some(required.request));
                self.stage = Stage::RequiresAction;
                self.reference = required.reference.clone().or(self.reference.take());
            }
            Event::Authorized(authorized) => {
                self.settle(authorized.request);
                self.stage = Stage::Open;
                self.reference = Some(authorized.reference.clone());
                self.sum(|terms| terms.authorized = authorized.amount);
                // Told late, it may have been taken by then.
                self.done_if_taken(false);
            }
            Event::Captured(captured) => {
                self.settle(Some(captured.request));
                self.counted.extend(captured.reference.clone());
                self.take(captured.amount, captured.last);
            }
            Event::Refunded(refunded) => {
                self.settle(refunded.request);
                self.counted.extend(refunded.reference.clone());
                self.sum(|terms| add(&mut terms.refunded, refunded.amount));
            }
            Event::Reported(reported) => self.hear_of(reported),
            Event::Disputed(disputed) => self.dispute(disputed),
            Event::Voided(voided) => {
                self.settle(voided.request);
                self.close(Stage::Voided);
            }
            Event::Expired(_) => self.close(Stage::Expired),
            Event::Failed(_) => {
                self.in_flight = None;
                self.close(Stage::Failed);
            }
            Event::RequestFailed(failed) => {
                self.settle(Some(failed.request));
                self.refused = Some(failed.operation);
            }
            Event::Restored(restored) => self.restore(restored),
            Event::Resolved(_) | Event::Assigned(_) => {}
            Event::CollectionDue(_) => self.stage = Stage::Open,
            Event::Collected(collected) => self.take(collected.amount, false),
            Event::CollectionCorrected(corrected) => self.correct(corrected.amount),
            Event::Remitted(remitted) => {
                self.sum(|terms| {
                    add(&mut terms.remitted, remitted.amount);
                    if let Some(of) = &remitted.written_off {
                        add(&mut terms.written_off, of.amount);
                    }
                });
            }
            Event::Uncollected(_) => self.close(Stage::Uncollected),
        }
    }

    fn begin(&mut self, created: &Created) {
        let zero = Money::zero(created.amount.currency());
        self.stage = Stage::Created;
        self.terms = Some(Terms {
            order_id: created.order_id,
            method: created.method,
            capture: created.capture,
            once: created.once,
            amount: created.amount,
            authorized: zero,
            captured: zero,
            refunded: zero,
            charged_back: zero,
            remitted: zero,
            written_off: zero,
        });
    }

    fn hear_of(&mut self, reported: &Reported) {
        self.counted.insert(reported.reference.clone());
        match reported.operation {
            Operation::Capture => {
                let once = self.terms.as_ref().is_some_and(|terms| terms.once);
                self.take(reported.amount, once);
            }
            Operation::Refund => self.sum(|terms| add(&mut terms.refunded, reported.amount)),
            Operation::Authorize | Operation::Void => {}
        }
    }

    fn dispute(&mut self, disputed: &Disputed) {
        if disputed.stage != DisputeStage::Opened {
            self.ended_disputes.insert(disputed.reference.clone());
        }
        if disputed.stage == DisputeStage::Lost {
            self.counted.insert(disputed.reference.clone());
            self.sum(|terms| add(&mut terms.charged_back, disputed.amount));
        }
    }

    fn restore(&mut self, restored: &Restored) {
        let (reference, amount) = (&restored.reference, restored.amount);
        match restored.what {
            Restoration::Refund => {
                self.failed_refunds.insert(reference.clone());
                self.sum(|terms| terms.refunded = terms.refunded.less(amount));
            }
            Restoration::Dispute => {
                self.counted.remove(reference);
                self.sum(|terms| terms.charged_back = terms.charged_back.less(amount));
            }
        }
    }

    /// The request was answered.
    fn settle(&mut self, request: Option<u32>) {
        self.refused = None;
        self.in_flight = self.in_flight.filter(|waiting| Some(waiting.request) != request);
    }

    fn sum(&mut self, change: impl FnOnce(&mut Terms)) {
        if let Some(terms) = &mut self.terms {
            change(terms);
        }
    }

    fn take(&mut self, amount: Money, last: bool) {
        self.sum(|terms| add(&mut terms.captured, amount));
        self.done_if_taken(last);
    }

    /// In all so much was collected: the rest is due again, or nothing more is.
    fn correct(&mut self, amount: Money) {
        let Some(terms) = &mut self.terms else { return };
        let all = |taken: Money| taken.amount() >= terms.amount.amount();
        let (was_all, is_all) = (all(terms.captured), all(amount));
        terms.captured = amount;
        self.stage = match self.stage {
            _ if is_all => Stage::Done,
            Stage::Done if was_all => Stage::Open,
            Stage::Done if amount.is_zero() => Stage::Uncollected,
            stage => stage,
        };
    }

    fn done_if_taken(&mut self, last: bool) {
        let Some(terms) = &self.terms else { return };
        // Told before what is set aside: it is done if it was all that is due.
        let early = terms.authorized.is_zero();
        let most = if early { terms.amount } else { terms.at_most_captured() };
        if last || terms.captured.amount() >= most.amount() {
            self.stage = Stage::Done;
        }
    }

    /// Nothing more is taken. What was taken stands.
    fn close(&mut self, without: Stage) {
        let taken = self.terms.as_ref().is_some_and(|terms| !terms.captured.is_zero());
        self.stage = if taken { Stage::Done } else { without };
    }
}

// Sums are checked by the rules; an impossible one leaves the amount as it was.
fn add(sum: &mut Money, amount: Money) {
    *sum = sum.plus(amount).unwrap_or(*sum);
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
        match self.stage {
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
