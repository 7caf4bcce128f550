//! The document that a shopper's search finds: a product in the shape a search engine filters,
//! sorts and counts by; and what is known of each SKU's stock, of which it shows only whether
//! there is any.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::html;
use crate::Event;
use crate::StreamId;
use crate::ids::ProductId;
use crate::money::{Currency, Money};
use crate::options::{Options, VariantOption};
use crate::product::document::Status;
use crate::product::{self, Details, VariantSet};
use crate::seen::{Seen, stamp};
use crate::text::{Label, MediaUrl, Prose, Sku};
use crate::{sku, stock};

/// A variant, and whether it can be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SearchVariant")]
pub struct Variant {
    /// Its SKU.
    pub sku: Sku,
    /// Its own name, if it has one beside the product's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Label>,
    /// What sets it apart.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// What one unit costs.
    pub prices: Vec<Money>,
    /// Its EAN, UPC or ISBN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barcode: Option<Label>,
    /// Whether any unit of it may be sold.
    pub in_stock: bool,
}

/// A product as search finds it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SearchHit", extend("examples" = [crate::page::example::search_hit()]))]
pub struct Document {
    /// The product.
    pub id: ProductId,
    /// The version of its stream.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// Only published products are found.
    pub status: Status,
    /// What it is, the description without HTML, the media left out.
    #[serde(flatten)]
    pub details: Details,
    /// The category path once more, by level, for facets: `lvl1: "Bags > Totes"`.
    pub category_levels: BTreeMap<String, String>,
    /// All values of each option, over all variants: to filter by, so an object, without order.
    pub options: BTreeMap<Label, BTreeSet<Label>>,
    /// All SKUs.
    pub skus: Vec<Sku>,
    /// The lowest price in each currency. A float, because search engines compare no other
    /// numbers; what is charged is in `variants`.
    pub price: BTreeMap<Currency, f64>,
    /// The highest price in each currency.
    pub price_max: BTreeMap<Currency, f64>,
    /// Whether any unit of any variant may be sold.
    pub in_stock: bool,
    /// The first picture.
    pub image: Option<MediaUrl>,
    /// Its variants.
    pub variants: Vec<Variant>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// The same in seconds since 1970, to sort by.
    pub created_ts: i64,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The document after an event of its product. Whether a new variant is in stock is not known
/// here: [`Document::set_in_stock`] says it.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (Event::Product(event), StreamId::Product(id)) = (seen.event, seen.stream) else {
        return document;
    };
    let mut document = match (document, event) {
        (None, product::Event::Created(created)) => create(*id, created.details.clone(), seen),
        (document, _) => document?,
    };
    if document.id == *id {
        document.apply(event);
        document.derive();
        stamp!(document, seen);
    }
    Some(document)
}

fn create(id: ProductId, details: Details, seen: &Seen) -> Document {
    let mut document = Document {
        id,
        version: seen.version,
        position: seen.position,
        status: Status::Draft,
        details,
        category_levels: BTreeMap::new(),
        options: BTreeMap::new(),
        skus: vec![],
        price: BTreeMap::new(),
        price_max: BTreeMap::new(),
        in_stock: false,
        image: None,
        variants: vec![],
        created_at: seen.occurred_at,
        created_ts: seen.occurred_at.timestamp(),
        updated_at: seen.occurred_at,
    };
    document.shorten(true, true);
    document
}

impl Document {
    /// Whether it is to be found.
    pub fn listed(&self) -> bool {
        self.status == Status::Published
    }

    /// Sets whether a SKU is in stock, as of a position. Says whether that is news.
    pub fn set_in_stock(&mut self, sku: &Sku, in_stock: bool, position: i64) -> bool {
        let Some(variant) = self.variants.iter_mut().find(|variant| variant.sku == *sku) else {
            return false;
        };
        if variant.in_stock == in_stock {
            return false;
        }
        variant.in_stock = in_stock;
        self.position = self.position.max(position);
        self.derive();
        true
    }

    fn apply(&mut self, event: &product::Event) {
        match event {
            product::Event::Created(_) => {}
            product::Event::Changed(changed) => {
                changed.apply(&mut self.details);
                self.shorten(changed.media.is_some(), changed.description.is_some());
            }
            product::Event::VariantSet(set) => self.set_variant(set),
            product::Event::PricesSet(set) => {
                if let Some(known) = self.variants.iter_mut().find(|known| known.sku == set.sku) {
                    known.prices.clone_from(&set.prices);
                }
            }
            product::Event::VariantRemoved(removed) => {
                self.variants.retain(|variant| variant.sku != removed.sku);
            }
            product::Event::Published(_) => self.status = Status::Published,
            product::Event::Unpublished(_) | product::Event::Restored(_) => {
                self.status = Status::Draft;
            }
            product::Event::Archived(_) => self.status = Status::Archived,
        }
    }

    fn set_variant(&mut self, set: &VariantSet) {
        let VariantSet { sku, title, options, prices, barcode } = set.clone();
        let known = self.variants.iter_mut().find(|known| known.sku == sku);
        let in_stock = known.as_ref().is_some_and(|known| known.in_stock);
        let variant = Variant { sku, title, options, prices, barcode, in_stock };
        match known {
            Some(known) => *known = variant,
            None => self.variants.push(variant),
        }
    }

    /// Leaves of new details what search needs.
    fn shorten(&mut self, new_media: bool, new_description: bool) {
        let media = std::mem::take(&mut self.details.media);
        if new_media {
            self.image = media.into_iter().next().map(|medium| medium.url);
        }
        if new_description {
            let html = self.details.description.take();
            self.details.description =
                html.and_then(|html| Prose::try_from(html::strip(html.as_str())).ok());
        }
    }

    fn derive(&mut self) {
        self.category_levels = levels(&self.details.category);
        self.options = BTreeMap::new();
        self.price = BTreeMap::new();
        self.price_max = BTreeMap::new();
        for variant in &self.variants {
            for VariantOption { name, value } in variant.options.as_slice() {
                self.options.entry(name.clone()).or_default().insert(value.clone());
            }
            for price in &variant.prices {
                let amount = price.amount().to_f64().unwrap_or_default();
                let lowest = self.price.entry(price.currency()).or_insert(amount);
                *lowest = lowest.min(amount);
                let highest = self.price_max.entry(price.currency()).or_insert(amount);
                *highest = highest.max(amount);
            }
        }
        self.skus = self.variants.iter().map(|variant| variant.sku.clone()).collect();
        self.in_stock = self.variants.iter().any(|variant| variant.in_stock);
    }
}

fn levels(category: &[Label]) -> BTreeMap<String, String> {
    let names: Vec<&str> = category.iter().map(Label::as_str).collect();
    (0..names.len()).map(|level| (format!("lvl{level}"), names[..=level].join(" > "))).collect()
}

/// Whose a SKU is, and how many units of it may be sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// The product that sells it now.
    pub product_id: Option<ProductId>,
    /// Units that may be sold, over all locations.
    pub units: i64,
    /// Units that may be promised beyond them.
    #[serde(default)]
    pub backorder_max: u32,
}

impl Availability {
    /// Whether any unit may be sold.
    pub fn in_stock(&self) -> bool {
        self.units > 0
    }

    /// Folds an event of the SKU or of its stock; any other changes nothing.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Sku(sku::Event::Assigned(assigned)) => {
                self.product_id = Some(assigned.product_id);
            }
            Event::Sku(sku::Event::Released(_)) => self.product_id = None,
            Event::Stock(stock::Event::PolicySet(set)) => self.backorder_max = set.backorder_max,
            Event::Stock(event) => self.units += event.available_by(),
            // Of other kinds.
            _ => {}
        }
    }
}
