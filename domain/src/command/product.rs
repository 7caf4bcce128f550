//! Commands to products. A SKU is taken from the common pool in the same append in which a
//! variant appears, and given back when it goes.

use super::{Events, Stop, Unit};
use crate::StreamId;
use crate::ids::ProductId;
pub use crate::product::Command;
use crate::product::{self, Event};
use crate::sku;
use crate::state::Streams;
use crate::text::Sku;

pub(crate) fn decide(id: ProductId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let state = streams.product(&id)?;
    let events = product::decide(state, command)?;

    let mut taken: Vec<Sku> = Vec::new();
    let mut released: Vec<Sku> = Vec::new();
    for event in &events {
        match event {
            Event::VariantSet(variant) => taken.push(variant.sku.clone()),
            Event::VariantRemoved(removed) => released.push(removed.sku.clone()),
            Event::Archived(_) => released.extend(state.variants.keys().cloned()),
            Event::Created(_) | Event::Changed(_) | Event::Published(_) => {}
        }
    }
    streams.require(taken.iter().chain(&released).cloned().map(StreamId::Sku))?;

    let mut unit = Unit::default();
    unit.add(&StreamId::Product(id), events);
    let assign = taken.into_iter().map(|sku| (sku, sku::Command::Assign(id)));
    let release = released.into_iter().map(|sku| (sku, sku::Command::Release(id)));
    for (sku, command) in assign.chain(release) {
        let events = sku::decide(streams.sku(&sku)?, command)
            .map_err(|error| sku::Refusal { sku: sku.clone(), error })?;
        unit.add(&StreamId::Sku(sku), events);
    }
    Ok(unit.0)
}
