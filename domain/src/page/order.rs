//! The document of an order, with its payments and parcels and how far both have come.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::StreamId;
use crate::ids::{CartId, CustomerId, OrderId};
use crate::money::Money;
use crate::order::{self, CancelReason, Line};
use crate::payment::Status as Paying;
use crate::seen::{Seen, stamp};
use crate::text::Note;
use crate::{fulfilment::document as fulfilment, payment::document as payment};

/// Where an order stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Placed, its units reserved, not yet certain.
    Pending,
    /// Certain.
    Confirmed,
    /// Delivered in full.
    Completed,
    /// Off.
    Cancelled,
}

/// What has come of paying, over all payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Nobody has begun.
    None,
    /// Begun: the gateway, the customer or the courier is to act.
    Awaiting,
    /// Set aside.
    Authorized,
    /// Taken in part.
    PartiallyPaid,
    /// Taken in full.
    Paid,
    /// Given back in part.
    PartiallyRefunded,
    /// All that was taken was given back.
    Refunded,
    /// The authorisation was given back.
    Voided,
    /// The authorisation lapsed.
    Expired,
    /// Declined.
    Failed,
    /// The courier could not collect it.
    Uncollected,
}

/// What has come of sending, over all parcels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FulfilmentStatus {
    /// Nothing has left.
    Unfulfilled,
    /// Some units have left.
    Partial,
    /// All units have left.
    Fulfilled,
    /// All units were handed over, or those that were not came back.
    Delivered,
    /// All units came back.
    Returned,
}

/// Why an order is off, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody asked for it.
    Requested,
    /// The payment was declined.
    PaymentFailed,
    /// Nobody paid in time.
    Expired,
    /// The authorisation was given back.
    PaymentVoided,
    /// The authorisation lapsed before it was captured.
    AuthorizationExpired,
    /// The courier brought everything back.
    Undeliverable,
}

/// How an order came to be off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancellation {
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: Reason,
    /// In the words of whoever asked for it.
    pub note: Option<Note>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Its id.
    pub id: OrderId,
    /// The version of its own stream.
    pub version: i64,
    /// The position of the last event in it, be it of a payment or a parcel.
    pub position: i64,
    /// Where it stands in its life.
    pub status: Status,
    /// What has come of paying.
    pub payment_status: PaymentStatus,
    /// What has come of sending.
    pub fulfilment_status: FulfilmentStatus,
    /// The cart it was.
    pub cart_id: CartId,
    /// Whose it is, unless a guest's.
    pub customer_id: Option<CustomerId>,
    /// What was bought.
    pub lines: Vec<Line>,
    /// Units of all lines.
    pub units: u64,
    /// The sum of the lines.
    pub total: Money,
    /// When it is cancelled if it is still unpaid.
    pub reserved_until: DateTime<Utc>,
    /// When it became certain.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// When all of it was delivered.
    pub completed_at: Option<DateTime<Utc>>,
    /// How it came to be off.
    pub cancelled: Option<Cancellation>,
    /// Attempts to pay it, the first one first.
    pub payments: Vec<payment::Document>,
    /// Its parcels, the first one first.
    pub parcels: Vec<fulfilment::Document>,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The stream of a payment or parcel that an event of the order names: its events make the document
/// too.
pub fn part(event: &Event) -> Option<StreamId> {
    let Event::Order(event) = event else { return None };
    match event {
        order::Event::PaymentStarted(started) => Some(StreamId::Payment(started.payment_id)),
        order::Event::FulfilmentPlanned(planned) => {
            Some(StreamId::Fulfilment(planned.fulfilment_id))
        }
        _ => None,
    }
}

/// The document after an event of the order, one of its payments or one of its parcels.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    match (seen.event, seen.stream) {
        (Event::Order(event), StreamId::Order(id)) => fold_own(document, *id, event, seen),
        (Event::Payment(event), _) => {
            let mut document = document?;
            if document.id == event.order_id() {
                put(&mut document.payments, seen, payment::fold, |payment| {
                    *seen.stream == StreamId::Payment(payment.id)
                });
                document.payments.sort_by_key(|payment| payment.created_at);
                document.roll_up(seen);
            }
            Some(document)
        }
        (Event::Fulfilment(event), _) => {
            let mut document = document?;
            if document.id == event.order_id() {
                put(&mut document.parcels, seen, fulfilment::fold, |parcel| {
                    *seen.stream == StreamId::Fulfilment(parcel.id)
                });
                document.parcels.sort_by_key(|parcel| parcel.created_at);
                document.roll_up(seen);
            }
            Some(document)
        }
        // Of kinds that an order is not made of.
        _ => document,
    }
}

fn fold_own(
    document: Option<Document>,
    id: OrderId,
    event: &order::Event,
    seen: &Seen,
) -> Option<Document> {
    if let order::Event::Placed(placed) = event {
        return document.or_else(|| Some(place(id, placed, seen)));
    }
    let mut document = document?;
    if document.id == id {
        document.apply(event, seen);
        stamp!(document, seen);
    }
    Some(document)
}

/// Folds the event into the part it is about, or adds it if it is new.
fn put<T: Clone>(
    parts: &mut Vec<T>,
    seen: &Seen,
    fold: fn(Option<T>, &Seen) -> Option<T>,
    is_it: impl Fn(&T) -> bool,
) {
    match parts.iter_mut().find(|part| is_it(part)) {
        Some(part) => {
            if let Some(folded) = fold(Some(part.clone()), seen) {
                *part = folded;
            }
        }
        None => parts.extend(fold(None, seen)),
    }
}

fn place(id: OrderId, placed: &order::Placed, seen: &Seen) -> Document {
    Document {
        id,
        version: seen.version,
        position: seen.position,
        status: Status::Pending,
        payment_status: PaymentStatus::None,
        fulfilment_status: FulfilmentStatus::Unfulfilled,
        cart_id: placed.cart_id,
        customer_id: placed.customer_id,
        lines: placed.lines.clone(),
        units: placed.lines.iter().map(|line| u64::from(line.quantity.get())).sum(),
        total: placed.total,
        reserved_until: placed.reserved_until,
        confirmed_at: None,
        completed_at: None,
        cancelled: None,
        payments: vec![],
        parcels: vec![],
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

impl Document {
    fn apply(&mut self, event: &order::Event, seen: &Seen) {
        match event {
            order::Event::Confirmed(_) => {
                self.status = Status::Confirmed;
                self.confirmed_at = Some(seen.occurred_at);
            }
            order::Event::Completed(_) => {
                self.status = Status::Completed;
                self.completed_at = Some(seen.occurred_at);
            }
            order::Event::Cancelled(cancelled) => {
                self.status = Status::Cancelled;
                self.cancelled = Some(cancellation(&cancelled.reason, seen.occurred_at));
            }
            // The payments and parcels tell the rest themselves.
            order::Event::Placed(_)
            | order::Event::PaymentStarted(_)
            | order::Event::FulfilmentPlanned(_)
            | order::Event::FulfilmentClosed(_) => {}
        }
    }

    fn roll_up(&mut self, seen: &Seen) {
        self.payment_status = self.paid();
        self.fulfilment_status = self.fulfilled();
        self.position = self.position.max(seen.position);
        self.updated_at = self.updated_at.max(seen.occurred_at);
    }

    fn paid(&self) -> PaymentStatus {
        let zero = Money::zero(self.total.currency());
        let sum = |of: fn(&payment::Document) -> Money| {
            self.payments.iter().map(of).try_fold(zero, Money::plus).unwrap_or(zero)
        };
        let (captured, refunded) =
            (sum(|payment| payment.captured), sum(|payment| payment.refunded));
        if !refunded.is_zero() {
            let all = refunded.amount() >= captured.amount();
            return if all { PaymentStatus::Refunded } else { PaymentStatus::PartiallyRefunded };
        }
        if !captured.is_zero() {
            let all = captured.amount() >= self.total.amount();
            return if all { PaymentStatus::Paid } else { PaymentStatus::PartiallyPaid };
        }
        // Nothing has been taken yet: the latest attempt tells.
        self.payments.last().map_or(PaymentStatus::None, |payment| match payment.status {
            Paying::Unborn | Paying::Created | Paying::RequiresAction | Paying::CodPending => {
                PaymentStatus::Awaiting
            }
            Paying::Authorized => PaymentStatus::Authorized,
            // Of an order that costs nothing.
            Paying::PartiallyCaptured | Paying::Captured | Paying::Collected | Paying::Remitted => {
                PaymentStatus::Paid
            }
            Paying::PartiallyRefunded | Paying::Refunded => PaymentStatus::Refunded,
            Paying::Voided => PaymentStatus::Voided,
            Paying::Expired => PaymentStatus::Expired,
            Paying::Failed => PaymentStatus::Failed,
            Paying::Uncollected => PaymentStatus::Uncollected,
        })
    }

    fn fulfilled(&self) -> FulfilmentStatus {
        let (mut moving, mut delivered, mut returned) = (0, 0, 0);
        for parcel in &self.parcels {
            let units: u64 = parcel.lines.iter().map(|line| u64::from(line.quantity.get())).sum();
            match parcel.status {
                fulfilment::Status::Created
                | fulfilment::Status::Packed
                | fulfilment::Status::Cancelled => {}
                fulfilment::Status::Shipped | fulfilment::Status::DeliveryFailed => moving += units,
                fulfilment::Status::Delivered => delivered += units,
                fulfilment::Status::ReturnedToSender => returned += units,
            }
        }
        let left = moving + delivered + returned;
        if left == 0 {
            FulfilmentStatus::Unfulfilled
        } else if left < self.units {
            FulfilmentStatus::Partial
        } else if moving > 0 {
            FulfilmentStatus::Fulfilled
        } else if delivered > 0 {
            FulfilmentStatus::Delivered
        } else {
            FulfilmentStatus::Returned
        }
    }
}

fn cancellation(reason: &CancelReason, at: DateTime<Utc>) -> Cancellation {
    let (reason, note) = match reason {
        CancelReason::Requested(note) => (Reason::Requested, Some(note.clone())),
        CancelReason::PaymentFailed => (Reason::PaymentFailed, None),
        CancelReason::Expired => (Reason::Expired, None),
        CancelReason::PaymentVoided => (Reason::PaymentVoided, None),
        CancelReason::AuthorizationExpired => (Reason::AuthorizationExpired, None),
        CancelReason::Undeliverable => (Reason::Undeliverable, None),
    };
    Cancellation { at, reason, note }
}
