//! No line is wider than rustfmt makes code. It wraps neither comments nor strings, and leaves code
//! as it is in which one of them is too wide; and it does not look at SQL, TOML or shell.

use super::Finding;
use super::tree::{File, Tree};

/// This file.
const OWN: &str = "xtask/src/tidy/width.rs";
/// Columns, as in rustfmt.toml.
const COLUMNS_MAX: usize = 100;
/// What is looked at: the ends of names.
const KINDS: &[&str] = &[".rs", ".sql", ".toml", ".sh", ".ci/run"];
/// The last migration from before the rule: they are never edited, not even their comments, for a
/// database remembers what each one was when it was applied.
const MIGRATION_BEFORE: &str = "migrations/0056_no_index_by_locale.sql";
/// Made by a program, which does not wrap.
const MADE: &[&str] = &["migrations/schema.sql"];

/// Lines that are too wide.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        tree.ending(KINDS).filter(|file| !passes(file)).flat_map(wide).collect();
    // Of a whole tree, and not of a test's.
    if tree.file(OWN).is_some() {
        let is_wide = |path: &str| tree.file(path).is_some_and(|file| !wide(file).is_empty());
        let stale = MADE.iter().filter(|path| !is_wide(path));
        found.extend(stale.map(|path| {
            Finding::of(OWN, format!("{path} has no wide line: take it off the list"))
        }));
    }
    found
}

fn passes(file: &File) -> bool {
    let migration = file.path.starts_with("migrations/0");
    MADE.contains(&file.path.as_str()) || migration && file.path.as_str() <= MIGRATION_BEFORE
}

fn wide(file: &File) -> Vec<Finding> {
    let columns = |line: &str| line.chars().count();
    let lines = file.lines().filter(|(_, line)| columns(line) > COLUMNS_MAX);
    // An address cannot be broken.
    let lines = lines.filter(|(_, line)| !line.contains("://"));
    let says = |line| format!("{} columns, {COLUMNS_MAX} at most", columns(line));
    lines.map(|(number, line)| Finding::at(&file.path, number, says(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_lines_are_found_where_they_can_be_broken() {
        let wide = format!("// {}\n", "x".repeat(COLUMNS_MAX));
        let found = |path| check(&Tree::of(&[(path, &format!("//! Fits.\n{wide}"))]));
        assert_eq!(found("a/src/b.rs"), [Finding::at("a/src/b.rs", 2, "103 columns, 100 at most")]);
        assert_eq!(found("migrations/0070_new.sql").len(), 1);
        assert_eq!(found("migrations/0001_log.sql"), []);
        assert_eq!(found("README.md"), []);
        let address = format!("// see https://{}\n", "x".repeat(COLUMNS_MAX));
        assert_eq!(check(&Tree::of(&[("a.rs", &address)])), []);
    }

    #[test]
    fn an_excuse_that_nobody_needs_is_found() {
        let of = |columns| {
            let text = format!("{}\n", "x".repeat(columns));
            check(&Tree::of(&[(OWN, "//! Width.\n"), (MADE[0], &text)]))
        };
        assert_eq!(of(COLUMNS_MAX + 1), []);
        assert_eq!(of(COLUMNS_MAX).len(), 1);
    }
}
