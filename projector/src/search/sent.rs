//! A document as it is sent: with the keys of its variants, which nobody is shown.

use domain::page::search_keys::BY_VARIANT;
use serde_json::value::RawValue;

/// The member that holds them.
const MEMBER: &str = "variant_keys";

/// The document with those of its keys that are of its variants, if it has any.
pub fn with_keys(document: Box<RawValue>, keys: Vec<String>) -> Box<RawValue> {
    let of_variants: Vec<String> =
        keys.into_iter().filter(|key| key.starts_with(BY_VARIANT)).collect();
    let Some(members) = document.get().strip_prefix('{').filter(|_| !of_variants.is_empty()) else {
        return document;
    };
    // Texts, and JSON that was parsed: this cannot fail.
    let keys = serde_json::to_string(&of_variants).unwrap_or_default();
    RawValue::from_string(format!("{{\"{MEMBER}\":{keys},{members}")).unwrap_or(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(keys: &[&str]) -> String {
        let document = RawValue::from_string(r#"{"id":"1"}"#.to_owned()).unwrap();
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        with_keys(document, keys).get().to_owned()
    }

    #[test]
    fn keys_of_variants_go_along_and_no_others() {
        assert_eq!(
            sent(&["brand\tacme", "variant", "variant\tany\t1"]),
            r#"{"variant_keys":["variant","variant\tany\t1"],"id":"1"}"#
        );
        assert_eq!(sent(&["brand\tacme"]), r#"{"id":"1"}"#);
    }
}
