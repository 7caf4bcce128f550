//! Commands to payments. What the gateway is asked for here it does later: those are answered
//! "accepted", and the payment's own events tell how it went.

use chrono::{DateTime, Utc};
use domain::command::payment::{Command as Payment, Finding, Start as Begin};
use domain::order::PaymentMethod;
use domain::payment::{CapturePolicy, WriteOff};
use domain::text::{GatewayName, MediaUrl, Note, Token, holds_card_number};
use domain::{Command, Money, OrderId, PaymentId};
use identity::Access::{Shopper, Staff};
use reactor::gateway;
use reactor::tokens;
use schemars::JsonSchema;
use serde::Deserialize;
use service::problem::Problem;

use super::{Address, Body, Edge, Route, plain};
use crate::paying::PAYPAL_GATEWAY;
use crate::problem::invalid_body;

pub(super) const ROUTES: &[Route] = &[
    Route::post::<Start>(Shopper, "payment.start", "/v1/payments").keyed().later_if(by_gateway),
    Route::post::<Abort>(Shopper, "payment.abort", "/v1/payments/{id}/abort").keyed().later(),
    Route::post::<Capture>(Staff, "payment.capture", "/v1/payments/{id}/capture").keyed().later(),
    Route::post::<Void>(Staff, "payment.void", "/v1/payments/{id}/void").keyed().later(),
    Route::post::<Refund>(Staff, "payment.refund", "/v1/payments/{id}/refund").keyed().later(),
    Route::post::<CompleteAction>(
        Shopper,
        "payment.complete_action",
        "/v1/payments/{id}/complete-action",
    )
    .keyed()
    .later(),
    Route::post::<Resolve>(Staff, "payment.resolve", "/v1/payments/{id}/resolve").keyed(),
    Route::post::<Collect>(Staff, "payment.collect", "/v1/payments/{id}/collect").keyed(),
    Route::post::<CorrectCollection>(
        Staff,
        "payment.correct_collection",
        "/v1/payments/{id}/correct-collection",
    )
    .keyed(),
    Route::post::<Remit>(Staff, "payment.remit", "/v1/payments/{id}/remit").keyed(),
    Route::post::<CorrectRemittance>(
        Staff,
        "payment.correct_remittance",
        "/v1/payments/{id}/correct-remittance",
    )
    .keyed(),
    Route::post::<CorrectRefund>(
        Staff,
        "payment.correct_refund",
        "/v1/payments/{id}/correct-refund",
    )
    .keyed(),
    Route::post::<Uncollect>(Staff, "payment.uncollect", "/v1/payments/{id}/uncollect").keyed(),
];

/// Why a payment was given up, where nobody says.
pub(super) const GIVEN_UP: &str = "the customer gave it up";

/// Cash waits for the courier, and there is nothing to be done before.
fn by_gateway(start: &Command) -> bool {
    matches!(start, Command::Payment(_, Payment::Start { start, .. }) if start.gateway.is_some())
}

/// Begins to pay an order. What the gateway says later is told by the payment.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Start {
    id: Option<PaymentId>,
    order_id: OrderId,
    method: PaymentMethod,
    gateway: Option<GatewayName>,
    /// What the gateway's own form made of a card: a payment by `card` needs one, one in `cash` has
    /// none. None begins with `vault:`.
    token: Option<Token>,
    capture: Option<CapturePolicy>,
    return_url: Option<MediaUrl>,
}

impl Body for Start {
    fn command(self, _: &Address, edge: &Edge) -> Result<Command, Problem> {
        let (id, order_id) = (edge.id_for_others(self.id, PaymentId), self.order_id);
        if edge.principal.shopper().is_some() {
            let external = self.method == PaymentMethod::External;
            let not_taken = !external && !edge.payments.methods.contains(&self.method);
            unless_unfit([
                ("/method", external, "whether it was paid elsewhere is for the shop to say"),
                ("/method", not_taken, "this shop is not paid that way"),
                ("/capture", self.capture.is_some(), "when it is taken is for the shop to say"),
            ])?;
        }
        let start = match self.method {
            PaymentMethod::Card | PaymentMethod::Paypal => self.through_gateway(edge)?,
            PaymentMethod::CashOnDelivery | PaymentMethod::External => self.in_cash()?,
        };
        Ok(Command::Payment(id, Payment::Start { order_id, start }))
    }
}

impl Start {
    fn through_gateway(self, edge: &Edge) -> Result<Begin, Problem> {
        let Self { method, gateway, token, capture, return_url, .. } = self;
        let usual = || match method {
            PaymentMethod::Paypal => PAYPAL_GATEWAY.parse().expect("the constant is a name"),
            PaymentMethod::Card | PaymentMethod::CashOnDelivery | PaymentMethod::External => {
                edge.payments.card_gateway.clone()
            }
        };
        let gateway = gateway.unwrap_or_else(usual);
        let known = gateway::takes_once(&gateway);
        let is_set_up = edge.payments.gateways.contains(&gateway);
        let no_token = method == PaymentMethod::Card && token.is_none();
        let told = return_url.as_ref().is_some_and(|it| holds_card_number(it.as_str()));
        let is_ours = token.as_ref().is_some_and(|it| it.as_str().starts_with(tokens::PREFIX));
        unless_unfit([
            ("/token", no_token, "a card payment needs a token"),
            ("/token", is_ours, "no gateway makes such a token"),
            ("/return_url", told, "a page has no card number in its address"),
            ("/gateway", known.is_none(), "there is no such gateway"),
            ("/gateway", known.is_some() && !is_set_up, "this gateway is not set up here"),
        ])?;
        let once = known.unwrap_or_default();
        let capture = capture.unwrap_or(edge.payments.capture);
        Ok(Begin { method, gateway: Some(gateway), token, capture, once, return_url })
    }

    fn in_cash(self) -> Result<Begin, Problem> {
        let Self { method, gateway, token, capture, return_url, .. } = self;
        unless_unfit([
            ("/gateway", gateway.is_some(), "cash goes through no gateway"),
            ("/token", token.is_some(), "cash has no token"),
            ("/capture", capture.is_some(), "cash is collected, not captured"),
            ("/return_url", return_url.is_some(), "nobody is sent away to pay in cash"),
        ])?;
        // When cash is taken is the courier's affair.
        let capture = CapturePolicy::ByHand;
        Ok(Begin { method, gateway: None, token: None, capture, once: false, return_url: None })
    }
}

/// Names all members that are wrong: where, whether, why.
fn unless_unfit<const N: usize>(
    members: [(&'static str, bool, &'static str); N],
) -> Result<(), Problem> {
    let mut unfit = members.into_iter().filter(|(_, is_unfit, _)| *is_unfit);
    let Some((pointer, _, why)) = unfit.next() else { return Ok(()) };
    let first = invalid_body(pointer, why);
    Err(unfit.fold(first, |told, (pointer, _, why)| told.pointer(pointer, "invalid_value", why)))
}

/// Gives a payment up of which nothing was taken, so that the order may be paid otherwise.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Abort {
    reason: Option<Note>,
}

impl Body for Abort {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let given_up = || GIVEN_UP.parse().expect("the constant is a note");
        let reason = self.reason.unwrap_or_else(given_up);
        Ok(Command::Payment(address.id()?, Payment::Abort { reason, at: edge.now }))
    }
}

/// Takes money that was set aside, all of it unless an amount is named.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Capture {
    /// How much; all there is, where nobody says.
    amount: Option<Money>,
}

impl Body for Capture {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        Ok(Command::Payment(address.id()?, Payment::Capture { amount: self.amount }))
    }
}

/// Says that the courier collected cash, or that money came otherwise.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Collect {
    /// How much, whatever was due; all that is due, where nobody says.
    amount: Option<Money>,
}

impl Body for Collect {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let collect = Payment::Collect { amount: self.amount, at: edge.now };
        Ok(Command::Payment(address.id()?, collect))
    }
}

/// Puts right what was collected, where another amount was told by mistake.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CorrectCollection {
    /// How much was collected in all.
    amount: Money,
    /// Who says so, and how they know.
    reason: Note,
}

impl Body for CorrectCollection {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let Self { amount, reason } = self;
        let correct = Payment::CorrectCollection { amount, reason, at: edge.now };
        Ok(Command::Payment(address.id()?, correct))
    }
}

/// Says that the courier handed collected cash over, all of it unless an amount is named; and what
/// will not be, if that is so.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Remit {
    amount: Option<Money>,
    /// What the courier keeps as a fee, or lost: it is waited for no more.
    write_off: Option<WriteOff>,
}

impl Body for Remit {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { amount, write_off: written_off } = self;
        Ok(Command::Payment(address.id()?, Payment::Remit { amount, written_off }))
    }
}

/// Gives money back, all of it unless an amount is named.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Refund {
    amount: Option<Money>,
    reason: Option<Note>,
    #[serde(default)]
    by_hand: bool,
}

impl Body for Refund {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let Self { amount, reason, by_hand } = self;
        let refund = Payment::Refund { amount, reason, by_hand, at: edge.now };
        Ok(Command::Payment(address.id()?, refund))
    }
}

/// Puts right what the courier handed over, or will not, where another amount was told by mistake.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CorrectRemittance {
    /// How much was handed over in all.
    amount: Money,
    /// How much of what was collected is waited for no more; as much as before, where nobody says.
    written_off: Option<Money>,
    /// Who says so, and how they know.
    reason: Note,
}

impl Body for CorrectRemittance {
    fn command(self, address: &Address, _: &Edge) -> Result<Command, Problem> {
        let Self { amount, written_off, reason } = self;
        let correct = Payment::CorrectRemittance { amount, written_off, reason };
        Ok(Command::Payment(address.id()?, correct))
    }
}

/// Puts right what was given back by hand, where another amount was told by mistake.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CorrectRefund {
    /// How much was given back by hand in all.
    amount: Money,
    /// Who says so, and how they know.
    reason: Note,
}

impl Body for CorrectRefund {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let Self { amount, reason } = self;
        let correct = Payment::CorrectRefund { amount, reason, at: edge.now };
        Ok(Command::Payment(address.id()?, correct))
    }
}

/// Says that nothing more of it is collected. What was collected stands.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Uncollect {
    reason: Note,
}

impl Body for Uncollect {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let uncollect = Payment::Uncollect { reason: self.reason, at: edge.now };
        Ok(Command::Payment(address.id()?, uncollect))
    }
}

/// Says what came of a request whose answer was lost, as a person found out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Resolve {
    request: u32,
    outcome: Outcome,
    /// The gateway's name for what it did.
    reference: Option<Token>,
    /// When an authorisation lapses.
    expires_at: Option<DateTime<Utc>>,
    /// How much was taken or given back, where that is less than was asked for.
    amount: Option<Money>,
    /// Who says so, and how they know.
    note: Note,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Done,
    NotDone,
}

impl Body for Resolve {
    fn command(self, address: &Address, edge: &Edge) -> Result<Command, Problem> {
        let Self { request, outcome, reference, expires_at, amount, note } = self;
        let says_more = reference.is_some() || expires_at.is_some() || amount.is_some();
        if outcome == Outcome::NotDone && says_more {
            let detail = "what was not done has no name, no end and no amount";
            return Err(invalid_body("/outcome", detail));
        }
        let finding = match outcome {
            Outcome::Done => Finding::Done { reference, expires_at, amount },
            Outcome::NotDone => Finding::NotDone,
        };
        let resolve = Payment::Resolve { request, finding, note, at: edge.now };
        Ok(Command::Payment(address.id()?, resolve))
    }
}

plain! {
    /// Lets go what is set aside.
    Void => |address| Command::Payment(address.id()?, Payment::Void);
    /// Says that the customer has confirmed at their bank's page, so that the gateway is asked.
    CompleteAction => |address| Command::Payment(address.id()?, Payment::CompleteAction);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;
    use domain::GuestId;
    use identity::principal::Member;
    use identity::{Principal, Role};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::paying::Payments;

    fn start(principal: Principal, methods: &[PaymentMethod], method: &str) -> Result<(), Problem> {
        let edge = Edge {
            request_id: Uuid::nil(),
            trace: None,
            now: DateTime::default(),
            reservation: TimeDelta::minutes(15),
            kept: TimeDelta::days(1),
            principal,
            was_guest: None,
            key: None,
            payments: Arc::new(Payments { methods: methods.to_vec(), ..Payments::default() }),
        };
        let token = (method == "card").then_some("tok_1");
        let body = json!({"order_id": Uuid::nil(), "method": method, "token": token});
        let start: Start = serde_json::from_value(body).unwrap();
        start.command(&Address::default(), &edge).map(drop)
    }

    #[test]
    fn shoppers_pay_as_the_shop_is_paid() {
        let guest = Principal::Guest(GuestId(Uuid::nil()));
        let cards = [PaymentMethod::Card];
        assert!(start(guest, &cards, "card").is_ok());
        for method in ["cash_on_delivery", "paypal", "external"] {
            let refused = start(guest, &cards, method).unwrap_err();
            assert_eq!(refused.code(), "invalid_body");
            assert!(
                start(Principal::Member(Member::Anyone, Role::Owner), &cards, method).is_ok(),
                "the shop's own"
            );
        }
        let usual = Payments::default().methods;
        assert!(start(guest, &usual, "cash_on_delivery").is_ok());
    }
}
