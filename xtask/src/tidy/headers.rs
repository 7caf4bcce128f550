//! Every Rust file says in its first lines what it owns.

use super::Finding;
use super::tree::Tree;

/// Files that begin with something else.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let silent = tree.ending(&[".rs"]).filter(|file| !file.text.starts_with("//! "));
    let says = "begin with `//!` and say what the file owns";
    silent.map(|file| Finding::at(&file.path, 1, says)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_begins_with_what_it_owns() {
        let tree = Tree::of(&[
            ("a.rs", "//! Owns a.\n"),
            ("b.rs", "use std::fmt;\n//! Too late.\n"),
            ("c.sql", "SELECT 1"),
        ]);
        let places: Vec<String> = check(&tree).into_iter().map(|found| found.place).collect();
        assert_eq!(places, ["b.rs"]);
    }
}
