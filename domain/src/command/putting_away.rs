//! Goods that come back: each to a place, or written off. What is for sale there is sold as the
//! product's that has the SKU by then; goods of another product must not be. And goods that were
//! told to be somewhere and are not.

use std::collections::BTreeMap;

use super::{Stop, Unit, location as location_command, stock as stock_command};
use crate::StreamId;
use crate::ids::ProductId;
use crate::order::Order;
use crate::return_::{Arrival, Disposal};
use crate::state::Streams;
use crate::stock::Source;
use crate::text::{Location, Quantity, Sku};

/// What is looked at to put these away.
pub(super) fn streams_of(lines: &[Arrival]) -> impl Iterator<Item = StreamId> {
    stored(lines).flat_map(|(arrival, location)| {
        let (stock, owner) = (arrival.sku.clone(), arrival.sku.clone());
        [StreamId::Stock(stock), StreamId::Sku(owner), StreamId::Location(location.clone())]
    })
}

/// Puts goods of `order` into stock that are not written off. A SKU named twice is one decision
/// about its stock.
pub(super) fn put_away(
    unit: &mut Unit,
    order: &Order,
    lines: &[Arrival],
    source: &Source,
    streams: Streams,
) -> Result<(), Stop> {
    put_right(unit, order, (&[], lines), source, streams)
}

/// The same of goods that were `told` to have come, where these are all that have: what is
/// somewhere else than was told is carried there, and what is nowhere is gone.
pub(super) fn put_right(
    unit: &mut Unit,
    order: &Order,
    (told, lines): (&[Arrival], &[Arrival]),
    source: &Source,
    streams: Streams,
) -> Result<(), Stop> {
    streams.require(streams_of(lines).chain(streams_of(told)))?;
    location_command::must_be_known(streams, places_of(lines))?;
    let (mut changed, mut decided) = (BTreeMap::new(), Vec::new());
    // What comes first, so that nobody comes short of what only lies elsewhere.
    let came = without(lines, told).into_iter().map(|it| (it, true));
    let went = without(told, lines).into_iter().map(|it| (it, false));
    for (Moved { sku, location, quantity }, is_there) in came.chain(went) {
        let stock = match changed.remove(&sku) {
            Some(stock) => stock,
            None => streams.stock(&sku)?.clone(),
        };
        let at = location_command::shelf(streams, location)?;
        let (source, another) = (source.clone(), sold_by_another(order, &sku, streams)?);
        let events = match another {
            _ if !is_there => stock.correct_receipt(at, quantity, source, another.is_some()),
            Some(product_id) => stock.receive_of_another(at, quantity, source, product_id),
            None => stock.receive(at, quantity, source),
        };
        let mut after = stock;
        for event in events.iter().flatten() {
            after.evolve(event);
        }
        decided.push((sku.clone(), events));
        changed.insert(sku, after);
    }
    stock_command::add_all(unit, decided)
}

/// Units that came to a place, or are not there.
struct Moved {
    sku: Sku,
    location: Location,
    quantity: Quantity,
}

/// What of the one is stored that is not of the other: each line for itself where there is no
/// other.
fn without(lines: &[Arrival], others: &[Arrival]) -> Vec<Moved> {
    let mut others: Vec<(&Arrival, u32)> =
        others.iter().map(|of| (of, of.quantity.get())).collect();
    let left = stored(lines).filter_map(|(arrival, location)| {
        let is_like = |of: &Arrival| of.sku == arrival.sku && of.disposal == arrival.disposal;
        let mut units = arrival.quantity.get();
        for (_, there) in others.iter_mut().filter(|(of, _)| is_like(of)) {
            let same = units.min(*there);
            (units, *there) = (units - same, *there - same);
        }
        let quantity = Quantity::try_from(units).ok()?;
        Some(Moved { sku: arrival.sku.clone(), location: location.clone(), quantity })
    });
    left.collect()
}

/// Where these are put.
pub(super) fn places_of(lines: &[Arrival]) -> impl Iterator<Item = &Location> + Clone {
    stored(lines).map(|(_, location)| location)
}

fn stored(lines: &[Arrival]) -> impl Iterator<Item = (&Arrival, &Location)> + Clone {
    lines.iter().filter_map(|arrival| match &arrival.disposal {
        Disposal::Stored(location) => Some((arrival, location)),
        Disposal::WrittenOff => None,
    })
}

/// The product that has the SKU, where goods of the order were sold as another's. What other books
/// call a product says nothing of who has its SKU here.
fn sold_by_another(order: &Order, sku: &Sku, streams: Streams) -> Result<Option<ProductId>, Stop> {
    let line = order.stocked_lines().iter().find(|line| line.sku == *sku);
    let (Some(line), Some(product_id)) = (line, streams.sku(sku)?.product_id) else {
        return Ok(None);
    };
    Ok((product_id != line.product_id).then_some(product_id))
}
