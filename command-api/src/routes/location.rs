//! Commands to locations. The id of a location is its code.

use domain::Command;
use domain::command::location::Command as Location;
use domain::location::Set;
use domain::text::Label;
use identity::Access::Staff;
use schemars::JsonSchema;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route};

pub(super) const ROUTES: &[Route] =
    &[Route::put::<SetLocation>(Staff, "location.set", "/v1/locations/{id}")];

/// Sets what is known of a location, and whether what lies there is for sale.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetLocation {
    sellable: bool,
    name: Option<Label>,
    address_ref: Option<Label>,
}

impl Body for SetLocation {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { sellable, name, address_ref } = self;
        Ok(Command::Location(address.id()?, Location::Set(Set { sellable, name, address_ref })))
    }
}
