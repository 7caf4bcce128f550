//! Commands to payments. What the gateway is asked for here it does later: those are answered
//! "accepted", and the payment's own events tell how it went.

use domain::command::payment::Command as Payment;
use domain::order::PaymentMethod;
use domain::text::{Note, Token};
use domain::{Command, Money, OrderId, PaymentId};
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route, plain};
use crate::problem::invalid_body;

pub(super) const ROUTES: &[Route] = &[
    Route::post::<Start>("payment.start", "/v1/payments").keyed().later_if(by_gateway),
    Route::post::<Capture>("payment.capture", "/v1/payments/{id}/capture").keyed().later(),
    Route::post::<Void>("payment.void", "/v1/payments/{id}/void").keyed().later(),
    Route::post::<Refund>("payment.refund", "/v1/payments/{id}/refund").keyed().later(),
    Route::post::<CompleteAction>("payment.complete_action", "/v1/payments/{id}/complete-action")
        .keyed()
        .later(),
    Route::post::<Collect>("payment.collect", "/v1/payments/{id}/collect").keyed(),
    Route::post::<Remit>("payment.remit", "/v1/payments/{id}/remit").keyed(),
];

/// Cash waits for the courier, and there is nothing to be done before.
fn by_gateway(start: &Command) -> bool {
    matches!(start, Command::Payment(_, Payment::Start { token: Some(_), .. }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    id: Option<PaymentId>,
    order_id: OrderId,
    method: PaymentMethod,
    token: Option<Token>,
}

impl Body for Start {
    fn command(self, _: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { id, order_id, method, token } = self;
        let wrong = |why| Err(invalid_body("/token", why));
        match (method, &token) {
            (PaymentMethod::Card, None) => return wrong("a card payment needs a token"),
            (PaymentMethod::CashOnDelivery, Some(_)) => return wrong("cash has no token"),
            (PaymentMethod::Card, Some(_)) | (PaymentMethod::CashOnDelivery, None) => {}
        }
        Ok(Command::Payment(Edge::id(id, PaymentId), Payment::Start { order_id, token }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Capture {
    amount: Option<Money>,
}

impl Body for Capture {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Payment(address.id()?, Payment::Capture { amount: self.amount }))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refund {
    amount: Option<Money>,
    /// Checked, but the payment does not keep it.
    #[serde(rename = "reason")]
    _reason: Option<Note>,
}

impl Body for Refund {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Payment(address.id()?, Payment::Refund { amount: self.amount }))
    }
}

plain! {
    Void => |address| Command::Payment(address.id()?, Payment::Void);
    CompleteAction => |address| Command::Payment(address.id()?, Payment::CompleteAction);
    Collect => |address| Command::Payment(address.id()?, Payment::Collect);
    Remit => |address| Command::Payment(address.id()?, Payment::Remit);
}
