//! What the rules look at: the text files that git knows, and the subjects of the commits since the
//! rules began. All that touches the disk or git is here.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Commits from before this time were made under no rule. A time and not a commit: a clone may be
/// too shallow to hold it, and what was rebased has another name.
const JUDGED_SINCE: &str = "2026-11-26T23:00:00Z";

/// Folders of what looks at the engine from outside, as its callers and as those who run it.
const OUTSIDE: &[&str] = &["proof", "xtask"];

/// What the rules look at.
#[derive(Default)]
pub struct Tree {
    /// In the order of their paths.
    pub files: Vec<File>,
    /// The newest first.
    pub commits: Vec<Commit>,
}

/// A text file.
pub struct File {
    /// From the root of the workspace, with slashes.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// A commit, as far as rules look at it.
pub struct Commit {
    /// Its short name.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
}

impl Tree {
    /// The tree as it stands in `root`, with what is not committed yet.
    pub fn load(root: &Path) -> Result<Self> {
        let listed = git(root, &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
        let paths: BTreeSet<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
        let mut files = Vec::new();
        for path in paths {
            // A file that was removed and is still listed, a link to a folder, or no text.
            let Ok(text) = std::fs::read_to_string(root.join(path)) else { continue };
            files.push(File { path: path.to_owned(), text });
        }
        let since = format!("--since={JUDGED_SINCE}");
        let log = git(root, &["log", "--no-merges", "--format=%h%x09%s", &since])?;
        let commits = log.lines().filter_map(|line| line.split_once('\t'));
        let commits =
            commits.map(|(id, subject)| Commit { id: id.into(), subject: subject.into() });
        Ok(Self { files, commits: commits.collect() })
    }

    /// The files whose names end in one of these.
    pub fn ending<'a>(&'a self, endings: &'a [&str]) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(|file| endings.iter().any(|ending| file.is(ending)))
    }

    /// A file by its path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// A tree of nothing else.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File { path: path.into(), text: text.into() };
        Self { files: files.iter().map(file).collect(), commits: Vec::new() }
    }
}

impl File {
    /// Whether its name ends like this.
    pub fn is(&self, ending: &str) -> bool {
        self.path.ends_with(ending)
    }

    /// Its lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether it is part of what sells: no test, and not what looks on from outside.
    pub fn is_of_the_engine(&self) -> bool {
        self.path.contains("/src/") && !OUTSIDE.contains(&self.folder())
    }

    /// The folder at the root it lies in: its crate, where that is one.
    pub fn folder(&self) -> &str {
        self.path.split_once('/').map_or("", |(folder, _)| folder)
    }
}

/// What git answers.
fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run git: is it on PATH?")?;
    if !output.status.success() {
        bail!("`git {}` failed: is this a clone?", arguments.join(" "));
    }
    String::from_utf8(output.stdout).context("git did not answer in UTF-8")
}
