//! Who may depend on whom. Arrows between crates point one way, from what sells to what it is made
//! of; and each crate has its row in the code map of ARCHITECTURE.md.

use std::collections::BTreeMap;

use super::Finding;
use super::tree::{File, Tree};

/// This file.
const OWN: &str = "xtask/src/tidy/crates.rs";
/// What each crate may depend on, itself and for its tests.
const MAY: &[(&str, &[&str], &[&str])] = &[
    ("domain", &[], &["kit"]),
    ("trace", &[], &[]),
    ("service", &["trace"], &[]),
    ("vault", &["domain", "service"], &[]),
    ("mail", &["service", "vault"], &["harness", "kit-mail"]),
    ("identity", &["domain", "mail", "service", "vault"], &["kit", "kit-mail"]),
    ("webhook", &["domain", "event-store", "identity", "service"], &["harness", "kit-log"]),
    ("event-store", &["domain", "trace"], &["harness", "kit", "kit-log"]),
    ("import", &["domain", "event-store", "identity", "vault"], &[]),
    // Mails and webhooks are sent by the process that it has alone.
    (
        "reactor",
        &["domain", "event-store", "mail", "service", "trace", "vault", "webhook"],
        &["kit-log", "kit-mail"],
    ),
    // The reactor and the importers are entered by it.
    (
        "command-api",
        &[
            "domain",
            "event-store",
            "identity",
            "import",
            "mail",
            "reactor",
            "service",
            "trace",
            "vault",
            "webhook",
        ],
        &["harness", "kit", "kit-log", "kit-mail"],
    ),
    (
        "projector",
        &["domain", "event-store", "identity", "service", "trace"],
        &["harness", "kit", "kit-log"],
    ),
    // Of the vault its index alone: it finds, and reads nothing.
    ("query-api", &["domain", "event-store", "identity", "service", "vault"], &["harness", "kit"]),
    ("kit", &["domain"], &[]),
    ("kit-log", &["domain", "event-store", "kit"], &[]),
    ("kit-mail", &["harness", "mail"], &[]),
    ("harness", &[], &[]),
    // Somebody else's servers, as far as the engine can tell, whose own gateways ask them in tests,
    // by themselves or because of what stands in the log.
    ("gateways", &[], &["domain", "event-store", "kit", "kit-log", "reactor"]),
    // From outside, as callers do; what they sell is made of the domain's words.
    (
        "chaos",
        &["domain", "harness"],
        &["command-api", "event-store", "kit", "kit-log", "kit-mail"],
    ),
    ("bench", &["domain", "event-store", "harness"], &["projector"]),
    // From outside, by programs and documents.
    ("contract", &["harness"], &[]),
    // As people play: by HTTP alone.
    ("tour", &["harness"], &[]),
    // All that decodes bytes from outside.
    (
        "fuzz",
        &[
            "command-api",
            "domain",
            "event-store",
            "identity",
            "import",
            "kit",
            "query-api",
            "service",
        ],
        &[],
    ),
    ("xtask", &[], &[]),
];
/// Where crates are explained.
const MAP: &str = "ARCHITECTURE.md";

/// The dependencies of a crate on others of the house.
#[derive(Default)]
struct Crate {
    file: String,
    own: Vec<(usize, String)>,
    of_tests: Vec<(usize, String)>,
}

/// Dependencies that point another way, and crates that nobody has placed.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let found: Vec<(String, Crate)> = tree.ending(&["/Cargo.toml"]).filter_map(read).collect();
    let crates: BTreeMap<&str, &Crate> =
        found.iter().map(|(name, it)| (name.as_str(), it)).collect();
    let mut wrong = Vec::new();
    for (name, it) in &crates {
        let Some((_, own, tests)) = MAY.iter().find(|(known, ..)| known == name) else {
            let says = "a crate that xtask/src/tidy/crates.rs does not know: say what it may use";
            wrong.push(Finding::of(&it.file, says));
            continue;
        };
        let mut judge = |used: &[(usize, String)], may: &dyn Fn(&str) -> bool| {
            for (line, used) in used.iter().filter(|(_, used)| crates.contains_key(used.as_str())) {
                if !may(used) {
                    let says = format!("{name} may not depend on {used}");
                    wrong.push(Finding::at(&it.file, *line, says));
                }
            }
        };
        judge(&it.own, &|used| own.contains(&used));
        judge(&it.of_tests, &|used| own.contains(&used) || tests.contains(&used));
        let folder = it.file.trim_end_matches("/Cargo.toml");
        let row =
            |map: &File| map.text.lines().any(|line| line.starts_with(&format!("| `{folder}`")));
        if !tree.file(MAP).is_none_or(row) {
            wrong.push(Finding::of(MAP, format!("the code map has no row for `{folder}`")));
        }
    }
    let gone = MAY.iter().filter(|(name, ..)| !crates.is_empty() && !crates.contains_key(name));
    wrong.extend(
        gone.map(|(name, ..)| Finding::of(OWN, format!("there is no crate {name} any more"))),
    );
    // Of a whole tree, and not of a test's.
    if tree.file(OWN).is_some() {
        wrong.extend(unused(&crates));
    }
    wrong
}

/// What crates may and do not.
fn unused(crates: &BTreeMap<&str, &Crate>) -> Vec<Finding> {
    let has = |used: &[(usize, String)], may: &str| used.iter().any(|(_, used)| used == may);
    let mut found = Vec::new();
    for (name, own, tests) in MAY {
        let Some(it) = crates.get(name) else { continue };
        let own = own.iter().filter(|may| !has(&it.own, may));
        let tests = tests.iter().filter(|may| !has(&it.of_tests, may));
        found.extend(own.chain(tests).map(|may| {
            Finding::of(OWN, format!("{name} does not use {may}: take it off the list"))
        }));
    }
    found
}

/// The crate of a manifest, if it is that of one.
fn read(file: &File) -> Option<(String, Crate)> {
    let (mut name, mut section) = (None, "");
    let mut it = Crate { file: file.path.clone(), ..Crate::default() };
    for (number, line) in file.lines() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_matches(['[', ']']);
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim().trim_end_matches(".workspace").trim();
        // With a condition before it too: `target.'cfg(…)'.dependencies`.
        if section == "package" && key == "name" {
            name = Some(value.trim().trim_matches('"').to_owned());
        } else if section.ends_with("dev-dependencies") {
            it.of_tests.push((number, key.to_owned()));
        } else if section.ends_with("dependencies") {
            it.own.push((number, key.to_owned()));
        }
    }
    Some((name?, it))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of every crate that is known, with one line more in one manifest.
    fn says(of: &str, section: &str, line: &str) -> Vec<String> {
        let manifests: Vec<(String, String)> = MAY
            .iter()
            .map(|(name, ..)| {
                let more =
                    if *name == of { format!("[{section}]\n{line}\n") } else { String::new() };
                (format!("{name}/Cargo.toml"), format!("[package]\nname = \"{name}\"\n{more}"))
            })
            .collect();
        let files: Vec<(&str, &str)> =
            manifests.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        check(&Tree::of(&files)).into_iter().map(|found| found.says).collect()
    }

    #[test]
    fn arrows_point_one_way() {
        let none: [&str; 0] = [];
        assert_eq!(says("projector", "dependencies", "domain.workspace = true"), none);
        assert_eq!(says("projector", "dependencies", "serde.workspace = true"), none);
        let back = says("domain", "dependencies", "event-store.workspace = true");
        assert_eq!(back, ["domain may not depend on event-store"]);
        let beside =
            says("query-api", "dev-dependencies", "projector = { path = \"../projector\" }");
        assert_eq!(beside, ["query-api may not depend on projector"]);
        assert_eq!(says("bench", "dev-dependencies", "projector = { path = \"../p\" }"), none);
        let strict = says("bench", "dependencies", "projector = { path = \"../p\" }");
        assert_eq!(strict, ["bench may not depend on projector"]);
    }

    #[test]
    fn what_a_crate_may_and_does_not_is_found() {
        let manifest = "[package]\nname = \"vault\"\n[dependencies]\ndomain.workspace = true\n";
        let tree = Tree::of(&[(OWN, "//! Crates.\n"), ("vault/Cargo.toml", manifest)]);
        let says: Vec<String> = check(&tree).into_iter().map(|found| found.says).collect();
        let of_vault: Vec<&String> = says.iter().filter(|it| it.starts_with("vault ")).collect();
        assert_eq!(of_vault, ["vault does not use service: take it off the list"]);
    }

    #[test]
    fn a_new_crate_says_where_it_stands() {
        let tree =
            Tree::of(&[("newcomer/Cargo.toml", "[package]\nname = \"newcomer\"\n"), (MAP, "")]);
        let found = check(&tree);
        assert!(found[0].says.contains("does not know"), "{found:?}");
    }
}
