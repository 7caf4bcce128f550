//! Commands to parcels.

use domain::command::fulfilment::Command as Fulfilment;
use domain::order::Units;
use domain::text::{Label, Note};
use domain::{Command, FulfilmentId, Location, OrderId};
use identity::Access::Staff;
use schemars::JsonSchema;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route, plain};

pub(super) const ROUTES: &[Route] = &[
    Route::post::<Create>(Staff, "fulfilment.create", "/v1/fulfilments"),
    Route::post::<Pack>(Staff, "fulfilment.pack", "/v1/fulfilments/{id}/pack"),
    Route::post::<Ship>(Staff, "fulfilment.ship", "/v1/fulfilments/{id}/ship"),
    Route::post::<Deliver>(Staff, "fulfilment.deliver", "/v1/fulfilments/{id}/deliver")
        .keyed_if(in_part),
    Route::post::<Fail>(Staff, "fulfilment.fail", "/v1/fulfilments/{id}/fail"),
    Route::post::<Lose>(Staff, "fulfilment.lose", "/v1/fulfilments/{id}/lose"),
    Route::post::<Return>(Staff, "fulfilment.return", "/v1/fulfilments/{id}/return"),
    Route::post::<Cancel>(Staff, "fulfilment.cancel", "/v1/fulfilments/{id}/cancel"),
];

/// Where a returned parcel's units are put unless the caller names another place.
const RETURNS_LOCATION: &str = "returns";

/// Plans a parcel of an order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    id: Option<FulfilmentId>,
    order_id: OrderId,
    /// None means all that is left.
    #[serde(default)]
    lines: Vec<Units>,
    /// None means from where its units are set aside.
    location: Option<Location>,
}

impl Body for Create {
    fn command(self, _: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { id, order_id, lines, location } = self;
        let create = Fulfilment::Create { order_id, lines, location };
        Ok(Command::Fulfilment(Edge::id(id, FulfilmentId), create))
    }
}

/// Sends the parcel. What goes out is taken from stock, and its money is captured unless the
/// payment says otherwise. Of one that has left, what is named is told late or put right.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ship {
    carrier: Option<Label>,
    tracking: Option<Label>,
}

impl Body for Ship {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { carrier, tracking } = self;
        Ok(Command::Fulfilment(address.id()?, Fulfilment::Ship { carrier, tracking }))
    }
}

/// Says that a parcel could not be handed over. It is tried again, sent back or lost.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Fail {
    reason: Note,
}

impl Body for Fail {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Fulfilment(address.id()?, Fulfilment::Fail { reason: self.reason }))
    }
}

/// Says that a parcel was lost on the way, or what more is known of one that was.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lose {
    reason: Note,
}

impl Body for Lose {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Fulfilment(address.id()?, Fulfilment::Lose { reason: self.reason }))
    }
}

/// Takes a parcel back into stock that nobody took.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Return {
    #[serde(default = "returns")]
    location: Location,
}

fn returns() -> Location {
    RETURNS_LOCATION.parse().expect("the constant is a location")
}

impl Body for Return {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Fulfilment(address.id()?, Fulfilment::Return { location: self.location }))
    }
}

/// Says that a parcel was handed over, or some of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Deliver {
    /// None means all of it.
    #[serde(default)]
    lines: Vec<Units>,
}

/// All of it is handed over once; some of it may be twice.
fn in_part(command: &Command) -> bool {
    matches!(command, Command::Fulfilment(_, Fulfilment::Deliver { lines }) if !lines.is_empty())
}

impl Body for Deliver {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Fulfilment(address.id()?, Fulfilment::Deliver { lines: self.lines }))
    }
}

plain! {
    /// Says that a parcel is packed.
    Pack => |address| Command::Fulfilment(address.id()?, Fulfilment::Pack);
    /// Calls a parcel off before it leaves.
    Cancel => |address| Command::Fulfilment(address.id()?, Fulfilment::Cancel);
}
