//! Calling an order off: its units go back on sale, its open parcels are cancelled, and its
//! payment is undone as far as it had come, all in one append.

use super::{Events, Stop, Unit};
use crate::StreamId;
use crate::ids::OrderId;
use crate::order::{self, CancelReason, Order, Outcome, Status};
use crate::payment;
use crate::state::Streams;
use crate::text::Note;

/// What may be asked of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Call it off.
    Cancel {
        /// Why.
        reason: Note,
    },
    /// Its reservation fell due: call it off unless it was paid.
    Expire,
}

impl Command {
    /// Whether the subject is new.
    #[allow(clippy::unused_self, reason = "as the others have it")]
    pub fn creates(&self) -> bool {
        false
    }
}

pub(crate) fn decide(id: OrderId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let order = streams.order(&id)?;
    let reason = match command {
        Command::Cancel { reason } => CancelReason::Requested(reason),
        Command::Expire => match order.status {
            Status::Unplaced | Status::Pending => CancelReason::Expired,
            Status::Confirmed | Status::Completed | Status::Cancelled => return Ok(vec![]),
        },
    };
    let mut unit = Unit::default();
    let events = call_off(&mut unit, id, order, reason, streams)?;
    if !events.is_empty() {
        undo_payment(&mut unit, order, streams)?;
    }
    Ok(unit.0)
}

/// Cancels the order, releases its units and cancels its open parcels; the payment is left to the
/// caller. Refused while anything is out of the building.
pub(super) fn call_off(
    unit: &mut Unit,
    id: OrderId,
    order: &Order,
    reason: CancelReason,
    streams: Streams,
) -> Result<Vec<order::Event>, Stop> {
    let events = order.cancel(reason)?;
    if events.is_empty() {
        return Ok(events);
    }
    let parcels = order.parcels.keys().map(|id| StreamId::Fulfilment(*id));
    let stocks = order.lines.iter().map(|line| StreamId::Stock(line.sku.clone()));
    let payment = order.payment.iter().map(|(id, _)| StreamId::Payment(*id));
    streams.require(parcels.chain(stocks).chain(payment))?;

    unit.add(&StreamId::Order(id), events.clone());
    for (parcel_id, parcel) in &order.parcels {
        match parcel.outcome {
            // What came back is in stock again: the rest may be called off.
            Some(Outcome::Cancelled | Outcome::Returned) => continue,
            Some(Outcome::Delivered) => return Err(order::Error::AlreadyShipped.into()),
            None => {}
        }
        let state = streams.fulfilment(parcel_id)?;
        let cancelled = state.cancel().map_err(|_| order::Error::AlreadyShipped)?;
        unit.add(&StreamId::Fulfilment(*parcel_id), cancelled);
    }
    for line in &order.lines {
        let released = streams.stock(&line.sku)?.release(id);
        unit.add(&StreamId::Stock(line.sku.clone()), released);
    }
    Ok(events)
}

/// Undoes the order's payment as far as it had come: called off, voided, refunded or given up.
/// Refused by the payment itself while the gateway is being asked for something.
pub(super) fn undo_payment(unit: &mut Unit, order: &Order, streams: Streams) -> Result<(), Stop> {
    use payment::Status as S;
    let Some((payment_id, _)) = order.payment else { return Ok(()) };
    let payment = streams.payment(&payment_id)?;
    let events = match payment.status {
        S::Created | S::RequiresAction => {
            let reason = "the order was cancelled".to_owned();
            payment.abort(Note::try_from(reason).map_err(|_| payment::Error::NotFound)?)
        }
        S::Authorized => payment.void(),
        S::PartiallyCaptured | S::Captured | S::PartiallyRefunded => payment.refund(None),
        S::CodPending => payment.uncollect(),
        // Cash is collected only for what was delivered, and that cannot be called off.
        S::Collected | S::Remitted => return Err(order::Error::AlreadyShipped.into()),
        S::Unborn | S::Refunded | S::Voided | S::Expired | S::Failed | S::Uncollected => {
            return Ok(());
        }
    };
    unit.add(&StreamId::Payment(payment_id), events?);
    Ok(())
}
