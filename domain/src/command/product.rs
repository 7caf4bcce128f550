//! Commands to products. A SKU is taken from the common pool in the same append in which a
//! variant appears, and given back when it goes. Another product gets it only without units.

use super::{Events, Stop, Unit, stock as stock_command};
use crate::StreamId;
use crate::ids::ProductId;
use crate::product::{Changed, Details, Event, VariantSet};
use crate::sku;
use crate::state::Streams;
use crate::text::Sku;

/// What the back office may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Bring it into the catalogue, as a draft.
    Create {
        /// What it is.
        details: Details,
        /// Its first variants.
        variants: Vec<VariantSet>,
    },
    /// Change some of its details.
    Change(Changed),
    /// Add or replace a variant.
    SetVariant(VariantSet),
    /// Stop selling a variant.
    RemoveVariant(Sku),
    /// Put it up for sale.
    Publish,
    /// Withdraw it for good.
    Archive,
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Create { .. })
    }
}

pub(crate) fn decide(id: ProductId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let state = streams.product(&id)?;
    let events = match command {
        Command::Create { details, variants } => state.create(details, variants),
        Command::Change(changed) => state.change(changed),
        Command::SetVariant(variant) => state.set_variant(variant),
        Command::RemoveVariant(sku) => state.remove_variant(sku),
        Command::Publish => state.publish(),
        Command::Archive => state.archive(),
    }?;

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
    let mut handed: Vec<Sku> = Vec::new();
    for sku in taken {
        let assignment = streams.sku(&sku)?;
        if assignment.changes_hands(id) {
            handed.push(sku.clone());
        }
        let assigned = assignment.assign(id);
        let assigned = assigned.map_err(|error| sku::Refusal { sku: sku.clone(), error })?;
        unit.add(&StreamId::Sku(sku), assigned);
    }
    for sku in released {
        let events = streams.sku(&sku)?.release(id);
        unit.add(&StreamId::Sku(sku), events);
    }
    streams.require(handed.iter().cloned().map(StreamId::Stock))?;
    for sku in handed {
        let events = stock_command::named(&sku, streams.stock(&sku)?.hand_over())?;
        unit.add(&StreamId::Stock(sku), events);
    }
    Ok(unit.0)
}
