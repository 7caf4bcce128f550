//! The state of any stream, and how a decision looks states up.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::cart::Cart;
use crate::event::Event;
use crate::fulfilment::Fulfilment;
use crate::ids::{CartId, FulfilmentId, OrderId, PaymentId, ProductId};
use crate::order::Order;
use crate::payment::Payment;
use crate::product::Product;
use crate::sku::Assignment;
use crate::stock::Stock;
use crate::stream::StreamId;
use crate::text::Sku;

/// The state of one stream: its events, folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Of a product.
    Product(Product),
    /// Of a SKU.
    Sku(Assignment),
    /// Of stock.
    Stock(Stock),
    /// Of a cart.
    Cart(Cart),
    /// Of an order.
    Order(Order),
    /// Of a payment.
    Payment(Payment),
    /// Of a parcel.
    Fulfilment(Fulfilment),
}

impl State {
    /// Of the shape of states and of the folds that make them. Raise it with every change of
    /// either: snapshots of another schema are passed over. A test knows when it is due.
    pub const SCHEMA: i32 = 1;

    /// The state of a stream without events.
    pub fn initial(stream: &StreamId) -> Self {
        match stream {
            StreamId::Product(_) => Self::Product(Product::default()),
            StreamId::Sku(_) => Self::Sku(Assignment::default()),
            StreamId::Stock(_) => Self::Stock(Stock::default()),
            StreamId::Cart(_) => Self::Cart(Cart::default()),
            StreamId::Order(_) => Self::Order(Order::default()),
            StreamId::Payment(_) => Self::Payment(Payment::default()),
            StreamId::Fulfilment(_) => Self::Fulfilment(Fulfilment::default()),
        }
    }

    /// How many things it holds, itself included: what a cache should count it as.
    pub fn items(&self) -> usize {
        1 + match self {
            Self::Product(state) => {
                let variants = state.variants.values();
                variants.map(|variant| 1 + variant.options.len() + variant.prices.len()).sum()
            }
            Self::Sku(_) | Self::Payment(_) => 0,
            Self::Stock(state) => state.levels.len() + state.holds.len(),
            Self::Cart(state) => state.lines.len(),
            Self::Order(state) => state.lines.len() + state.parcels.len(),
            Self::Fulfilment(state) => state.lines.len(),
        }
    }

    /// Folds one event into the state. An event of another category changes nothing: it cannot
    /// stand in the stream, whose name begins with the category.
    pub fn evolve(&mut self, event: &Event) {
        match (self, event) {
            (Self::Product(state), Event::Product(event)) => state.evolve(event),
            (Self::Sku(state), Event::Sku(event)) => state.evolve(event),
            (Self::Stock(state), Event::Stock(event)) => state.evolve(event),
            (Self::Cart(state), Event::Cart(event)) => state.evolve(event),
            (Self::Order(state), Event::Order(event)) => state.evolve(event),
            (Self::Payment(state), Event::Payment(event)) => state.evolve(event),
            (Self::Fulfilment(state), Event::Fulfilment(event)) => state.evolve(event),
            (state, event) => {
                debug_assert!(false, "{event:?} cannot be in the stream of {state:?}");
            }
        }
    }
}

/// Where a decision finds the states it needs.
pub trait Lookup {
    /// The state of `stream`, or `None` if it was not loaded yet. A stream without events is
    /// loaded as [`State::initial`].
    fn state(&self, stream: &StreamId) -> Option<&State>;
}

/// The streams a decision needs that were not loaded. Load them and decide again: `decide` is
/// pure, so nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub Vec<StreamId>);

/// The typed form of [`Lookup`].
#[derive(Clone, Copy)]
pub struct Streams<'a>(pub &'a dyn Lookup);

impl Streams<'_> {
    /// Which of `wanted` are not loaded, all at once and each once, so that one more round loads
    /// them.
    pub fn require(self, wanted: impl IntoIterator<Item = StreamId>) -> Result<(), Missing> {
        let absent = |stream: &StreamId| self.0.state(stream).is_none();
        let missing: BTreeSet<StreamId> = wanted.into_iter().filter(absent).collect();
        if missing.is_empty() { Ok(()) } else { Err(Missing(missing.into_iter().collect())) }
    }
}

macro_rules! reads {
    ($($(#[$doc:meta])* $name:ident($key:ty) -> $variant:ident($state:ty));+ $(;)?) => {
        // One macro for ids that are Copy and SKUs that are not.
        #[allow(clippy::clone_on_copy)]
        impl<'a> Streams<'a> {
            $(
                $(#[$doc])*
                pub fn $name(self, id: &$key) -> Result<&'a $state, Missing> {
                    let stream = StreamId::$variant(id.clone());
                    match self.0.state(&stream) {
                        Some(State::$variant(state)) => Ok(state),
                        _ => Err(Missing(vec![stream])),
                    }
                }
            )+
        }
    };
}

reads! {
    /// A product.
    product(ProductId) -> Product(Product);
    /// Whose a SKU is.
    assignment(Sku) -> Sku(Assignment);
    /// The stock of a SKU.
    stock(Sku) -> Stock(Stock);
    /// A cart.
    cart(CartId) -> Cart(Cart);
    /// An order.
    order(OrderId) -> Order(Order);
    /// A payment.
    payment(PaymentId) -> Payment(Payment);
    /// A parcel.
    fulfilment(FulfilmentId) -> Fulfilment(Fulfilment);
}
