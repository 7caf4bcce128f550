//! Commands to parcels.

use domain::command::fulfilment::{Command as Fulfilment, Returned};
use domain::order::Units;
use domain::return_::Arrival;
use domain::text::{Label, Note};
use domain::{Command, FulfilmentId, Location, OrderId, location};
use identity::Access::Staff;
use schemars::JsonSchema;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route, invalid_body, plain};

pub(super) const ROUTES: &[Route] = &[
    Route::post::<Create>(Staff, "fulfilment.create", "/v1/fulfilments").keyed_if(in_part),
    Route::post::<Pack>(Staff, "fulfilment.pack", "/v1/fulfilments/{id}/pack"),
    Route::post::<Ship>(Staff, "fulfilment.ship", "/v1/fulfilments/{id}/ship"),
    Route::post::<Deliver>(Staff, "fulfilment.deliver", "/v1/fulfilments/{id}/deliver")
        .keyed_if(in_part),
    Route::post::<Fail>(Staff, "fulfilment.fail", "/v1/fulfilments/{id}/fail"),
    Route::post::<Lose>(Staff, "fulfilment.lose", "/v1/fulfilments/{id}/lose"),
    Route::post::<Return>(Staff, "fulfilment.return", "/v1/fulfilments/{id}/return"),
    Route::post::<Cancel>(Staff, "fulfilment.cancel", "/v1/fulfilments/{id}/cancel"),
];

/// Plans a parcel of an order.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    id: Option<FulfilmentId>,
    order_id: OrderId,
    /// At least one, if any is named; none means all that is left.
    #[serde(default, deserialize_with = "super::some")]
    #[schemars(length(min = 1))]
    lines: Option<Vec<Units>>,
    /// Where it leaves from. None means the one place that has all of it, where its units are set
    /// aside if that can be; where they lie apart, it has to be said.
    location: Option<Location>,
}

impl Body for Create {
    fn command(self, _: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { id, order_id, lines, location } = self;
        let lines = lines.unwrap_or_default();
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

/// Says that a parcel could not be handed over, or was not, though it is `delivered`. It is tried
/// again, sent back or lost.
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

/// Says that a parcel was lost on the way, also of one that is `delivered` and never came, or what
/// more is known of one that was.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Lose {
    reason: Note,
}

impl Body for Lose {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let lose = Fulfilment::Lose { reason: self.reason, at: edge.now };
        Ok(Command::Fulfilment(address.id()?, lose))
    }
}

/// Takes a parcel back that nobody took. The order becomes smaller by it, unless it goes out again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(example = serde_json::json!({"location": "main", "send_again": true}))]
struct Return {
    /// Where all of it is put; none means `returns`, or `main` where it goes out again.
    location: Option<Location>,
    /// What came back of it, and what becomes of that; the rest is lost. None means all of it.
    #[serde(default, deserialize_with = "super::some")]
    #[schemars(length(min = 1))]
    lines: Option<Vec<Arrival>>,
    /// Whether what is put somewhere, which must sell, is sent again in another parcel: it is owed
    /// as before. What is lost or written off is not.
    #[serde(default)]
    send_again: bool,
}

impl Body for Return {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let Self { location, lines, send_again } = self;
        if location.is_some() && lines.is_some() {
            return Err(invalid_body("/location", "each of the lines says where it is put"));
        }
        let unsaid = if send_again { location::MAIN } else { location::RETURNS };
        let unsaid = || unsaid.parse().expect("the constant is a location");
        let what = match lines {
            None => Returned::AllTo(location.unwrap_or_else(unsaid)),
            Some(lines) => Returned::Some(lines),
        };
        let back = Fulfilment::Return { what, send_again, at: edge.now };
        Ok(Command::Fulfilment(address.id()?, back))
    }
}

/// Says that a parcel was handed over, or some of it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Deliver {
    /// None means all of it.
    #[serde(default, deserialize_with = "super::some")]
    #[schemars(length(min = 1))]
    lines: Option<Vec<Units>>,
}

/// All of it is planned or handed over once; some of it may be twice.
fn in_part(command: &Command) -> bool {
    let Command::Fulfilment(_, Fulfilment::Create { lines, .. } | Fulfilment::Deliver { lines }) =
        command
    else {
        return false;
    };
    !lines.is_empty()
}

impl Body for Deliver {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let lines = self.lines.unwrap_or_default();
        Ok(Command::Fulfilment(address.id()?, Fulfilment::Deliver { lines }))
    }
}

plain! {
    /// Says that a parcel is packed.
    Pack => |address| Command::Fulfilment(address.id()?, Fulfilment::Pack);
    /// Calls a parcel off before it leaves.
    Cancel => |address| Command::Fulfilment(address.id()?, Fulfilment::Cancel);
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, from_value, json};

    use super::*;

    fn lines_of<T: DeserializeOwned>(lines: Option<Value>, mut body: Value) -> Result<T, String> {
        if let Some(lines) = lines {
            body["lines"] = lines;
        }
        from_value(body).map_err(|why| why.to_string())
    }

    /// A packing screen on which nothing is ticked sends nothing.
    #[test]
    fn an_empty_list_is_not_all_of_it() {
        let order = json!({"order_id": "0190d000-0000-7000-8000-000000000201"});
        for none in [None, Some(Value::Null)] {
            assert!(lines_of::<Create>(none.clone(), order.clone()).unwrap().lines.is_none());
            assert!(lines_of::<Return>(none.clone(), json!({})).unwrap().lines.is_none());
            assert!(lines_of::<Deliver>(none, json!({})).unwrap().lines.is_none());
        }
        let nothing = || Some(json!([]));
        let refused = [
            lines_of::<Create>(nothing(), order.clone()).err(),
            lines_of::<Return>(nothing(), json!({})).err(),
            lines_of::<Deliver>(nothing(), json!({})).err(),
        ];
        for why in refused {
            assert!(why.expect("it is refused").contains("at least one"));
        }
        let one = Some(json!([{"sku": "TOTE", "quantity": 1}]));
        assert_eq!(lines_of::<Create>(one, order).unwrap().lines.unwrap().len(), 1);
    }
}
