//! A commit's subject says where, then what: `area: Verb what`. `git log --oneline` is then an
//! index of the house. Commits from before the rule are not judged, nor are merges.

use std::collections::BTreeSet;

use super::Finding;
use super::tree::Tree;

/// Letters of a subject: what a list of commits shows without cutting.
const LETTERS_MAX: usize = 72;
/// Areas that are no folder: the whole, what checks it, and loads and faults on the built programs.
const AREAS: &[&str] = &["all", "ci", "chaos"];

/// Subjects that do not say so.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut areas: BTreeSet<&str> = AREAS.iter().copied().collect();
    for file in &tree.files {
        // A folder at the root, or one of the next floor: `proof/bench` is `bench`.
        let folders = file.path.rsplit_once('/').map_or("", |(folders, _)| folders);
        areas.extend(folders.split('/').take(2));
    }
    let judged = tree.commits.iter().map(|commit| (commit, complaint(&commit.subject, &areas)));
    let found = judged.filter_map(|(commit, complaint)| Some((commit, complaint?)));
    let place = |id: &str| format!("commit {id}");
    found
        .map(|(commit, says)| {
            Finding::of(&place(&commit.id), format!("{says}: \"{}\"", commit.subject))
        })
        .collect()
}

/// What is wrong with a subject.
fn complaint(subject: &str, areas: &BTreeSet<&str>) -> Option<String> {
    let letters = subject.chars().count();
    if letters > LETTERS_MAX {
        return Some(format!("{letters} letters, {LETTERS_MAX} at most"));
    }
    let Some((area, what)) = subject.split_once(": ") else {
        return Some("no area before a colon, as in `projector: Fold what is new`".into());
    };
    if !areas.contains(area) {
        return Some(format!("`{area}` is no folder of this repository"));
    }
    let begins = what.starts_with(|letter: char| letter.is_uppercase());
    (!begins || what.ends_with('.'))
        .then(|| "what is done begins with a capital, and no dot".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_an_area_that_is_there_and_fits() {
        let areas = BTreeSet::from(["all", "domain"]);
        let wrong = |subject: &str| complaint(subject, &areas).is_some();
        assert!(!wrong("domain: Have each document beside its kind"));
        assert!(wrong("Have each document beside its kind"));
        assert!(wrong("wip"));
        assert!(wrong("somewhere: Do something"));
        assert!(wrong("domain: do something"));
        assert!(wrong("domain: Do something."));
        assert!(wrong(&format!("domain: D{}", "o".repeat(LETTERS_MAX))));
    }

    #[test]
    fn areas_are_the_folders_that_there_are() {
        use super::super::tree::Commit;
        let mut tree = Tree::of(&[("proof/bench/src/main.rs", ""), ("domain/src/lib.rs", "")]);
        let subjects = ["bench: Fill", "proof: Move", "domain: Fold", "gone: Go"];
        let commit = |subject: &&str| Commit { id: "1".into(), subject: (*subject).into() };
        tree.commits = subjects.iter().map(commit).collect();
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].says.contains("gone"));
    }
}
