//! Commands to parcels, with what they do to the order, its stock and its money: shipping takes the
//! units out of stock, a parcel that comes back puts them in again, one that comes back or is lost
//! makes the order smaller, the last delivery completes it.

use chrono::{DateTime, Utc};

use super::balance::Balance;
use super::leaving::place_of;
use super::putting_away::put_right;
use super::{
    Events, Stop, Unit, location as location_command, order as order_command, putting_away,
    settling, stock as stock_command,
};
use crate::StreamId;
use crate::fulfilment::{Event, Fulfilment, Status};
use crate::ids::{FulfilmentId, OrderId};
use crate::order::{self, Order, ParcelOutcome, Units};
use crate::return_::Arrival;
use crate::state::Streams;
use crate::stock::Source;
use crate::text::{Label, Location, Note};

/// What may be asked of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Plan it.
    Create {
        /// Whose parcel.
        order_id: OrderId,
        /// What goes in; nothing named means all that is left.
        lines: Vec<Units>,
        /// Where it leaves from, if not from the one place that has all of it.
        location: Option<Location>,
    },
    /// Pack it.
    Pack,
    /// Send it; or, of one that has left, say what was not known then or was wrong.
    Ship {
        /// Who carries it.
        carrier: Option<Label>,
        /// Under which number.
        tracking: Option<Label>,
    },
    /// It was handed over.
    Deliver {
        /// What of it; nothing named means all of it. What was not taken is tried again or comes
        /// back.
        lines: Vec<Units>,
    },
    /// Nobody took it this time; or, of one that was told to be handed over, it was not.
    Fail {
        /// Why.
        reason: Note,
    },
    /// Nobody knows where it is; or, of one that was told to be handed over, it never came; or, of
    /// one that was told to have come back for good, it had not, or otherwise.
    Lose {
        /// What is known by now.
        reason: Note,
        /// When.
        at: DateTime<Utc>,
    },
    /// It came back.
    Return {
        /// What of it, and what became of that; the rest is lost.
        what: Returned,
        /// Whether what is put somewhere goes out again, in another parcel.
        send_again: bool,
        /// When.
        at: DateTime<Utc>,
    },
    /// Call it off before it leaves.
    Cancel,
}

/// What came back of a parcel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// All of it, and it is put there.
    AllTo(Location),
    /// These units.
    Some(Vec<Arrival>),
}

impl Returned {
    fn of(self, parcel: &Fulfilment) -> Vec<Arrival> {
        match self {
            Self::AllTo(location) => parcel.all_at(&location),
            Self::Some(lines) => lines,
        }
    }
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Create { .. })
    }

    /// When it is asked, of what an order may come to wait for another payment by: what has left
    /// is away no more.
    fn at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Lose { at, .. } | Self::Return { at, .. } => Some(*at),
            Self::Create { .. }
            | Self::Pack
            | Self::Ship { .. }
            | Self::Deliver { .. }
            | Self::Fail { .. }
            | Self::Cancel => None,
        }
    }
}

pub(crate) fn decide(id: FulfilmentId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let stream = StreamId::Fulfilment(id);
    let parcel = streams.fulfilment(&id)?;
    let mut unit = Unit::default();
    look_ahead(&command, parcel, streams)?;
    let now = command.at();
    let events = match command {
        Command::Create { order_id, lines, location } => {
            create(&mut unit, id, parcel, order_id, lines, location, streams)?;
            return Ok(unit.0);
        }
        Command::Pack => parcel.pack()?,
        Command::Ship { carrier, tracking } => {
            parcel.ship(leaves_from(parcel, streams)?, carrier, tracking)?
        }
        Command::Deliver { lines } => parcel.deliver(lines)?,
        Command::Fail { reason } => parcel.fail(reason)?,
        Command::Lose { reason, .. } => parcel.lose(reason)?,
        Command::Return { what, send_again, .. } => {
            let lines = what.of(parcel);
            let events = parcel.come_back(lines.clone(), send_again)?;
            if let (false, Some(order_id)) = (events.is_empty(), parcel.order_id) {
                let source = Source::Parcel { order_id, fulfilment_id: id, again: send_again };
                restock(&mut unit, streams.order(&order_id)?, &lines, &source, streams)?;
            }
            events
        }
        Command::Cancel => parcel.cancel()?,
    };
    let (Some(event), Some(order_id)) = (events.last().cloned(), parcel.order_id) else {
        return Ok(vec![]);
    };
    unit.add(&stream, events);
    let order = streams.order(&order_id)?;
    let was_delivered = parcel.status == Status::Delivered;
    let changes = match event {
        Event::DeliveryFailed(_) if was_delivered => {
            let mut changes = order.correct_delivery(id, parcel.whole())?;
            changes.extend(fruitless(order, streams)?);
            changes
        }
        Event::Lost(_) if was_delivered => order.lose_delivered(id, parcel.whole())?,
        Event::Created(_) | Event::Packed(_) | Event::TrackingSet(_) | Event::DeliveryFailed(_) => {
            return Ok(unit.0);
        }
        Event::Shipped(shipped) => {
            let from = shipped.location.as_ref();
            take_out(&mut unit, (order_id, order), (id, parcel), from, streams)?;
            order.ship_fulfilment(id)?
        }
        Event::PartlyDelivered(handed) => order.deliver_units(id, handed.lines)?,
        Event::Delivered(_) => order.close_fulfilment(id, ParcelOutcome::Delivered)?,
        Event::ReturnedToSender(returned) => order.take_parcel_back(id, returned.again())?,
        Event::Lost(_) => {
            let source = Source::Parcel { order_id, fulfilment_id: id, again: false };
            put_right(&mut unit, order, (&parcel.back, &[]), &source, streams)?;
            order.close_fulfilment(id, ParcelOutcome::Lost)?
        }
        // The parcel itself has said so by now.
        Event::Cancelled(_) => {
            let closed = order.close_fulfilment(id, ParcelOutcome::Cancelled)?;
            unit.add(&StreamId::Order(order_id), closed);
            return Ok(unit.0);
        }
    };
    if let Some(after) = order_command::follow(&mut unit, order_id, order, &changes, streams)? {
        settling::settle(&mut unit, (order_id, &after), None, now, streams)?;
    }
    Ok(unit.0)
}

/// Loads together what would be missed in turn: a decision has only so many rounds of loading.
fn look_ahead(command: &Command, parcel: &Fulfilment, streams: Streams) -> Result<(), Stop> {
    let Some(order_id) = parcel.order_id else { return Ok(()) };
    let order = StreamId::Order(order_id);
    match command {
        Command::Create { .. } | Command::Pack | Command::Cancel => return Ok(()),
        Command::Fail { .. } if parcel.status != Status::Delivered => return Ok(()),
        Command::Deliver { .. } | Command::Fail { .. } => streams.require([order])?,
        Command::Lose { .. } => {
            streams.require(putting_away::streams_of(&parcel.back).chain([order]))?;
        }
        Command::Ship { .. } => streams.require(stocks(parcel).chain([order]))?,
        Command::Return { what, .. } => {
            let lines = what.clone().of(parcel);
            streams.require(putting_away::streams_of(&lines).chain([order]))?;
        }
    }
    let payments = streams.order(&order_id)?.payments.keys();
    Ok(streams.require(payments.map(|id| StreamId::Payment(*id)))?)
}

/// The payments that came to nothing while the order was done: of those no word was said then.
fn fruitless(order: &Order, streams: Streams) -> Result<Vec<order::Event>, Stop> {
    let mut ended = Vec::new();
    for id in order.standing_payments() {
        let payment = streams.payment(&id)?;
        let taken = payment.terms.as_ref().is_some_and(|terms| !terms.captured.is_zero());
        if !taken && !payment.is_alive() {
            ended.extend(order.end_payment(id));
        }
    }
    Ok(ended)
}

fn create(
    unit: &mut Unit,
    id: FulfilmentId,
    parcel: &Fulfilment,
    order_id: OrderId,
    lines: Vec<Units>,
    location: Option<Location>,
    streams: Streams,
) -> Result<(), Stop> {
    let places = location.iter().map(|place| StreamId::Location(place.clone()));
    streams.require(places.chain([StreamId::Order(order_id)]))?;
    let order: &Order = streams.order(&order_id)?;
    location_command::must_sell(streams, location.as_ref())?;
    let planned = order.plan_fulfilment(id, lines)?;
    let lines = planned.iter().find_map(|event| match event {
        order::Event::FulfilmentPlanned(planned) => Some(planned.lines.clone()),
        _ => None,
    });
    let lines = lines.unwrap_or_default();
    let location = match location {
        Some(said) => Some(said),
        None => free_place(order_id, order, &lines, streams)?,
    };
    let created = parcel.create(order_id, lines, location)?;
    unit.add(&StreamId::Order(order_id), planned);
    unit.add(&StreamId::Fulfilment(id), created);
    Ok(())
}

/// Where units leave from that are in none of the order's other parcels.
fn free_place(
    order_id: OrderId,
    order: &Order,
    lines: &[Units],
    streams: Streams,
) -> Result<Option<Location>, Stop> {
    let stocks = lines.iter().map(|units| StreamId::Stock(units.sku.clone()));
    let parcels = order.planned().map(|(id, _)| StreamId::Fulfilment(id));
    streams.require(stocks.chain(parcels))?;
    let mut beside = Vec::new();
    for (id, planned) in order.planned() {
        beside.push((planned.lines.as_slice(), streams.fulfilment(&id)?.location.as_ref()));
    }
    place_of((order_id, order), lines, &beside, streams)
}

/// Where a parcel leaves from that is packed, though that was not known as it was planned.
fn leaves_from(parcel: &Fulfilment, streams: Streams) -> Result<Option<Location>, Stop> {
    match (&parcel.location, parcel.order_id) {
        (None, Some(id)) if parcel.is_packed() => {
            place_of((id, streams.order(&id)?), &parcel.lines, &[], streams)
        }
        (known, _) => Ok(known.clone()),
    }
}

fn stocks(parcel: &Fulfilment) -> impl Iterator<Item = StreamId> {
    parcel.lines.iter().map(|units| StreamId::Stock(units.sku.clone()))
}

/// Takes the parcel's units out of stock, where they are in it: those of a recorded order left long
/// ago. Nothing leaves whose money is not secured.
fn take_out(
    unit: &mut Unit,
    (order_id, order): (OrderId, &Order),
    (id, parcel): (FulfilmentId, &Fulfilment),
    from: Option<&Location>,
    streams: Streams,
) -> Result<(), Stop> {
    let balance = Balance::load(order, streams)?;
    let (owed, secured) = (balance.owed, balance.secured());
    if secured.amount() < owed.amount() {
        return Err(order::Error::NotSecured { owed, secured }.into());
    }
    if order.recorded {
        return Ok(());
    }
    let mut decided = Vec::new();
    for Units { sku, quantity } in &parcel.lines {
        let shipped = streams.stock(sku)?.ship(order_id, id, *quantity, from);
        decided.push((sku.clone(), shipped));
    }
    stock_command::add_all(unit, decided)
}

/// Puts what came back where it was said. What goes out again must lie where it can leave; of a
/// recorded order it is none of the stock's before it is back for good.
fn restock(
    unit: &mut Unit,
    order: &Order,
    lines: &[Arrival],
    source: &Source,
    streams: Streams,
) -> Result<(), Stop> {
    if matches!(source, Source::Parcel { again: true, .. }) {
        location_command::must_sell(streams, putting_away::places_of(lines))?;
        if order.recorded {
            return Ok(());
        }
    }
    putting_away::put_away(unit, order, lines, source, streams)
}
