//! Commands to carts, and checkout: the cart closed, the order placed and every unit reserved in
//! one append, or nothing at all.

use chrono::{DateTime, Utc};

use super::{Events, Stop, Unit, offer};
use crate::StreamId;
use crate::cart::{self, Cart, Line};
use crate::ids::{AddressId, CartId, CustomerId, OrderId};
use crate::money::Currency;
use crate::order::{self, Placing};
use crate::refusal::{CheckoutError, PriceChange, Shortage};
use crate::state::Streams;
use crate::stock::Stock;
use crate::text::{Quantity, Sku};

/// What a shopper may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Open a cart.
    Create {
        /// What to price it in.
        currency: Currency,
        /// Whose it is, unless a guest's.
        customer_id: Option<CustomerId>,
    },
    /// Put a SKU in; more of one that is in adds up.
    AddLine {
        /// What.
        sku: Sku,
        /// How many.
        quantity: Quantity,
    },
    /// Set a line's quantity, and accept today's price.
    ChangeLine {
        /// What.
        sku: Sku,
        /// How many.
        quantity: Quantity,
    },
    /// Take a SKU out.
    RemoveLine {
        /// What.
        sku: Sku,
    },
    /// Buy what is in it.
    CheckOut {
        /// The order it becomes.
        order_id: OrderId,
        /// How long its units stay reserved without a payment.
        reserved_until: DateTime<Utc>,
        /// Where it goes.
        address_id: Option<AddressId>,
    },
    /// Give it up.
    Abandon,
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Create { .. } | Self::CheckOut { .. })
    }
}

pub(crate) fn decide(id: CartId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let cart = streams.cart(&id)?;
    let events = match command {
        Command::Create { currency, customer_id } => cart.create(currency, customer_id),
        Command::AddLine { sku, quantity } => {
            let offer = offer::find(streams, &sku, currency(cart)?)?;
            let offer::Offer { product_id, title, unit_price } = offer;
            cart.add_line(Line { sku, product_id, title, quantity, unit_price })
        }
        Command::ChangeLine { sku, quantity } => {
            let unit_price = offer::find(streams, &sku, currency(cart)?)?.unit_price;
            cart.change_line(sku, quantity, unit_price)
        }
        Command::RemoveLine { sku } => cart.remove_line(sku),
        Command::Abandon => cart.abandon(),
        Command::CheckOut { order_id, reserved_until, address_id } => {
            return check_out(id, cart, order_id, reserved_until, address_id, streams);
        }
    };
    let mut unit = Unit::default();
    unit.add(&StreamId::Cart(id), events?);
    Ok(unit.0)
}

fn currency(cart: &Cart) -> Result<Currency, Stop> {
    cart.currency.ok_or_else(|| cart::Error::NotFound.into())
}

fn check_out(
    id: CartId,
    cart: &Cart,
    order_id: OrderId,
    reserved_until: DateTime<Utc>,
    address_id: Option<AddressId>,
    streams: Streams,
) -> Result<Events, Stop> {
    let checked_out = cart.check_out(order_id)?;
    let order = StreamId::Order(order_id);
    let of_line = |line: &Line| {
        let stock = StreamId::Stock(line.sku.clone());
        [StreamId::Sku(line.sku.clone()), StreamId::Product(line.product_id), stock]
    };
    streams.require(cart.lines.iter().flat_map(of_line).chain([order.clone()]))?;
    check_prices(cart, streams)?;

    let (customer_id, lines) = (cart.customer_id, cart.lines.clone());
    let placing = Placing { customer_id, address_id, lines, reserved_until };
    let placed = streams.order(&order_id)?.place(id, placing)?;
    let certain = placed.iter().any(|event| matches!(event, order::Event::Confirmed(_)));
    let mut unit = Unit::default();
    unit.add(&StreamId::Cart(id), checked_out);
    unit.add(&order, placed);

    let mut shortages = Vec::new();
    for (number, line) in cart.lines.iter().enumerate() {
        let (sku, quantity) = (line.sku.clone(), line.quantity);
        let stock = streams.stock(&sku)?;
        let reserve = if certain { Stock::reserve_committed } else { Stock::reserve };
        match reserve(stock, order_id, quantity, reserved_until) {
            Ok(events) => unit.add(&StreamId::Stock(sku), events),
            Err(_) => shortages.push(Shortage {
                line: number,
                sku,
                wanted: quantity.get(),
                available: stock.available(),
            }),
        }
    }
    if shortages.is_empty() { Ok(unit.0) } else { Err(CheckoutError::OutOfStock(shortages).into()) }
}

/// The shopper pays what they saw, or is told.
fn check_prices(cart: &Cart, streams: Streams) -> Result<(), Stop> {
    let mut changes = Vec::new();
    for (line, Line { sku, product_id, unit_price: seen, .. }) in cart.lines.iter().enumerate() {
        let offer = offer::find(streams, sku, seen.currency())?;
        if offer.product_id != *product_id {
            // The SKU went to another product since: this one is not sold any more.
            return Err(offer::not_for_sale(sku));
        }
        let now = offer.unit_price;
        if now != *seen {
            changes.push(PriceChange { line, sku: sku.clone(), seen: *seen, now });
        }
    }
    if changes.is_empty() { Ok(()) } else { Err(CheckoutError::PriceChanged(changes).into()) }
}
