//! Decisions about carts. What a SKU is called and costs comes from the catalogue, through
//! [`crate::command::cart`]; a client names only SKUs and quantities.

use super::{
    Abandoned, Cart, CheckedOut, Created, Event, LINES_MAX, Line, LineAdded, LineChanged,
    LineRemoved, Status,
};
use crate::ids::{CustomerId, OrderId};
use crate::money::{Currency, Money};
use crate::text::{Quantity, Sku};

/// What can be asked of a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open it.
    Create {
        /// What to price it in.
        currency: Currency,
        /// Whose it is.
        customer_id: Option<CustomerId>,
    },
    /// Put a SKU in; more of one that is in adds up.
    AddLine(Line),
    /// Set a line's quantity, at today's price.
    ChangeLine {
        /// What.
        sku: Sku,
        /// How many.
        quantity: Quantity,
        /// What one costs now.
        unit_price: Money,
    },
    /// Take a SKU out.
    RemoveLine(Sku),
    /// Make it an order.
    CheckOut(OrderId),
    /// Give it up.
    Abandon,
}

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

/// Turns a command into events. Asking for what is already so gives none.
pub fn decide(cart: &Cart, command: Command) -> Result<Vec<Event>, Error> {
    if let Command::Create { currency, customer_id } = command {
        return match cart.status {
            Status::Unborn => Ok(vec![Created { currency, customer_id }.into()]),
            Status::Open | Status::CheckedOut | Status::Abandoned => Err(Error::AlreadyExists),
        };
    }
    match cart.status {
        Status::Unborn => return Err(Error::NotFound),
        Status::CheckedOut => return Err(Error::CheckedOut),
        Status::Abandoned if command == Command::Abandon => return Ok(vec![]),
        Status::Abandoned => return Err(Error::Abandoned),
        Status::Open => {}
    }
    match command {
        Command::Create { .. } => Err(Error::AlreadyExists),
        Command::AddLine(line) => add(cart, line),
        Command::ChangeLine { sku, quantity, unit_price } => {
            let line = cart.line(&sku).ok_or(Error::NoSuchLine)?;
            if line.quantity == quantity && line.unit_price == unit_price {
                return Ok(vec![]);
            }
            Ok(vec![LineChanged { sku, quantity, unit_price }.into()])
        }
        Command::RemoveLine(sku) => {
            cart.line(&sku).ok_or(Error::NoSuchLine)?;
            Ok(vec![LineRemoved { sku }.into()])
        }
        Command::CheckOut(_) if cart.lines.is_empty() => Err(Error::Empty),
        Command::CheckOut(order_id) => Ok(vec![CheckedOut { order_id }.into()]),
        Command::Abandon => Ok(vec![Abandoned {}.into()]),
    }
}

fn add(cart: &Cart, new: Line) -> Result<Vec<Event>, Error> {
    let Line { sku, product_id, title, quantity, unit_price } = new;
    if let Some(line) = cart.line(&sku) {
        let quantity = Quantity::try_from(line.quantity.get() + quantity.get())
            .map_err(|_| Error::TooManyUnits)?;
        return Ok(vec![LineChanged { sku, quantity, unit_price }.into()]);
    }
    if cart.lines.len() >= LINES_MAX {
        return Err(Error::TooManyLines);
    }
    Ok(vec![LineAdded { sku, product_id, title, quantity, unit_price }.into()])
}
