//! As whom a command is decided: the shop, which may touch everything, or a shopper, who may touch
//! what is theirs. Which commands a shopper may send at all is for the edge to say.

use crate::StreamId;
use crate::command::Stop;
use crate::ids::{GuestId, OrderId};
use crate::owner::{Owner, Shopper};
use crate::refusal::{All, OfSku, OfferError};
use crate::state::{Lookup, Streams};
use crate::{
    Command, cart, command as asked, fulfilment, location, order, payment, product, return_,
};

/// As whom a command is decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The shop: its people, its programs, and what happens by itself.
    #[default]
    Shop,
    /// A shopper.
    Shopper(Shopper),
}

/// Refuses a shopper what is not theirs, as if there were no such thing.
///
/// # Errors
/// When states are missing, or it is not theirs.
pub fn check(by: By, command: &Command, lookup: &dyn Lookup) -> Result<(), Stop> {
    let By::Shopper(shopper) = by else { return must_not_give(command) };
    let streams = Streams(lookup);
    let order_is_theirs = |id: &OrderId| Ok::<_, Stop>(streams.order(id)?.owner.is(shopper));
    match command {
        // What they open is theirs.
        Command::Cart(_, asked::cart::Command::Create { owner, .. }) => {
            if !owner.is(shopper) {
                return Err(cart::Error::OfAnother.into());
            }
        }
        Command::Cart(id, asked::cart::Command::Assign { customer_id, guest_id }) => {
            let becomes_theirs = shopper == Shopper::Customer(*customer_id);
            if !becomes_theirs || !was_theirs(&streams.cart(id)?.owner, shopper, *guest_id) {
                return Err(cart::Error::NotFound.into());
            }
        }
        Command::Cart(id, asked::cart::Command::Merge { from, guest_id }) => {
            streams.require([*id, *from].map(StreamId::Cart))?;
            let is_theirs = streams.cart(id)?.owner.is(shopper);
            if !is_theirs || !was_theirs(&streams.cart(from)?.owner, shopper, *guest_id) {
                return Err(cart::Error::NotFound.into());
            }
        }
        Command::Cart(id, _) => {
            if !streams.cart(id)?.owner.is(shopper) {
                return Err(cart::Error::NotFound.into());
            }
        }
        Command::Order(id, asked::order::Command::Assign { customer_id, guest_id }) => {
            let becomes_theirs = shopper == Shopper::Customer(*customer_id);
            if !becomes_theirs || !was_theirs(&streams.order(id)?.owner, shopper, *guest_id) {
                return Err(order::Error::NotFound.into());
            }
        }
        Command::Order(id, _)
        | Command::Payment(_, asked::payment::Command::Start { order_id: id, .. })
        | Command::Return(_, asked::return_::Command::Request { order_id: id, .. }) => {
            if !order_is_theirs(id)? {
                return Err(order::Error::NotFound.into());
            }
        }
        Command::Payment(id, _) => {
            let order_id = streams.payment(id)?.terms.as_ref().map(|terms| terms.order_id);
            let Some(order_id) = order_id else { return Err(payment::Error::NotFound.into()) };
            if !order_is_theirs(&order_id)? {
                return Err(payment::Error::NotFound.into());
            }
        }
        Command::Return(id, _) => {
            let Some(order_id) = streams.return_(id)?.order_id else {
                return Err(return_::Error::NotFound.into());
            };
            if !order_is_theirs(&order_id)? {
                return Err(return_::Error::NotFound.into());
            }
        }
        // Of no shopper.
        Command::Fulfilment(..) => return Err(fulfilment::Error::NotFound.into()),
        Command::Product(..) => return Err(product::Error::NotFound.into()),
        Command::Location(location, _) => {
            return Err(location::Error::Unknown(All(vec![location.clone()])).into());
        }
        Command::Stock(sku, _) | Command::Sku(sku, _) => {
            return Err(OfSku { sku: sku.clone(), error: OfferError::UnknownSku }.into());
        }
    }
    Ok(())
}

/// An order has an address and is paid: the shop gives it to nobody, only who placed it takes it.
fn must_not_give(command: &Command) -> Result<(), Stop> {
    match command {
        Command::Order(_, asked::order::Command::Assign { .. }) => {
            Err(order::Error::OfAnother.into())
        }
        _ => Ok(()),
    }
}

/// Whether something is somebody's, or was before they signed in.
fn was_theirs(owner: &Owner, shopper: Shopper, guest_id: Option<GuestId>) -> bool {
    owner.is(shopper) || guest_id.is_some_and(|id| owner.is(Shopper::Guest(id)))
}
