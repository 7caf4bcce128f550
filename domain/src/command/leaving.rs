//! Where a parcel leaves from of which nobody says it: the one place that has all of it.

use std::collections::BTreeMap;

use super::Stop;
use crate::StreamId;
use crate::fulfilment::{self, HeldAt};
use crate::ids::OrderId;
use crate::order::{self, Order, Units};
use crate::state::Streams;
use crate::stock;
use crate::text::Location;

/// Of the places from which all these units can leave together, the one where most of them are set
/// aside. None while not all of them are there, or where stock knows nothing of them; refused where
/// they lie apart. What leaves with the order's parcels `beside` it is not counted.
pub(super) fn place_of(
    (id, order): (OrderId, &Order),
    lines: &[Units],
    beside: &[(&[Units], Option<&Location>)],
    streams: Streams,
) -> Result<Option<Location>, Stop> {
    if order.recorded {
        return Ok(None);
    }
    streams.require(lines.iter().map(|units| StreamId::Stock(units.sku.clone())))?;
    let mut together: Option<BTreeMap<&Location, i64>> = None;
    let (mut apart, mut all_there) = (Vec::new(), true);
    for Units { sku, quantity } in lines {
        let others = beside.iter().map(|(lines, from)| (order::units_of(lines, sku), *from));
        let leaving = streams.stock(sku)?.leaving_from(id, *quantity, others);
        let parts = leaving.parts.unwrap_or_default();
        all_there &= !parts.is_empty();
        apart.extend(parts.into_iter().map(|part| {
            let stock::Part { location, quantity } = part;
            HeldAt { sku: sku.clone(), location, quantity }
        }));
        let whole = leaving.whole;
        together = Some(match together {
            None => whole,
            Some(before) => {
                let both = |(place, held)| Some((place, held + whole.get(place)?));
                before.into_iter().filter_map(both).collect()
            }
        });
    }
    // Of several that hold as many the first.
    let best = together.into_iter().flatten().rev().max_by_key(|(_, held)| *held);
    match best {
        Some((place, _)) => Ok(Some(place.clone())),
        None if all_there => Err(fulfilment::Error::LocationRequired(apart).into()),
        None => Ok(None),
    }
}
