//! Commands to products. A SKU is taken from the common pool in the same append in which a
//! variant appears or an archived product comes back, and given back when it goes. Another product
//! gets it only without units.

use super::{Events, Stop, Unit, stock as stock_command};
use crate::StreamId;
use crate::ids::ProductId;
use crate::money::Money;
use crate::product::{Changed, Details, Event, SkusOfArchived, VariantChange, VariantSet};
use crate::sku::{self, TakenSku, TakenSkus};
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
    /// Change what is named of a variant.
    ChangeVariant(Sku, VariantChange),
    /// Set what a variant costs.
    SetPrices(Sku, Vec<Money>),
    /// Stop selling a variant.
    RemoveVariant(Sku),
    /// Put it up for sale.
    Publish,
    /// Take it off sale.
    Unpublish,
    /// Withdraw it.
    Archive(SkusOfArchived),
    /// Bring it back from the archive.
    Restore,
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
        Command::ChangeVariant(sku, change) => state.change_variant(&sku, change),
        Command::SetPrices(sku, prices) => state.set_prices(&sku, prices),
        Command::RemoveVariant(sku) => state.remove_variant(sku),
        Command::Publish => state.publish(),
        Command::Unpublish => state.unpublish(),
        Command::Archive(skus) => state.archive(skus),
        Command::Restore => state.restore(),
    }?;

    let mut taken: Vec<Sku> = Vec::new();
    let mut released: Vec<Sku> = Vec::new();
    for event in &events {
        match event {
            Event::VariantSet(variant) => taken.push(variant.sku.clone()),
            Event::VariantRemoved(removed) => released.push(removed.sku.clone()),
            Event::Archived(archived) if archived.skus == SkusOfArchived::Free => {
                released.extend(state.variants.keys().cloned());
            }
            Event::Restored(_) => taken.extend(state.variants.keys().cloned()),
            Event::Created(_)
            | Event::Changed(_)
            | Event::PricesSet(_)
            | Event::Published(_)
            | Event::Unpublished(_)
            | Event::Archived(_) => {}
        }
    }
    streams.require(taken.iter().chain(&released).cloned().map(StreamId::Sku))?;

    let mut unit = Unit::default();
    unit.add(&StreamId::Product(id), events);
    let (mut of_others, mut handed) = (Vec::new(), Vec::new());
    for sku in taken {
        let assignment = streams.sku(&sku)?;
        if assignment.changes_hands(id) {
            handed.push(sku.clone());
        }
        match assignment.assign(id) {
            Ok(assigned) => unit.add(&StreamId::Sku(sku), assigned),
            Err(product_id) => of_others.push(TakenSku { sku, product_id }),
        }
    }
    if !of_others.is_empty() {
        return Err(sku::Error::Taken(TakenSkus(of_others)).into());
    }
    for sku in released {
        let events = streams.sku(&sku)?.release(id);
        unit.add(&StreamId::Sku(sku), events);
    }
    streams.require(handed.iter().cloned().map(StreamId::Stock))?;
    let mut decided = Vec::new();
    for sku in handed {
        let handed_over = streams.stock(&sku)?.hand_over();
        decided.push((sku, handed_over));
    }
    stock_command::add_all(&mut unit, decided)?;
    Ok(unit.0)
}
