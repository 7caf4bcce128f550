//! Commands to payments, and what a gateway's answer does to the order: authorised confirms it and
//! commits its units, declined, voided or lapsed calls it off. One append each.

use super::{Events, Stop, Unit, order as order_command, stock as stock_command};
use crate::StreamId;
use crate::ids::{OrderId, PaymentId};
use crate::money::Money;
use crate::order::{self, CancelReason, Order, PaymentMethod, Status};
pub use crate::payment::Verdict;
use crate::payment::{self, Event, Payment};
use crate::state::Streams;
use crate::text::Token;

/// What may be asked of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Pay an order.
    Start {
        /// Which order.
        order_id: OrderId,
        /// The card; none means cash on delivery.
        token: Option<Token>,
    },
    /// The customer confirmed at their bank.
    CompleteAction,
    /// Take an amount, or all that is authorised.
    Capture {
        /// How much.
        amount: Option<Money>,
    },
    /// Give the authorisation back.
    Void,
    /// Give an amount back, or all that was taken.
    Refund {
        /// How much.
        amount: Option<Money>,
    },
    /// Record what the gateway answered.
    Record {
        /// To which request.
        request: u32,
        /// What it answered.
        verdict: Verdict,
    },
    /// The authorisation fell due.
    Expire,
    /// The courier collected it.
    Collect,
    /// The courier handed it over.
    Remit,
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Start { .. })
    }
}

pub(crate) fn decide(id: PaymentId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let state = streams.payment(&id)?;
    let events = match command {
        Command::Start { order_id, token } => return start(id, state, order_id, token, streams),
        Command::Void => {
            refuse_if_earned(state, streams)?;
            state.void()
        }
        Command::Expire => match state.status {
            payment::Status::Unborn | payment::Status::Authorized => state.expire(),
            _ => return Ok(vec![]),
        },
        Command::CompleteAction => state.complete_action(),
        Command::Capture { amount } => {
            refuse_if_cancelled(state, streams)?;
            state.capture(amount)
        }
        Command::Refund { amount } => state.refund(amount),
        Command::Record { request, verdict } => state.record(request, verdict),
        Command::Collect => {
            refuse_unless_delivered(state, streams)?;
            state.collect()
        }
        Command::Remit => state.remit(),
    }?;
    let mut unit = Unit::default();
    unit.add(&StreamId::Payment(id), events.clone());
    for event in &events {
        follow(&mut unit, id, state, event, streams)?;
    }
    Ok(unit.0)
}

fn start(
    id: PaymentId,
    state: &Payment,
    order_id: OrderId,
    token: Option<Token>,
    streams: Streams,
) -> Result<Events, Stop> {
    let order = streams.order(&order_id)?;
    let amount = order.total.ok_or(order::Error::NotFound)?;
    let confirm = token.is_none();
    let method = if confirm { PaymentMethod::CashOnDelivery } else { PaymentMethod::Card };
    let started = state.start(order_id, amount, token)?;

    let mut unit = Unit::default();
    unit.add(&StreamId::Payment(id), started);
    unit.add(&StreamId::Order(order_id), order.start_payment(id, method, confirm)?);
    if confirm {
        commit_stock(&mut unit, order_id, order, streams)?;
    }
    Ok(unit.0)
}

/// What an event of the payment does to its order.
fn follow(
    unit: &mut Unit,
    id: PaymentId,
    state: &Payment,
    event: &Event,
    streams: Streams,
) -> Result<(), Stop> {
    let order_id = event.order_id();
    let reason = match event {
        Event::Authorized(_) => return confirm(unit, id, state, event, streams),
        Event::Failed(_) => CancelReason::PaymentFailed,
        Event::Voided(_) => CancelReason::PaymentVoided,
        Event::Expired(_) => CancelReason::AuthorizationExpired,
        Event::Created(_)
        | Event::Requested(_)
        | Event::ActionRequired(_)
        | Event::Captured(_)
        | Event::Refunded(_)
        | Event::RequestFailed(_)
        | Event::OutcomeUnknown(_)
        | Event::CollectionDue(_)
        | Event::Collected(_)
        | Event::Remitted(_)
        | Event::Uncollected(_) => return Ok(()),
    };
    let order = streams.order(&order_id)?;
    if !matches!(order.status, Status::Pending | Status::Confirmed) {
        return Ok(());
    }
    let before = unit.0.len();
    match order_command::call_off(unit, order_id, order, reason, streams) {
        // What has left cannot be called back: the payment's end is recorded all the same.
        Err(Stop::Refused(_)) => {
            unit.0.truncate(before);
            Ok(())
        }
        other => other.map(drop),
    }
}

fn confirm(
    unit: &mut Unit,
    id: PaymentId,
    state: &Payment,
    event: &Event,
    streams: Streams,
) -> Result<(), Stop> {
    let order_id = event.order_id();
    let order = streams.order(&order_id)?;
    if order.status == Status::Pending {
        let confirmed = order.confirm(id)?;
        unit.add(&StreamId::Order(order_id), confirmed);
        return commit_stock(unit, order_id, order, streams);
    }
    // The order was called off meanwhile: the money goes back.
    let mut authorized = state.clone();
    authorized.evolve(event);
    let void = authorized.void()?;
    unit.add(&StreamId::Payment(id), void);
    Ok(())
}

fn commit_stock(
    unit: &mut Unit,
    order_id: OrderId,
    order: &Order,
    streams: Streams,
) -> Result<(), Stop> {
    streams.require(order.lines.iter().map(|line| StreamId::Stock(line.sku.clone())))?;
    for line in &order.lines {
        let committed = streams.stock(&line.sku)?.commit(order_id);
        let committed = stock_command::named(&line.sku, committed)?;
        unit.add(&StreamId::Stock(line.sku.clone()), committed);
    }
    Ok(())
}

/// An authorisation that pays for what is on its way or was delivered is not given back.
fn refuse_if_earned(state: &Payment, streams: Streams) -> Result<(), Stop> {
    let Some(terms) = &state.terms else { return Ok(()) };
    let order = streams.order(&terms.order_id)?;
    if order.status == Status::Cancelled {
        return Ok(());
    }
    let cancelled = CancelReason::PaymentVoided;
    order_command::call_off(&mut Unit::default(), terms.order_id, order, cancelled, streams)
        .map(drop)
}

/// Nobody pays for an order that is off, though its authorisation be still waiting to be voided.
fn refuse_if_cancelled(state: &Payment, streams: Streams) -> Result<(), Stop> {
    let Some(terms) = &state.terms else { return Ok(()) };
    match streams.order(&terms.order_id)?.status {
        Status::Cancelled => Err(order::Error::Cancelled.into()),
        Status::Unplaced | Status::Pending | Status::Confirmed | Status::Completed => Ok(()),
    }
}

/// Cash is collected at the door.
fn refuse_unless_delivered(state: &Payment, streams: Streams) -> Result<(), Stop> {
    let Some(terms) = &state.terms else { return Ok(()) };
    let delivered = streams.order(&terms.order_id)?.any_delivered();
    if delivered { Ok(()) } else { Err(order::Error::NotDelivered.into()) }
}
