//! `cargo xtask new`: the skeleton of a thing that is like others, with its test and its lines of
//! registration. One file a thing; what they need is plain text below `templates/`.
//!
//! In a template `quince` stands for the name, `Quince` for the type's, and `medlar` for the name
//! in words, so that templates are Rust that people and tools can read; `damson` and `Damson` for
//! what is named beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

use crate::layout::Layout;
use crate::process::run_in_terminal;
use crate::{cargo, progress};

mod aggregate;
mod projection;
mod reaction;
mod route;

/// Options of `new`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    thing: Thing,
}

/// What there are skeletons of.
#[derive(clap::Subcommand)]
enum Thing {
    /// A kind of stream: its state, events, rules, document and commands, and their test
    Aggregate {
        /// What it is called, as in code: `price_list`
        name: Name,
    },
    /// A read model of one kind of stream: its rows and what folds them
    Projection {
        /// What it is called, plural: `price_lists`
        name: Name,
        /// The kind of stream that its documents are of: `price_list`
        #[arg(long)]
        of: Name,
    },
    /// What happens by itself after events of one kind of stream
    Reaction {
        /// What it does: `abandon_cart`
        name: Name,
        /// The kind of stream that it looks at: `cart`
        #[arg(long)]
        of: Name,
    },
    /// A read model of one kind of stream, served as a list and one by one
    Route {
        /// The kind of stream: `price_list`
        name: Name,
        /// Its read model: `price_lists`
        #[arg(long)]
        of: Name,
    },
}

/// Writes the skeleton and says what is to do by hand.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let mut draft = Draft::new(&layout.root);
    let next = match &args.thing {
        Thing::Aggregate { name } => aggregate::draw(&mut draft, name)?,
        Thing::Projection { name, of } => projection::draw(&mut draft, name, of)?,
        Thing::Reaction { name, of } => reaction::draw(&mut draft, name, of)?,
        Thing::Route { name, of } => route::draw(&mut draft, name, of)?,
    };
    draft.write()?;
    if !run_in_terminal(cargo::command().args(["fmt", "--all"]))?.success() {
        bail!("what was written could not be formatted: see cargo's messages above");
    }
    for step in next {
        progress::step("Next", &step);
    }
    Ok(ExitCode::SUCCESS)
}

/// A name in the spellings that code wants.
#[derive(Clone, Debug)]
struct Name {
    /// `price_list`
    snake: String,
}

impl std::str::FromStr for Name {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = |word: &str| {
            let mut letters = word.chars();
            letters.next().is_some_and(|letter| letter.is_ascii_lowercase())
                && letters.all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        };
        if !text.split('_').all(word) {
            return Err("small letters, with _ between words, as in `price_list`".into());
        }
        // A word of the language cannot name a module.
        let underscore = if text == "return" { "_" } else { "" };
        Ok(Self { snake: format!("{text}{underscore}") })
    }
}

impl Name {
    /// `PriceList`
    fn pascal(&self) -> String {
        let word = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        self.snake.split('_').filter(|part| !part.is_empty()).map(word).collect()
    }

    /// `price list`
    fn words(&self) -> String {
        self.snake.trim_end_matches('_').replace('_', " ")
    }

    /// A template with this name in it.
    fn fill(&self, template: &str) -> String {
        let words = self.words();
        let vowel = words.starts_with(['a', 'e', 'i', 'o', 'u']);
        let article = if vowel { "an" } else { "a" };
        template
            .replace("a medlar", &format!("{article} medlar"))
            .replace("A medlar", &format!("{} medlar", article.replace('a', "A")))
            .replace("medlar", &words)
            .replace("quince", &self.snake)
            .replace("Quince", &self.pascal())
    }

    /// A template with this name in it as the one beside.
    fn fill_beside(&self, template: &str) -> String {
        let words = format!("a {}", self.words());
        template
            .replace("a damson", &words)
            .replace("damson", &self.snake)
            .replace("Damson", &self.pascal())
    }
}

/// Files as they are to be. Nothing is written before all of them are drawn.
struct Draft<'a> {
    root: &'a Path,
    /// By their paths from the root.
    files: BTreeMap<String, String>,
}

impl<'a> Draft<'a> {
    fn new(root: &'a Path) -> Self {
        Self { root, files: BTreeMap::new() }
    }

    /// A new file.
    fn add(&mut self, path: String, text: String) -> Result<()> {
        if self.root.join(&path).exists() {
            bail!("{path} is there already");
        }
        self.files.insert(path, text);
        Ok(())
    }

    /// Says what is missing where a file is neither there nor drawn.
    fn must_have(&self, path: &str) -> Result<()> {
        if !self.files.contains_key(path) && !self.root.join(path).exists() {
            bail!("{path} is not there: what is it to be of?");
        }
        Ok(())
    }

    /// A file that is there, as drawn so far.
    fn change(&mut self, path: &str, change: impl FnOnce(&str) -> Option<String>) -> Result<()> {
        let text = match self.files.get(path) {
            Some(text) => text.clone(),
            None => fs::read_to_string(self.root.join(path))
                .with_context(|| format!("cannot read {path}"))?,
        };
        let changed = change(&text)
            .with_context(|| format!("{path} is not as this command knows it: add it by hand"))?;
        self.files.insert(path.to_owned(), changed);
        Ok(())
    }

    fn write(&self) -> Result<()> {
        for (path, text) in &self.files {
            let file = self.root.join(path);
            let folder = file.parent().context("a file lies in a folder")?;
            fs::create_dir_all(folder)
                .and_then(|()| fs::write(&file, text))
                .with_context(|| format!("cannot write {}", file.display()))?;
            progress::step("Writing", path);
        }
        Ok(())
    }
}

/// Puts a line among its like, which begin as it does: before the first that comes after it.
fn among(text: &str, begin: &str, new: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let alike = |line: &&str| line.starts_with(begin) && line.ends_with(';');
    let last = lines.iter().rposition(alike)?;
    let later = lines.iter().position(|line| alike(line) && *line > new);
    let (before, behind) = lines.split_at(later.unwrap_or(last + 1));
    let all = before.iter().chain([&new]).chain(behind);
    Some(all.flat_map(|line| [line, "\n"]).collect())
}

/// Puts text before the first mark after another one.
fn before(text: &str, after: &str, mark: &str, new: &str) -> Option<String> {
    let start = text.find(after)? + after.len();
    let place = start + text[start..].find(mark)?;
    Some(format!("{}{new}{}", &text[..place], &text[place..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is drawn on the tree as it is: whoever moves a line that is looked for hears of it.
    pub fn drawn(draw: impl FnOnce(&mut Draft) -> Result<Vec<String>>) -> BTreeMap<String, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut draft = Draft::new(root);
        for step in draw(&mut draft).unwrap() {
            assert!(!has_placeholder(&step), "{step}");
        }
        for (path, text) in &draft.files {
            let before = fs::read_to_string(root.join(path)).unwrap_or_default();
            let mut new = text.lines().filter(|line| !before.contains(line));
            assert!(!new.any(has_placeholder), "{path}");
            for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
                let count = |text: &str, letter| text.chars().filter(|it| *it == letter).count();
                let added = |letter| count(text, letter) - count(&before, letter);
                assert_eq!(added(open), added(close), "{path}: {open}");
            }
        }
        draft.files
    }

    fn has_placeholder(text: &str) -> bool {
        let words = ["quince", "Quince", "medlar", "damson", "Damson"];
        words.iter().any(|word| text.contains(word))
    }

    #[test]
    fn a_name_has_its_spellings() {
        let name: Name = "price_list".parse().unwrap();
        assert_eq!(
            name.fill("a medlar is Quince in quince"),
            "a price list is PriceList in price_list"
        );
        let name: Name = "invoice".parse().unwrap();
        assert_eq!(name.fill("A medlar is no such medlar"), "An invoice is no such invoice");
        for wrong in ["", "PriceList", "price-list", "_list", "price__list", "9th"] {
            assert!(wrong.parse::<Name>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn lines_find_their_places() {
        let text = "use a;\nmod cart;\npub mod b;\nmod stock;\nfn c() {}\n";
        let at = |line: &str| among(text, "mod ", line).unwrap();
        assert_eq!(at("mod order;").lines().nth(3), Some("mod order;"));
        assert_eq!(at("mod zoo;").lines().nth(4), Some("mod zoo;"));
        assert_eq!(at("mod a;").lines().nth(1), Some("mod a;"));
        assert_eq!(among(text, "pub use ", "pub use d;"), None);
        assert_eq!(before("a [b] c [d]", "c", "]", ", e").as_deref(), Some("a [b] c [d, e]"));
        assert_eq!(before("a", "c", "]", ", e"), None);
    }
}
