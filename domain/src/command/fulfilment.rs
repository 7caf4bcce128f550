//! Commands to parcels, with what they do to the order and its stock: shipping takes the units out
//! of stock, a parcel that comes back puts them in again, the last delivery completes the order.

use super::{
    Events, Stop, Unit, location as location_command, order as order_command,
    stock as stock_command,
};
use crate::StreamId;
use crate::fulfilment::{self, Fulfilment};
use crate::ids::{FulfilmentId, OrderId};
use crate::order::{self, Order, Outcome, Units};
use crate::payment;
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
    },
    /// Pack it.
    Pack,
    /// Send it.
    Ship {
        /// Who carries it.
        carrier: Option<Label>,
        /// Under which number.
        tracking: Option<Label>,
    },
    /// It was handed over.
    Deliver,
    /// Nobody took it.
    Fail {
        /// Why.
        reason: Note,
    },
    /// It came back.
    Return {
        /// Where its units are put.
        location: Location,
    },
    /// Call it off before it leaves.
    Cancel,
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Create { .. })
    }
}

pub(crate) fn decide(id: FulfilmentId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let stream = StreamId::Fulfilment(id);
    let parcel = streams.fulfilment(&id)?;
    let mut unit = Unit::default();
    if let Command::Create { order_id, lines } = command {
        create(&mut unit, id, parcel, order_id, lines, streams)?;
        return Ok(unit.0);
    }
    let order_id = parcel.order_id.ok_or(fulfilment::Error::NotFound)?;
    let (events, outcome, location) = match command {
        Command::Create { .. } => return Err(fulfilment::Error::AlreadyExists.into()),
        Command::Pack => (parcel.pack()?, None, None),
        Command::Ship { carrier, tracking } => (parcel.ship(carrier, tracking)?, None, None),
        Command::Deliver => (parcel.deliver()?, Some(Outcome::Delivered), None),
        Command::Fail { reason } => (parcel.fail(reason)?, None, None),
        Command::Return { location } => {
            (parcel.come_back()?, Some(Outcome::Returned), Some(location))
        }
        Command::Cancel => (parcel.cancel()?, Some(Outcome::Cancelled), None),
    };
    let shipped = events.iter().any(|event| matches!(event, fulfilment::Event::Shipped(_)));
    if events.is_empty() {
        return Ok(vec![]);
    }
    unit.add(&stream, events);
    if shipped {
        ship(&mut unit, id, order_id, parcel, streams)?;
    }
    if let Some(location) = location {
        restock(&mut unit, id, order_id, parcel, &location, streams)?;
    }
    if let Some(outcome) = outcome {
        close(&mut unit, id, order_id, outcome, streams)?;
    }
    Ok(unit.0)
}

fn create(
    unit: &mut Unit,
    id: FulfilmentId,
    parcel: &Fulfilment,
    order_id: OrderId,
    lines: Vec<Units>,
    streams: Streams,
) -> Result<(), Stop> {
    let order: &Order = streams.order(&order_id)?;
    let planned = order.plan_fulfilment(id, lines)?;
    let lines = planned.iter().find_map(|event| match event {
        order::Event::FulfilmentPlanned(planned) => Some(planned.lines.clone()),
        _ => None,
    });
    let lines = lines.unwrap_or_default();
    let created = parcel.create(order_id, lines)?;
    unit.add(&StreamId::Order(order_id), planned);
    unit.add(&StreamId::Fulfilment(id), created);
    Ok(())
}

fn stocks(parcel: &Fulfilment) -> impl Iterator<Item = StreamId> {
    parcel.lines.iter().map(|units| StreamId::Stock(units.sku.clone()))
}

/// Takes the parcel's units out of stock. Nothing leaves while its money is being given back.
fn ship(
    unit: &mut Unit,
    id: FulfilmentId,
    order_id: OrderId,
    parcel: &Fulfilment,
    streams: Streams,
) -> Result<(), Stop> {
    let order = streams.order(&order_id)?;
    let payment = order.payment.map(|(id, _)| StreamId::Payment(id));
    streams.require(stocks(parcel).chain(payment))?;
    if let Some((payment_id, _)) = order.payment
        && streams.payment(&payment_id)?.is_being_voided()
    {
        return Err(payment::Error::RequestInFlight.into());
    }
    for Units { sku, quantity } in &parcel.lines {
        let shipped = streams.stock(sku)?.ship(order_id, id, *quantity, None);
        let shipped = stock_command::named(sku, shipped)?;
        unit.add(&StreamId::Stock(sku.clone()), shipped);
    }
    Ok(())
}

fn restock(
    unit: &mut Unit,
    id: FulfilmentId,
    order_id: OrderId,
    parcel: &Fulfilment,
    location: &Location,
    streams: Streams,
) -> Result<(), Stop> {
    let named = StreamId::Location(location.clone());
    streams.require(stocks(parcel).chain([named]))?;
    for Units { sku, quantity } in &parcel.lines {
        let source = Source::Parcel { order_id, fulfilment_id: id };
        let at = location_command::shelf(streams, location.clone())?;
        let received = streams.stock(sku)?.receive(at, *quantity, source);
        let received = stock_command::named(sku, received)?;
        unit.add(&StreamId::Stock(sku.clone()), received);
    }
    Ok(())
}

fn close(
    unit: &mut Unit,
    id: FulfilmentId,
    order_id: OrderId,
    outcome: Outcome,
    streams: Streams,
) -> Result<(), Stop> {
    let order = streams.order(&order_id)?;
    let events = order.close_fulfilment(id, outcome)?;
    let cancelled = events.iter().any(|event| matches!(event, order::Event::Cancelled(_)));
    unit.add(&StreamId::Order(order_id), events);
    // Everything came back: nobody owes anything any more.
    if cancelled { order_command::undo_payment(unit, order, streams) } else { Ok(()) }
}
