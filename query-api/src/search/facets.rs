//! Counting hits by their facets as Meilisearch does: spellings of the same value are one, under
//! the spelling of the first product, and of each facet so many values are told.

use std::collections::{BTreeMap, BTreeSet};

use domain::page::search_keys::folded;
use serde::Deserialize;
use uuid::Uuid;

use super::Facets;

/// The most values of a facet, as in Meilisearch's settings.
pub const VALUES_MAX: usize = 200;

/// What is counted of a document.
#[derive(Debug, Deserialize)]
pub struct Faceted {
    id: Uuid,
    brand: Option<String>,
    in_stock: bool,
    category_levels: BTreeMap<String, String>,
    #[serde(default)]
    attributes: Option<BTreeMap<String, String>>,
    options: BTreeMap<String, Vec<String>>,
}

impl Faceted {
    fn values(&self) -> impl Iterator<Item = (String, &str)> {
        let in_stock = if self.in_stock { "true" } else { "false" };
        let brand = self.brand.iter().map(|brand| ("brand".to_owned(), brand.as_str()));
        let levels = self
            .category_levels
            .iter()
            .map(|(level, path)| (format!("category_levels.{level}"), path.as_str()));
        let attributes = self.attributes.iter().flatten();
        let attributes =
            attributes.map(|(name, value)| (format!("attributes.{name}"), value.as_str()));
        let options = self.options.iter().flat_map(|(name, values)| {
            values.iter().map(move |value| (format!("options.{name}"), value.as_str()))
        });
        brand
            .chain([("in_stock".to_owned(), in_stock)])
            .chain(levels)
            .chain(attributes)
            .chain(options)
    }
}

/// How many of the documents have each value.
pub fn count(mut documents: Vec<Faceted>) -> Facets {
    documents.sort_unstable_by_key(|document| document.id);
    let mut counts: BTreeMap<String, BTreeMap<String, (&str, u64)>> = BTreeMap::new();
    for document in &documents {
        let values = document.values().map(|(facet, value)| (facet, folded(value), value));
        let mut counted = BTreeSet::new();
        for (facet, key, value) in values {
            if counted.insert((facet.clone(), key.clone())) {
                counts.entry(facet).or_default().entry(key).or_insert((value, 0)).1 += 1;
            }
        }
    }
    let told = |values: BTreeMap<String, (&str, u64)>| {
        let first = values.into_values().take(VALUES_MAX);
        first.map(|(value, hits)| (value.to_owned(), hits)).collect()
    };
    counts.into_iter().map(|(facet, values)| (facet, told(values))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(n: u128, colour: &str, sizes: &[&str]) -> Faceted {
        serde_json::from_value(json!({
            "id": Uuid::from_u128(n), "brand": null, "in_stock": n == 1, "category_levels": {},
            "attributes": {"colour": colour}, "options": {"size": sizes},
        }))
        .unwrap()
    }

    #[test]
    fn spellings_are_counted_as_one_and_a_document_once() {
        let facets = count(vec![document(2, "RED", &["s", "S", "M"]), document(1, "Red", &["m"])]);
        let expected = json!({
            "attributes.colour": {"Red": 2}, "in_stock": {"false": 1, "true": 1},
            "options.size": {"m": 2, "s": 1},
        });
        assert_eq!(serde_json::to_value(facets).unwrap(), expected);
    }

    #[test]
    fn values_are_bounded() {
        let documents = (0..300).map(|n| document(n, &format!("{n:03}"), &[])).collect();
        let colours = &count(documents)["attributes.colour"];
        assert_eq!((colours.len(), colours.keys().last().unwrap().as_str()), (VALUES_MAX, "199"));
    }
}
