//! Commands to payments, and what becomes of the order: what is authorised confirms it and commits
//! its units; what comes to nothing leaves it open for another payment; what is let go or lapses
//! calls it off while nothing has left. One append each.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Events, Stop, Unit, order as order_command, settling, stock as stock_command};
use crate::StreamId;
use crate::ids::{OrderId, PaymentId};
use crate::money::Money;
use crate::order::{self, CancelReason, Order, PaymentMethod, Status};
use crate::payment::{self, Event, Operation, Payment, Stage};
pub use crate::payment::{Finding, Report, Start, Verdict};
use crate::state::Streams;
use crate::text::Note;

/// How long units stay reserved for a shopper who was sent to their bank.
pub const ACTION_HOLD: TimeDelta = TimeDelta::minutes(15);

/// What may be asked of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Pay what an order owes.
    Start {
        /// Which order.
        order_id: OrderId,
        /// How.
        start: Start,
    },
    /// The customer came back from their bank.
    CompleteAction,
    /// End it before anything is set aside, to pay in another way.
    Abort {
        /// Why.
        reason: Note,
    },
    /// Take an amount, or all that is set aside and owed.
    Capture {
        /// How much.
        amount: Option<Money>,
    },
    /// Let go what is set aside and was not taken.
    Void,
    /// Give an amount back, or all that was kept.
    Refund {
        /// How much.
        amount: Option<Money>,
        /// Why.
        reason: Option<Note>,
    },
    /// Record what the gateway answered.
    Record {
        /// To which request.
        request: u32,
        /// What it answered.
        verdict: Verdict,
        /// When.
        at: DateTime<Utc>,
    },
    /// Record what the gateway tells without being asked.
    Report {
        /// What it tells.
        report: Report,
        /// When.
        at: DateTime<Utc>,
    },
    /// Record what a person found out about a request whose answer was lost.
    Resolve {
        /// Which request.
        request: u32,
        /// What came of it.
        finding: Finding,
        /// Who says so, and how they know.
        note: Note,
        /// When.
        at: DateTime<Utc>,
    },
    /// The authorisation fell due.
    Expire,
    /// The courier collected an amount, or all that is due for what was delivered; or it was paid
    /// outside of this shop.
    Collect {
        /// How much.
        amount: Option<Money>,
    },
    /// The courier handed over an amount, or all that was collected.
    Remit {
        /// How much.
        amount: Option<Money>,
    },
    /// Nothing more is collected.
    Uncollect {
        /// Why.
        reason: Note,
    },
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Start { .. })
    }
}

pub(crate) fn decide(id: PaymentId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let state = streams.payment(&id)?;
    let mut now = None;
    let events = match command {
        Command::Start { order_id, start } => return begin(id, state, order_id, start, streams),
        Command::Void => {
            refuse_if_earned(state, streams)?;
            state.void()
        }
        Command::Expire => state.expire(),
        Command::CompleteAction => state.complete_action(),
        Command::Abort { reason } => state.abort(reason),
        Command::Capture { amount } => state.capture(amount, still_owed(state, streams)?),
        Command::Refund { amount, reason } => state.refund(amount, reason),
        Command::Record { request, verdict, at } => {
            now = Some(at);
            state.record(request, verdict)
        }
        Command::Report { report, at } => {
            now = Some(at);
            state.report(report)
        }
        Command::Resolve { request, finding, note, at } => {
            now = Some(at);
            state.resolve(request, finding, note)
        }
        Command::Collect { amount } => state.collect(amount, due_by_hand(state, streams)?),
        Command::Remit { amount } => state.remit(amount),
        Command::Uncollect { reason } => state.uncollect(Some(reason)),
    }?;
    let mut unit = Unit::default();
    let Some(last) = events.last().cloned() else { return Ok(vec![]) };
    let mut after = state.clone();
    for event in &events {
        after.evolve(event);
    }
    unit.add(&StreamId::Payment(id), events);
    follow(&mut unit, id, (state, &after), &last, now, streams)?;
    Ok(unit.0)
}

fn begin(
    id: PaymentId,
    state: &Payment,
    order_id: OrderId,
    start: Start,
    streams: Streams,
) -> Result<Events, Stop> {
    if state.terms.is_some() {
        return Err(payment::Error::AlreadyExists.into());
    }
    let order = streams.order(&order_id)?;
    let owed = order.owed().ok_or(order::Error::NotFound)?;
    let method = start.method;
    let started = order.start_payment(id, method, start.gateway.is_none())?;
    streams.require(order.standing_payments().map(StreamId::Payment))?;
    let mut due = owed;
    for standing in order.standing_payments() {
        let standing = streams.payment(&standing)?;
        if standing.is_alive() {
            return Err(order::Error::PaymentOpen.into());
        }
        due = standing.secures().map_or(due, |secured| due.less(secured));
    }
    if due.is_zero() {
        return Err(order::Error::NothingDue.into());
    }
    let confirmed = started.iter().any(|event| matches!(event, order::Event::Confirmed(_)));
    let mut unit = Unit::default();
    unit.add(&StreamId::Payment(id), state.start(order_id, due, start)?);
    unit.add(&StreamId::Order(order_id), started);
    if confirmed {
        commit_stock(&mut unit, order_id, order, streams)?;
    }
    Ok(unit.0)
}

/// What the last event of a payment does to its order, and then to the order's money.
fn follow(
    unit: &mut Unit,
    id: PaymentId,
    (before, after): (&Payment, &Payment),
    event: &Event,
    at: Option<DateTime<Utc>>,
    streams: Streams,
) -> Result<(), Stop> {
    let order_id = event.order_id();
    let order = streams.order(&order_id)?;
    if let Event::Authorized(_) | Event::Voided(_) | Event::Expired(_) = event {
        // Together: a decision has only so many rounds of loading.
        let payments = order.payments.keys().map(|id| StreamId::Payment(*id));
        let stocks = order.stocked_lines().iter().map(|line| StreamId::Stock(line.sku.clone()));
        streams.require(payments.chain(stocks))?;
    }
    let events = match event {
        Event::Authorized(_) => authorized(unit, id, order, order_id, streams)?,
        Event::ActionRequired(_) => at.map_or(vec![], |at| order.prolong_hold(at + ACTION_HOLD)),
        Event::Requested(asked) if is_given_up(before, asked.operation) => order.end_payment(id),
        Event::Failed(_) | Event::Voided(_) | Event::Expired(_) | Event::Uncollected(_) => {
            // What was taken of it stands.
            let fruitless = after.terms.as_ref().is_none_or(|terms| terms.captured.is_zero());
            let lapsed = before.stage == Stage::Open;
            if fruitless { ended(id, order, event, lapsed) } else { vec![] }
        }
        // Nobody is asked again at once what they have just refused, or while they are asked.
        Event::Created(_)
        | Event::Requested(_)
        | Event::RequestFailed(_)
        | Event::OutcomeUnknown(_)
        | Event::CollectionDue(_)
        | Event::Remitted(_) => return Ok(()),
        Event::Captured(_)
        | Event::Refunded(_)
        | Event::Resolved(_)
        | Event::Reported(_)
        | Event::Disputed(_)
        | Event::Collected(_) => vec![],
    };
    let changed = order_command::follow(unit, order_id, order, &events, streams)?;
    settling::settle(unit, changed.as_ref().unwrap_or(order), Some((id, after)), streams)
}

/// Whether a payment is let go of before anything was set aside.
fn is_given_up(before: &Payment, operation: Operation) -> bool {
    operation == Operation::Void && matches!(before.stage, Stage::Created | Stage::RequiresAction)
}

/// A payment came to its end. An order that was certain because of it is off, while nothing of it
/// has left; else it waits for another payment.
fn ended(id: PaymentId, order: &Order, event: &Event, lapsed: bool) -> Vec<order::Event> {
    let mut events = order.end_payment(id);
    let reason = match event {
        Event::Voided(_) => CancelReason::PaymentVoided,
        Event::Expired(_) => CancelReason::AuthorizationExpired,
        _ => return events,
    };
    let secured_by_others = order.standing_payments().any(|standing| standing != id);
    if lapsed && order.status == Status::Confirmed && !order.has_left() && !secured_by_others {
        let mut after = order.clone();
        for event in &events {
            after.evolve(event);
        }
        events.extend(after.cancel(reason).unwrap_or_default());
    }
    events
}

/// Money is set aside: the order is certain, though it had expired, if its units are still to be
/// had. What stands beside another payment or for an order that is off is let go by
/// [`settling::settle`].
fn authorized(
    unit: &mut Unit,
    id: PaymentId,
    order: &Order,
    order_id: OrderId,
    streams: Streams,
) -> Result<Vec<order::Event>, Stop> {
    let others = || order.standing_payments().filter(|standing| *standing != id);
    match order.status {
        Status::Pending => {
            streams.require(others().map(StreamId::Payment))?;
            for other in others() {
                if streams.payment(&other)?.is_alive() {
                    return Ok(order.end_payment(id));
                }
            }
            commit_stock(unit, order_id, order, streams)?;
            Ok(order.confirm(id)?)
        }
        Status::Cancelled if order.expired => reserve_anew(unit, id, order, order_id, streams),
        Status::Unplaced | Status::Confirmed | Status::Completed | Status::Cancelled => Ok(vec![]),
    }
}

fn reserve_anew(
    unit: &mut Unit,
    id: PaymentId,
    order: &Order,
    order_id: OrderId,
    streams: Streams,
) -> Result<Vec<order::Event>, Stop> {
    let lines = order.stocked_lines();
    streams.require(lines.iter().map(|line| StreamId::Stock(line.sku.clone())))?;
    let (Ok(reinstated), Some(until)) = (order.reinstate(id), order.reserved_until) else {
        return Ok(vec![]);
    };
    let mut taken = Vec::new();
    for line in lines {
        let Ok(quantity) = order.kept(line).try_into() else { continue };
        match streams.stock(&line.sku)?.reserve_committed(order_id, quantity, until) {
            Ok(events) => taken.push((StreamId::Stock(line.sku.clone()), events)),
            // Sold meanwhile.
            Err(_) => return Ok(vec![]),
        }
    }
    for (stream, events) in taken {
        unit.add(&stream, events);
    }
    Ok(reinstated)
}

fn commit_stock(
    unit: &mut Unit,
    order_id: OrderId,
    order: &Order,
    streams: Streams,
) -> Result<(), Stop> {
    let lines = || order.stocked_lines().iter().filter(|line| order.kept(line) > 0);
    streams.require(lines().map(|line| StreamId::Stock(line.sku.clone())))?;
    for line in lines() {
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
    let earned = order.status != Status::Cancelled && order.has_left();
    let owed = order.owed().ok_or(order::Error::NotFound)?;
    let owing = kept(order, streams)?.is_none_or(|kept| kept.amount() < owed.amount());
    if earned && owing { Err(order::Error::AlreadyShipped.into()) } else { Ok(()) }
}

/// What is owed for the order of a payment beyond what was taken and kept.
fn still_owed(state: &Payment, streams: Streams) -> Result<Money, Stop> {
    let terms = state.terms.as_ref().ok_or(payment::Error::NotFound)?;
    let order = streams.order(&terms.order_id)?;
    if order.status == Status::Cancelled {
        return Err(order::Error::Cancelled.into());
    }
    let owed = order.owed().ok_or(order::Error::NotFound)?;
    Ok(kept(order, streams)?.map_or(owed, |kept| owed.less(kept)))
}

/// What is to be paid without a gateway, less what was taken already: at the door, for what was
/// handed over.
fn due_by_hand(state: &Payment, streams: Streams) -> Result<Money, Stop> {
    let terms = state.terms.as_ref().ok_or(payment::Error::NotFound)?;
    if terms.method == PaymentMethod::External {
        return still_owed(state, streams);
    }
    let order = streams.order(&terms.order_id)?;
    if !order.any_delivered() {
        return Err(order::Error::NotDelivered.into());
    }
    let due = order.owed_for_delivered().ok_or(order::Error::NotFound)?;
    Ok(kept(order, streams)?.map_or(due, |kept| due.less(kept)))
}

/// What was taken and kept of all payments of an order; none where it has none.
fn kept(order: &Order, streams: Streams) -> Result<Option<Money>, Stop> {
    streams.require(order.standing_payments().map(StreamId::Payment))?;
    let mut sum: Option<Money> = None;
    for id in order.standing_payments() {
        let Some(terms) = &streams.payment(&id)?.terms else { continue };
        let kept = terms.kept();
        sum = Some(sum.map_or(kept, |sum| sum.plus(kept).unwrap_or(sum)));
    }
    Ok(sum)
}

/// What stands for the money of an order, of all its payments.
pub(super) fn secured(order: &Order, owed: Money, streams: Streams) -> Result<Money, Stop> {
    streams.require(order.standing_payments().map(StreamId::Payment))?;
    let mut sum = Money::zero(owed.currency());
    for id in order.standing_payments() {
        let secured = streams.payment(&id)?.secures();
        sum = secured.and_then(|secured| sum.plus(secured)).unwrap_or(sum);
    }
    Ok(sum)
}
