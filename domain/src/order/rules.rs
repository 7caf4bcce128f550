//! Decisions about orders: placing, paying and changing. Those about what is called off are in
//! `cancelling`, about what is sent in `fulfilling`, about what customers send back in `returning`.

use chrono::{DateTime, Utc};

use super::{
    AddressChanged, CancelReason, Cancelled, Completed, Confirmed, Event, HoldProlonged, Line,
    Order, PAYMENTS_IN_CASH_MAX, PAYMENTS_MAX, PaymentEnded, PaymentMethod, PaymentStarted, Placed,
    Reinstated, Status,
};
use crate::ids::{AddressId, CartId, FulfilmentId, PaymentId};
use crate::money::Money;
use crate::owner::Owner;
use crate::text::Sku;

refusals! {
    /// Why an order refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "order_already_exists", Conflict, "an order with this id exists already";
        /// There is none.
        NotFound = "order_not_found", NotFound, "there is no such order";
        /// It is not for who asks to say whose it is.
        OfAnother = "order_of_another", Conflict,
            "only the guest who placed the order takes it along as they sign in";
        /// The sum is out of bounds or of several currencies.
        TotalOutOfBounds = "total_out_of_bounds", Invalid,
            "the order's total is beyond what money can be";
        /// Too many lines.
        TooManyLines = "too_many_order_lines", Conflict, "an order has at most 500 lines";
        /// It is certain or finished, so there is nothing to confirm.
        NotPending = "order_not_pending", Conflict, "the order is not waiting for a payment";
        /// Its hold was prolonged, or whoever asks has another clock.
        NotDue = "order_not_due", Passing, "its units are held for longer than that";
        /// It is not certain, so nothing may leave.
        NotConfirmed = "order_not_confirmed", Passing, "the order is not confirmed";
        /// It is being paid already.
        PaymentOpen {
            /// Which.
            payment_id: PaymentId,
        } = "payment_already_started", Passing,
            "the order has an open payment already: abort, void or uncollect it first";
        /// All that is owed is paid.
        NothingDue = "order_paid", Passing, "nothing is left to pay";
        /// Too many payments.
        TooManyPayments = "too_many_payments", Conflict,
            "an order has at most 30 payments, and 10 more in cash or paid elsewhere";
        /// Nothing stands for its money: it must be paid first.
        NotSecured {
            /// What is owed for it.
            owed: Money,
            /// What stands for that: authorised, taken and kept, or due on delivery.
            secured: Money,
        } = "order_not_secured", Passing,
            "{owed} is owed for the order and only {secured} is secured by payments";
        /// It is finished, until it turns out that something was not handed over.
        Completed = "order_completed", Passing, "the order is completed";
        /// It is off, unless it had expired and is paid late, or a lost parcel of it turns up.
        Cancelled = "order_cancelled", Passing, "the order is cancelled";
        /// Units are on their way or were delivered. Some may come back and go out again.
        AlreadyShipped = "order_already_shipped", Passing,
            "nothing is left of the order that has not been sent already";
        /// Its address can no longer be changed, until what has left is back.
        AddressUsed = "order_already_shipped", Passing, "part of the order has left already";
        /// What is packed has a label with the address that it was packed for, and nobody would
        /// look into it again.
        Packed {
            /// Which.
            fulfilment_ids: Vec<FulfilmentId>,
        } = "order_packed", Passing,
            "part of the order is packed already: cancel that fulfilment first";
        /// It pays for units that are on their way or were delivered.
        Earned = "order_already_shipped", Passing,
            "the payment stands for a part of the order that has left already";
        /// Nothing was handed over yet.
        NotDelivered = "order_not_delivered", Passing,
            "no part of the order has been delivered yet";
        /// Units are named that the order does not have left to send.
        NothingLeft(Vec<UnitsLeft>) = "nothing_left_to_send", Passing,
            "some lines have fewer units left to send; units in a parcel are free once it is \
             cancelled";
        /// Everything is in parcels already.
        AllPlanned = "order_fully_planned", Passing, "nothing is left to send";
        /// A line is to have more units than it has.
        LineCannotGrow {
            /// What.
            sku: Sku,
            /// How many it has.
            has: u32,
        } = "order_line_cannot_grow", Conflict,
            "the line of {sku} has {has} units and cannot get more: place another order";
        /// It has no such line.
        NoSuchLine = "order_line_not_found", NotFound, "the order has no line of this SKU";
        /// The parcel's id is in use.
        FulfilmentExists = "fulfilment_already_exists", Conflict,
            "a fulfilment with this id exists already";
        /// No such parcel.
        NoSuchFulfilment = "fulfilment_not_found", NotFound, "the order has no such fulfilment";
        /// What was lost is off, and its money was given back.
        GivenUp = "fulfilment_given_up", Conflict,
            "what was given up as lost is off the order and cannot be sent again";
        /// Too many parcels.
        TooManyFulfilments {
            /// Whether those that were called off are too many too.
            ever: bool,
        } = "too_many_fulfilments", Conflict or Passing if !*ever,
            "an order has at most 200 fulfilments, and 1,000 with those that were called off";
        /// Units are named that cannot come back.
        NothingToReturn(Vec<UnitsLeft>) = "nothing_to_return", Passing,
            "some lines have fewer units to come back: delivered and not returned, and of a return \
             that is open only what was announced with it";
        /// What is said to have never come is back, or announced to come back.
        CameBack(Vec<UnitsLeft>) = "delivered_units_returned", Passing,
            "some of what was handed over came back or is announced to: that stands, unless its \
             return is withdrawn or closed";
        /// What is withheld is of another currency.
        WithheldElsewhere = "invalid_amount", Invalid,
            "what is withheld must be in the order's currency";
        /// More is withheld than came back.
        WithheldTooMuch {
            /// What is to be withheld.
            withheld: Money,
            /// What was owed for what came back.
            worth: Money,
        } = "withheld_too_much", Conflict,
            "{withheld} cannot be withheld of goods for which {worth} was owed";
        /// Too many returns.
        TooManyReturns {
            /// Whether those that were closed are too many too.
            ever: bool,
        } = "too_many_returns", Conflict or Passing if !*ever,
            "an order has at most 200 open returns, and 1,000 with those that were closed";
        /// Too many notes.
        TooManyNotes = "too_many_order_notes", Conflict, "an order has at most 200 notes";
        /// No such return.
        NoSuchReturn = "return_not_found", NotFound, "the order has no such open return";
    }
}

/// How many units of a SKU are left for what was asked.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnitsLeft {
    /// What.
    pub sku: Sku,
    /// Units asked for.
    pub wanted: u32,
    /// Units left.
    pub left: u32,
}

/// What an order is placed with, beside its cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placing {
    /// Whose it is.
    pub owner: Owner,
    /// Where it goes.
    pub address_id: Option<AddressId>,
    /// What is bought.
    pub lines: Vec<crate::cart::Line>,
    /// When it is called off if it is still unpaid.
    pub reserved_until: DateTime<Utc>,
}

/// Each gives the events of one decision; none where all is so already.
impl Order {
    /// Makes it out of a cart's lines: the totals are computed here. What costs nothing is certain
    /// at once.
    pub fn place(&self, cart_id: CartId, placing: Placing) -> Result<Vec<Event>, Error> {
        if self.status != Status::Unplaced {
            return Err(Error::AlreadyExists);
        }
        let Placing { owner, address_id, lines, reserved_until } = placing;
        let priced = lines.into_iter().map(|line| {
            let total = line.unit_price.times(line.quantity.get())?;
            let crate::cart::Line { sku, product_id, title, variant_title, .. } = line;
            let crate::cart::Line { options, quantity, unit_price, .. } = line;
            Some(Line {
                sku,
                product_id,
                title,
                variant_title,
                options,
                quantity,
                unit_price,
                total,
            })
        });
        let lines: Vec<Line> = priced.collect::<Option<_>>().ok_or(Error::TotalOutOfBounds)?;
        let total = sum(&lines).ok_or(Error::TotalOutOfBounds)?;
        let (cart_id, recorded) = (Some(cart_id), false);
        Ok(begun(Placed {
            cart_id,
            customer_id: owner.customer_id,
            guest_id: owner.guest_id,
            address_id,
            lines,
            total,
            reserved_until,
            recorded,
        }))
    }

    /// Begins to pay it; certain at once, as cash on delivery is, if it is to `confirm`.
    pub fn start_payment(
        &self,
        payment_id: PaymentId,
        method: PaymentMethod,
        confirm: bool,
    ) -> Result<Vec<Event>, Error> {
        self.must_be_payable()?;
        // What goes through no gateway is for the shop to say, which knows how often it tried.
        let by_gateway = matches!(method, PaymentMethod::Card | PaymentMethod::Paypal);
        let most = if by_gateway { PAYMENTS_MAX } else { PAYMENTS_MAX + PAYMENTS_IN_CASH_MAX };
        if self.payments.len() >= most {
            return Err(Error::TooManyPayments);
        }
        let mut events = vec![PaymentStarted { payment_id, method }.into()];
        if confirm && self.status == Status::Pending {
            events.extend(self.confirm(payment_id)?);
        }
        if confirm {
            events.extend(self.secure(Some(payment_id)));
        }
        Ok(events)
    }

    /// A payment came to nothing: another may be begun.
    pub fn end_payment(&self, payment_id: PaymentId) -> Vec<Event> {
        match self.payments.get(&payment_id) {
            Some(attempt) if !attempt.ended => vec![PaymentEnded { payment_id }.into()],
            _ => vec![],
        }
    }

    /// What is left of it costs nothing: there is nothing more to wait for.
    pub(super) fn certain_as_free(&self) -> Option<Event> {
        let total = self.owed().filter(|owed| owed.is_zero())?;
        let waits = self.status == Status::Pending && self.units() > 0;
        waits.then(|| self.certain(None, total))
    }

    /// The payment succeeded.
    pub fn confirm(&self, payment_id: PaymentId) -> Result<Vec<Event>, Error> {
        let total = self.owed().ok_or(Error::NotFound)?;
        self.must_be_pending()?;
        Ok(vec![self.certain(Some(payment_id), total)])
    }

    fn certain(&self, payment_id: Option<PaymentId>, total: Money) -> Event {
        let prepaid = self.overpaid.map(|overpaid| overpaid.at_most(total));
        Confirmed { payment_id, total, units: self.units(), prepaid }.into()
    }

    /// It had expired and was paid after all.
    pub fn reinstate(&self, payment_id: PaymentId) -> Result<Vec<Event>, Error> {
        if self.status != Status::Cancelled || !self.expired {
            return Err(Error::Cancelled);
        }
        let mut after = self.clone();
        let mut events = vec![Event::from(Reinstated {})];
        after.evolve(&events[0]);
        events.extend(after.confirm(payment_id)?);
        Ok(events)
    }

    /// Keeps its units reserved until then, as far as that may be put off, because a bank has the
    /// shopper: not for a payment that they have left by now.
    pub fn prolong_hold(&self, payment_id: PaymentId, until: DateTime<Utc>) -> Vec<Event> {
        let left = self.payments.get(&payment_id).is_none_or(|attempt| attempt.ended);
        if self.recorded || left {
            return vec![];
        }
        let (Some(now), Some(max)) = (self.reserved_until, self.hold_until_max) else {
            return vec![];
        };
        let reserved_until = until.min(max);
        let waits = self.status == Status::Pending || self.unsecured;
        if waits && reserved_until > now {
            vec![HoldProlonged { reserved_until }.into()]
        } else {
            vec![]
        }
    }

    /// Sends it to another address.
    pub fn change_address(&self, address_id: AddressId) -> Result<Vec<Event>, Error> {
        self.must_be_open()?;
        let changed = vec![AddressChanged { address_id }.into()];
        if self.has_left() { Err(Error::AddressUsed) } else { Ok(changed) }
    }

    /// Its end, once every unit was delivered or is off; `reason` if none was delivered.
    pub(super) fn end(&self, reason: CancelReason) -> Option<Event> {
        let open = matches!(self.status, Status::Pending | Status::Confirmed);
        // One that was called off is completed by a lost parcel of it that turns up.
        let found = self.status == Status::Cancelled && self.any_delivered();
        if found || open && self.all_done() && self.any_delivered() {
            return Some(Completed {}.into());
        }
        if !open || !self.all_done() {
            return None;
        }
        // Unit by unit it was taken off already: nothing is owed and no unit left.
        let total = self.owed()?;
        let was_confirmed = self.status == Status::Confirmed;
        Some(Cancelled { reason, was_confirmed, total, units: self.units() }.into())
    }

    fn must_be_pending(&self) -> Result<(), Error> {
        match self.status {
            Status::Pending => Ok(()),
            Status::Cancelled => Err(Error::Cancelled),
            Status::Unplaced | Status::Confirmed | Status::Completed => Err(Error::NotPending),
        }
    }

    /// What was delivered unpaid may still be paid.
    fn must_be_payable(&self) -> Result<(), Error> {
        match self.status {
            Status::Pending | Status::Confirmed | Status::Completed => Ok(()),
            Status::Cancelled => Err(Error::Cancelled),
            Status::Unplaced => Err(Error::NotFound),
        }
    }

    pub(super) fn must_be_open(&self) -> Result<(), Error> {
        match self.status {
            Status::Pending | Status::Confirmed => Ok(()),
            Status::Cancelled => Err(Error::Cancelled),
            Status::Completed => Err(Error::Completed),
            Status::Unplaced => Err(Error::NotFound),
        }
    }
}

pub(super) fn sum(lines: &[Line]) -> Option<Money> {
    let (first, rest) = lines.split_first()?;
    rest.iter().try_fold(first.total, |sum, line| sum.plus(line.total))
}

/// What costs nothing is certain at once.
pub(super) fn begun(placed: Placed) -> Vec<Event> {
    let total = placed.total;
    let units = placed.lines.iter().map(|line| u64::from(line.quantity.get())).sum();
    let mut events = vec![Event::from(placed)];
    if total.is_zero() {
        events.push(Confirmed { payment_id: None, total, units, prepaid: None }.into());
    }
    events
}
