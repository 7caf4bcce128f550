//! Decisions about payments: never more captured than authorised, never more refunded than
//! captured, never two requests at once.

use super::{
    ActionRequired, Authorized, Captured, Collected, CollectionDue, Created, Event, Expired,
    Failed, InFlight, Operation, OutcomeUnknown, Payment, Refunded, Remitted, RequestFailed,
    Requested, Status, Terms, Uncollected, Voided,
};
use crate::ids::OrderId;
use crate::money::Money;
use crate::order::PaymentMethod;
use crate::text::{MediaUrl, Note, Token};
use chrono::{DateTime, Utc};

/// What a gateway answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It did what it was asked.
    Succeeded {
        /// The gateway's name for it.
        reference: Token,
        /// When an authorisation lapses.
        expires_at: DateTime<Utc>,
    },
    /// It will not.
    Declined(Note),
    /// The customer must confirm at their bank first.
    ActionRequired(MediaUrl),
    /// The answer was lost.
    Unknown,
}

/// What can be asked of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begin.
    Start {
        /// What is paid.
        order_id: OrderId,
        /// How much.
        amount: Money,
        /// The card; none means cash on delivery.
        token: Option<Token>,
    },
    /// The customer confirmed at their bank: ask the gateway again.
    CompleteAction,
    /// Take an amount, or all that is authorised.
    Capture(Option<Money>),
    /// Give the authorisation back.
    Void,
    /// Give an amount back, or all that was taken.
    Refund(Option<Money>),
    /// Record what the gateway answered to a request.
    Record {
        /// Which request.
        request: u32,
        /// What it answered.
        verdict: Verdict,
    },
    /// The authorisation lapsed.
    Expire,
    /// The order is off before anything was authorised.
    Abort(Note),
    /// The courier collected it.
    Collect,
    /// The courier handed it over.
    Remit,
    /// The courier could not collect it.
    Uncollect,
}

refusals! {
    /// Why a payment refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "payment_already_exists", Conflict, "a payment with this id exists already";
        /// There is none.
        NotFound = "payment_not_found", NotFound, "there is no such payment";
        /// The gateway is still being asked.
        RequestInFlight = "payment_request_in_flight", Conflict,
            "the gateway has not answered the previous request yet";
        /// That request is not the one being waited for.
        NoSuchRequest = "payment_request_not_found", NotFound,
            "no such request is waiting for an answer";
        /// Its state does not allow it.
        WrongState {
            /// Where it stands.
            status: Status,
            /// What was asked.
            action: String,
        } = "payment_wrong_state", Conflict, "a payment that is {status:?} cannot {action}";
        /// More than is there.
        TooMuch {
            /// What is left.
            at_most: Money,
        } = "amount_too_large", Conflict, "at most {at_most} is left";
        /// Nothing, or another currency.
        BadAmount = "invalid_amount", Invalid,
            "the amount must be more than zero and in the payment's currency";
    }
}

/// Turns a command into events. Asking for what is already so gives none.
pub fn decide(payment: &Payment, command: Command) -> Result<Vec<Event>, Error> {
    match (command, &payment.terms) {
        (Command::Start { order_id, amount, token }, None) => start(order_id, amount, token),
        (_, None) => Err(Error::NotFound),
        (command, Some(terms)) => decide_started(payment, terms, command),
    }
}

fn decide_started(payment: &Payment, terms: &Terms, command: Command) -> Result<Vec<Event>, Error> {
    let order_id = terms.order_id;
    match command {
        Command::Start { .. } => Err(Error::AlreadyExists),
        Command::Record { request, verdict } => record(payment, terms, request, verdict),
        _ if payment.in_flight.is_some() => Err(Error::RequestInFlight),
        Command::CompleteAction => match payment.status {
            Status::RequiresAction => Ok(ask(payment, terms, Operation::Authorize, terms.amount)),
            _ => wrong(payment, "be confirmed by the customer"),
        },
        Command::Capture(amount) => capture(payment, terms, amount),
        Command::Void => match payment.status {
            Status::Authorized => Ok(ask(payment, terms, Operation::Void, terms.authorized)),
            Status::Voided => Ok(vec![]),
            _ => wrong(payment, "be voided"),
        },
        Command::Refund(amount) => refund(payment, terms, amount),
        Command::Expire => match payment.status {
            Status::Authorized => Ok(vec![Expired { order_id }.into()]),
            Status::Expired => Ok(vec![]),
            _ => wrong(payment, "expire"),
        },
        Command::Abort(reason) => match payment.status {
            Status::Created | Status::RequiresAction => {
                Ok(vec![Failed { order_id, reason }.into()])
            }
            Status::Failed => Ok(vec![]),
            _ => wrong(payment, "be called off"),
        },
        Command::Collect => match payment.status {
            Status::CodPending => Ok(vec![Collected { order_id, amount: terms.amount }.into()]),
            Status::Collected => Ok(vec![]),
            _ => wrong(payment, "be collected"),
        },
        Command::Remit => match payment.status {
            Status::Collected => Ok(vec![Remitted { order_id, amount: terms.amount }.into()]),
            Status::Remitted => Ok(vec![]),
            _ => wrong(payment, "be remitted"),
        },
        Command::Uncollect => match payment.status {
            Status::CodPending => Ok(vec![Uncollected { order_id }.into()]),
            Status::Uncollected => Ok(vec![]),
            _ => wrong(payment, "be given up"),
        },
    }
}

fn wrong(payment: &Payment, action: &str) -> Result<Vec<Event>, Error> {
    Err(Error::WrongState { status: payment.status, action: action.to_owned() })
}

fn start(order_id: OrderId, amount: Money, token: Option<Token>) -> Result<Vec<Event>, Error> {
    if amount.is_zero() && token.is_some() {
        return Err(Error::BadAmount);
    }
    let card = token.is_some();
    let method = if card { PaymentMethod::Card } else { PaymentMethod::CashOnDelivery };
    let created = Created { order_id, method, amount, token }.into();
    let next = if card {
        Requested { order_id, operation: Operation::Authorize, amount, request: 1 }.into()
    } else {
        CollectionDue { order_id, amount }.into()
    };
    Ok(vec![created, next])
}

fn ask(payment: &Payment, terms: &Terms, operation: Operation, amount: Money) -> Vec<Event> {
    let request = payment.requests + 1;
    vec![Requested { order_id: terms.order_id, operation, amount, request }.into()]
}

/// The amount meant: all that is left where none is named; more than zero, no more than `left`.
fn amount_of(amount: Option<Money>, left: Money) -> Result<Money, Error> {
    let amount = amount.unwrap_or(left);
    if amount.is_zero() || amount.currency() != left.currency() {
        return Err(Error::BadAmount);
    }
    left.minus(amount).ok_or(Error::TooMuch { at_most: left })?;
    Ok(amount)
}

fn capture(payment: &Payment, terms: &Terms, amount: Option<Money>) -> Result<Vec<Event>, Error> {
    if !matches!(payment.status, Status::Authorized | Status::PartiallyCaptured) {
        return wrong(payment, "be captured");
    }
    let left = terms.authorized.minus(terms.captured).ok_or(Error::BadAmount)?;
    Ok(ask(payment, terms, Operation::Capture, amount_of(amount, left)?))
}

fn refund(payment: &Payment, terms: &Terms, amount: Option<Money>) -> Result<Vec<Event>, Error> {
    let refundable = [Status::PartiallyCaptured, Status::Captured, Status::PartiallyRefunded];
    if !refundable.contains(&payment.status) {
        return wrong(payment, "be refunded");
    }
    let left = terms.captured.minus(terms.refunded).ok_or(Error::BadAmount)?;
    Ok(ask(payment, terms, Operation::Refund, amount_of(amount, left)?))
}

fn record(
    payment: &Payment,
    terms: &Terms,
    request: u32,
    verdict: Verdict,
) -> Result<Vec<Event>, Error> {
    let order_id = terms.order_id;
    let Some(in_flight) = payment.in_flight.filter(|waiting| waiting.request == request) else {
        // The answer to an earlier request, recorded before: nothing more to say.
        let known = request > 0 && request <= payment.requests;
        return if known { Ok(vec![]) } else { Err(Error::NoSuchRequest) };
    };
    let InFlight { operation, amount, unknown, .. } = in_flight;
    Ok(match (verdict, operation) {
        (Verdict::Unknown, _) if unknown => vec![],
        (Verdict::Unknown, _) => vec![OutcomeUnknown { order_id, operation, request }.into()],
        (Verdict::Succeeded { reference, expires_at }, Operation::Authorize) => {
            vec![Authorized { order_id, amount, reference, expires_at }.into()]
        }
        (Verdict::Succeeded { .. }, Operation::Capture) => {
            vec![Captured { order_id, amount }.into()]
        }
        (Verdict::Succeeded { .. }, Operation::Void) => vec![Voided { order_id }.into()],
        (Verdict::Succeeded { .. }, Operation::Refund) => {
            vec![Refunded { order_id, amount }.into()]
        }
        (Verdict::ActionRequired(url), Operation::Authorize) => {
            vec![ActionRequired { order_id, url }.into()]
        }
        (Verdict::Declined(reason), Operation::Authorize) => {
            vec![Failed { order_id, reason }.into()]
        }
        (Verdict::Declined(reason), operation) => {
            vec![RequestFailed { order_id, operation, reason }.into()]
        }
        (Verdict::ActionRequired(_), _) => {
            return Err(Error::WrongState {
                status: payment.status,
                action: "need the customer for this".to_owned(),
            });
        }
    })
}
