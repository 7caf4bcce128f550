//! Commands to stock, from the warehouse. The id of stock is its SKU.

use domain::command::stock::Command as Stock;
use domain::location::MAIN;
use domain::text::Note;
use domain::{Command, Location, Quantity};
use identity::Access::Staff;
use schemars::JsonSchema;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::post::<Receive>(Staff, "stock.receive", "/v1/stock/{id}/receive").keyed(),
    Route::post::<Transfer>(Staff, "stock.transfer", "/v1/stock/{id}/transfer").keyed(),
    Route::post::<Count>(Staff, "stock.count", "/v1/stock/{id}/count").keyed(),
    Route::post::<Adjust>(Staff, "stock.adjust", "/v1/stock/{id}/adjust").keyed(),
    Route::put::<SetPolicy>(Staff, "stock.set_policy", "/v1/stock/{id}/policy"),
    Route::put::<SetThreshold>(Staff, "stock.set_threshold", "/v1/stock/{id}/threshold"),
];

/// Where units are unless the caller names another place: many shops have but one.
fn main_location() -> Location {
    MAIN.parse().expect("it is the code of a location")
}

/// Takes a delivery in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Receive {
    #[serde(default = "main_location")]
    location: Location,
    quantity: Quantity,
    reference: Option<Note>,
}

impl Body for Receive {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { location, quantity, reference } = self;
        Ok(Command::Stock(address.id()?, Stock::Receive { location, quantity, reference }))
    }
}

/// Moves units between locations, those that orders wait for too: what is damaged has to go
/// somewhere. What orders lack then is in the event, and in `short` and `short_orders` of the
/// document, which `Prefer: return=representation` shows.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Transfer {
    from: Location,
    to: Location,
    quantity: Quantity,
    reason: Option<Note>,
}

impl Body for Transfer {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { from, to, quantity, reason } = self;
        Ok(Command::Stock(address.id()?, Stock::Transfer { from, to, quantity, reason }))
    }
}

/// Sets how many units there are at a location, whatever was promised.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Count {
    #[serde(default = "main_location")]
    location: Location,
    on_hand: u32,
    reason: Option<Note>,
}

impl Body for Count {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { location, on_hand, reason } = self;
        Ok(Command::Stock(address.id()?, Stock::Count { location, on_hand, reason }))
    }
}

/// Puts more or fewer units at a location.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Adjust {
    #[serde(default = "main_location")]
    location: Location,
    delta: i64,
    reason: Note,
}

impl Body for Adjust {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { location, delta, reason } = self;
        Ok(Command::Stock(address.id()?, Stock::Adjust { location, delta, reason }))
    }
}

/// Sets how many units may be sold beyond what is there.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetPolicy {
    backorder_max: u32,
}

impl Body for SetPolicy {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { backorder_max } = self;
        Ok(Command::Stock(address.id()?, Stock::SetPolicy { backorder_max }))
    }
}

/// Sets at how many units left somebody is told.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetThreshold {
    /// `null`: nobody is told. It has to be said.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schemars(required)]
    threshold: Option<u32>,
}

impl Body for SetThreshold {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { threshold } = self;
        Ok(Command::Stock(address.id()?, Stock::SetThreshold { threshold }))
    }
}
