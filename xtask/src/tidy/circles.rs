//! No circle of files inside a crate of the engine: where two need each other, what both need
//! wants a file of its own.
//!
//! Seen are `use` lines that begin with `crate`, `self` or `super`, above a file's own tests. What
//! is only passed on (`pub use`) is no need, nor is a path written out where it is used.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::tree::{File, Tree};

/// This file.
const OWN: &str = "xtask/src/tidy/circles.rs";
/// What may be needed all the same, though it closes a circle: why, and who needs what.
const ALLOWED: &[(&str, &[(&str, &str)])] = &[
    (
        "what `fields` means of a document is read off the description of its route, and the \
         description is made of the routes",
        &[
            ("query-api/src/list.rs", "query-api/src/described.rs"),
            ("query-api/src/one.rs", "query-api/src/described.rs"),
            ("query-api/src/resources/mod.rs", "query-api/src/described.rs"),
            ("query-api/src/resources/search.rs", "query-api/src/described.rs"),
            ("query-api/src/resources/stock.rs", "query-api/src/described.rs"),
        ],
    ),
    (
        "what is shown beside a document is another one, as its own read shows it",
        &[("query-api/src/included.rs", "query-api/src/resources/stock.rs")],
    ),
    (
        "what events make of the list is asked of every reaction, and each writes that list",
        &[("reactor/src/notes.rs", "reactor/src/reaction.rs")],
    ),
    (
        "a folder's own file has what its files share, and puts them together",
        &[("reactor/src/cdn/mod.rs", "reactor/src/cdn/settings.rs")],
    ),
    (
        "settings lie beside what goes by them, and which of them contradict is said of them all",
        &[
            ("service/src/config.rs", "service/src/exposed.rs"),
            ("service/src/config.rs", "service/src/rates.rs"),
        ],
    ),
];

/// What files of one crate need of each other: by file, the line that says so.
type Needs<'a> = BTreeMap<&'a str, BTreeMap<&'a str, usize>>;

/// Files that need each other.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, BTreeMap<String, &File>> = BTreeMap::new();
    for file in tree.ending(&[".rs"]).filter(|file| file.is_of_the_engine()) {
        crates.entry(file.folder()).or_default().insert(module(&file.path), file);
    }
    let mut found = Vec::new();
    let allowed = || ALLOWED.iter().flat_map(|(_, needed)| *needed);
    let mut unused: BTreeSet<&(&str, &str)> = allowed().collect();
    for modules in crates.values() {
        let mut needs = needs(modules);
        for known in allowed() {
            let needed = needs.get_mut(known.0);
            if needed.is_some_and(|needed| needed.remove(known.1).is_some()) {
                unused.remove(known);
            }
        }
        found.extend(circles(&needs));
    }
    // Of a whole tree, and not of a test's.
    if tree.file(OWN).is_some() {
        found.extend(unused.iter().map(|(from, to)| {
            Finding::of(OWN, format!("{from} needs {to} no more: take it off the list"))
        }));
    }
    found
}

/// The module that a file is, from the root of its crate: `search/request`.
fn module(path: &str) -> String {
    let inside = path.split_once("/src/").map_or("", |(_, inside)| inside);
    let inside = inside.strip_suffix(".rs").unwrap_or(inside);
    let inside = inside.strip_suffix("mod").unwrap_or(inside).trim_end_matches('/');
    if ["lib", "main"].contains(&inside) { String::new() } else { inside.to_owned() }
}

fn needs<'a>(modules: &BTreeMap<String, &'a File>) -> Needs<'a> {
    let mut needs = Needs::new();
    for (own, file) in modules {
        for (line, path) in used(file) {
            let needed = resolved(own, &path, modules).filter(|other| other.path != file.path);
            if let Some(other) = needed {
                needs.entry(&file.path).or_default().entry(&other.path).or_insert(line);
            }
        }
    }
    needs
}

/// The paths that a file's `use` lines name, written out.
fn used(file: &File) -> Vec<(usize, String)> {
    let text = file.text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    let mut paths = Vec::new();
    let mut begun: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let (at, mut statement) = match begun.take() {
            Some(begun) => begun,
            None => match line.trim_start().strip_prefix("use ") {
                Some(_) => (index + 1, String::new()),
                None => continue,
            },
        };
        statement.push_str(line.trim());
        if let Some(whole) = statement.strip_suffix(';') {
            let whole = whole.trim_start_matches("use ");
            paths.extend(spelled(whole).into_iter().map(|path| (at, path)));
        } else {
            begun = Some((at, statement));
        }
    }
    paths
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn spelled(path: &str) -> Vec<String> {
    let Some((head, rest)) = path.split_once('{') else { return vec![path.trim().to_owned()] };
    let body = rest.strip_suffix('}').unwrap_or(rest);
    let (mut parts, mut depth, mut part) = (Vec::new(), 0, String::new());
    for letter in body.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(letter);
        }
    }
    parts.push(part);
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.flat_map(|part| spelled(&format!("{}{part}", head.trim()))).collect()
}

/// The file that a path names something of.
fn resolved<'a>(own: &str, path: &str, modules: &BTreeMap<String, &'a File>) -> Option<&'a File> {
    let own = own.split('/').filter(|part| !part.is_empty());
    let mut at: Vec<&str> = own.collect();
    let path = path.split(" as ").next().unwrap_or_default();
    let mut parts = path.split("::").peekable();
    match *parts.peek()? {
        "crate" => at.clear(),
        "self" => {}
        "super" => {
            while parts.next_if_eq(&"super").is_some() {
                at.pop();
            }
        }
        _ => return None,
    }
    let mut file = modules.get(&at.join("/")).copied();
    for part in parts.skip_while(|part| ["crate", "self"].contains(part)) {
        at.push(part);
        let Some(deeper) = modules.get(&at.join("/")) else { break };
        file = Some(deeper);
    }
    file
}

/// Each circle once, at its first file.
fn circles(needs: &Needs) -> Vec<Finding> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        needs.keys().map(|from| (*from, reach(from, needs))).collect();
    let both = |a: &str, b: &str| {
        let goes = |from: &str, to: &str| reached.get(from).is_some_and(|all| all.contains(to));
        goes(a, b) && goes(b, a)
    };
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for first in needs.keys().copied() {
        if !both(first, first) || !seen.insert(first) {
            continue;
        }
        let circle: Vec<&str> = needs.keys().copied().filter(|other| both(first, other)).collect();
        seen.extend(&circle);
        let inside = circle.iter().flat_map(|from| {
            let needed = needs[from].iter().filter(|(to, _)| circle.contains(*to));
            needed.map(move |(to, line)| format!("{from}:{line} needs {to}"))
        });
        let inside: Vec<String> = inside.collect();
        found.push(Finding::of(first, format!("files in a circle: {}", inside.join(", "))));
    }
    found
}

/// What a file needs, and what that needs, and so on.
fn reach<'a>(from: &str, needs: &Needs<'a>) -> BTreeSet<&'a str> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(file) = next.pop() {
        for to in needs.get(file).into_iter().flat_map(|needed| needed.keys().copied()) {
            if reached.insert(to) {
                next.push(to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_however_it_is_closed() {
        let tree = Tree::of(&[
            ("vault/src/lib.rs", "//! L.\nmod a;\npub use a::A;\n"),
            ("vault/src/a.rs", "//! A.\nuse crate::b::{\n    c::{C, D},\n    E,\n};\n"),
            ("vault/src/b/mod.rs", "//! B.\nmod c;\n"),
            ("vault/src/b/c.rs", "//! C.\nuse super::super::a::A;\n"),
            ("vault/src/d.rs", "//! D.\nuse crate::a::A;\n"),
        ]);
        let found = check(&tree);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].place, "vault/src/a.rs");
        assert!(found[0].says.contains("vault/src/b/c.rs:2 needs vault/src/a.rs"), "{found:?}");
    }

    #[test]
    fn what_tests_need_and_what_is_passed_on_closes_none() {
        let tests = "//! A.\nuse crate::b::B;\n";
        let passes_on = "//! B.\npub use crate::a::A;\n#[cfg(test)]\nmod tests {\n    \
                         use crate::a::A;\n}\n";
        let tree = Tree::of(&[("vault/src/a.rs", tests), ("vault/src/b.rs", passes_on)]);
        assert_eq!(check(&tree), []);
    }
}
