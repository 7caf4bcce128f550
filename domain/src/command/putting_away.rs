//! Goods that come back: each to a place, or written off. What is for sale there is sold as the
//! product's that has the SKU by then; goods of another product must not be.

use std::collections::BTreeMap;

use super::{Stop, Unit, location as location_command, stock as stock_command};
use crate::StreamId;
use crate::ids::ProductId;
use crate::order::Order;
use crate::return_::{Arrival, Disposal};
use crate::state::Streams;
use crate::stock::Source;
use crate::text::{Location, Sku};

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
    streams.require(streams_of(lines))?;
    location_command::must_be_known(streams, places_of(lines))?;
    let (mut changed, mut decided) = (BTreeMap::new(), Vec::new());
    for (Arrival { sku, quantity, .. }, location) in stored(lines) {
        let stock = match changed.remove(sku) {
            Some(stock) => stock,
            None => streams.stock(sku)?.clone(),
        };
        let at = location_command::shelf(streams, location.clone())?;
        let received = match sold_by_another(order, sku, streams)? {
            Some(product_id) => stock.receive_of_another(at, *quantity, source.clone(), product_id),
            None => stock.receive(at, *quantity, source.clone()),
        };
        let mut after = stock;
        for event in received.iter().flatten() {
            after.evolve(event);
        }
        decided.push((sku.clone(), received));
        changed.insert(sku.clone(), after);
    }
    stock_command::add_all(unit, decided)
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
