//! An order: what was bought, at which prices, and how far it has come.
//!
//! `pending → confirmed → completed`, `pending | confirmed → cancelled`; `completed → confirmed`
//! where something was not handed over, though that was told. What stood for the money
//! of one that is certain may end before anything left: it is *unsecured* then, and waits so long
//! for another payment. An order can shrink: units are called off before they leave, come back or
//! are lost on the way, or are returned after they were delivered; what is *owed* shrinks with
//! them, and captures, refunds and the end of the order go by it. One that was sold elsewhere
//! before may be *recorded*: it lives as the others do, but nothing is taken out of stock for it.
//! Payments, parcels and returns are streams of their own; the order remembers only what its own
//! decisions need of them.

mod assigning;
mod cancelling;
mod event;
mod fulfilling;
mod noting;
mod overpaying;
mod owed;
mod recording;
mod returning;
mod rules;
mod securing;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
pub use event::{
    AddressChanged, Assigned, CancelReason, Cancelled, Completed, Confirmed, DeliveryCorrected,
    Event, FulfilmentClosed, FulfilmentPlanned, FulfilmentShipped, HoldProlonged, Line, NoteAdded,
    Overpaid, OverpaidCorrected, ParcelOutcome, PaymentEnded, PaymentMethod, PaymentStarted,
    Placed, Reinstated, ReturnClosed, ReturnOpened, Secured, Units, UnitsCancelled, UnitsDelivered,
    UnitsReturned, Unsecured,
};
pub(crate) use fulfilling::{merge, units_of, without};
pub use recording::Recording;
pub use returning::{ReturnCorrected, ReturnTold};
pub use rules::{Error, Placing, UnitsLeft};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CartId, FulfilmentId, PaymentId, ReturnId};
use crate::money::Money;
use crate::owner::Owner;
use crate::text::Sku;

/// Parcels an order may be split into.
pub const FULFILMENTS_MAX: usize = 200;
/// Parcels an order may have with those that were called off: who plans them in a loop is stopped.
pub const FULFILMENTS_EVER_MAX: usize = 1_000;
/// Payments that may be begun for an order: more than a shopper has cards, fewer than who tries
/// stolen ones.
pub const PAYMENTS_MAX: usize = 30;
/// Payments more that an order may have if they are in cash or made elsewhere.
pub const PAYMENTS_IN_CASH_MAX: usize = 10;
/// Lines an order of another shop's books may have. One that was a cart has no more than a cart.
pub const RECORDED_LINES_MAX: usize = 500;
/// Open returns an order may have.
pub const RETURNS_MAX: usize = 200;
/// Returns an order may have with those that came to their end: who announces and withdraws them in
/// a loop is stopped.
pub const RETURNS_EVER_MAX: u32 = 1_000;
/// Notes those who work here may write about an order: more than a long quarrel needs, fewer than a
/// program writes that uses them for something else.
pub const NOTES_MAX: u32 = 200;
/// How long after its first reservation an order's units may still be held for a bank.
pub const HOLD_PROLONGED_MAX: TimeDelta = TimeDelta::hours(1);
/// How long an order that was certain waits for another payment. It is asked for by mail, and mails
/// are read after a weekend; but its units are kept from others meanwhile.
pub const PAY_AGAIN_WITHIN: TimeDelta = TimeDelta::days(3);

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
    /// Every unit was delivered or is off.
    Completed,
    /// Off.
    Cancelled,
}

/// How far the units of one SKU have come. What is in none of these is still to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineProgress {
    /// In parcels that have not left.
    pub planned: u32,
    /// On their way.
    pub moving: u32,
    /// Handed over.
    pub delivered: u32,
    /// Of those, announced to come back.
    pub returning: u32,
    /// Of those, back.
    pub returned: u32,
    /// Never to be handed over: called off, sent back or lost.
    pub off: u32,
    /// Of those, what had left: sent back or lost.
    pub gone: u32,
}

/// How far a parcel has come, as the order sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// It has not left.
    Planned,
    /// It is on its way.
    Shipped,
    /// It reached its end.
    Closed(ParcelOutcome),
}

/// A parcel, as the order sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parcel {
    /// What is in it, without what was handed over of it in part or goes out in another.
    pub lines: Vec<Units>,
    /// How far it has come.
    pub stage: Stage,
}

/// A payment, as the order sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BegunPayment {
    /// How.
    pub method: PaymentMethod,
    /// Whether it came to nothing.
    pub ended: bool,
}

/// Of the shape of [`Order`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 13;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// An order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Where it stands in its life.
    pub status: Status,
    /// Whose it is.
    pub owner: Owner,
    /// The cart it was; none if it was recorded.
    pub cart_id: Option<CartId>,
    /// What was bought.
    pub lines: Vec<Line>,
    /// Whether it was sold before it came to this log: stock knows nothing of its units until they
    /// come back.
    pub recorded: bool,
    /// The sum of the lines, once placed.
    pub total: Option<Money>,
    /// What was owed for it when it became certain, if ever.
    pub sold: Option<Money>,
    /// What was taken for it beyond that.
    pub overpaid: Option<Money>,
    /// What became owed again, because what had been lost turned up, or had not come back.
    pub regained: Option<Money>,
    /// What is not given back though its goods came back: they were worth less then.
    pub withheld: Option<Money>,
    /// How far its units have come.
    pub progress: BTreeMap<Sku, LineProgress>,
    /// When it is cancelled if it is still unpaid.
    pub reserved_until: Option<DateTime<Utc>>,
    /// Up to when that may be put off.
    pub hold_until_max: Option<DateTime<Utc>>,
    /// Whether it is certain, and what stood for its money ended before anything left.
    pub unsecured: bool,
    /// Whether it is off because nobody paid in time.
    pub expired: bool,
    /// What was begun to pay it.
    pub payments: BTreeMap<PaymentId, BegunPayment>,
    /// Its parcels.
    pub fulfilments: BTreeMap<FulfilmentId, Parcel>,
    /// What of it is announced to come back, by return; of those that are not closed.
    pub returns: BTreeMap<ReturnId, Vec<Units>>,
    /// How many returns it ever had.
    pub returns_ever: u32,
    /// How many notes were written about it.
    pub notes: u32,
}

impl Order {
    /// How many things it holds beside itself.
    pub fn items(&self) -> usize {
        let parcels = self.fulfilments.values().map(|parcel| 1 + parcel.lines.len());
        let returns = self.returns.values().map(|lines| 1 + lines.len());
        let parts: usize = parcels.chain(returns).sum();
        self.lines.len() * 2 + self.payments.len() + parts
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Placed(placed) => {
                self.status = Status::Pending;
                let Placed { customer_id, guest_id, .. } = *placed;
                self.owner = Owner { customer_id, guest_id };
                self.cart_id = placed.cart_id;
                self.lines.clone_from(&placed.lines);
                self.recorded = placed.recorded;
                self.total = Some(placed.total);
                self.hold_until(placed.reserved_until);
            }
            Event::Assigned(assigned) => self.owner = Owner::customer(assigned.customer_id),
            Event::PaymentStarted(PaymentStarted { payment_id, method }) => {
                let attempt = BegunPayment { method: *method, ended: false };
                self.payments.insert(*payment_id, attempt);
            }
            Event::PaymentEnded(ended) => self.end_of_payment(ended.payment_id, true),
            Event::HoldProlonged(held) => self.reserved_until = Some(held.reserved_until),
            Event::Unsecured(unsecured) => {
                self.unsecured = true;
                self.hold_until(unsecured.reserved_until);
            }
            Event::Secured(secured) => {
                self.unsecured = false;
                self.stands(secured.payment_id);
            }
            Event::Confirmed(confirmed) => self.become_certain(confirmed),
            Event::AddressChanged(_) => {}
            Event::FulfilmentPlanned(planned) => {
                self.count(&planned.lines, |of, units| of.planned += units);
                let parcel = Parcel { lines: planned.lines.clone(), stage: Stage::Planned };
                self.fulfilments.insert(planned.fulfilment_id, parcel);
            }
            Event::FulfilmentShipped(FulfilmentShipped { fulfilment_id, lines }) => {
                self.advance(*fulfilment_id, Stage::Shipped);
                self.count(lines, |of, units| {
                    of.planned = of.planned.saturating_sub(units);
                    of.moving += units;
                });
            }
            Event::UnitsDelivered(delivered) => self.hand_over(delivered),
            Event::FulfilmentClosed(closed) => self.close(closed),
            Event::DeliveryCorrected(corrected) => self.undeliver(corrected),
            Event::UnitsCancelled(cancelled) => {
                self.count(&cancelled.lines, |of, units| of.off += units);
            }
            Event::ReturnOpened(opened) => {
                self.count(&opened.lines, |of, units| of.returning += units);
                self.returns.insert(opened.return_id, opened.lines.clone());
                self.returns_ever = self.returns_ever.saturating_add(1);
            }
            Event::UnitsReturned(returned) => self.take_back(returned),
            Event::ReturnCorrected(corrected) => self.correct_what_came(corrected),
            Event::ReturnClosed(closed) => self.expect_no_more(closed),
            Event::Completed(_) => self.complete(),
            Event::Cancelled(cancelled) => {
                self.status = Status::Cancelled;
                self.unsecured = false;
                self.expired = cancelled.reason == CancelReason::Expired;
            }
            Event::Overpaid(Overpaid { amount, .. }) => add(&mut self.overpaid, *amount),
            Event::OverpaidCorrected(OverpaidCorrected { amount, .. }) => {
                self.overpaid = self.overpaid.map(|sum| sum.less(*amount));
            }
            Event::Reinstated(_) => {
                self.status = Status::Pending;
                self.expired = false;
            }
            Event::NoteAdded(_) => self.notes = self.notes.saturating_add(1),
        }
    }

    fn become_certain(&mut self, confirmed: &Confirmed) {
        self.status = Status::Confirmed;
        self.sold = Some(confirmed.total);
        if let (Some(sum), Some(prepaid)) = (&mut self.overpaid, confirmed.prepaid) {
            *sum = sum.less(prepaid);
        }
        self.stands(confirmed.payment_id);
    }

    /// Though it had come to nothing before.
    fn stands(&mut self, payment: Option<PaymentId>) {
        if let Some(id) = payment {
            self.end_of_payment(id, false);
        }
    }

    fn hold_until(&mut self, until: DateTime<Utc>) {
        self.reserved_until = Some(until);
        self.hold_until_max = until.checked_add_signed(HOLD_PROLONGED_MAX);
    }

    fn end_of_payment(&mut self, id: PaymentId, ended: bool) {
        if let Some(attempt) = self.payments.get_mut(&id) {
            attempt.ended = ended;
        }
    }

    /// What was not handed over by now is off: of an order that was called off before a lost parcel
    /// of it turned up, that is all else.
    fn complete(&mut self) {
        self.status = Status::Completed;
        self.unsecured = false;
        for line in &self.lines {
            let of = self.progress.entry(line.sku.clone()).or_default();
            (of.planned, of.moving) = (0, 0);
            of.off = line.quantity.get().saturating_sub(of.delivered);
        }
    }

    fn count(&mut self, lines: &[Units], change: impl Fn(&mut LineProgress, u32)) {
        for Units { sku, quantity } in lines {
            change(self.progress.entry(sku.clone()).or_default(), quantity.get());
        }
    }

    fn advance(&mut self, id: FulfilmentId, to: Stage) {
        if let Some(parcel) = self.fulfilments.get_mut(&id) {
            parcel.stage = to;
        }
    }

    fn close(&mut self, closed: &FulfilmentClosed) {
        self.advance(closed.fulfilment_id, Stage::Closed(closed.outcome));
        if let Some(regained) = closed.regained {
            add(&mut self.regained, regained);
        }
        if let Some(parcel) = self.fulfilments.get_mut(&closed.fulfilment_id) {
            parcel.lines = without(&parcel.lines, &closed.again);
        }
        self.count(&closed.again, |of, units| of.moving = of.moving.saturating_sub(units));
        let ended = without(&closed.lines, &closed.again);
        self.count(&ended, |of, units| match closed.outcome {
            ParcelOutcome::Delivered if closed.found => {
                of.off = of.off.saturating_sub(units);
                of.gone = of.gone.saturating_sub(units);
                of.delivered += units;
            }
            // Off they were already.
            ParcelOutcome::Returned | ParcelOutcome::Lost if closed.found => {}
            // Called off before it left: its units are still to be sent.
            ParcelOutcome::Cancelled => of.planned = of.planned.saturating_sub(units),
            ParcelOutcome::Delivered => {
                of.moving = of.moving.saturating_sub(units);
                of.delivered += units;
            }
            ParcelOutcome::Returned | ParcelOutcome::Lost => {
                of.moving = of.moving.saturating_sub(units);
                of.off += units;
                of.gone += units;
            }
        });
    }

    fn hand_over(&mut self, delivered: &UnitsDelivered) {
        if let Some(regained) = delivered.regained {
            add(&mut self.regained, regained);
        }
        if let Some(parcel) = self.fulfilments.get_mut(&delivered.fulfilment_id) {
            parcel.lines = without(&parcel.lines, &delivered.lines);
        }
        self.count(&delivered.lines, |of, units| {
            let from = if delivered.found { &mut of.off } else { &mut of.moving };
            *from = from.saturating_sub(units);
            if delivered.found {
                of.gone = of.gone.saturating_sub(units);
            }
            of.delivered += units;
        });
    }

    fn undeliver(&mut self, corrected: &DeliveryCorrected) {
        if let Some(parcel) = self.fulfilments.get_mut(&corrected.fulfilment_id) {
            parcel.stage = Stage::Shipped;
            parcel.lines.clone_from(&corrected.lines);
        }
        self.count(&corrected.lines, |of, units| {
            of.delivered = of.delivered.saturating_sub(units);
            of.moving += units;
        });
        if self.status == Status::Completed {
            self.status = Status::Confirmed;
        }
    }
}

// Of one order, so of one currency and within what money can be.
fn add(sum: &mut Option<Money>, more: Money) {
    *sum = sum.map_or(Some(more), |sum| sum.plus(more));
}
