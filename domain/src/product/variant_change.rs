//! A change of a variant that says only what changes (a merge patch, RFC 7396): a new price leaves
//! options and barcode alone. What it comes to is decided on the variant as it is at that moment,
//! so that two who change different things of it undo nothing of each other's.

use schemars::JsonSchema;
use serde::Deserialize;

use super::VariantSet;
use super::event::present;
use crate::money::Money;
use crate::options::Options;
use crate::text::Label;

/// What changes of a variant: a field that is absent stays as it was, one that is `null` is taken
/// away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantChange {
    /// Its own name.
    #[serde(default, deserialize_with = "present")]
    pub title: Option<Option<Label>>,
    /// What sets it apart: all of it, for the order is a part of what it says.
    #[serde(default, deserialize_with = "present")]
    pub options: Option<Option<Options>>,
    /// What one unit costs, in all currencies.
    #[serde(default, deserialize_with = "present")]
    pub prices: Option<Option<Vec<Money>>>,
    /// Its EAN, UPC or ISBN.
    #[serde(default, deserialize_with = "present")]
    pub barcode: Option<Option<Label>>,
}

impl VariantChange {
    /// The variant as it is after the change.
    pub fn apply(self, variant: VariantSet) -> VariantSet {
        let Self { title, options, prices, barcode } = self;
        VariantSet {
            sku: variant.sku,
            title: title.unwrap_or(variant.title),
            options: options.map_or(variant.options, Option::unwrap_or_default),
            prices: prices.map_or(variant.prices, Option::unwrap_or_default),
            barcode: barcode.unwrap_or(variant.barcode),
        }
    }
}
