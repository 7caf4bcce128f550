//! What an order is found by besides its number and its statuses: the SKUs in it and the codes by
//! which its parcels are followed. Nothing of people: that lies in the vault.

use std::collections::BTreeSet;

use super::order::Document;

/// A tracking code in the one spelling by which it is found: carriers print it with spaces, and
/// people type it in any case.
pub fn tracking_key(code: &str) -> String {
    code.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
}

impl Document {
    /// Every SKU that was bought, also of lines that were called off.
    pub fn skus(&self) -> BTreeSet<&str> {
        self.lines.iter().map(|line| line.line.sku.as_str()).collect()
    }

    /// The codes of its parcels, as [`tracking_key`] spells them.
    pub fn tracking_keys(&self) -> BTreeSet<String> {
        let codes = self.fulfilments.iter().filter_map(|parcel| parcel.tracking.as_ref());
        codes.map(|code| tracking_key(code.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_one_however_it_is_printed_and_typed() {
        assert_eq!(tracking_key("1Z 999 AA1\u{a0}01"), tracking_key("1z999aa101"));
        assert_ne!(tracking_key("1Z-999"), tracking_key("1Z999"));
    }
}
