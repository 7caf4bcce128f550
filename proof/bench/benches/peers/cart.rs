//! The engine's own cart, in the shapes that the libraries want: its decisions and its payloads are
//! the same, so that only what a library does with them is measured.

use anyhow::Result;
use domain::cart::{
    Abandoned, Assigned, Cart, CheckedOut, Created, Error, Event, Line, LineAdded, LineChanged,
    LineRemoved, Merged,
};
use domain::{Currency, Options, Owner, ProductId, Quantity};
use serde::{Deserialize, Serialize};
use serde_json::{from_value, json};
use uuid::Uuid;

/// Lines put into each cart after it is created.
const LINES_PER_CART: usize = 4;
/// Products on sale, so that carts differ.
const PRODUCTS: usize = 50;

/// What a shopper asks.
#[derive(Clone, Debug)]
pub enum Command {
    /// Open a cart.
    Create(Currency),
    /// Put a line in.
    AddLine(Line),
}

/// What can happen to a cart, as a library stores it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Stored {
    Created(Created),
    Assigned(Assigned),
    LineAdded(LineAdded),
    LineChanged(LineChanged),
    LineRemoved(LineRemoved),
    CheckedOut(CheckedOut),
    Abandoned(Abandoned),
    Merged(Merged),
}

impl From<Event> for Stored {
    fn from(event: Event) -> Self {
        match event {
            Event::Created(event) => Self::Created(event),
            Event::Assigned(event) => Self::Assigned(event),
            Event::LineAdded(event) => Self::LineAdded(event),
            Event::LineChanged(event) => Self::LineChanged(event),
            Event::LineRemoved(event) => Self::LineRemoved(event),
            Event::CheckedOut(event) => Self::CheckedOut(event),
            Event::Abandoned(event) => Self::Abandoned(event),
            Event::Merged(event) => Self::Merged(event),
        }
    }
}

impl From<Stored> for Event {
    fn from(event: Stored) -> Self {
        match event {
            Stored::Created(event) => event.into(),
            Stored::Assigned(event) => event.into(),
            Stored::LineAdded(event) => event.into(),
            Stored::LineChanged(event) => event.into(),
            Stored::LineRemoved(event) => event.into(),
            Stored::CheckedOut(event) => event.into(),
            Stored::Abandoned(event) => event.into(),
            Stored::Merged(event) => event.into(),
        }
    }
}

impl Stored {
    /// The type name it has in the engine's log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Created(_) => "cart.created",
            Self::Assigned(_) => "cart.assigned",
            Self::LineAdded(_) => "cart.line_added",
            Self::LineChanged(_) => "cart.line_changed",
            Self::LineRemoved(_) => "cart.line_removed",
            Self::CheckedOut(_) => "cart.checked_out",
            Self::Abandoned(_) => "cart.abandoned",
            Self::Merged(_) => "cart.merged",
        }
    }
}

/// Decides as the engine does.
pub fn decide(
    cart: &Cart,
    command: Command,
) -> Result<impl Iterator<Item = Stored> + use<>, Error> {
    let events = match command {
        Command::Create(currency) => cart.create(currency, Owner::default()),
        Command::AddLine(line) => cart.add_line(line),
    };
    Ok(events?.into_iter().map(Stored::from))
}

/// One shopper after the other: a cart made, and four lines put into it. What a line is called and
/// costs stands in the command here, where the engine looks it up: less work for the libraries.
pub struct Shopper {
    number: usize,
    commands: usize,
    cart: Uuid,
}

impl Shopper {
    /// Of several shoppers, `number` makes their carts differ.
    pub fn new(number: usize) -> Self {
        Self { number, commands: 0, cart: Uuid::nil() }
    }

    /// The next command, and to which cart.
    pub fn next(&mut self) -> Result<(Uuid, Command)> {
        let line = self.commands % (LINES_PER_CART + 1);
        self.commands += 1;
        if line == 0 {
            self.cart = Uuid::now_v7();
            return Ok((self.cart, Command::Create("EUR".parse()?)));
        }
        let product = (self.number + line * 7 + self.commands) % PRODUCTS;
        let line = Line {
            sku: format!("0192d3a0b7c87f0ea1b2c3d4e5f60718-{product}").parse()?,
            product_id: ProductId(Uuid::from_u128(product as u128)),
            title: format!("Bench {product}").parse()?,
            options: Options::default(),
            quantity: Quantity::try_from(1)?,
            unit_price: from_value(json!({"amount": "19.99", "currency": "EUR"}))?,
        };
        Ok((self.cart, Command::AddLine(line)))
    }
}
