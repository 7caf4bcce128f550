//! What a product is found and sorted by besides its words, folded as Meilisearch folds it: so that
//! whoever answers a search in its place gives the same answer.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization as _;

use super::search::Document;

/// The longest folded text, in bytes; more is cut off, as there.
pub const FOLDED_BYTES_MAX: usize = 468;

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

impl Document {
    /// Everything it is filtered by but prices and stock.
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
        brand.chain(categories).chain(attributes).chain(options).collect()
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
    fn what_is_folded_is_bounded() {
        // Eighteen letters each.
        let long = folded(&"\u{fdfa}".repeat(85));
        assert!(long.len() <= FOLDED_BYTES_MAX && long.len() > FOLDED_BYTES_MAX - 4);
    }
}
