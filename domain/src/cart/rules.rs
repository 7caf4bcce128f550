//! Decisions about carts. What a SKU is called and costs comes from the catalogue, through
//! [`crate::command::cart`]; a client names only SKUs and quantities.

use super::{
    Abandoned, Assigned, Cart, CheckedOut, Created, Event, LINES_MAX, Line, LineAdded, LineChanged,
    LineRemoved, Status,
};
use crate::by::Owner;
use crate::ids::{CustomerId, OrderId};
use crate::money::{Currency, Money};
use crate::text::{Quantity, Sku};

refusals! {
    /// Why a cart refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "cart_already_exists", Conflict, "a cart with this id exists already";
        /// There is none.
        NotFound = "cart_not_found", NotFound, "there is no such cart";
        /// It became an order.
        CheckedOut = "cart_checked_out", Conflict, "the cart was checked out already";
        /// It was given up.
        Abandoned = "cart_abandoned", Conflict, "the cart was abandoned";
        /// It has an owner already.
        OfAnother = "cart_of_another", Conflict, "the cart is another customer's";
        /// Nothing in it.
        Empty = "cart_empty", Conflict, "the cart is empty";
        /// No line of that SKU.
        NoSuchLine = "cart_line_not_found", NotFound, "the cart has no line of this SKU";
        /// Too many lines.
        TooManyLines = "too_many_cart_lines", Conflict, "a cart holds at most 200 lines";
        /// Too many units.
        TooManyUnits = "too_many_units", Invalid, "a line holds at most 1,000,000 units";
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Cart {
    /// Opens it.
    pub fn create(&self, currency: Currency, owner: Owner) -> Result<Vec<Event>, Error> {
        let Owner { customer_id, guest_id } = owner;
        match self.status {
            Status::Unborn => Ok(vec![Created { currency, customer_id, guest_id }.into()]),
            Status::Open | Status::CheckedOut | Status::Abandoned => Err(Error::AlreadyExists),
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
        let Line { sku, product_id, title, options, quantity, unit_price } = new;
        Ok(vec![LineAdded { sku, product_id, title, options, quantity, unit_price }.into()])
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

    /// Gives it up.
    pub fn abandon(&self) -> Result<Vec<Event>, Error> {
        if self.status == Status::Abandoned {
            return Ok(vec![]);
        }
        self.must_be_open()?;
        Ok(vec![Abandoned {}.into()])
    }

    fn must_be_open(&self) -> Result<(), Error> {
        match self.status {
            Status::Open => Ok(()),
            Status::Unborn => Err(Error::NotFound),
            Status::CheckedOut => Err(Error::CheckedOut),
            Status::Abandoned => Err(Error::Abandoned),
        }
    }
}

fn changed(before: &Line, now: Line) -> Event {
    let Line { sku, product_id, title, options, quantity, unit_price } = now;
    let seen = before.unit_price;
    let unit_price_before = (seen != unit_price).then_some(seen);
    LineChanged { sku, product_id, title, options, quantity, unit_price, unit_price_before }.into()
}
