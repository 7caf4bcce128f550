//! The document of an order, with its payments, parcels and returns and how far all have come.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::order_status::{FulfilmentStatus, PaymentStatus};
use crate::Event;
use crate::StreamId;
use crate::ids::{AddressId, CartId, CustomerId, GuestId, OrderId, ReturnId};
use crate::money::Money;
use crate::order::{self, CancelReason, Line, LineProgress, Order};
use crate::seen::{Seen, stamp};
use crate::text::Note;
use crate::{
    fulfilment::document as fulfilment, payment::document as payment, return_::document as return_,
};

/// Where an order stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "OrderStatus")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Placed, its units reserved, not yet certain.
    Pending,
    /// Certain.
    Confirmed,
    /// Every unit was delivered or is off.
    Completed,
    /// Off.
    Cancelled,
}

/// Why an order is off, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CancellationReason")]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody asked for it.
    Requested,
    /// Nobody paid in time.
    Expired,
    /// Nothing of it could be delivered.
    Undeliverable,
}

/// How an order came to be off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cancellation {
    /// When.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: Reason,
    /// In the words of whoever asked for it.
    pub note: Option<Note>,
}

/// One SKU of an order, and how far its units have come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderLine {
    /// What was bought.
    #[serde(flatten)]
    pub line: Line,
    /// Units in no parcel yet.
    pub unplanned: u32,
    /// How far the others have come.
    #[serde(flatten)]
    pub progress: LineProgress,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Order", extend("examples" = [crate::page::example::order()]))]
pub struct Document {
    /// Its id.
    pub id: OrderId,
    /// Its number, for people: the position at which it was placed.
    pub number: i64,
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
    /// The cart it was; none if it was recorded out of other books.
    pub cart_id: Option<CartId>,
    /// Whose it is, unless a guest's.
    pub customer_id: Option<CustomerId>,
    /// The guest whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<GuestId>,
    /// Where it goes.
    pub address_id: Option<AddressId>,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// Units of all lines, as they were bought.
    pub units: u64,
    /// The sum of the lines, as they were bought.
    pub total: Money,
    /// What is to be paid in the end, for what was not called off, sent back, lost or returned.
    pub owed: Money,
    /// What was taken and neither given back nor taken back.
    pub paid: Money,
    /// What of that is to be given back.
    pub to_refund: Money,
    /// What stays owed of the price of goods that came back: they were worth less then.
    pub withheld: Money,
    /// When it is cancelled if it is still unpaid.
    pub reserved_until: DateTime<Utc>,
    /// Whether it is certain, and what stood for its money ended before anything left: it is to be
    /// paid by `reserved_until`.
    #[serde(default)]
    pub unsecured: bool,
    /// When it became certain.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// When every unit was delivered or off.
    pub completed_at: Option<DateTime<Utc>>,
    /// How it came to be off.
    pub cancelled: Option<Cancellation>,
    /// Attempts to pay it, the first one first.
    pub payments: Vec<payment::Document>,
    /// Its parcels, the first one first.
    pub fulfilments: Vec<fulfilment::Document>,
    /// What came back of it or is to, the first one first.
    pub returns: Vec<return_::Document>,
    /// When it was placed.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The stream of a payment, parcel or return that an event of the order names: its events make the
/// document too.
pub fn part(event: &Event) -> Option<StreamId> {
    let Event::Order(event) = event else { return None };
    match event {
        order::Event::PaymentStarted(started) => Some(StreamId::Payment(started.payment_id)),
        order::Event::FulfilmentPlanned(planned) => {
            Some(StreamId::Fulfilment(planned.fulfilment_id))
        }
        order::Event::ReturnOpened(opened) => Some(StreamId::Return(opened.return_id)),
        _ => None,
    }
}

/// The document after an event of the order, one of its payments, its parcels or its returns.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    if let (Event::Order(event), StreamId::Order(id)) = (seen.event, seen.stream) {
        return fold_own(document, *id, event, seen);
    }
    let mut document = document?;
    match seen.event {
        Event::Payment(event) if document.id == event.order_id() => {
            put(&mut document.payments, seen, payment::fold, |payment| {
                *seen.stream == StreamId::Payment(payment.id)
            });
            document.payments.sort_by_key(|payment| payment.created_at);
        }
        Event::Fulfilment(event) if document.id == event.order_id() => {
            put(&mut document.fulfilments, seen, fulfilment::fold, |parcel| {
                *seen.stream == StreamId::Fulfilment(parcel.id)
            });
            document.fulfilments.sort_by_key(|parcel| parcel.created_at);
        }
        Event::Return(event) if document.id == event.order_id() => {
            put(&mut document.returns, seen, return_::fold, |back| {
                *seen.stream == StreamId::Return(back.id)
            });
            document.returns.sort_by_key(|back| back.created_at);
        }
        // Of another order, or of kinds that an order is not made of.
        _ => return Some(document),
    }
    document.position = document.position.max(seen.position);
    document.updated_at = document.updated_at.max(seen.occurred_at);
    document.roll_up();
    Some(document)
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
        document.roll_up();
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
        number: seen.position,
        position: seen.position,
        status: Status::Pending,
        payment_status: PaymentStatus::None,
        fulfilment_status: FulfilmentStatus::Unfulfilled,
        cart_id: placed.cart_id,
        customer_id: placed.customer_id,
        guest_id: placed.guest_id,
        address_id: placed.address_id,
        lines: placed.lines.iter().map(unsent).collect(),
        units: placed.lines.iter().map(|line| u64::from(line.quantity.get())).sum(),
        total: placed.total,
        owed: placed.total,
        paid: Money::zero(placed.total.currency()),
        withheld: Money::zero(placed.total.currency()),
        to_refund: Money::zero(placed.total.currency()),
        reserved_until: placed.reserved_until,
        unsecured: false,
        confirmed_at: None,
        completed_at: None,
        cancelled: None,
        payments: vec![],
        fulfilments: vec![],
        returns: vec![],
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

fn unsent(line: &Line) -> OrderLine {
    let (unplanned, progress) = (line.quantity.get(), LineProgress::default());
    OrderLine { line: line.clone(), unplanned, progress }
}

impl Document {
    fn apply(&mut self, event: &order::Event, seen: &Seen) {
        let mut state = self.state();
        state.evolve(event);
        for OrderLine { line, unplanned, progress } in &mut self.lines {
            *unplanned = state.unplanned(&line.sku);
            *progress = state.progress(&line.sku);
        }
        match event {
            order::Event::Confirmed(_) => {
                self.status = Status::Confirmed;
                self.confirmed_at = Some(seen.occurred_at);
            }
            order::Event::Completed(_) => {
                self.status = Status::Completed;
                self.unsecured = false;
                self.completed_at = Some(seen.occurred_at);
            }
            order::Event::Cancelled(cancelled) => {
                self.status = Status::Cancelled;
                self.unsecured = false;
                self.cancelled = Some(cancellation(&cancelled.reason, seen.occurred_at));
            }
            order::Event::Reinstated(_) => {
                self.status = Status::Pending;
                self.cancelled = None;
            }
            order::Event::Unsecured(unsecured) => {
                self.unsecured = true;
                self.reserved_until = unsecured.reserved_until;
            }
            order::Event::Secured(_) => self.unsecured = false,
            order::Event::HoldProlonged(held) => self.reserved_until = held.reserved_until,
            order::Event::Assigned(assigned) => {
                self.customer_id = Some(assigned.customer_id);
                self.guest_id = None;
            }
            order::Event::AddressChanged(changed) => self.address_id = Some(changed.address_id),
            order::Event::UnitsReturned(returned) => {
                self.reduce_by_return(returned.return_id, Some(returned.amount), None);
            }
            order::Event::ReturnCorrected(order::ReturnCorrected {
                return_id,
                amount,
                regained,
                ..
            }) => self.reduce_by_return(*return_id, *amount, *regained),
            order::Event::DeliveryCorrected(_) if self.status == Status::Completed => {
                self.status = Status::Confirmed;
                self.completed_at = None;
            }
            // The payments, parcels and returns tell the rest themselves.
            order::Event::Placed(_)
            | order::Event::PaymentStarted(_)
            | order::Event::PaymentEnded(_)
            | order::Event::FulfilmentPlanned(_)
            | order::Event::FulfilmentShipped(_)
            | order::Event::UnitsDelivered(_)
            | order::Event::DeliveryCorrected(_)
            | order::Event::FulfilmentClosed(_)
            | order::Event::UnitsCancelled(_)
            | order::Event::ReturnOpened(_)
            | order::Event::ReturnClosed(_)
            | order::Event::Overpaid(_)
            | order::Event::OverpaidCorrected(_)
            // For those who work here: the document is its customer's too.
            | order::Event::NoteAdded(_) => {}
        }
        self.withheld = state.withheld.unwrap_or(self.withheld);
        self.owed = state.owed().unwrap_or(self.owed);
    }

    /// By so much less is owed because of a return, or more.
    fn reduce_by_return(&mut self, id: ReturnId, less: Option<Money>, more: Option<Money>) {
        let zero = Money::zero(self.total.currency());
        if let Some(back) = self.returns.iter_mut().find(|back| back.id == id) {
            let before = back.amount.unwrap_or(zero).less(more.unwrap_or(zero));
            back.amount = before.plus(less.unwrap_or(zero));
        }
    }

    /// The state of the order's rules, as far as its figures ask for it, so that they are not
    /// written twice.
    fn state(&self) -> Order {
        Order {
            status: match self.status {
                Status::Pending => order::Status::Pending,
                Status::Confirmed => order::Status::Confirmed,
                Status::Completed => order::Status::Completed,
                Status::Cancelled => order::Status::Cancelled,
            },
            lines: self.lines.iter().map(|of| of.line.clone()).collect(),
            total: Some(self.total),
            withheld: Some(self.withheld),
            progress: self.lines.iter().map(|of| (of.line.sku.clone(), of.progress)).collect(),
            ..Order::default()
        }
    }

    fn roll_up(&mut self) {
        let zero = Money::zero(self.total.currency());
        let paid = self.payments.iter().map(payment::Document::kept);
        self.paid = paid.fold(zero, |sum, kept| sum.plus(kept).unwrap_or(sum));
        self.to_refund = self.paid.less(self.owed);
        self.payment_status = self.paid();
        self.fulfilment_status = self.fulfilled();
    }
}

fn cancellation(reason: &CancelReason, at: DateTime<Utc>) -> Cancellation {
    let (reason, note) = match reason {
        CancelReason::Requested(note) => (Reason::Requested, Some(note.clone())),
        CancelReason::Expired => (Reason::Expired, None),
        CancelReason::Undeliverable => (Reason::Undeliverable, None),
    };
    Cancellation { at, reason, note }
}
