//! Decisions about orders.

use std::collections::BTreeMap;

use super::{
    CancelReason, Cancelled, Completed, Confirmed, Event, FULFILMENTS_MAX, FulfilmentClosed,
    FulfilmentPlanned, Line, Order, Outcome, PaymentMethod, PaymentStarted, Placed, Status, Units,
};
use crate::ids::{CartId, CustomerId, FulfilmentId, PaymentId};
use crate::money::Money;
use crate::text::{Quantity, Sku};
use chrono::{DateTime, Utc};

refusals! {
    /// Why an order refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "order_already_exists", Conflict, "an order with this id exists already";
        /// There is none.
        NotFound = "order_not_found", NotFound, "there is no such order";
        /// The sum is out of bounds or of several currencies.
        TotalOutOfBounds = "total_out_of_bounds", Invalid,
            "the order's total is beyond what money can be";
        /// It is certain or finished, so there is nothing to pay.
        NotPending = "order_not_pending", Conflict, "the order is not waiting for a payment";
        /// It is not certain, so nothing may leave.
        NotConfirmed = "order_not_confirmed", Passing, "the order is not confirmed";
        /// It is being paid already.
        PaymentOpen = "payment_already_started", Passing, "the order has an open payment already";
        /// It is finished.
        Completed = "order_completed", Conflict, "the order is completed";
        /// It is off.
        Cancelled = "order_cancelled", Conflict, "the order is cancelled";
        /// Units are on their way or were delivered.
        AlreadyShipped = "order_already_shipped", Conflict, "part of the order has left already";
        /// Nothing was handed over yet.
        NotDelivered = "order_not_delivered", Conflict,
            "no part of the order has been delivered yet";
        /// The parcel would hold units the order does not have left.
        NothingLeft {
            /// What.
            sku: Sku,
            /// How many are left.
            left: u32,
        } = "nothing_left_to_send", Conflict, "only {left} units of {sku} are left to send";
        /// Everything is in parcels already.
        AllPlanned = "order_fully_planned", Conflict, "nothing is left to send";
        /// The parcel's id is in use.
        FulfilmentExists = "fulfilment_already_exists", Conflict,
            "a fulfilment with this id exists already";
        /// No such parcel.
        NoSuchFulfilment = "fulfilment_not_found", NotFound, "the order has no such fulfilment";
        /// Too many parcels.
        TooManyFulfilments = "too_many_fulfilments", Conflict,
            "an order has at most 200 fulfilments";
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Order {
    /// Makes it out of a cart's lines: the totals are computed here. It is called off if it is
    /// still unpaid when its reservation ends.
    pub fn place(
        &self,
        cart_id: CartId,
        customer_id: Option<CustomerId>,
        lines: Vec<crate::cart::Line>,
        reserved_until: DateTime<Utc>,
    ) -> Result<Vec<Event>, Error> {
        if self.status != Status::Unplaced {
            return Err(Error::AlreadyExists);
        }
        let priced = lines.into_iter().map(|line| {
            let total = line.unit_price.times(line.quantity.get())?;
            let crate::cart::Line { sku, product_id, title, quantity, unit_price } = line;
            Some(Line { sku, product_id, title, quantity, unit_price, total })
        });
        let lines: Vec<Line> = priced.collect::<Option<_>>().ok_or(Error::TotalOutOfBounds)?;
        let total = sum(&lines).ok_or(Error::TotalOutOfBounds)?;
        Ok(vec![Placed { cart_id, customer_id, lines, total, reserved_until }.into()])
    }

    /// Begins to pay it; certain at once, as cash on delivery is, if it is to `confirm`.
    pub fn start_payment(
        &self,
        payment_id: PaymentId,
        method: PaymentMethod,
        confirm: bool,
    ) -> Result<Vec<Event>, Error> {
        let total = self.placed_total()?;
        self.must_be_pending()?;
        if self.payment.is_some() {
            return Err(Error::PaymentOpen);
        }
        let mut events = vec![PaymentStarted { payment_id, method }.into()];
        if confirm {
            events.push(Confirmed { payment_id, total, units: self.units() }.into());
        }
        Ok(events)
    }

    /// The payment succeeded.
    pub fn confirm(&self, payment_id: PaymentId) -> Result<Vec<Event>, Error> {
        let total = self.placed_total()?;
        self.must_be_pending()?;
        Ok(vec![Confirmed { payment_id, total, units: self.units() }.into()])
    }

    /// Sends some of it in a parcel; nothing named means all that is left.
    pub fn plan_fulfilment(
        &self,
        fulfilment_id: FulfilmentId,
        lines: Vec<Units>,
    ) -> Result<Vec<Event>, Error> {
        self.placed_total()?;
        self.must_be_confirmed()?;
        if self.parcels.contains_key(&fulfilment_id) {
            return Err(Error::FulfilmentExists);
        }
        if self.parcels.len() >= FULFILMENTS_MAX {
            return Err(Error::TooManyFulfilments);
        }
        let lines = if lines.is_empty() { all_left(self) } else { merge(self, lines)? };
        if lines.is_empty() {
            return Err(Error::AllPlanned);
        }
        for units in &lines {
            let left = self.unplanned(&units.sku);
            if units.quantity.get() > left {
                return Err(Error::NothingLeft { sku: units.sku.clone(), left });
            }
        }
        Ok(vec![FulfilmentPlanned { fulfilment_id, lines }.into()])
    }

    /// A parcel reached its end.
    pub fn close_fulfilment(
        &self,
        fulfilment_id: FulfilmentId,
        outcome: Outcome,
    ) -> Result<Vec<Event>, Error> {
        let total = self.placed_total()?;
        let parcel = self.parcels.get(&fulfilment_id).ok_or(Error::NoSuchFulfilment)?;
        if parcel.outcome.is_some() {
            return Ok(vec![]);
        }
        let closed = FulfilmentClosed { fulfilment_id, outcome };
        let mut after = self.clone();
        let mut events = vec![Event::from(closed)];
        after.evolve(&events[0]);
        if self.status != Status::Confirmed || !after.all_closed() {
            return Ok(events);
        }
        events.push(if after.any_delivered() {
            Completed {}.into()
        } else {
            cancelled(self, CancelReason::Undeliverable, total)
        });
        Ok(events)
    }

    /// Calls it off.
    pub fn cancel(&self, reason: CancelReason) -> Result<Vec<Event>, Error> {
        let total = self.placed_total()?;
        match self.status {
            Status::Cancelled => Ok(vec![]),
            Status::Completed => Err(Error::Completed),
            Status::Unplaced => Err(Error::NotFound),
            Status::Pending | Status::Confirmed => Ok(vec![cancelled(self, reason, total)]),
        }
    }

    fn must_be_pending(&self) -> Result<(), Error> {
        match self.status {
            Status::Pending => Ok(()),
            Status::Cancelled => Err(Error::Cancelled),
            Status::Unplaced | Status::Confirmed | Status::Completed => Err(Error::NotPending),
        }
    }

    fn must_be_confirmed(&self) -> Result<(), Error> {
        match self.status {
            Status::Confirmed => Ok(()),
            Status::Cancelled => Err(Error::Cancelled),
            Status::Completed => Err(Error::Completed),
            Status::Unplaced | Status::Pending => Err(Error::NotConfirmed),
        }
    }

    fn placed_total(&self) -> Result<Money, Error> {
        self.total.ok_or(Error::NotFound)
    }
}

fn sum(lines: &[Line]) -> Option<Money> {
    let (first, rest) = lines.split_first()?;
    rest.iter().try_fold(first.total, |sum, line| sum.plus(line.total))
}

fn all_left(order: &Order) -> Vec<Units> {
    let left = order.lines.iter().filter_map(|line| {
        let quantity = Quantity::try_from(order.unplanned(&line.sku)).ok()?;
        Some(Units { sku: line.sku.clone(), quantity })
    });
    left.collect()
}

/// The same SKU named twice is one line of both.
fn merge(order: &Order, wanted: Vec<Units>) -> Result<Vec<Units>, Error> {
    let mut units: BTreeMap<Sku, u32> = BTreeMap::new();
    for Units { sku, quantity } in wanted {
        let sum = units.entry(sku).or_default();
        *sum = sum.saturating_add(quantity.get());
    }
    let merged = units.into_iter().map(|(sku, sum)| match Quantity::try_from(sum) {
        Ok(quantity) => Ok(Units { sku, quantity }),
        Err(_) => Err(Error::NothingLeft { left: order.unplanned(&sku), sku }),
    });
    merged.collect()
}

fn cancelled(order: &Order, reason: CancelReason, total: Money) -> Event {
    let was_confirmed = order.status == Status::Confirmed;
    Cancelled { reason, was_confirmed, total, units: order.units() }.into()
}
