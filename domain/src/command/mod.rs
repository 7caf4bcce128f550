//! What callers may ask for, and the decisions that take several aggregates.
//!
//! A command names only what its caller may choose. Prices, titles and states come from the
//! streams it looks up; its events, over however many streams, are appended together or not at
//! all. A command decides at most once about each stream, so every decision sees the state that
//! the appended events will meet.

pub mod cart;
pub mod fulfilment;
mod offer;
pub mod order;
pub mod payment;
pub mod product;
pub mod stock;

pub use cart::{CheckoutError, PriceChange, Shortage};
pub use offer::OfferError;

use crate::event::Event;
use crate::ids::{CartId, FulfilmentId, OrderId, PaymentId, ProductId};
use crate::refusal::Refusal;
use crate::state::{Lookup, Missing, Streams};
use crate::stream::StreamId;
use crate::text::Sku;

/// Anything that can be asked of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Of a product.
    Product(ProductId, product::Command),
    /// Of the stock of a SKU.
    Stock(Sku, stock::Command),
    /// Of a cart.
    Cart(CartId, cart::Command),
    /// Of an order.
    Order(OrderId, order::Command),
    /// Of a payment.
    Payment(PaymentId, payment::Command),
    /// Of a parcel.
    Fulfilment(FulfilmentId, fulfilment::Command),
}

impl Command {
    /// The stream the command is addressed to; an expected version is that stream's.
    pub fn target(&self) -> StreamId {
        match self {
            Self::Product(id, _) => StreamId::Product(*id),
            Self::Stock(sku, _) => StreamId::Stock(sku.clone()),
            Self::Cart(id, _) => StreamId::Cart(*id),
            Self::Order(id, _) => StreamId::Order(*id),
            Self::Payment(id, _) => StreamId::Payment(*id),
            Self::Fulfilment(id, _) => StreamId::Fulfilment(*id),
        }
    }

    /// Whether the subject is new: its stream should have no events yet.
    pub fn creates(&self) -> bool {
        matches!(
            self,
            Self::Product(_, product::Command::Create { .. })
                | Self::Cart(_, cart::Command::Create { .. } | cart::Command::CheckOut { .. })
                | Self::Payment(_, payment::Command::Start { .. })
                | Self::Fulfilment(_, fulfilment::Command::Create { .. })
        )
    }

    /// The stream the answer speaks of: the target, but for a checkout the new order.
    pub fn subject(&self) -> StreamId {
        match self {
            Self::Cart(_, cart::Command::CheckOut { order_id, .. }) => StreamId::Order(*order_id),
            _ => self.target(),
        }
    }
}

/// Why a decision stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// States are missing: load them and decide again.
    Missing(Missing),
    /// The answer is no.
    Refused(Refusal),
}

impl From<Missing> for Stop {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing)
    }
}

impl<E: Into<Refusal>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// The events of one command, in the order they are appended.
pub type Events = Vec<(StreamId, Event)>;

/// Decides a command against the states that `lookup` holds.
pub fn decide(command: &Command, lookup: &dyn Lookup) -> Result<Events, Stop> {
    let streams = Streams(lookup);
    let command = command.clone();
    match command {
        Command::Product(id, command) => product::decide(id, command, streams),
        Command::Stock(sku, command) => stock::decide(&sku, command, streams),
        Command::Cart(id, command) => cart::decide(id, command, streams),
        Command::Order(id, command) => order::decide(id, command, streams),
        Command::Payment(id, command) => payment::decide(id, command, streams),
        Command::Fulfilment(id, command) => fulfilment::decide(id, command, streams),
    }
}

/// Collects the events of one command.
#[derive(Default)]
struct Unit(Events);

impl Unit {
    fn add<E: Into<Event>>(&mut self, stream: &StreamId, events: Vec<E>) {
        self.0.extend(events.into_iter().map(|event| (stream.clone(), event.into())));
    }
}
