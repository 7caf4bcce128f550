//! Commands to orders. An order comes from a cart's checkout, so there is no way to make one here.

use domain::Command;
use domain::command::order::Command as Order;
use domain::text::Note;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route};

pub(super) const ROUTES: &[Route] =
    &[Route::post::<Cancel>("order.cancel", "/v1/orders/{id}/cancel")];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    reason: Note,
}

impl Body for Cancel {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Order(address.id()?, Order::Cancel { reason: self.reason }))
    }
}
