//! Commands to orders. An order comes from a cart's checkout, so there is no way to make one here.

use domain::command::order::Command as Order;
use domain::order::Units;
use domain::text::Note;
use domain::{AddressId, Command, CustomerId};
use identity::Access::{Shopper, Staff};
use schemars::JsonSchema;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::put::<Assign>(Shopper, "order.assign", "/v1/orders/{id}/customer"),
    // Units called off twice are twice as many.
    Route::post::<Cancel>(Shopper, "order.cancel", "/v1/orders/{id}/cancel").keyed(),
    Route::put::<ChangeLine>(Shopper, "order.change_line", "/v1/orders/{id}/lines/{sku}"),
    Route::delete::<RemoveLine>(Shopper, "order.remove_line", "/v1/orders/{id}/lines/{sku}"),
    Route::put::<ChangeAddress>(Shopper, "order.change_address", "/v1/orders/{id}/address"),
    // What is written twice stands there twice.
    Route::post::<AddNote>(Staff, "order.add_note", "/v1/orders/{id}/notes").keyed(),
];

/// Why a line became smaller, where nobody says.
pub(super) const NO_REASON: &str = "no reason was given";

/// Makes a guest's order a customer's, who has signed in since.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Assign {
    /// Whose it is from now on: oneself, where a customer asks and says nothing.
    customer_id: Option<CustomerId>,
}

impl Body for Assign {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let (customer_id, guest_id) = (edge.customer(self.customer_id)?, edge.was_guest);
        Ok(Command::Order(address.id()?, Order::Assign { customer_id, guest_id }))
    }
}

/// Calls off what has not left, or some units of it. Money that is too much then is given back, and
/// a parcel that holds such units is called off: what else is in it is to be planned again. Some
/// units are not taken out of a parcel that is packed, all that has not left is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Cancel {
    reason: Note,
    /// None means all that has not left.
    #[serde(default, deserialize_with = "super::some")]
    #[schemars(length(min = 1))]
    lines: Option<Vec<Units>>,
}

impl Body for Cancel {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { reason, lines } = self;
        let lines = lines.unwrap_or_default();
        Ok(Command::Order(address.id()?, Order::Cancel { reason, lines }))
    }
}

/// Makes a line smaller, before it is packed. A parcel that is planned for it is called off.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeLine {
    /// Units that are left of it; none is taken as well.
    quantity: u32,
    reason: Option<Note>,
}

impl Body for ChangeLine {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        shrink(address, self.quantity, self.reason)
    }
}

/// Calls a whole line off, before it is packed. Parcels that are planned for it are called off.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RemoveLine {
    reason: Option<Note>,
}

impl Body for RemoveLine {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        shrink(address, 0, self.reason)
    }
}

fn shrink(address: &Address, quantity: u32, reason: Option<Note>) -> Result<Command, Problem> {
    let sku = address.sku()?;
    let reason = reason.unwrap_or_else(|| NO_REASON.parse().expect("the constant is a note"));
    Ok(Command::Order(address.id()?, Order::ShrinkLine { sku, quantity, reason }))
}

/// Sends the order elsewhere, before a parcel leaves.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangeAddress {
    address_id: AddressId,
}

impl Body for ChangeAddress {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let change = Order::ChangeAddress { address_id: self.address_id };
        Ok(Command::Order(address.id()?, change))
    }
}

/// Writes something about the order for those who work here, as what was agreed on the telephone.
/// It stands in the order's history for them, and is not shown to whose order it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AddNote {
    note: Note,
}

impl Body for AddNote {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Order(address.id()?, Order::AddNote { note: self.note }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn an_empty_list_does_not_call_all_off() {
        let refused = from_value::<Cancel>(json!({"reason": "too late", "lines": []}));
        assert!(refused.err().expect("it is refused").to_string().contains("at least one"));
        let all = from_value::<Cancel>(json!({"reason": "too late"})).unwrap();
        assert!(all.lines.is_none());
    }
}
