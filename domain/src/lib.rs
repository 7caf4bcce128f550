//! What a shop is: products, stock and where it lies, carts, orders, payments, fulfilments and
//! returns, and their rules.
//!
//! Everything here is a pure function of its arguments. No IO, no clock, no randomness: ids,
//! prices and the time arrive in the command, and the same input gives the same events for ever.
//!
//! * an **aggregate** folder (`cart/`, `stock/`, …) holds the state of one stream, `evolve`, which
//!   folds an event into it, and its rules, each of which gives the events of a decision or
//!   refuses;
//! * [`command`] holds what callers may ask for; one command may speak to several aggregates,
//!   whose events are then appended together;
//! * the list below names every kind of stream, once: what has one arm a kind is made from it;
//! * [`event`] reads stored events, and lifts old ones; [`stream`] reads names of streams;
//!   [`by`] is as whom a command is decided; [`state`] is how decisions look states up;
//!   [`refusal`] what refusals have in common, [`refusal_record`] how they are told and kept;
//! * what readers see is folded from the same events: of one kind in its `document.rs`, of several
//!   in [`page`]; [`read_model`] names all that they read.

#[macro_use]
mod shape;

pub mod by;
pub mod cart;
pub mod command;
pub mod event;
pub mod fulfilment;
pub mod ids;
pub mod location;
pub mod money;
pub mod options;
pub mod order;
pub mod owner;
pub mod page;
pub mod payment;
pub mod product;
pub mod read_model;
pub mod refusal;
pub mod refusal_record;
pub mod return_;
pub mod seen;
pub mod sku;
pub mod state;
pub mod stock;
pub mod stream;
pub mod text;

pub use by::By;
pub use ids::{
    AddressId, CartId, CustomerId, FulfilmentId, GuestId, OrderId, PaymentId, ProductId, ReturnId,
};
pub use money::{Currency, Money};
pub use options::Options;
pub use owner::{Owner, Shopper};
pub use read_model::ReadModel;
pub use refusal_record::RefusalRecord;
pub use seen::Seen;
pub use text::{Location, Quantity, Sku};

aggregates! {
    /// A catalogue product.
    Product = "product", product::Product of ProductId;
    /// Which product a SKU belongs to.
    Sku = "sku", sku::Assignment of Sku;
    /// The stock of a SKU at every location.
    Stock = "stock", stock::Stock of Sku;
    /// What is known of a location.
    Location = "location", location::Site of Location;
    /// A cart.
    Cart = "cart", cart::Cart of CartId;
    /// An order.
    Order = "order", order::Order of OrderId;
    /// A payment of an order.
    Payment = "payment", payment::Payment of PaymentId, beside order_id;
    /// A parcel of an order.
    Fulfilment = "fulfilment", fulfilment::Fulfilment of FulfilmentId, beside order_id;
    /// Goods of an order that come back after they were delivered.
    Return = "return", return_::Return of ReturnId, beside order_id;
}
