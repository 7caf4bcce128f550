//! A document names no `cargo xtask` command that there is not.

use clap::CommandFactory as _;

use super::Finding;
use super::tree::Tree;

/// Commands that are named and not there.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let program = crate::Cli::command();
    let known: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
    unknown(tree, &known)
}

fn unknown(tree: &Tree, known: &[&str]) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.ending(&[".md", ".rs", ".sh", ".ci/run"]) {
        for (number, line) in file.lines() {
            for named in line.split("cargo xtask ").skip(1) {
                let letter = |letter: char| letter.is_ascii_lowercase() || letter == '-';
                let name = named.split(|other| !letter(other)).next().unwrap_or_default();
                if !name.is_empty() && !known.contains(&name) {
                    let says = format!("there is no `cargo xtask {name}`");
                    found.push(Finding::at(&file.path, number, says));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_went_are_found() {
        // Put together, or this file would name one too.
        let text = ["Run `cargo ", "up`.\nThen `cargo ", "down` and `cargo ", "fly --far`.\n"];
        let found = unknown(&Tree::of(&[("README.md", &text.join("xtask "))]), &["up", "down"]);
        let says = ["there is no `cargo ", "fly`"].join("xtask ");
        assert_eq!(found, [Finding::at("README.md", 2, says)]);
    }
}
