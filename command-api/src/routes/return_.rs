//! Commands to returns: goods of an order that come back after they were delivered.

use domain::command::return_::Command as Return;
use domain::order::Units;
use domain::return_::{Arrival, Withheld};
use domain::text::Note;
use domain::{Command, Money, OrderId, ReturnId};
use identity::Access::{Shopper, Staff};
use schemars::JsonSchema;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route, plain};

pub(super) const ROUTES: &[Route] = &[
    // Asked for twice, twice as many units are to come back.
    Route::post::<Request>(Shopper, "return.request", "/v1/returns").keyed(),
    Route::post::<Approve>(Staff, "return.approve", "/v1/returns/{id}/approve"),
    Route::post::<Reject>(Staff, "return.reject", "/v1/returns/{id}/reject"),
    Route::post::<Withdraw>(Shopper, "return.withdraw", "/v1/returns/{id}/withdraw"),
    // It moves stock and gives money back, and goods may arrive in parts.
    Route::post::<Receive>(Staff, "return.receive", "/v1/returns/{id}/receive").keyed(),
    Route::post::<CorrectReceipt>(
        Staff,
        "return.correct_receipt",
        "/v1/returns/{id}/correct-receipt",
    )
    .keyed(),
    Route::post::<Close>(Staff, "return.close", "/v1/returns/{id}/close"),
];

/// Asks to send goods back.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Request {
    id: Option<ReturnId>,
    order_id: OrderId,
    lines: Vec<Units>,
    reason: Note,
}

impl Body for Request {
    fn command(self, _: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { id, order_id, lines, reason } = self;
        let request = Return::Request { order_id, lines, reason };
        Ok(Command::Return(Edge::id(id, ReturnId), request))
    }
}

/// Says no to a return, or another reason why.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reject {
    reason: Note,
}

impl Body for Reject {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Return(address.id()?, Return::Reject { reason: self.reason }))
    }
}

/// Takes goods in as they arrive. Their money is given back, less what is withheld.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Receive {
    lines: Vec<Arrival>,
    /// What is not given back, for the goods were worth less when they came.
    withheld: Option<Withheld>,
}

impl Body for Receive {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { lines, withheld } = self;
        Ok(Command::Return(address.id()?, Return::Receive { lines, withheld }))
    }
}

/// Puts right what was received, where something else was told by mistake: stock, what is owed and
/// what is given back follow.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CorrectReceipt {
    /// What arrived in all, and what became of it; nothing, if it was another return's.
    lines: Vec<Arrival>,
    /// How much of the price of all of it is not given back; as much as before, where nobody says.
    withheld: Option<Money>,
    /// Who says so, and how they know.
    reason: Note,
}

impl Body for CorrectReceipt {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { lines, withheld, reason } = self;
        let correct = Return::CorrectReceipt { lines, withheld, reason };
        Ok(Command::Return(address.id()?, correct))
    }
}

plain! {
    /// Says yes to a return.
    Approve => |address| Command::Return(address.id()?, Return::Approve);
    /// Takes a return back of which nothing has arrived: the goods stay with the customer.
    Withdraw => |address| Command::Return(address.id()?, Return::Withdraw);
    /// Ends a return of which nothing more is expected.
    Close => |address| Command::Return(address.id()?, Return::Close);
}
