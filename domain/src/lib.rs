//! What a shop is: products, stock, carts, orders, payments and fulfilments as deciders.
//!
//! Everything here is a pure function of its arguments. No IO, no clock, no randomness: ids,
//! prices and the time arrive in the command, and the same input gives the same events for ever.
//!
//! * an **aggregate** folder (`cart/`, `stock/`, …) holds the state of one stream, `evolve`, which
//!   folds an event into it, and `decide`, which turns a command into events or refuses it;
//! * [`command`] holds what callers may ask for; one command may speak to several aggregates,
//!   whose events are then appended together;
//! * [`event`] gives every event its stored name and schema version, and lifts old ones;
//! * [`view`] folds the same events into the documents that readers see.

#[macro_use]
mod macros;

pub mod cart;
pub mod command;
pub mod event;
pub mod fulfilment;
pub mod ids;
pub mod money;
pub mod order;
pub mod payment;
pub mod product;
pub mod refusal;
pub mod sku;
pub mod state;
pub mod stock;
pub mod stream;
pub mod text;
pub mod view;

pub use command::{Command, decide};
pub use event::Event;
pub use ids::{CartId, CustomerId, FulfilmentId, OrderId, PaymentId, ProductId};
pub use money::{Currency, Money};
pub use refusal::Refusal;
pub use state::State;
pub use stream::{Category, StreamId};
pub use text::{Location, Quantity, Sku};
