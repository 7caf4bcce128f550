//! What a product file says in words: category, tags, whether something is for sale.

use std::collections::BTreeMap;

use domain::product::document::Status;
use domain::product::{ATTRIBUTES_MAX, CATEGORY_LEVELS_MAX};
use domain::text::Label;

use crate::csv::values::{label, quote};
use crate::report::Report;

/// The category as a path: the standard category (`Bags > Totes`) if the file has one, else the
/// product type.
pub fn category(standard: &str, kind: &str, line: u64, report: &mut Report) -> Vec<Label> {
    let path = if is_category(standard) { standard } else { kind };
    let levels: Vec<Label> =
        path.split('>').filter_map(|level| label(level, "the category", line, report)).collect();
    if levels.len() > CATEGORY_LEVELS_MAX {
        report.remark(line, format!("the category was cut to {CATEGORY_LEVELS_MAX} levels"));
    }
    levels.into_iter().take(CATEGORY_LEVELS_MAX).collect()
}

fn is_category(standard: &str) -> bool {
    !standard.is_empty() && !standard.eq_ignore_ascii_case("uncategorized")
}

/// Tags such as `colour:red` or `colour=red` become an attribute of that name. All others stand in
/// the attribute `tags`, separated by commas (`tags-2` and so on where they are too long for one).
/// The product type is the attribute `type` where it is not the category.
pub fn attributes(
    tags: &str,
    standard: &str,
    kind: &str,
    line: u64,
    report: &mut Report,
) -> BTreeMap<Label, Label> {
    let mut facts: BTreeMap<String, String> = BTreeMap::new();
    let mut plain: Vec<String> = Vec::new();
    for tag in tags.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
        match fact(tag) {
            Some((name, value)) => {
                let values = facts.entry(name.to_owned()).or_default();
                if !values.is_empty() {
                    values.push_str(", ");
                }
                values.push_str(value);
            }
            None => add_tag(&mut plain, tag),
        }
    }
    for (number, tags) in (1..).zip(plain) {
        let name = if number == 1 { "tags".to_owned() } else { format!("tags-{number}") };
        facts.insert(name, tags);
    }
    if is_category(standard) && !kind.is_empty() {
        facts.insert("type".to_owned(), kind.to_owned());
    }
    if facts.len() > ATTRIBUTES_MAX {
        report.remark(line, format!("only {ATTRIBUTES_MAX} of the attributes were taken"));
    }
    let facts = facts.into_iter().take(ATTRIBUTES_MAX).filter_map(|(name, value)| {
        let name = label(&name, "an attribute's name", line, report)?;
        Some((name, label(&value, "an attribute", line, report)?))
    });
    facts.collect()
}

/// The name and value of a tag that has both.
fn fact(tag: &str) -> Option<(&str, &str)> {
    let (name, value) = tag.split_once([':', '='])?;
    let (name, value) = (name.trim(), value.trim());
    let own = name.eq_ignore_ascii_case("type") || name.to_lowercase().starts_with("tags");
    let is_fact = !name.is_empty() && !value.is_empty() && !value.starts_with("//") && !own;
    is_fact.then_some((name, value))
}

/// Adds a tag to the last text, or to a new one where it would be too long.
fn add_tag(plain: &mut Vec<String>, tag: &str) {
    let length = |text: &str| text.chars().count();
    match plain.last_mut() {
        Some(text) if length(text) + 2 + length(tag) <= Label::CHARACTERS_MAX => {
            text.push_str(", ");
            text.push_str(tag);
        }
        _ => plain.push(tag.to_owned()),
    }
}

/// Whether the product is to be for sale. Nothing said means yes; a word nobody knows means no.
pub fn status(published: &str, word: &str, line: u64, report: &mut Report) -> Status {
    let mut unknown = |column: &str, word: &str| {
        report.remark(line, format!("{column} {} is not known: it stays a draft", quote(word)));
        Status::Draft
    };
    match word.to_lowercase().as_str() {
        "" | "active" => {}
        "draft" | "unlisted" | "inactive" => return Status::Draft,
        "archived" => return Status::Archived,
        _ => return unknown("Status", word),
    }
    match published.to_lowercase().as_str() {
        "" | "true" | "t" | "yes" | "y" | "1" | "x" | "on" | "published" | "active" | "wahr"
        | "vrai" | "verdadero" | "ja" | "oui" | "si" | "sí" => Status::Published,
        "false" | "f" | "no" | "n" | "0" | "off" | "unpublished" | "hidden" | "draft"
        | "falsch" | "faux" | "falso" | "nein" | "non" => Status::Draft,
        _ => unknown("Published", published),
    }
}
