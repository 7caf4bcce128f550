//! What gateways and people say came of a payment. Said twice, early or late, it makes no
//! difference: answers are known by their request, the rest by the gateway's reference.

use chrono::{DateTime, Utc};

use super::{
    ActionRequired, Authorized, Captured, DisputeStage, Disputed, Error, Event, Failed, InFlight,
    Operation, OutcomeUnknown, Payment, Refunded, Reported, RequestFailed, Resolved, Restoration,
    Restored, Stage, Voided,
};
use crate::ids::OrderId;
use crate::money::Money;
use crate::text::{MediaUrl, Note, Token};

/// What a gateway answered to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The money is set aside.
    Authorized {
        /// The gateway's name for it.
        reference: Token,
        /// When it lapses.
        expires_at: DateTime<Utc>,
    },
    /// It was taken.
    Captured {
        /// The gateway's name for the capture.
        reference: Option<Token>,
        /// How much, if that is not what was asked for: somebody else may have taken it.
        amount: Option<Money>,
        /// What the gateway keeps for itself.
        fee: Option<Money>,
    },
    /// It was let go.
    Voided,
    /// It was given back.
    Refunded {
        /// The gateway's name for the refund.
        reference: Option<Token>,
        /// How much, where it says so.
        amount: Option<Money>,
    },
    /// The customer must confirm at their bank first.
    ActionRequired {
        /// The gateway's name for what it has begun.
        reference: Option<Token>,
        /// Where they do.
        url: MediaUrl,
    },
    /// It will not.
    Declined(Note),
    /// The answer was lost.
    Unknown,
}

/// What a gateway tells without being asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// The answer to a request of ours.
    Answer {
        /// Which.
        request: u32,
        /// What it is.
        verdict: Verdict,
    },
    /// The customer confirmed: it is to be gone on with.
    Approved,
    /// The money is set aside.
    Authorized {
        /// The gateway's name for it.
        reference: Token,
        /// When it lapses.
        expires_at: DateTime<Utc>,
    },
    /// It will not be paid this way.
    Failed {
        /// Why.
        reason: Note,
    },
    /// What was set aside is free again.
    Voided,
    /// It was taken, by somebody in the gateway's dashboard.
    Captured {
        /// How much.
        amount: Money,
        /// The gateway's name for the capture.
        reference: Token,
    },
    /// It was given back, by somebody in the gateway's dashboard.
    Refunded {
        /// How much.
        amount: Money,
        /// The gateway's name for the refund.
        reference: Token,
    },
    /// A refund came to nothing, perhaps after it was told to be done.
    RefundFailed {
        /// The request it answers, if it was ours.
        request: Option<u32>,
        /// How much.
        amount: Money,
        /// The gateway's name for the refund.
        reference: Token,
        /// Why.
        reason: Note,
    },
    /// The customer disputes it at their bank.
    Disputed {
        /// The gateway's name for the dispute.
        reference: Token,
        /// How much.
        amount: Money,
        /// How far it has come.
        stage: DisputeStage,
    },
}

/// What a person found out about a request whose answer was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The gateway did it.
    Done {
        /// The gateway's name for it; of an authorisation it must be known.
        reference: Option<Token>,
        /// When an authorisation lapses; it must be known.
        expires_at: Option<DateTime<Utc>>,
        /// How much was taken or given back, where that is less than was asked for.
        amount: Option<Money>,
    },
    /// The gateway did not do it, and will not.
    NotDone,
}

/// Each gives the events of one decision; none where all is so already.
impl Payment {
    /// Records what the gateway answered to a request.
    pub fn record(&self, request: u32, verdict: Verdict) -> Result<Vec<Event>, Error> {
        let terms = self.terms.as_ref().ok_or(Error::NotFound)?;
        let order_id = terms.order_id;
        let Some(in_flight) = self.in_flight.filter(|waiting| waiting.request == request) else {
            if request == 0 || request > self.requests {
                return Err(Error::NoSuchRequest);
            }
            return Ok(match verdict {
                // That it will not be paid was told before: it is set aside after all.
                Verdict::Authorized { reference, expires_at } => {
                    self.hear_of_authorization(order_id, terms.amount, reference, expires_at)
                }
                // Told to be not done before, by a person or in another order of telling.
                Verdict::Captured { reference: Some(reference), amount: Some(amount), .. }
                    if fits(terms.captured, amount, terms.at_most_captured()) =>
                {
                    self.hear_of_sum(order_id, Operation::Capture, amount, reference)?
                }
                Verdict::Refunded { reference: Some(reference), amount: Some(amount) }
                    if fits(terms.refunded, amount, terms.captured) =>
                {
                    self.hear_of_sum(order_id, Operation::Refund, amount, reference)?
                }
                // The answer to an earlier request, recorded before: nothing more to say.
                _ => vec![],
            });
        };
        let InFlight { operation, amount, unknown, .. } = in_flight;
        let event: Event = match (verdict, operation) {
            (Verdict::Unknown, _) if unknown => return Ok(vec![]),
            (Verdict::Unknown, _) => OutcomeUnknown { order_id, operation, request }.into(),
            (Verdict::Authorized { reference, expires_at }, Operation::Authorize) => {
                let request = Some(request);
                Authorized { order_id, request, amount, reference, expires_at }.into()
            }
            (Verdict::Captured { reference, amount: other, fee }, Operation::Capture) => {
                let amount = self.unless_counted(reference.as_ref(), other.unwrap_or(amount));
                let taken = terms.captured.plus(amount).unwrap_or(terms.captured);
                let last = terms.once || taken.amount() >= terms.authorized.amount();
                Captured { order_id, request, amount, reference, fee, last }.into()
            }
            (Verdict::Voided, Operation::Void) => {
                Voided { order_id, request: Some(request) }.into()
            }
            (Verdict::Refunded { reference, amount: other }, Operation::Refund) => {
                let (request, reason) = (Some(request), self.reason.clone());
                // Of several refunds that it took, some may have come to nothing.
                let less = other.filter(|less| amount.minus(*less).is_some());
                let amount = self.unless_counted(reference.as_ref(), less.unwrap_or(amount));
                Refunded { order_id, request, amount, reference, reason }.into()
            }
            (Verdict::ActionRequired { reference, url }, Operation::Authorize) => {
                ActionRequired { order_id, request, reference, url }.into()
            }
            (Verdict::Declined(reason), Operation::Authorize) => Failed { order_id, reason }.into(),
            (Verdict::Declined(reason), operation) => {
                RequestFailed { order_id, operation, request, reason }.into()
            }
            _ => return Err(Error::WrongAnswer),
        };
        Ok(vec![event])
    }

    /// Records what a person found out about a request whose answer was lost: who, and how they
    /// know.
    pub fn resolve(&self, request: u32, finding: Finding, note: Note) -> Result<Vec<Event>, Error> {
        let order_id = self.terms.as_ref().ok_or(Error::NotFound)?.order_id;
        let unknown = self.in_flight.filter(|asked| asked.request == request && asked.unknown);
        let InFlight { operation, amount: asked, .. } = unknown.ok_or(Error::NoSuchRequest)?;
        let may_be_less = matches!(operation, Operation::Capture | Operation::Refund);
        if let Finding::Done { amount: Some(amount), .. } = &finding {
            if amount.is_zero() || amount.currency() != asked.currency() || !may_be_less {
                return Err(Error::BadAmount);
            }
            asked.minus(*amount).ok_or(Error::TooMuch { at_most: asked })?;
        }
        let verdict = match (finding, operation) {
            (Finding::NotDone, _) => Verdict::Declined(note.clone()),
            (Finding::Done { reference, expires_at, .. }, Operation::Authorize) => {
                let (Some(reference), Some(expires_at)) = (reference, expires_at) else {
                    return Err(Error::Unnamed);
                };
                Verdict::Authorized { reference, expires_at }
            }
            (Finding::Done { .. }, Operation::Void) => Verdict::Voided,
            // By it the gateway's own word of the same is known again.
            (Finding::Done { reference: None, .. }, _) => return Err(Error::Unnamed),
            (Finding::Done { reference, amount, .. }, Operation::Capture) => {
                Verdict::Captured { reference, amount, fee: None }
            }
            (Finding::Done { reference, amount, .. }, Operation::Refund) => {
                Verdict::Refunded { reference, amount }
            }
        };
        let mut events = vec![Resolved { order_id, request, note }.into()];
        events.extend(self.record(request, verdict)?);
        Ok(events)
    }

    /// Records what a gateway tells without being asked.
    pub fn report(&self, report: Report) -> Result<Vec<Event>, Error> {
        let terms = self.terms.as_ref().ok_or(Error::NotFound)?;
        let order_id = terms.order_id;
        if !terms.by_gateway() {
            return self.never("be reported on by a gateway");
        }
        Ok(match report {
            Report::Answer { request, verdict } => return self.record(request, verdict),
            Report::Approved => match self.stage {
                // While the gateway is being asked, this is to be told again.
                Stage::RequiresAction => self.complete_action()?,
                _ => vec![],
            },
            Report::Authorized { reference, expires_at } => {
                self.hear_of_authorization(order_id, terms.amount, reference, expires_at)
            }
            Report::Failed { reason } => match self.stage {
                Stage::Created | Stage::RequiresAction => vec![Failed { order_id, reason }.into()],
                _ => vec![],
            },
            Report::Voided => match self.stage {
                Stage::Created | Stage::RequiresAction | Stage::Open => {
                    let asked = self.in_flight.filter(|asked| asked.operation == Operation::Void);
                    vec![Voided { order_id, request: asked.map(|asked| asked.request) }.into()]
                }
                _ => vec![],
            },
            Report::Captured { amount, reference } => {
                self.hear_of_sum(order_id, Operation::Capture, amount, reference)?
            }
            Report::Refunded { amount, reference } => {
                self.hear_of_sum(order_id, Operation::Refund, amount, reference)?
            }
            Report::Disputed { amount, .. } if amount.currency() != terms.amount.currency() => {
                return Err(Error::BadAmount);
            }
            Report::RefundFailed { request, amount, reference, reason } => {
                return self.hear_of_failed_refund(request, amount, reference, reason);
            }
            Report::Disputed { reference, amount, stage: DisputeStage::Won }
                if self.counted.contains(&reference) =>
            {
                let (stage, name) = (DisputeStage::Won, reference.clone());
                let (what, reason) = (Restoration::Dispute, None);
                vec![
                    Disputed { order_id, reference: name, amount, stage }.into(),
                    Restored { order_id, what, amount, reference, reason }.into(),
                ]
            }
            Report::Disputed { reference, .. } if self.counted.contains(&reference) => vec![],
            // It has ended: that it began is told late.
            Report::Disputed { reference, stage: DisputeStage::Opened, .. }
                if self.ended_disputes.contains(&reference) =>
            {
                vec![]
            }
            Report::Disputed { reference, amount, stage } => {
                vec![Disputed { order_id, reference, amount, stage }.into()]
            }
        })
    }

    /// Late as it may come, what is set aside is recorded; what becomes of it is decided with the
    /// order.
    fn hear_of_authorization(
        &self,
        order_id: OrderId,
        amount: Money,
        reference: Token,
        expires_at: DateTime<Utc>,
    ) -> Vec<Event> {
        let known = match self.stage {
            Stage::Open | Stage::Done | Stage::Unborn => true,
            // Let go by now, and told late.
            Stage::Voided | Stage::Expired => self.reference.as_ref() == Some(&reference),
            Stage::Created | Stage::RequiresAction | Stage::Failed | Stage::Uncollected => false,
        };
        if known {
            return vec![];
        }
        let asked = self.in_flight.filter(|asked| asked.operation == Operation::Authorize);
        let request = asked.map(|asked| asked.request);
        vec![Authorized { order_id, request, amount, reference, expires_at }.into()]
    }

    /// A refund that was told to be done is back: the customer's bank did not take it.
    fn hear_of_failed_refund(
        &self,
        request: Option<u32>,
        amount: Money,
        reference: Token,
        reason: Note,
    ) -> Result<Vec<Event>, Error> {
        let terms = self.terms.as_ref().ok_or(Error::NotFound)?;
        let order_id = terms.order_id;
        if let Some(waiting) = self.in_flight.filter(|it| Some(it.request) == request) {
            return self.record(waiting.request, Verdict::Declined(reason));
        }
        let was_told = self.counted.contains(&reference);
        // The name may be another operation's: what no gateway gave back does not come back.
        let fits = terms.refunded.less(terms.refunded_by_hand).minus(amount).is_some();
        if !was_told || !fits || self.failed_refunds.contains(&reference) {
            return Ok(vec![]);
        }
        let (what, reason) = (Restoration::Refund, Some(reason));
        Ok(vec![Restored { order_id, what, amount, reference, reason }.into()])
    }

    /// What a sum counts for: nothing, if it was told before.
    fn unless_counted(&self, reference: Option<&Token>, amount: Money) -> Money {
        let counted = reference.is_some_and(|reference| self.counted.contains(reference));
        if counted { Money::zero(amount.currency()) } else { amount }
    }

    fn hear_of_sum(
        &self,
        order_id: OrderId,
        operation: Operation,
        amount: Money,
        reference: Token,
    ) -> Result<Vec<Event>, Error> {
        if self.counted.contains(&reference) {
            return Ok(vec![]);
        }
        if self.terms.as_ref().is_some_and(|of| of.amount.currency() != amount.currency()) {
            return Err(Error::BadAmount);
        }
        Ok(vec![Reported { order_id, operation, amount, reference }.into()])
    }
}

/// Whether a sum that is told late has room: one that was recorded under another name has none.
fn fits(known: Money, more: Money, most: Money) -> bool {
    known.plus(more).is_some_and(|sum| most.minus(sum).is_some())
}
