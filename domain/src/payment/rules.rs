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

/// Each gives the events of one decision; none where all is so already.
impl Payment {
    /// Begins; without a card's token, cash on delivery.
    pub fn start(
        &self,
        order_id: OrderId,
        amount: Money,
        token: Option<Token>,
    ) -> Result<Vec<Event>, Error> {
        if self.terms.is_some() {
            return Err(Error::AlreadyExists);
        }
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

    /// The customer confirmed at their bank: the gateway is asked again.
    pub fn complete_action(&self) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        match self.status {
            Status::RequiresAction => Ok(self.ask(terms, Operation::Authorize, terms.amount)),
            _ => self.wrong("be confirmed by the customer"),
        }
    }

    /// Takes an amount, or all that is authorised.
    pub fn capture(&self, amount: Option<Money>) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        if !matches!(self.status, Status::Authorized | Status::PartiallyCaptured) {
            return self.wrong("be captured");
        }
        let left = terms.authorized.minus(terms.captured).ok_or(Error::BadAmount)?;
        Ok(self.ask(terms, Operation::Capture, amount_of(amount, left)?))
    }

    /// Gives the authorisation back.
    pub fn void(&self) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        match self.status {
            Status::Authorized => Ok(self.ask(terms, Operation::Void, terms.authorized)),
            Status::Voided => Ok(vec![]),
            _ => self.wrong("be voided"),
        }
    }

    /// Gives an amount back, or all that was taken.
    pub fn refund(&self, amount: Option<Money>) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        let refundable = [Status::PartiallyCaptured, Status::Captured, Status::PartiallyRefunded];
        if !refundable.contains(&self.status) {
            return self.wrong("be refunded");
        }
        let left = terms.captured.minus(terms.refunded).ok_or(Error::BadAmount)?;
        Ok(self.ask(terms, Operation::Refund, amount_of(amount, left)?))
    }

    /// Records what the gateway answered to a request.
    pub fn record(&self, request: u32, verdict: Verdict) -> Result<Vec<Event>, Error> {
        let order_id = self.terms.as_ref().ok_or(Error::NotFound)?.order_id;
        let Some(in_flight) = self.in_flight.filter(|waiting| waiting.request == request) else {
            // The answer to an earlier request, recorded before: nothing more to say.
            let known = request > 0 && request <= self.requests;
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
                    status: self.status,
                    action: "need the customer for this".to_owned(),
                });
            }
        })
    }

    /// The authorisation lapsed.
    pub fn expire(&self) -> Result<Vec<Event>, Error> {
        let order_id = self.ready()?.order_id;
        self.go_on(&[Status::Authorized], Status::Expired, "expire", Expired { order_id })
    }

    /// The order is off before anything was authorised.
    pub fn abort(&self, reason: Note) -> Result<Vec<Event>, Error> {
        let (order_id, from) = (self.ready()?.order_id, [Status::Created, Status::RequiresAction]);
        self.go_on(&from, Status::Failed, "be called off", Failed { order_id, reason })
    }

    /// The courier collected it.
    pub fn collect(&self) -> Result<Vec<Event>, Error> {
        let Terms { order_id, amount, .. } = *self.ready()?;
        let collected = Collected { order_id, amount };
        self.go_on(&[Status::CodPending], Status::Collected, "be collected", collected)
    }

    /// The courier handed it over.
    pub fn remit(&self) -> Result<Vec<Event>, Error> {
        let Terms { order_id, amount, .. } = *self.ready()?;
        let remitted = Remitted { order_id, amount };
        self.go_on(&[Status::Collected], Status::Remitted, "be remitted", remitted)
    }

    /// The courier could not collect it.
    pub fn uncollect(&self) -> Result<Vec<Event>, Error> {
        let uncollected = Uncollected { order_id: self.ready()?.order_id };
        self.go_on(&[Status::CodPending], Status::Uncollected, "be given up", uncollected)
    }

    /// Its terms, while the gateway is not being asked for anything.
    fn ready(&self) -> Result<&Terms, Error> {
        let terms = self.terms.as_ref().ok_or(Error::NotFound)?;
        if self.in_flight.is_some() { Err(Error::RequestInFlight) } else { Ok(terms) }
    }

    fn ask(&self, terms: &Terms, operation: Operation, amount: Money) -> Vec<Event> {
        let request = self.requests + 1;
        vec![Requested { order_id: terms.order_id, operation, amount, request }.into()]
    }

    fn wrong(&self, action: &str) -> Result<Vec<Event>, Error> {
        Err(Error::WrongState { status: self.status, action: action.to_owned() })
    }

    /// From one of some states to another.
    fn go_on(
        &self,
        from: &[Status],
        to: Status,
        action: &str,
        event: impl Into<Event>,
    ) -> Result<Vec<Event>, Error> {
        match self.status {
            status if status == to => Ok(vec![]),
            status if from.contains(&status) => Ok(vec![event.into()]),
            _ => self.wrong(action),
        }
    }
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
