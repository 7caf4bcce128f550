//! Commands to payments, and what becomes of the order: what is authorised confirms it and commits
//! its units; what comes to nothing, is let go or lapses leaves it open for another payment, in a
//! bounded time. One append each.

use chrono::{DateTime, TimeDelta, Utc};

use super::balance::Balance;
use super::confirming::{authorized, commit_stock, taken_there};
use super::overpaying::with_overpaid;
use super::payable::{collected_at_most, due_by_hand, still_owed};
use super::{Events, Stop, Unit, order as order_command, securing, settling};
use crate::StreamId;
use crate::ids::{OrderId, PaymentId};
use crate::money::Money;
use crate::order::{self, Order, Status};
use crate::payment::{self, Event, Operation, Payment, Restoration, Stage, WriteOff};
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
    /// End it before anything is taken, to pay in another way.
    Abort {
        /// Why.
        reason: Note,
        /// When.
        at: DateTime<Utc>,
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
        /// Whether it was given back outside of the gateway, as by bank transfer where a card is
        /// closed. Of cash it always is.
        by_hand: bool,
        /// When.
        at: DateTime<Utc>,
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
    Expire {
        /// When this is asked.
        at: DateTime<Utc>,
    },
    /// The courier collected an amount, whatever was due, or all that is due for what was
    /// delivered; or it was paid outside of this shop.
    Collect {
        /// How much.
        amount: Option<Money>,
        /// When.
        at: DateTime<Utc>,
    },
    /// What the courier collected in all was told wrong.
    CorrectCollection {
        /// How much it was.
        amount: Money,
        /// Who says so, and how they know.
        reason: Note,
        /// When.
        at: DateTime<Utc>,
    },
    /// The courier handed over an amount, or all that was collected.
    Remit {
        /// How much.
        amount: Option<Money>,
        /// What will not be handed over.
        written_off: Option<WriteOff>,
    },
    /// What the courier handed over in all was told wrong, or what they will not.
    CorrectRemittance {
        /// How much was handed over.
        amount: Money,
        /// How much of the rest is waited for no more; as much as before, where nobody says.
        written_off: Option<Money>,
        /// Who says so, and how they know.
        reason: Note,
    },
    /// What was given back by hand in all was told wrong.
    CorrectRefund {
        /// How much it was.
        amount: Money,
        /// Who says so, and how they know.
        reason: Note,
        /// When.
        at: DateTime<Utc>,
    },
    /// Nothing more is collected.
    Uncollect {
        /// Why.
        reason: Note,
        /// When.
        at: DateTime<Utc>,
    },
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Start { .. })
    }

    /// When it is asked, of what an order may come to wait for another payment by.
    fn at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Abort { at, .. }
            | Self::Refund { at, .. }
            | Self::Record { at, .. }
            | Self::Report { at, .. }
            | Self::Resolve { at, .. }
            | Self::Expire { at }
            | Self::Collect { at, .. }
            | Self::CorrectCollection { at, .. }
            | Self::CorrectRefund { at, .. }
            | Self::Uncollect { at, .. } => Some(*at),
            // These leave a payment with its gateway, or move no money of the order.
            Self::Start { .. }
            | Self::CompleteAction
            | Self::Capture { .. }
            | Self::Void
            | Self::Remit { .. }
            | Self::CorrectRemittance { .. } => None,
        }
    }
}

pub(crate) fn decide(id: PaymentId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let state = streams.payment(&id)?;
    let now = command.at();
    let events = match command {
        Command::Start { order_id, start } => return begin(id, state, order_id, start, streams),
        Command::Void => {
            refuse_if_earned(state, streams)?;
            state.void()
        }
        Command::Expire { .. } => state.expire(),
        Command::CompleteAction => state.complete_action(),
        Command::Abort { .. } if is_being_begun(state) => return leave(id, state, now, streams),
        Command::Abort { reason, .. } => {
            if state.stage == Stage::Open {
                refuse_if_earned(state, streams)?;
            }
            state.abort(reason)
        }
        Command::Capture { amount } => state.capture(amount, still_owed(state, streams)?),
        Command::Refund { amount, reason, by_hand, .. } => state.refund(amount, reason, by_hand),
        Command::Record { request, verdict, .. } => state.record(request, verdict),
        Command::Report { report, .. } => state.report(report),
        Command::Resolve { request, finding, note, .. } => state.resolve(request, finding, note),
        Command::Collect { amount: Some(told), .. } => {
            state.collect_told(told, collected_at_most(id, state, streams)?)
        }
        Command::Collect { amount: None, .. } => state.collect(due_by_hand(state, streams)?),
        Command::CorrectCollection { amount, reason, .. } => {
            let at_most = collected_at_most(id, state, streams)?;
            state.correct_collection(amount, at_most, reason)
        }
        Command::Remit { amount, written_off } => state.remit(amount, written_off),
        Command::CorrectRemittance { amount, written_off, reason } => {
            state.correct_remittance(amount, written_off, reason)
        }
        Command::CorrectRefund { amount, reason, .. } => state.correct_refund(amount, reason),
        Command::Uncollect { reason, .. } => state.uncollect(Some(reason)),
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
    order.owed().ok_or(order::Error::NotFound)?;
    let method = start.method;
    let started = order.start_payment(id, method, start.gateway.is_none())?;
    let balance = Balance::load(order, streams)?;
    for standing in order.standing_payments() {
        if streams.payment(&standing)?.is_alive() {
            return Err(order::Error::PaymentOpen { payment_id: standing }.into());
        }
    }
    let due = balance.due();
    if due.is_zero() {
        return Err(order::Error::NothingDue.into());
    }
    let confirmed = started.iter().any(|event| matches!(event, order::Event::Confirmed(_)));
    let mut unit = Unit::default();
    unit.add(&StreamId::Payment(id), state.start(order_id, order.owner, due, start)?);
    unit.add(&StreamId::Order(order_id), started);
    if confirmed {
        commit_stock(&mut unit, order_id, order, streams)?;
    }
    Ok(unit.0)
}

/// Whether the gateway is being asked for the money, and has not answered.
fn is_being_begun(state: &Payment) -> bool {
    state.in_flight.is_some_and(|asked| asked.operation == Operation::Authorize)
}

/// The shopper waits for the gateway no longer: the order may be paid otherwise. What the gateway
/// may still set aside is let go.
fn leave(
    id: PaymentId,
    state: &Payment,
    at: Option<DateTime<Utc>>,
    streams: Streams,
) -> Result<Events, Stop> {
    let order_id = state.terms.as_ref().ok_or(payment::Error::NotFound)?.order_id;
    let order = streams.order(&order_id)?;
    let mut unit = Unit::default();
    if let Some(after) =
        order_command::follow(&mut unit, order_id, order, &order.end_payment(id), streams)?
    {
        securing::secure(&mut unit, (order_id, &after), Some((id, state)), at, streams)?;
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
    if matches!(event, Event::Authorized(_) | Event::Reported(_)) || is_end(event) {
        // Together: a decision has only so many rounds of loading.
        let payments = order.payments.keys().map(|id| StreamId::Payment(*id));
        let stocks = order.stocked_lines().iter().map(|line| StreamId::Stock(line.sku.clone()));
        streams.require(payments.chain(stocks))?;
    }
    let events = match event {
        Event::Authorized(_) => authorized(unit, id, (before, after), order, order_id, streams)?,
        Event::Reported(told) if told.operation == Operation::Capture => {
            taken_there(unit, id, (before, after), order, order_id, streams)?
        }
        Event::ActionRequired(_) => {
            at.map_or(vec![], |at| order.prolong_hold(id, at + ACTION_HOLD))
        }
        Event::Requested(asked) if before.is_given_up(asked.operation) => order.end_payment(id),
        Event::Failed(_) | Event::Voided(_) | Event::Expired(_) | Event::Uncollected(_) => {
            ended(id, after, order)
        }
        Event::Restored(again) if again.what == Restoration::Dispute => vec![],
        // What is set aside for an order that is off is let go, though its capture or its refund
        // was refused.
        Event::RequestFailed(failed)
            if lets_go_all_the_same(failed.operation, before)
                && after.stage == Stage::Open
                && order.status == Status::Cancelled =>
        {
            vec![]
        }
        // Nobody is asked again at once what they have just refused.
        Event::RequestFailed(_) | Event::Restored(_) => {
            return securing::secure(unit, (order_id, order), Some((id, after)), at, streams);
        }
        // Nor while they are asked.
        Event::Created(_)
        | Event::Assigned(_)
        | Event::Requested(_)
        | Event::OutcomeUnknown(_)
        | Event::CollectionDue(_)
        | Event::Remitted(_)
        | Event::RemittanceCorrected(_) => return Ok(()),
        // Nothing stands of it, and nothing more is expected.
        Event::CollectionCorrected(_) if after.stage == Stage::Uncollected => order.end_payment(id),
        Event::Captured(_)
        | Event::Refunded(_)
        | Event::RefundCorrected(_)
        | Event::Resolved(_)
        | Event::Reported(_)
        | Event::Disputed(_)
        | Event::Collected(_)
        | Event::CollectionCorrected(_) => vec![],
    };
    let events = with_overpaid(events, id, (before, after), order, streams)?;
    let changed = order_command::follow(unit, order_id, order, &events, streams)?;
    let order = changed.as_ref().unwrap_or(order);
    settling::settle(unit, (order_id, order), Some((id, after)), at, streams)
}

/// Whether what was refused now does not keep the rest from being let go: nothing is taken for an
/// order that is off, so that is not asked for again; and of giving back and letting go, the second
/// is asked for at once unless it was refused last.
fn lets_go_all_the_same(refused: Operation, before: &Payment) -> bool {
    match refused {
        Operation::Capture => true,
        Operation::Refund => before.refused != Some(Operation::Void),
        Operation::Authorize | Operation::Void => false,
    }
}

/// Whether nothing more comes of a payment by this.
fn is_end(event: &Event) -> bool {
    matches!(event, Event::Failed(_) | Event::Voided(_) | Event::Expired(_) | Event::Uncollected(_))
}

/// A payment came to its end. What was taken of it stands.
fn ended(id: PaymentId, payment: &Payment, order: &Order) -> Vec<order::Event> {
    let done = payment.terms.as_ref().is_none_or(|terms| terms.captured.is_zero());
    if done { order.end_payment(id) } else { vec![] }
}

/// An authorisation that pays for what is on its way or was delivered is not given back.
fn refuse_if_earned(state: &Payment, streams: Streams) -> Result<(), Stop> {
    let Some(terms) = &state.terms else { return Ok(()) };
    let order = streams.order(&terms.order_id)?;
    let earned = order.status != Status::Cancelled && order.has_left();
    let balance = Balance::load(order, streams)?;
    let owing = !balance.lacking(balance.owed).is_zero();
    if earned && owing { Err(order::Error::Earned.into()) } else { Ok(()) }
}
