//! Commands to carts, and checkout: the cart closed, the order placed and every unit reserved in
//! one append, or nothing at all.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Events, Stop, Unit, offer};
use crate::StreamId;
use crate::cart::{self, Cart, Line, Obstacle, OnOffer};
use crate::ids::{AddressId, CartId, CustomerId, GuestId, OrderId};
use crate::money::Currency;
use crate::order::{self, Placing};
use crate::owner::Owner;
use crate::refusal::{CheckoutError, RefusedLine};
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
        /// Whose it is.
        owner: Owner,
    },
    /// Make a guest's cart a customer's.
    Assign {
        /// Whose it is from now on.
        customer_id: CustomerId,
        /// The guest they were before they signed in.
        guest_id: Option<GuestId>,
    },
    /// Take in what is in another cart, which ends with it.
    Merge {
        /// The other.
        from: CartId,
        /// The guest they were before they signed in.
        guest_id: Option<GuestId>,
    },
    /// Put a SKU in; more of one that is in adds up.
    AddLine {
        /// What.
        sku: Sku,
        /// How many.
        quantity: Quantity,
    },
    /// Set a line's quantity, and accept what it is sold as today, and for how much.
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
    /// Fill it again, after the order it became is off.
    Reopen,
    /// Give it up.
    Abandon,
    /// Nobody has touched it for long: give it up, unless it came to an end. When it was touched
    /// stands in the log and in no state: who asks has looked there, and expects the version that
    /// was the last.
    Expire,
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
        Command::Create { currency, owner } => cart.create(currency, owner),
        Command::Assign { customer_id, .. } => cart.assign(customer_id),
        Command::Merge { from, .. } => return merge(id, cart, from, streams),
        Command::AddLine { sku, quantity } => cart.add_line(offered(cart, sku, quantity, streams)?),
        Command::ChangeLine { sku, quantity } => {
            cart.change_line(offered(cart, sku, quantity, streams)?)
        }
        Command::RemoveLine { sku } => cart.remove_line(sku),
        Command::Reopen => match cart.order_id {
            Some(order_id) => cart.reopen(order_id, streams.order(&order_id)?),
            // It is open already, or was never an order.
            None => cart.must_be_open().map(|()| vec![]),
        },
        Command::Abandon => cart.abandon(),
        Command::Expire => cart.expire(),
        Command::CheckOut { order_id, reserved_until, address_id } => {
            return check_out(id, cart, order_id, reserved_until, address_id, streams);
        }
    };
    let mut unit = Unit::default();
    unit.add(&StreamId::Cart(id), events?);
    Ok(unit.0)
}

fn merge(id: CartId, cart: &Cart, from: CartId, streams: Streams) -> Result<Events, Stop> {
    if from == id {
        return Err(cart::Error::Itself.into());
    }
    let other = streams.cart(&from)?;
    let (taken, merged) = cart.take_in(id, other, &renewed(cart, other, streams)?)?;
    let mut unit = Unit::default();
    unit.add(&StreamId::Cart(id), taken);
    unit.add(&StreamId::Cart(from), merged);
    Ok(unit.0)
}

/// What is in two carts and can be bought as it stands in the other, but not as it stands in the
/// one: a shopper who saw today's price is not told that it has changed.
fn renewed(cart: &Cart, other: &Cart, streams: Streams) -> Result<BTreeSet<Sku>, Stop> {
    let both = || other.lines.iter().filter_map(|line| Some((cart.line(&line.sku)?, line)));
    streams.require(both().map(|(_, line)| StreamId::Sku(line.sku.clone())))?;
    let mut products = Vec::new();
    for (_, line) in both() {
        products.extend(streams.sku(&line.sku)?.product_id.map(StreamId::Product));
    }
    streams.require(products)?;
    let mut renewed = BTreeSet::new();
    for (own, line) in both() {
        let offer = offer::look(streams, &line.sku, line.unit_price.currency())?;
        let stands = |line: &Line| line.problem(offer.as_ref()).is_none();
        if !stands(own) && stands(line) {
            renewed.insert(line.sku.clone());
        }
    }
    Ok(renewed)
}

/// A line as the catalogue has it today.
fn offered(cart: &Cart, sku: Sku, quantity: Quantity, streams: Streams) -> Result<Line, Stop> {
    let currency = cart.currency.ok_or(cart::Error::NotFound)?;
    let OnOffer { product_id, title, variant_title, options, unit_price } =
        offer::find(streams, &sku, currency)?;
    Ok(Line { sku, product_id, title, variant_title, options, quantity, unit_price })
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
    let (lowered, mut refused) = look_at_offers(cart, streams)?;
    let cart = &lowered.iter().fold(cart.clone(), |mut cart, event| {
        cart.evolve(event);
        cart
    });

    let (owner, lines) = (cart.owner, cart.lines.clone());
    let placing = Placing { owner, address_id, lines, reserved_until };
    let placed = streams.order(&order_id)?.place(id, placing)?;
    let certain = placed.iter().any(|event| matches!(event, order::Event::Confirmed(_)));
    let mut unit = Unit::default();
    unit.add(&StreamId::Cart(id), lowered);
    unit.add(&StreamId::Cart(id), checked_out);
    unit.add(&order, placed);

    for (number, line) in cart.lines.iter().enumerate() {
        let (sku, quantity) = (line.sku.clone(), line.quantity);
        let stock = streams.stock(&sku)?;
        let reserve = if certain { Stock::reserve_committed } else { Stock::reserve };
        let Ok(events) = reserve(stock, order_id, quantity, reserved_until) else {
            let (wanted, available) = (quantity.get(), stock.obtainable());
            let problem = Obstacle::OutOfStock { wanted, available };
            refused.push(RefusedLine { line: number, sku, problem });
            continue;
        };
        unit.add(&StreamId::Stock(sku), events);
    }
    refused.sort_by_key(|refused| refused.line);
    if refused.is_empty() { Ok(unit.0) } else { Err(CheckoutError::Refused(refused).into()) }
}

/// The shopper pays what they saw or less, or is told: the prices that are lower by now, and the
/// lines that are not offered as they were.
fn look_at_offers(
    cart: &Cart,
    streams: Streams,
) -> Result<(Vec<cart::Event>, Vec<RefusedLine>), Stop> {
    let (mut lowered, mut refused) = (Vec::new(), Vec::new());
    for (number, line) in cart.lines.iter().enumerate() {
        let sku = &line.sku;
        let offer = offer::look(streams, sku, line.unit_price.currency())?;
        match (line.problem(offer.as_ref()), offer) {
            (Some(problem), _) => {
                refused.push(RefusedLine { line: number, sku: sku.clone(), problem });
            }
            (None, Ok(offer)) => lowered.extend(cart.lower_price(sku, offer.unit_price)),
            (None, Err(_)) => {}
        }
    }
    Ok((lowered, refused))
}
