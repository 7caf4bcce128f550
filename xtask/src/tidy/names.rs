//! One word, one meaning: no two crates that make up the engine give the same name to a public
//! type. Modules inside a crate may, as every aggregate has its `Event` and its `Error`. The
//! programs that look at the engine from outside are left out: they name what they look at.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::tree::{File, Tree};

/// This file.
const OWN: &str = "xtask/src/tidy/names.rs";
/// Names that several crates give all the same: why, and which.
const ALLOWED: &[(&str, &[&str])] = &[
    ("each program has its own, and none sees another's", &["App", "Error", "Report", "Settings"]),
    (
        "the same thing, once as it is and once as somebody here holds it",
        &["Bus", "Identity", "Log", "Meili", "Outage", "Page", "Tag"],
    ),
    ("of what, says the module before it", &["Key", "Kind", "Row"]),
];

/// Names that two crates give.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut given: BTreeMap<&str, Vec<(&File, usize)>> = BTreeMap::new();
    for file in tree.ending(&[".rs"]).filter(|file| file.is_of_the_engine()) {
        for (number, line) in file.lines() {
            if let Some(name) = declared(line) {
                given.entry(name).or_default().push((file, number));
            }
        }
    }
    let crates = |places: &[(&File, usize)]| -> BTreeSet<String> {
        places.iter().map(|(file, _)| file.folder().to_owned()).collect()
    };
    given.retain(|_, places| crates(places).len() > 1);
    let allowed = || ALLOWED.iter().flat_map(|(_, names)| *names).copied();
    let mut found = Vec::new();
    for (name, places) in given.iter().filter(|(name, _)| !allowed().any(|it| it == **name)) {
        let (file, line) = places[places.len() - 1];
        let others: Vec<String> =
            places.iter().map(|(file, line)| format!("{}:{line}", file.path)).collect();
        let says = format!("`{name}` means something in several crates: {}", others.join(", "));
        found.push(Finding::at(&file.path, line, says));
    }
    // Of a whole tree, and not of a test's.
    let stale = allowed().filter(|name| tree.file(OWN).is_some() && !given.contains_key(name));
    found.extend(stale.map(|name| {
        Finding::of(OWN, format!("`{name}` is in several crates no more: take it off the list"))
    }));
    found
}

/// The public type that a line declares.
fn declared(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let (kind, rest) = rest.split_once(' ')?;
    if !["struct", "enum", "trait", "type", "union"].contains(&kind) {
        return None;
    }
    let name = rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()?;
    // A macro's, which makes many.
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_two_crates_is_found() {
        let place = "query-api/src/b.rs";
        let tree = Tree::of(&[
            ("domain/src/a.rs", "//! A.\npub enum Quince {}\nstruct Own;\n"),
            ("domain/src/b.rs", "//! B.\npub struct Quince;\n"),
            (place, "//! B.\n    pub struct Quince<T>(T);\npub struct Own;\n"),
            ("proof/bench/src/b.rs", "//! B.\npub struct Own;\n"),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].place.as_str(), found[0].line), (place, 2));
    }

    #[test]
    fn only_public_types_are_declared() {
        assert_eq!(declared("pub struct Cart {"), Some("Cart"));
        assert_eq!(declared("    pub type Rows<'a> = Vec<&'a str>;"), Some("Rows"));
        assert_eq!(declared("pub(crate) struct Cart;"), None);
        assert_eq!(declared("pub fn cart() {}"), None);
        assert_eq!(declared("        pub enum $error {"), None);
    }
}
