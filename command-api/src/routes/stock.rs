//! Commands to stock, from the warehouse. The id of stock is its SKU.

use domain::command::stock::Command as Stock;
use domain::text::Note;
use domain::{Command, Location, Quantity};
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route};

pub(super) const ROUTES: &[Route] = &[
    Route::post::<Receive>("stock.receive", "/v1/stock/{id}/receive").keyed(),
    Route::post::<Adjust>("stock.adjust", "/v1/stock/{id}/adjust").keyed(),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Receive {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Adjust {
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
