//! What a product is found and sorted by besides its words, folded as Meilisearch folds it: so that
//! whoever answers a search in its place gives the same answer.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

use super::search::{Document, Variant};
use crate::options::VariantOption;

/// The longest folded text, in bytes; more is cut off, as there.
pub const FOLDED_BYTES_MAX: usize = 468;

/// So many options are looked for in one variant; of more, so many at a time.
pub const TOGETHER_MAX: usize = 3;
/// Options that a variant may have for that: of one with more, any three would be too many keys.
/// Its product is found by each option alone.
pub const VARIANT_OPTIONS_MAX: usize = 6;
/// What a product has among its keys whose variants are known by their options together.
pub const BY_VARIANT: &str = "variant";
/// Of the digests that stand for options.
const NAMESPACE: Uuid = Uuid::from_u128(0x3b1d_95c0_6f0e_4c55_8b57_2f6a_9d84_e0a1);

/// A text without what tells spellings apart: spaces around it, case, ligatures and the like.
/// Accents stay.
pub fn folded(text: &str) -> String {
    let mut folded = text.trim().nfkd().collect::<String>().to_lowercase();
    folded.truncate(folded.floor_char_boundary(FOLDED_BYTES_MAX));
    folded
}

/// A value that products are filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key<'a> {
    /// Its brand.
    Brand(&'a str),
    /// A name in its category path.
    Category(&'a str),
    /// An attribute, and its value.
    Attribute(&'a str, &'a str),
    /// An option, and a value of it that some variant has.
    Option(&'a str, &'a str),
}

impl Key<'_> {
    /// The key as it is kept: two have the same text if they mean the same. No label holds a tab.
    pub fn text(self) -> String {
        match self {
            Self::Brand(brand) => format!("brand\t{}", folded(brand)),
            Self::Category(name) => format!("category\t{}", folded(name)),
            Self::Attribute(name, value) => format!("attribute\t{name}\t{}", folded(value)),
            Self::Option(name, value) => format!("option\t{name}\t{}", folded(value)),
        }
    }
}

/// The key of a variant that has all of these options, names with values, and, if that is asked, is
/// in stock. A digest: several of the longest texts would be cut off by those who keep keys.
pub fn together<'a>(
    options: impl IntoIterator<Item = (&'a str, &'a str)>,
    in_stock: bool,
) -> String {
    let mut options: Vec<(&str, &str)> = options.into_iter().collect();
    options.sort_unstable();
    let told = options.into_iter().map(|(name, value)| [name, "\t", &folded(value), "\n"].concat());
    let text: String = told.collect();
    let digest = Uuid::new_v5(&NAMESPACE, text.as_bytes()).simple();
    let stock = if in_stock { "in_stock" } else { "any" };
    format!("{BY_VARIANT}\t{stock}\t{digest}")
}

/// The keys of a variant: of all its options that may be looked for together. One alone is a key of
/// the product, unless it is to be in stock.
fn of_variant(variant: &Variant) -> Vec<String> {
    let options = variant.options.as_slice();
    let mut keys = Vec::new();
    for choice in 1_u32..1 << options.len() {
        let count = choice.count_ones() as usize;
        if count > TOGETHER_MAX {
            continue;
        }
        let chosen = || {
            let chosen = options.iter().enumerate().filter(|(n, _)| choice >> n & 1 == 1);
            chosen.map(|(_, VariantOption { name, value })| (name.as_str(), value.as_str()))
        };
        if count > 1 {
            keys.push(together(chosen(), false));
        }
        if variant.in_stock {
            keys.push(together(chosen(), true));
        }
    }
    keys
}

impl Document {
    /// Whether its variants are known by their options together, and by which keys.
    fn variant_keys(&self) -> impl Iterator<Item = String> {
        let few = |variant: &Variant| variant.options.as_slice().len() <= VARIANT_OPTIONS_MAX;
        let known = self.variants.iter().all(few).then_some(&self.variants);
        let marked = known.map(|_| BY_VARIANT.to_owned());
        marked.into_iter().chain(known.into_iter().flatten().flat_map(of_variant))
    }

    /// Everything it is filtered by but prices, and stock by itself.
    pub fn keys(&self) -> BTreeSet<String> {
        let details = &self.details;
        let brand = details.brand.iter().map(|brand| Key::Brand(brand.as_str()).text());
        let categories = details.category.iter().map(|name| Key::Category(name.as_str()).text());
        let attributes = details.attributes.iter();
        let attributes =
            attributes.map(|(name, value)| Key::Attribute(name.as_str(), value.as_str()).text());
        let options = self.options.iter().flat_map(|(name, values)| {
            values.iter().map(|value| Key::Option(name.as_str(), value.as_str()).text())
        });
        let keys = brand.chain(categories).chain(attributes).chain(options);
        keys.chain(self.variant_keys()).collect()
    }

    /// Its title as a sort key.
    pub fn title_key(&self) -> String {
        folded(self.details.title.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_the_same_are_one_and_accents_tell_apart() {
        for (one, other) in [("Acme", " ACME "), ("Ödland", "öDLAND"), ("ﬁne", "FINE"), ("Ⅳ", "iv")]
        {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("Odland"), folded("Ödland"));
        assert_ne!(Key::Attribute("a", "b").text(), Key::Option("a", "b").text());
        assert_ne!(Key::Attribute("Colour", "red").text(), Key::Attribute("colour", "red").text());
    }

    #[test]
    fn options_are_together_in_any_order_and_spelling() {
        let red = together([("Colour", "red"), ("Size", "M")], false);
        assert_eq!(red, together([("Size", "m"), ("Colour", " RED")], false));
        for other in [
            together([("Colour", "red"), ("Size", "M")], true),
            together([("Colour", "M"), ("Size", "red")], false),
            together([("Colour", "red")], false),
        ] {
            assert_ne!(red, other);
        }
    }

    #[test]
    fn of_many_options_any_three_are_together() {
        let variant = |count: usize| -> Variant {
            let option = |n| serde_json::json!({"name": format!("o{n}"), "value": "x"});
            let options: Vec<_> = (0..count).map(option).collect();
            let variant = serde_json::json!({"sku": "A", "options": options, "prices": [],
                "in_stock": true});
            serde_json::from_value(variant).unwrap()
        };
        // Any two or three, and in stock one as well.
        assert_eq!(of_variant(&variant(3)).len(), 4 + 7);
        assert_eq!(of_variant(&variant(VARIANT_OPTIONS_MAX)).len(), 35 + 41);
    }

    #[test]
    fn what_is_folded_is_bounded() {
        // Eighteen letters each.
        let long = folded(&"\u{fdfa}".repeat(85));
        assert!(long.len() <= FOLDED_BYTES_MAX && long.len() > FOLDED_BYTES_MAX - 4);
    }
}
