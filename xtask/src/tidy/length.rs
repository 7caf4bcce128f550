//! No file is longer than can be held in mind.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::Tree;

/// This file.
const OWN: &str = "xtask/src/tidy/length.rs";
/// Lines of a file.
const LINES_MAX: usize = 400;
/// What people write: the ends of names. Not what programs make, such as lock files, snapshots and
/// query data.
const KINDS: &[&str] = &[".rs", ".sql", ".toml", ".sh", ".md", ".yml", ".ci/run"];
/// What is longer, each with its reason.
const LONGER: &[(&str, &str)] = &[("migrations/schema.sql", "made by `cargo xtask schema`")];

/// Files that are too long.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let allowed = |path: &str| LONGER.iter().any(|(longer, _)| *longer == path);
    let (mut found, mut longer) = (Vec::new(), BTreeSet::new());
    for file in tree.ending(KINDS) {
        let lines = file.text.lines().count();
        if lines > LINES_MAX && allowed(&file.path) {
            longer.insert(file.path.as_str());
        } else if lines > LINES_MAX {
            let says =
                format!("{lines} lines, {LINES_MAX} at most: give a part of it its own file");
            found.push(Finding::of(&file.path, says));
        }
    }
    // Of a whole tree, and not of a test's.
    if tree.file(OWN).is_some() {
        let stale = LONGER.iter().filter(|(path, _)| !longer.contains(path));
        found.extend(stale.map(|(path, _)| {
            Finding::of(OWN, format!("{path} is not too long: take it off the list"))
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found_but_not_what_programs_make() {
        let long = "\n".repeat(LINES_MAX + 1);
        let found = |path| check(&Tree::of(&[(path, &long)])).len();
        assert_eq!(found("domain/src/cart/mod.rs"), 1);
        assert_eq!(found("domain/tests/it/folds/cart.snap"), 0);
        assert_eq!(found("Cargo.lock"), 0);
        assert_eq!(found(LONGER[0].0), 0);
        assert_eq!(check(&Tree::of(&[("a.rs", &"\n".repeat(LINES_MAX))])), []);
    }

    #[test]
    fn an_excuse_that_nobody_needs_is_found() {
        let of = |lines| {
            let text = "\n".repeat(lines);
            check(&Tree::of(&[(OWN, "//! Length.\n"), (LONGER[0].0, &text)]))
        };
        assert_eq!(of(LINES_MAX + 1), []);
        assert_eq!(of(LINES_MAX).len(), 1);
    }
}
