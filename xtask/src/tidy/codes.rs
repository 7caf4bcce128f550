//! Every code of a problem stands in the list of its crate, or in that of `service`: from these the
//! documents of the APIs say which codes there are.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::{File, Tree};

/// What a list of codes begins with, and ends with.
const LIST: (&str, &str) = ("pub const CODES: &[", "];");
/// What makes a problem, up to its code, which comes first or after the status.
const MAKES: &[&str] = &["Problem::new(", "Self::new(", "bad_request(", "unavailable("];
/// The crate whose codes every API has.
const SHARED: &str = "service";

/// Codes that no list knows.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let sources = || tree.ending(&[".rs"]).filter(|file| crate_of(file).is_some());
    let listed: BTreeSet<(&str, &str)> = sources()
        .flat_map(|file| codes_listed(&file.text).map(move |code| (crate_of(file), code)))
        .filter_map(|(name, code)| Some((name?, code)))
        .collect();
    // Crates that list none answer nothing.
    let lists = |name: &str| listed.iter().any(|(known, _)| *known == name);
    let mut found = Vec::new();
    for file in sources() {
        let Some(name) = crate_of(file).filter(|name| lists(name)) else { continue };
        for (line, code) in codes_made(&file.text) {
            if !listed.contains(&(name, code)) && !listed.contains(&(SHARED, code)) {
                let says = format!("{code} is in no CODES of {name}: documents would not know it");
                found.push(Finding::at(&file.path, line, says));
            }
        }
    }
    found
}

/// The crate whose code it is, unless it is one of its tests.
fn crate_of(file: &File) -> Option<&str> {
    let (name, rest) = file.path.split_once("/src/")?;
    // What runs and tests the engine answers nothing.
    let serves = !rest.ends_with("tests.rs") && name != "xtask" && !name.starts_with("proof/");
    serves.then_some(name)
}

fn codes_listed(text: &str) -> impl Iterator<Item = &str> {
    let lists = text.split(LIST.0).skip(1).filter_map(|rest| rest.split_once(LIST.1));
    lists.flat_map(|(list, _)| list.split('"').skip(1).step_by(2))
}

/// The codes that are made, each with its line. What stands below a file's tests is theirs.
fn codes_made(text: &str) -> Vec<(usize, &str)> {
    let code = text.split("#[cfg(test)]\nmod").next().unwrap_or(text);
    let mut made = Vec::new();
    for makes in MAKES {
        for (at, _) in code.match_indices(makes) {
            let arguments = &code[at + makes.len()..];
            let first = arguments.trim_start();
            // After the status, where that comes first.
            let first = match first.strip_prefix("StatusCode::") {
                Some(rest) => rest.split_once(',').map_or("", |(_, rest)| rest.trim_start()),
                None => first,
            };
            let Some((word, _)) = first.strip_prefix('"').and_then(|rest| rest.split_once('"'))
            else {
                continue;
            };
            made.push((code[..at].matches('\n').count() + 1, word));
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_no_list_knows_is_found() {
        let list = "pub const CODES: &[Code] = &[\n    (400, \"known\"),\n];\n";
        let made = "fn a() {\n    Problem::new(\n        StatusCode::CONFLICT,\n        \"lost\",\n\
                    \x20       detail,\n    );\n    bad_request(\"known\", \"what\");\n\
                    \x20   Problem::new(status, code, detail);\n\
                    \x20   bad_request(\"shared\", \"it\");\n}\n";
        let shared = "pub const CODES: &[Code] = &[\n    (400, \"shared\"),\n];\n";
        let tree = Tree::of(&[
            ("a-crate/src/list.rs", list),
            ("a-crate/src/made.rs", made),
            ("service/src/problem.rs", shared),
            ("other/src/made.rs", made),
        ]);
        let says = "lost is in no CODES of a-crate: documents would not know it";
        assert_eq!(check(&tree), [Finding::at("a-crate/src/made.rs", 2, says)]);
    }
}
