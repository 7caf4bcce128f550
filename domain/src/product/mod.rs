//! A product of the catalogue: what it is called, its variants and their prices.
//!
//! `draft ⇄ published → archived → draft`. What something costs is decided here and nowhere else.

pub mod document;
mod event;
mod rules;
mod variant_change;

use std::collections::BTreeMap;

pub use event::{
    Archived, Changed, Created, Details, Event, Media, PricesSet, Published, Restored,
    SkusOfArchived, Unpublished, VariantRemoved, VariantSet,
};
pub use rules::Error;
pub use variant_change::VariantChange;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};
use crate::text::{Label, Sku};

/// Variants a product may have.
pub const VARIANTS_MAX: usize = 500;
/// Currencies a variant may be priced in.
pub const PRICES_MAX: usize = 200;
/// Levels of a category path.
pub const CATEGORY_LEVELS_MAX: usize = 8;
/// Attributes of a product.
pub const ATTRIBUTES_MAX: usize = 100;
/// Pictures and videos of a product.
pub const MEDIA_MAX: usize = 250;

/// Where a product stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Never created.
    #[default]
    Unborn,
    /// Created and not yet for sale.
    Draft,
    /// For sale.
    Published,
    /// Withdrawn, until it is restored.
    Archived,
}

/// Of the shape of [`Product`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 1;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// What deciding needs of a product: no descriptions, no pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Where it stands in its life.
    pub status: Status,
    /// What carts and orders call it.
    pub title: Option<Label>,
    /// Its variants.
    pub variants: BTreeMap<Sku, VariantSet>,
    /// Whether it gave its SKUs back when it was withdrawn.
    pub skus_freed: bool,
}

impl Product {
    /// How many things it holds beside itself.
    pub fn items(&self) -> usize {
        let variants = self.variants.values();
        variants.map(|one| 1 + one.options.as_slice().len() + one.prices.len()).sum()
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Created(created) => {
                self.status = Status::Draft;
                self.title = Some(created.details.title.clone());
            }
            Event::Changed(changed) => {
                if let Some(title) = &changed.title {
                    self.title = Some(title.clone());
                }
            }
            Event::VariantSet(variant) => {
                self.variants.insert(variant.sku.clone(), variant.clone());
            }
            Event::PricesSet(set) => {
                if let Some(variant) = self.variants.get_mut(&set.sku) {
                    variant.prices.clone_from(&set.prices);
                }
            }
            Event::VariantRemoved(removed) => {
                self.variants.remove(&removed.sku);
            }
            Event::Published(_) => self.status = Status::Published,
            Event::Archived(archived) => {
                self.status = Status::Archived;
                self.skus_freed = archived.skus == SkusOfArchived::Free;
            }
            Event::Unpublished(_) => self.status = Status::Draft,
            Event::Restored(_) => {
                self.status = Status::Draft;
                self.skus_freed = false;
            }
        }
    }

    /// What one unit of `sku` costs in `currency`, if it is sold in it.
    pub fn price(&self, sku: &Sku, currency: Currency) -> Option<Money> {
        self.variants.get(sku)?.price(currency)
    }
}
