//! Decisions about payments: never more captured than authorised, never more refunded than kept,
//! never two requests at once. What gateways and people say came of them is in `recording`; what
//! couriers say, in `cash`.

use super::{
    Assigned, CapturePolicy, CollectionDue, Created, Event, Expired, Failed, Operation, Payment,
    REQUESTS_MAX, Refunded, Requested, Stage, Status, Terms, Uncollected,
};
use crate::ids::{CustomerId, OrderId};
use crate::money::Money;
use crate::order::PaymentMethod;
use crate::owner::Owner;
use crate::text::{GatewayName, MediaUrl, Note, Token};

refusals! {
    /// Why a payment refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "payment_already_exists", Conflict, "a payment with this id exists already";
        /// There is none.
        NotFound = "payment_not_found", NotFound, "there is no such payment";
        /// The gateway is still being asked.
        RequestInFlight = "payment_request_in_flight", Passing,
            "the gateway has not answered the previous request yet";
        /// That request is not the one being waited for.
        NoSuchRequest = "payment_request_not_found", NotFound,
            "no such request is waiting for an answer";
        /// It was asked for something else.
        WrongAnswer = "payment_wrong_answer", Invalid, "this is no answer to what was asked";
        /// What was done is said without what tells it from others.
        Unnamed = "payment_finding_incomplete", Invalid,
            "what the gateway did has a reference there; what it set aside, also an `expires_at`";
        /// Its state does not allow it.
        WrongState {
            /// Where it stands.
            status: Status,
            /// What was asked.
            action: String,
            /// Whether it is never allowed of what is paid this way.
            never: bool,
        } = "payment_wrong_state", Passing or Conflict if *never,
            "a payment that is {status} cannot {action}";
        /// More than is there. There may be more later.
        TooMuch {
            /// What is left.
            at_most: Money,
        } = "amount_too_large", Passing, "at most {at_most} is left";
        /// More was there than it is to have been.
        TooLittle {
            /// What was there.
            at_least: Money,
        } = "amount_too_small", Passing,
            "{at_least} of it was handed over or given back already";
        /// Nothing, or another currency.
        BadAmount = "invalid_amount", Invalid,
            "the amount must be more than zero and in the payment's currency";
        /// Too much was asked of the gateway.
        TooManyRequests = "too_many_payment_requests", Conflict,
            "at most 1,000 requests are made about a payment";
    }
}

/// How a payment is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// How it is paid.
    pub method: PaymentMethod,
    /// Through which gateway; none for cash.
    pub gateway: Option<GatewayName>,
    /// The gateway's token for the card.
    pub token: Option<Token>,
    /// When the money is taken.
    pub capture: CapturePolicy,
    /// Whether the gateway takes money once and lets go of the rest with that.
    pub once: bool,
    /// Where the customer comes back to from their bank.
    pub return_url: Option<MediaUrl>,
}

/// Each gives the events of one decision; none where all is so already.
impl Payment {
    /// Begins: the gateway is to be asked, or the courier to collect.
    pub fn start(
        &self,
        order_id: OrderId,
        owner: Owner,
        amount: Money,
        start: Start,
    ) -> Result<Vec<Event>, Error> {
        if self.terms.is_some() {
            return Err(Error::AlreadyExists);
        }
        let Start { method, gateway, token, capture, once, return_url } = start;
        let next = if gateway.is_some() {
            let (operation, reason) = (Operation::Authorize, None);
            Requested { order_id, operation, amount, request: 1, reason }.into()
        } else {
            CollectionDue { order_id, amount }.into()
        };
        let created = Created {
            order_id,
            customer_id: owner.customer_id,
            guest_id: owner.guest_id,
            method,
            gateway,
            amount,
            capture,
            once,
            token,
            return_url,
        };
        Ok(vec![created.into(), next])
    }

    /// The customer came back from their bank: the gateway is asked how it stands.
    pub fn complete_action(&self) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        match self.stage {
            Stage::RequiresAction => self.ask(Operation::Authorize, terms.amount, None),
            _ => self.wrong("be confirmed by the customer"),
        }
    }

    /// Ends it before anything was taken. What a gateway has begun or set aside it is asked to let
    /// go.
    pub fn abort(&self, reason: Note) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        match self.stage {
            Stage::RequiresAction if self.reference.is_some() => {
                self.ask(Operation::Void, terms.amount, Some(reason))
            }
            Stage::Created | Stage::RequiresAction => {
                Ok(vec![Failed { order_id: terms.order_id, reason }.into()])
            }
            Stage::Open if terms.captured.is_zero() && self.by_gateway() => {
                self.ask(Operation::Void, terms.authorized, Some(reason))
            }
            Stage::Open if terms.captured.is_zero() => {
                Ok(vec![Uncollected { order_id: terms.order_id, reason: Some(reason) }.into()])
            }
            Stage::Failed | Stage::Voided | Stage::Uncollected => Ok(vec![]),
            _ => self.wrong("be aborted"),
        }
    }

    /// Takes an amount, or all that is set aside; no more than is `owed` still.
    pub fn capture(&self, amount: Option<Money>, owed: Money) -> Result<Vec<Event>, Error> {
        self.ready()?;
        let Some(open) = self.open_amount().filter(|_| self.by_gateway()) else {
            return self.wrong("be captured");
        };
        let left = open.at_most(owed);
        if left.is_zero() {
            return Err(Error::TooMuch { at_most: left });
        }
        self.ask(Operation::Capture, amount_of(amount, left)?, None)
    }

    /// Lets go what is set aside and was not taken.
    pub fn void(&self) -> Result<Vec<Event>, Error> {
        self.ready()?;
        match self.open_amount().filter(|_| self.by_gateway()) {
            Some(open) => self.ask(Operation::Void, open, None),
            None if self.stage == Stage::Voided => Ok(vec![]),
            None => self.wrong("be voided"),
        }
    }

    /// Gives an amount back, or all that was kept: by the gateway, or by hand, which is recorded.
    pub fn refund(
        &self,
        amount: Option<Money>,
        reason: Option<Note>,
        by_hand: bool,
    ) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        if terms.captured.is_zero() {
            return self.wrong("be refunded");
        }
        let left = terms.kept();
        if left.is_zero() {
            return Err(Error::TooMuch { at_most: left });
        }
        let amount = amount_of(amount, left)?;
        if terms.by_gateway() && !by_hand {
            return self.ask(Operation::Refund, amount, reason);
        }
        let order_id = terms.order_id;
        Ok(vec![Refunded { order_id, request: None, amount, reference: None, reason }.into()])
    }

    /// The authorisation lapsed. What was taken of it stands.
    pub fn expire(&self) -> Result<Vec<Event>, Error> {
        let order_id = self.ready()?.order_id;
        let open = self.by_gateway() && self.stage == Stage::Open;
        Ok(open.then(|| Expired { order_id }.into()).into_iter().collect())
    }

    /// Follows its order, which became a customer's.
    pub fn assign(&self, customer_id: CustomerId) -> Result<Vec<Event>, Error> {
        let order_id = self.terms.as_ref().ok_or(Error::NotFound)?.order_id;
        Ok(vec![Assigned { order_id, customer_id }.into()])
    }

    pub(super) fn by_gateway(&self) -> bool {
        self.terms.as_ref().is_some_and(Terms::by_gateway)
    }

    /// Its terms, while the gateway is not being asked for anything.
    pub(super) fn ready(&self) -> Result<&Terms, Error> {
        let terms = self.terms.as_ref().ok_or(Error::NotFound)?;
        if self.in_flight.is_some() { Err(Error::RequestInFlight) } else { Ok(terms) }
    }

    pub(super) fn ask(
        &self,
        operation: Operation,
        amount: Money,
        reason: Option<Note>,
    ) -> Result<Vec<Event>, Error> {
        let order_id = self.terms.as_ref().ok_or(Error::NotFound)?.order_id;
        if self.requests >= REQUESTS_MAX {
            return Err(Error::TooManyRequests);
        }
        let request = self.requests + 1;
        Ok(vec![Requested { order_id, operation, amount, request, reason }.into()])
    }

    /// Not as it stands: more may be told of it, and what was told may turn out otherwise.
    pub(super) fn wrong(&self, action: &str) -> Result<Vec<Event>, Error> {
        self.refuse(action, false)
    }

    /// Not of what is paid this way.
    pub(super) fn never(&self, action: &str) -> Result<Vec<Event>, Error> {
        self.refuse(action, true)
    }

    fn refuse(&self, action: &str, never: bool) -> Result<Vec<Event>, Error> {
        let status = self.status().ok_or(Error::NotFound)?;
        Err(Error::WrongState { status, action: action.to_owned(), never })
    }
}

/// The amount meant: all that is left where none is named; more than zero, no more than `left`.
pub(super) fn amount_of(amount: Option<Money>, left: Money) -> Result<Money, Error> {
    let amount = amount.unwrap_or(left);
    if amount.is_zero() || amount.currency() != left.currency() {
        return Err(Error::BadAmount);
    }
    left.minus(amount).ok_or(Error::TooMuch { at_most: left })?;
    Ok(amount)
}
