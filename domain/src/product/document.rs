//! The document of a product.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::StreamId;
use crate::ids::ProductId;
use crate::product::{self, Details, SkusOfArchived, VariantSet};
use crate::seen::{Seen, stamp};

/// Where a product stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ProductStatus")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not yet for sale.
    Draft,
    /// For sale.
    Published,
    /// Withdrawn, until it is restored.
    Archived,
}

/// A product with its variants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Product", extend("examples" = [crate::page::example::product()]))]
pub struct Document {
    /// Its id.
    pub id: ProductId,
    /// The version of its stream.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// Where it stands in its life.
    pub status: Status,
    /// What it is.
    #[serde(flatten)]
    pub details: Details,
    /// Its variants, in the order they were first set.
    pub variants: Vec<VariantSet>,
    /// Whether it gave its SKUs back when it was withdrawn: then other products may have them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skus_freed: bool,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The document after an event.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (Event::Product(event), StreamId::Product(id)) = (seen.event, seen.stream) else {
        return document;
    };
    if let product::Event::Created(created) = event {
        return document.or_else(|| Some(create(*id, created.details.clone(), seen)));
    }
    let mut document = document?;
    if document.id == *id {
        document.apply(event);
        stamp!(document, seen);
    }
    Some(document)
}

fn create(id: ProductId, details: Details, seen: &Seen) -> Document {
    Document {
        id,
        version: seen.version,
        position: seen.position,
        status: Status::Draft,
        details,
        variants: vec![],
        skus_freed: false,
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

impl Document {
    fn apply(&mut self, event: &product::Event) {
        match event {
            product::Event::Created(_) => {}
            product::Event::Changed(changed) => changed.apply(&mut self.details),
            product::Event::VariantSet(variant) => {
                match self.variants.iter_mut().find(|known| known.sku == variant.sku) {
                    Some(known) => known.clone_from(variant),
                    None => self.variants.push(variant.clone()),
                }
            }
            product::Event::PricesSet(set) => {
                if let Some(known) = self.variants.iter_mut().find(|known| known.sku == set.sku) {
                    known.prices.clone_from(&set.prices);
                }
            }
            product::Event::VariantRemoved(removed) => {
                self.variants.retain(|variant| variant.sku != removed.sku);
            }
            product::Event::Published(_) => self.status = Status::Published,
            product::Event::Unpublished(_) => self.status = Status::Draft,
            product::Event::Archived(archived) => {
                self.status = Status::Archived;
                self.skus_freed = archived.skus == SkusOfArchived::Free;
            }
            product::Event::Restored(_) => {
                self.status = Status::Draft;
                self.skus_freed = false;
            }
        }
    }
}
