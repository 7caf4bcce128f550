//! One word, one meaning: no two crates that make up the engine give the same name to a public
//! type, and no two files of a crate to one that others of its files can see. In `domain` they
//! may, as every aggregate has its `Event` and its `Error`. A private type may be called as one of
//! another file, which says of what it is. The programs that look at the engine from outside are
//! left out: they name what they look at.

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

/// A crate, and names in it.
type Names = (&'static str, &'static [&'static str]);
/// The same inside a crate.
const ALLOWED_WITHIN: &[(&str, &[Names])] = &[
    (
        "of what, says the module before it",
        &[
            ("command-api", &["Error"]),
            ("import", &["Columns", "FieldFormat"]),
            ("query-api", &["Found", "Parameters", "Sort"]),
            ("reactor", &["Error", "Settings", "Waiting"]),
        ],
    ),
    ("what is asked for, on a command line and by a route", &[("identity", &["Newcomer"])]),
    ("a body and a key, each where nobody else looks", &[("identity", &["Code", "Wanted"])]),
    ("a gateway, and what it is told from outside", &[("reactor", &["Paypal", "Stripe"])]),
];
/// The crate whose modules are words before each name.
const BY_MODULE: &str = "domain";

/// A type, where it is declared.
struct Declared<'a> {
    name: &'a str,
    file: &'a File,
    line: usize,
    /// Whether other crates may see it.
    is_public: bool,
}

/// Names that two crates give, or two files of one.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut types = Vec::new();
    for file in tree.ending(&[".rs"]).filter(|file| file.is_of_the_engine()) {
        for (line, text) in file.lines() {
            if let Some((is_public, name)) = declared(text) {
                types.push(Declared { name, file, line, is_public });
            }
        }
    }
    // Of a whole tree, and not of a test's.
    let whole = tree.file(OWN).is_some();
    let mut found = between_crates(&types, whole);
    found.extend(between_files(&types, whole));
    found
}

fn between_crates(types: &[Declared], whole: bool) -> Vec<Finding> {
    let mut given: BTreeMap<&str, Vec<&Declared>> = BTreeMap::new();
    for it in types.iter().filter(|it| it.is_public) {
        given.entry(it.name).or_default().push(it);
    }
    given.retain(|_, places| differ(places, |it| it.file.folder()));
    let allowed = || ALLOWED.iter().flat_map(|(_, names)| *names).copied();
    let unlisted = given.iter().filter(|(name, _)| !allowed().any(|it| it == **name));
    let mut found: Vec<Finding> =
        unlisted.map(|(name, places)| twice(name, "several crates", places)).collect();
    let stale = allowed().filter(|name| whole && !given.contains_key(name));
    found.extend(stale.map(|name| stale_entry(name, "several crates")));
    found
}

fn between_files(types: &[Declared], whole: bool) -> Vec<Finding> {
    let mut given: BTreeMap<(&str, &str), Vec<&Declared>> = BTreeMap::new();
    for it in types.iter().filter(|it| it.file.folder() != BY_MODULE) {
        given.entry((it.file.folder(), it.name)).or_default().push(it);
    }
    given.retain(|_, places| differ(places, |it| &it.file.path));
    let crates = || ALLOWED_WITHIN.iter().flat_map(|(_, crates)| *crates);
    let allowed = || crates().flat_map(|(of, names)| names.iter().map(|name| (*of, *name)));
    let unlisted = given.iter().filter(|(known, _)| !allowed().any(|it| it == **known));
    let mut found: Vec<Finding> =
        unlisted.map(|((_, name), places)| twice(name, "several files", places)).collect();
    let stale = allowed().filter(|known| whole && !given.contains_key(known));
    found.extend(stale.map(|(of, name)| stale_entry(name, &format!("several files of {of}"))));
    found
}

/// Whether there are two of what is told of each.
fn differ<'a>(places: &[&Declared<'a>], of: impl Fn(&Declared<'a>) -> &'a str) -> bool {
    places.iter().map(|it| of(it)).collect::<BTreeSet<_>>().len() > 1
}

fn twice(name: &str, places_of: &str, places: &[&Declared]) -> Finding {
    let last = places[places.len() - 1];
    let all: Vec<String> =
        places.iter().map(|it| format!("{}:{}", it.file.path, it.line)).collect();
    let says = format!("`{name}` means something in {places_of}: {}", all.join(", "));
    Finding::at(&last.file.path, last.line, says)
}

fn stale_entry(name: &str, places_of: &str) -> Finding {
    Finding::of(OWN, format!("`{name}` is in {places_of} no more: take it off the list"))
}

/// The type that a line declares for others to see, and whether these may be of other crates.
fn declared(line: &str) -> Option<(bool, &str)> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let (is_public, rest) = match rest.strip_prefix('(') {
        Some(rest) => (false, rest.split_once(')')?.1),
        None => (true, rest),
    };
    let (kind, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    if !["struct", "enum", "trait", "type", "union"].contains(&kind) {
        return None;
    }
    let name = rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()?;
    // A macro's, which makes many.
    (!name.is_empty()).then_some((is_public, name))
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
    fn a_name_in_two_files_of_a_crate_is_found() {
        let tree = Tree::of(&[
            ("vault/src/a.rs", "//! A.\npub(crate) struct Quince;\nstruct Own;\n"),
            ("vault/src/b.rs", "//! B.\npub(super) enum Quince {}\nstruct Own;\n"),
            ("domain/src/a.rs", "//! A.\npub enum Event {}\n"),
            ("domain/src/b.rs", "//! B.\npub enum Event {}\n"),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].place.as_str(), found[0].line), ("vault/src/b.rs", 2));
    }

    #[test]
    fn only_what_others_see_is_declared() {
        assert_eq!(declared("pub struct Cart {"), Some((true, "Cart")));
        assert_eq!(declared("    pub type Rows<'a> = Vec<&'a str>;"), Some((true, "Rows")));
        assert_eq!(declared("pub(crate) struct Cart;"), Some((false, "Cart")));
        assert_eq!(declared("struct Cart;"), None);
        assert_eq!(declared("pub fn cart() {}"), None);
        assert_eq!(declared("        pub enum $error {"), None);
    }
}
