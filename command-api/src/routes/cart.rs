//! Commands to carts. A client names SKUs and quantities, never prices.

use domain::command::cart::Command as Cart;
use domain::{AddressId, CartId, Command, Currency, CustomerId, OrderId, Quantity, Sku};
use identity::Access::Shopper;
use schemars::JsonSchema;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route, plain};

pub(super) const ROUTES: &[Route] = &[
    Route::post::<Create>(Shopper, "cart.create", "/v1/carts"),
    Route::put::<Assign>(Shopper, "cart.assign", "/v1/carts/{id}/customer"),
    Route::post::<Merge>(Shopper, "cart.merge", "/v1/carts/{id}/merge"),
    Route::post::<AddLine>(Shopper, "cart.add_line", "/v1/carts/{id}/lines"),
    Route::put::<ChangeLine>(Shopper, "cart.change_line", "/v1/carts/{id}/lines/{sku}"),
    Route::delete::<RemoveLine>(Shopper, "cart.remove_line", "/v1/carts/{id}/lines/{sku}"),
    Route::post::<CheckOut>(Shopper, "cart.checkout", "/v1/carts/{id}/checkout")
        .keyed()
        .makes("order"),
    Route::post::<Reopen>(Shopper, "cart.reopen", "/v1/carts/{id}/reopen"),
    Route::post::<Abandon>(Shopper, "cart.abandon", "/v1/carts/{id}/abandon"),
];

/// Opens a cart.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    id: Option<CartId>,
    currency: Currency,
    customer_id: Option<CustomerId>,
}

impl Body for Create {
    fn command(self, _: &Address, edge: &Edge) -> Result<Command, Problem> {
        let Self { id, currency, customer_id } = self;
        let owner = edge.owner(customer_id)?;
        Ok(Command::Cart(Edge::id(id, CartId), Cart::Create { currency, owner }))
    }
}

/// Makes a guest's cart a customer's.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Assign {
    /// Whose it is from now on: oneself, where a customer asks and says nothing.
    customer_id: Option<CustomerId>,
}

impl Body for Assign {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let (customer_id, guest_id) = (edge.customer(self.customer_id)?, edge.was_guest);
        Ok(Command::Cart(address.id()?, Cart::Assign { customer_id, guest_id }))
    }
}

/// Takes another cart's lines in. The other one goes on as a part of this.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Merge {
    /// The cart whose lines are taken in.
    from: CartId,
}

impl Body for Merge {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let (from, guest_id) = (self.from, edge.was_guest);
        Ok(Command::Cart(address.id()?, Cart::Merge { from, guest_id }))
    }
}

/// Puts units of a SKU in. They are added to those that are there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddLine {
    sku: Sku,
    quantity: Quantity,
}

impl Body for AddLine {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { sku, quantity } = self;
        Ok(Command::Cart(address.id()?, Cart::AddLine { sku, quantity }))
    }
}

/// Sets how many units of a SKU are in it, at the price of today.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeLine {
    quantity: Quantity,
}

impl Body for ChangeLine {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let change = Cart::ChangeLine { sku: address.sku()?, quantity: self.quantity };
        Ok(Command::Cart(address.id()?, change))
    }
}

/// Places the order and reserves every unit, or says which lines cannot be bought. The answer is
/// about the order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckOut {
    order_id: Option<OrderId>,
    address_id: Option<AddressId>,
}

impl Body for CheckOut {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let check_out = Cart::CheckOut {
            order_id: Edge::id(self.order_id, OrderId),
            reserved_until: edge.now + edge.reservation,
            address_id: self.address_id,
        };
        Ok(Command::Cart(address.id()?, check_out))
    }
}

plain! {
    /// Takes a line out.
    RemoveLine => |address| Command::Cart(address.id()?, Cart::RemoveLine { sku: address.sku()? });
    /// Opens a cart again whose order is off, its lines as they were: it may be filled further, and
    /// checked out into another order.
    Reopen => |address| Command::Cart(address.id()?, Cart::Reopen);
    /// Gives the cart up.
    Abandon => |address| Command::Cart(address.id()?, Cart::Abandon);
}
