//! What documents name is there: files and folders between backticks, and what links lead to. A
//! path may be named by its end, as `routes/cart.rs` or `cart/`.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

/// This file.
const OWN: &str = "xtask/src/tidy/paths.rs";
/// Ends of what is taken for the path of a file.
const KINDS: &[&str] =
    &[".rs", ".sql", ".md", ".toml", ".yml", ".json", ".sh", ".txt", ".lock", ".snap"];
/// Documents that tell of what was: what they name may be gone.
const HISTORY: &[&str] = &["CHANGELOG.md", "docs/decisions/"];
/// What stands for any number.
const ANY: &str = "NNNN";
/// What is named and made elsewhere, each with its reason.
const ELSEWHERE: &[(&str, &str)] = &[
    ("db/init.sql", "of the peer that bench compares with"),
    ("artifacts/", "what fuzzing finds; git ignores it"),
    ("bench.json", "what a bench writes into the build folder"),
];

/// Paths that lead nowhere.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut there: BTreeSet<&str> = BTreeSet::new();
    for file in &tree.files {
        there.extend(ends(&file.path));
        // Its folders too, by their ends.
        let mut folder = file.path.as_str();
        while let Some((above, _)) = folder.rsplit_once('/') {
            there.extend(ends(above));
            folder = above;
        }
    }
    let tells = |file: &&File| !HISTORY.iter().any(|history| file.path.starts_with(history));
    let (mut found, mut excused) = (Vec::new(), BTreeSet::new());
    for file in tree.ending(&[".md", ".rs"]).filter(tells) {
        let mut code = false;
        for (number, line) in file.lines() {
            let document = file.is(".md");
            if document && line.trim_start().starts_with("```") {
                code = !code;
            }
            let comment = line.trim_start().starts_with("//");
            if code || !(document || comment) {
                continue;
            }
            for named in named(line, document) {
                if there.contains(named.trim_end_matches('/')) {
                    continue;
                }
                let elsewhere = ELSEWHERE.iter().find(|(path, _)| *path == named);
                let Some((path, _)) = elsewhere else {
                    found.push(Finding::at(&file.path, number, format!("`{named}` is not there")));
                    continue;
                };
                excused.insert(*path);
            }
        }
    }
    // Of a whole tree, and not of a test's.
    if tree.file(OWN).is_some() {
        let stale = ELSEWHERE.iter().filter(|(path, _)| !excused.contains(path));
        found.extend(stale.map(|(path, _)| {
            let says = format!("`{path}` is there, or named by nobody: take it off the list");
            Finding::of(OWN, says)
        }));
    }
    found
}

/// A path and its ends: `a/b/c` is also `b/c` and `c`.
fn ends(path: &str) -> impl Iterator<Item = &str> {
    std::iter::once(path).chain(path.match_indices('/').map(|(at, _)| &path[at + 1..]))
}

/// The paths that a line names.
fn named(line: &str, document: bool) -> Vec<&str> {
    let mut named: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
    if document {
        let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        named.extend(links.map(|link| link.split('#').next().unwrap_or_default()));
    }
    named.retain(|text| is_path(text));
    // From the folder of the document: the names behind it say enough.
    named.into_iter().map(|path| path.trim_start_matches("../").trim_start_matches("./")).collect()
}

/// Whether a text is a path of ours: an absolute one is a route, and one that begins with a dot is
/// git's or cargo's own.
fn is_path(text: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    let folder = text.ends_with('/') && text.len() > 1;
    let own = !text.starts_with(['/', '.']) || text.starts_with("../") || text.starts_with("./");
    let any = text.contains(ANY);
    own && !any
        && text.chars().all(letter)
        && (folder || KINDS.iter().any(|kind| text.ends_with(kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_nowhere_are_found() {
        let text = "See `cart/`, `routes/cart.rs`, `NNNN.sql`, `gone.rs`, [it](docs/gone.md#a).\n\
                    ```sh\n`ls gone.rs`\n```\nNot `/v1/carts` or `text/event-stream`.\n";
        let tree = Tree::of(&[
            ("ARCHITECTURE.md", text),
            ("command-api/src/routes/cart.rs", "//! As `gone/` was.\n"),
            ("domain/src/cart/mod.rs", "//! Cart.\nlet text = \"`gone.rs`\";\n"),
            ("CHANGELOG.md", "`gone.rs` went.\n"),
        ]);
        let found: Vec<_> = check(&tree).into_iter().map(|it| (it.line, it.says)).collect();
        let expected = [(1, "gone.rs"), (1, "docs/gone.md"), (1, "gone/")];
        let expected = expected.map(|(line, path)| (line, format!("`{path}` is not there")));
        assert_eq!(found, expected);
    }

    #[test]
    fn an_excuse_that_nobody_needs_is_found() {
        let [(made, _), (there, _), ..] = ELSEWHERE else { panic!("nothing is excused") };
        let texts = ELSEWHERE.iter().skip(1).map(|(path, _)| format!("See `{path}`.\n"));
        let text: String = texts.collect();
        let tree = Tree::of(&[(OWN, "//! Paths.\n"), ("a.md", &text), (&format!("{there}a"), "")]);
        let says: Vec<_> = check(&tree).into_iter().map(|found| found.says).collect();
        assert_eq!(says.len(), 2, "{says:?}");
        assert!(says[0].contains(made) && says[1].contains(there), "{says:?}");
    }
}
