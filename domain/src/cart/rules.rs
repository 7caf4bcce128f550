//! Decisions about carts. What a SKU is called and costs comes from the catalogue, through
//! [`crate::command::cart`]; a client names only SKUs and quantities.

use std::collections::BTreeSet;

use super::{
    Abandoned, Assigned, Cart, CheckedOut, Created, Event, LINES_MAX, Line, LineAdded, LineChanged,
    LineRemoved, Merged, Reopened, Status,
};
use crate::ids::{CartId, CustomerId, OrderId};
use crate::money::{Currency, Money};
use crate::order::{self, Order};
use crate::owner::Owner;
use crate::text::{Quantity, Sku};

refusals! {
    /// Why a cart refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "cart_already_exists", Conflict, "a cart with this id exists already";
        /// There is none.
        NotFound = "cart_not_found", NotFound, "there is no such cart";
        /// It became an order.
        CheckedOut = "cart_checked_out", Passing, "the cart was checked out already";
        /// Its order is not off.
        OrderStands {
            /// Which.
            order_id: OrderId,
        } = "cart_order_stands", Passing,
            "its order stands: pay that one, or cancel it first";
        /// Some of its order left.
        OrderSent {
            /// Which.
            order_id: OrderId,
        } = "cart_order_sent", Conflict,
            "some of its order was sent: what else is wanted goes into another cart";
        /// It was given up.
        Abandoned = "cart_abandoned", Conflict, "the cart was abandoned";
        /// It goes on as a part of another.
        Merged = "cart_merged", Conflict, "the cart was merged into another";
        /// It is priced in another currency than the one it was to be merged into.
        OtherCurrency = "cart_of_other_currency", Conflict,
            "carts of several currencies cannot be one";
        /// Some lines of another do not fit into it: all of them.
        DoNotFit(Vec<Misfit>) = "cart_merge_refused", Passing,
            "some lines of the other cart do not fit into this one";
        /// It was to be merged into itself.
        Itself = "cart_into_itself", Invalid, "a cart cannot be merged into itself";
        /// It has an owner already.
        OfAnother = "cart_of_another", Conflict, "the cart is another customer's";
        /// Nothing in it.
        Empty = "cart_empty", Passing, "the cart is empty";
        /// No line of that SKU.
        NoSuchLine = "cart_line_not_found", NotFound, "the cart has no line of this SKU";
        /// Too many lines.
        TooManyLines = "too_many_cart_lines", Passing, "a cart holds at most 200 lines";
        /// Too many units.
        TooManyUnits = "too_many_units", Invalid, "a line holds at most 1,000,000 units";
    }
}

/// A line of another cart that does not fit, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The position of the line in the other cart, from 0.
    pub line: usize,
    /// What.
    pub sku: Sku,
    /// Why.
    pub error: Error,
}

/// Each gives the events of one decision; none where all is so already.
impl Cart {
    /// Opens it.
    pub fn create(&self, currency: Currency, owner: Owner) -> Result<Vec<Event>, Error> {
        let Owner { customer_id, guest_id } = owner;
        match self.status {
            Status::Unborn => Ok(vec![Created { currency, customer_id, guest_id }.into()]),
            Status::Open | Status::CheckedOut | Status::Abandoned | Status::Merged => {
                Err(Error::AlreadyExists)
            }
        }
    }

    /// Makes a guest's cart a customer's, who has logged in.
    pub fn assign(&self, customer_id: CustomerId) -> Result<Vec<Event>, Error> {
        self.must_be_open()?;
        match self.owner.customer_id {
            None => Ok(vec![Assigned { customer_id }.into()]),
            Some(owner) if owner == customer_id => Ok(vec![]),
            Some(_) => Err(Error::OfAnother),
        }
    }

    /// A guest's cart goes along with the order that it became, and that is a customer's now: who
    /// sees and reopens it is the same. One that became another order by now stays with that.
    pub fn go_along(&self, order_id: OrderId, customer_id: CustomerId) -> Vec<Event> {
        let is_of_another = self.order_id.is_some_and(|known| known != order_id);
        if is_of_another || self.owner.guest_id.is_none() {
            return vec![];
        }
        vec![Assigned { customer_id }.into()]
    }

    /// Puts a SKU in, as it is on offer. More of one that is in adds up, all units at what one
    /// costs now.
    pub fn add_line(&self, new: Line) -> Result<Vec<Event>, Error> {
        self.must_be_open()?;
        if let Some(line) = self.line(&new.sku) {
            let quantity = Quantity::try_from(line.quantity.get() + new.quantity.get())
                .map_err(|_| Error::TooManyUnits)?;
            return Ok(vec![changed(line, Line { quantity, ..new })]);
        }
        if self.lines.len() >= LINES_MAX {
            return Err(Error::TooManyLines);
        }
        let Line { sku, product_id, title, variant_title, options, quantity, unit_price } = new;
        let added =
            LineAdded { sku, product_id, title, variant_title, options, quantity, unit_price };
        Ok(vec![added.into()])
    }

    /// Sets a line's quantity, and the rest to what is on offer.
    pub fn change_line(&self, new: Line) -> Result<Vec<Event>, Error> {
        self.must_be_open()?;
        let line = self.line(&new.sku).ok_or(Error::NoSuchLine)?;
        if *line == new { Ok(vec![]) } else { Ok(vec![changed(line, new)]) }
    }

    /// Lets a line cost what it does today where that is less, as the cart becomes an order.
    pub fn lower_price(&self, sku: &Sku, unit_price: Money) -> Option<Event> {
        let line = self.line(sku)?;
        let is_lower = unit_price.amount() < line.unit_price.amount();
        is_lower.then(|| changed(line, Line { unit_price, ..line.clone() }))
    }

    /// Takes a SKU out.
    pub fn remove_line(&self, sku: Sku) -> Result<Vec<Event>, Error> {
        self.must_be_open()?;
        self.line(&sku).ok_or(Error::NoSuchLine)?;
        Ok(vec![LineRemoved { sku }.into()])
    }

    /// Makes it an order.
    pub fn check_out(&self, order_id: OrderId) -> Result<Vec<Event>, Error> {
        self.must_be_open()?;
        if self.lines.is_empty() {
            return Err(Error::Empty);
        }
        Ok(vec![CheckedOut { order_id }.into()])
    }

    /// Opens it again with its lines as they were, once its order is off and nothing of that ever
    /// left: what is lost may turn up, and would have been bought twice.
    pub fn reopen(&self, order_id: OrderId, order: &Order) -> Result<Vec<Event>, Error> {
        if order.has_ever_left() {
            return Err(Error::OrderSent { order_id });
        }
        if order.status != order::Status::Cancelled {
            return Err(Error::OrderStands { order_id });
        }
        Ok(vec![Reopened { order_id }.into()])
    }

    /// Takes in what is in another, as it stands there; and what becomes of that one. Its lines are
    /// the shopper's wish, so any that does not fit refuses all. A SKU that is in both stays as it
    /// stands here, unless it is one of the `renewed`.
    pub fn take_in(
        &self,
        own: CartId,
        from: &Self,
        renewed: &BTreeSet<Sku>,
    ) -> Result<(Vec<Event>, Vec<Event>), Error> {
        self.must_be_open()?;
        from.must_be_open()?;
        if self.currency != from.currency {
            return Err(Error::OtherCurrency);
        }
        let (mut after, mut taken, mut misfits) = (self.clone(), Vec::new(), Vec::new());
        for (number, line) in from.lines.iter().enumerate() {
            let new = match after.line(&line.sku) {
                Some(known) if !renewed.contains(&line.sku) => {
                    Line { quantity: line.quantity, ..known.clone() }
                }
                Some(_) | None => line.clone(),
            };
            match after.add_line(new) {
                Ok(events) => {
                    for event in &events {
                        after.evolve(event);
                    }
                    taken.extend(events);
                }
                Err(error) => misfits.push(Misfit { line: number, sku: line.sku.clone(), error }),
            }
        }
        if !misfits.is_empty() {
            return Err(Error::DoNotFit(misfits));
        }
        Ok((taken, vec![Merged { into: own }.into()]))
    }

    /// Gives it up.
    pub fn abandon(&self) -> Result<Vec<Event>, Error> {
        if self.status == Status::Abandoned {
            return Ok(vec![]);
        }
        self.must_be_open()?;
        Ok(vec![Abandoned { expired: false }.into()])
    }

    /// Gives it up, as nobody has touched it for long: which it does not know, but who asks.
    pub fn expire(&self) -> Result<Vec<Event>, Error> {
        match self.status {
            Status::Unborn => Err(Error::NotFound),
            Status::Open => Ok(vec![Abandoned { expired: true }.into()]),
            Status::CheckedOut | Status::Abandoned | Status::Merged => Ok(vec![]),
        }
    }

    pub(crate) fn must_be_open(&self) -> Result<(), Error> {
        match self.status {
            Status::Open => Ok(()),
            Status::Unborn => Err(Error::NotFound),
            Status::CheckedOut => Err(Error::CheckedOut),
            Status::Abandoned => Err(Error::Abandoned),
            Status::Merged => Err(Error::Merged),
        }
    }
}

fn changed(before: &Line, now: Line) -> Event {
    let Line { sku, product_id, title, variant_title, options, quantity, unit_price } = now;
    let seen = before.unit_price;
    let unit_price_before = (seen != unit_price).then_some(seen);
    LineChanged {
        sku,
        product_id,
        title,
        variant_title,
        options,
        quantity,
        unit_price,
        unit_price_before,
    }
    .into()
}
