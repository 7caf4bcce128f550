//! What can happen to a product, as stored.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};
use crate::options::Options;
use crate::text::{Label, MediaUrl, Prose, Sku};

events! {
    /// It came into the catalogue, as a draft. Schema 2: the category is a path of names; schema 1
    /// had one text, `"Bags > Totes"`.
    Created = "product.created", schema 2;
    /// Some of its details changed.
    Changed = "product.changed", schema 1;
    /// A variant was added, or is another in more than its prices. All of it, prices included.
    VariantSet = "product.variant_set", schema 1;
    /// A variant costs something else, and is otherwise what it was.
    PricesSet = "product.prices_set", schema 1;
    /// A variant is no longer sold.
    VariantRemoved = "product.variant_removed", schema 1;
    /// It is for sale.
    Published = "product.published", schema 1;
    /// It was taken off sale, and is a draft again.
    Unpublished = "product.unpublished", schema 1;
    /// It was withdrawn, until it is restored.
    Archived = "product.archived", schema 1;
    /// It was withdrawn, and is a draft again.
    Restored = "product.restored", schema 1;
}

/// What a product is, apart from its variants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Details {
    /// Its name.
    pub title: Label,
    /// What it is; may contain HTML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Prose>,
    /// Who makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<Label>,
    /// Its category as a path, the widest first: `["Bags", "Totes"]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<Label>,
    /// Facts to filter by: `material: leather`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Label, Label>,
    /// Pictures and videos, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<Media>,
}

/// A picture or video of a product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Media {
    /// Where it is.
    pub url: MediaUrl,
    /// What it shows, for those who do not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt: Option<Label>,
}

/// `product.created`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    /// What it is.
    #[serde(flatten)]
    pub details: Details,
}

/// `product.changed`: only what changed. A field that is absent stayed as it was; a description or
/// brand that is `null` was taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// Its name, which it never is without.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Label")]
    pub title: Option<Label>,
    /// What it is; may contain HTML.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<Prose>>,
    /// Who makes it.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub brand: Option<Option<Label>>,
    /// Its category as a path, the widest first. As with what follows, `null` is none of it.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "Option::is_none")]
    pub category: Option<Vec<Label>>,
    /// Facts to filter by.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "Option::is_none")]
    pub attributes: Option<BTreeMap<Label, Label>>,
    /// Pictures and videos.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "Option::is_none")]
    pub media: Option<Vec<Media>>,
}

impl Changed {
    /// Puts the changes into `details`.
    pub fn apply(&self, details: &mut Details) {
        let Self { title, description, brand, category, attributes, media } = self.clone();
        details.title = title.unwrap_or_else(|| details.title.clone());
        details.description = description.unwrap_or_else(|| details.description.take());
        details.brand = brand.unwrap_or_else(|| details.brand.take());
        details.category = category.unwrap_or_else(|| std::mem::take(&mut details.category));
        details.attributes = attributes.unwrap_or_else(|| std::mem::take(&mut details.attributes));
        details.media = media.unwrap_or_else(|| std::mem::take(&mut details.media));
    }
}

/// Tells a field that is `null` from one that is absent.
pub(super) fn present<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Reads `null` as nothing of a kind, which is not the same as an absent field.
fn or_none<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de> + Default,
    D: serde::Deserializer<'de>,
{
    Option::deserialize(deserializer).map(|value: Option<T>| Some(value.unwrap_or_default()))
}

/// `product.variant_set`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariantSet {
    /// The variant.
    pub sku: Sku,
    /// Its own name, if it has one beside the product's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Label>,
    /// What sets it apart, in the shop's order: `Size: M`.
    #[serde(default, skip_serializing_if = "Options::is_empty")]
    pub options: Options,
    /// What one unit costs, at most once a currency.
    pub prices: Vec<Money>,
    /// Its EAN, UPC or ISBN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub barcode: Option<Label>,
}

impl VariantSet {
    /// What one unit costs in `currency`, if it is sold in it.
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices.iter().copied().find(|price| price.currency() == currency)
    }
}

/// `product.prices_set`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PricesSet {
    /// The variant.
    pub sku: Sku,
    /// What one unit costs from now on, at most once a currency.
    pub prices: Vec<Money>,
}

/// `product.variant_removed`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VariantRemoved {
    /// The variant.
    pub sku: Sku,
}

/// `product.published`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Published {}

/// `product.unpublished`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unpublished {}

/// `product.archived`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Archived {
    /// What becomes of its SKUs.
    pub skus: SkusOfArchived,
}

/// What becomes of the SKUs of a product that is withdrawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SkusOfArchived {
    /// They stay its own: nobody else may sell them.
    #[default]
    Keep,
    /// Other products may take them.
    Free,
}

/// `product.restored`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Restored {}
