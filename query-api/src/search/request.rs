//! What may be asked of the search, and its bounds.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use domain::Currency;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;

use crate::fields::FieldNames;
use crate::included::Include;

/// The longest query, in characters, whichever script they are of.
pub const QUERY_CHARACTERS_MAX: usize = 512;
/// The most hits on a page.
pub const LIMIT_MAX: u32 = 100;
/// No page reaches further than this many hits: who wants them all reads the list.
pub const DEPTH_MAX: u32 = 1_000;
/// The most values in all filters together.
pub const FILTERS_MAX: usize = 64;
/// What may be shown beside hits.
pub const INCLUDES: Include = Include::Stock;
const LIMIT_DEFAULT: u32 = 20;
/// Words that stand in every text, as Meilisearch's settings have them.
const STOP_WORDS: [&str; 9] = ["a", "an", "and", "for", "in", "of", "or", "the", "with"];

/// The query string.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Words; none find everything.
    #[schemars(length(max = QUERY_CHARACTERS_MAX))]
    q: Option<String>,
    /// In one of these categories, by name.
    #[serde(default)]
    category: Vec<String>,
    /// Of one of these brands.
    #[serde(default)]
    brand: Vec<String>,
    /// `name:value`; a colon in the name is written `\:`, a backslash `\\`.
    #[serde(default)]
    attribute: Vec<String>,
    /// The same; options of several names are of one variant, and with `in_stock` of one that is in
    /// stock.
    #[serde(default)]
    option: Vec<String>,
    /// In which prices are compared and sorted.
    currency: Option<Currency>,
    /// Whose lowest price is at least this.
    price_min: Option<Decimal>,
    /// Whose lowest price is at most this.
    price_max: Option<Decimal>,
    /// Of which any unit may be sold, or none.
    in_stock: Option<bool>,
    /// Whether to count the hits by brand, category, attributes and options: yes if not said.
    facets: Option<bool>,
    /// The order of the hits.
    #[serde(default)]
    sort: Sort,
    /// Which page, from 1.
    #[schemars(range(min = 1, max = DEPTH_MAX))]
    page: Option<u32>,
    /// Hits on a page.
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    limit: Option<u32>,
    /// As new as this position of the log, or newer.
    pub min_position: Option<i64>,
    /// Only these members of each hit, with commas between them, and with a dot before one that is
    /// below another: `id,variants.sku`. A name stands for all that is below it.
    #[serde(default, deserialize_with = "service::extract::empty_as_none")]
    pub fields: Option<FieldNames>,
    /// What is wanted beside them.
    #[schemars(skip)]
    pub include: Option<Include>,
}

/// The order of the hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum Sort {
    /// What fits best first.
    #[default]
    #[serde(rename = "relevance")]
    Relevance,
    /// The cheapest first.
    #[serde(rename = "price")]
    Cheapest,
    /// The dearest first.
    #[serde(rename = "-price")]
    Dearest,
    /// The oldest first.
    #[serde(rename = "created_at")]
    Oldest,
    /// The newest first.
    #[serde(rename = "-created_at")]
    Newest,
    /// By title.
    #[serde(rename = "title")]
    Title,
    /// By title, backwards.
    #[serde(rename = "-title")]
    TitleDown,
}

/// Values that a field of the document must have one of.
pub type OneOf = BTreeMap<String, BTreeSet<String>>;

/// A search within bounds.
#[derive(Debug)]
pub struct Question {
    /// Words; empty for everything.
    pub words: String,
    /// One of these names in the category path.
    pub categories: Vec<String>,
    /// One of these brands.
    pub brands: Vec<String>,
    /// Each of these attributes has one of the values.
    pub attributes: OneOf,
    /// Each of these options can be had with one of the values.
    pub options: OneOf,
    /// Prices are compared and sorted in this one; set whenever any of these is asked for.
    pub currency: Option<String>,
    /// The lowest price is at least this.
    pub price_min: Option<Decimal>,
    /// The lowest price is at most this.
    pub price_max: Option<Decimal>,
    /// Whether any unit may be sold.
    pub in_stock: Option<bool>,
    /// Whether hits are counted by facets.
    pub facets: bool,
    /// The order.
    pub sort: Sort,
    /// The page, from 1.
    pub page: u32,
    /// Hits on a page.
    pub limit: u32,
}

impl Question {
    /// Hits before this page.
    pub fn offset(&self) -> u32 {
        (self.page - 1) * self.limit
    }
}

impl TryFrom<Parameters> for Question {
    type Error = Problem;

    fn try_from(parameters: Parameters) -> Result<Self, Problem> {
        let words = parameters.q.unwrap_or_default().trim().to_owned();
        if words.chars().count() > QUERY_CHARACTERS_MAX {
            let detail = format!("at most {QUERY_CHARACTERS_MAX} characters");
            return Err(refuse("q", "too_long", detail));
        }
        let words = match meaning(&words) {
            Meaning::Something => words,
            // Meilisearch would look for a stop word that stands alone.
            Meaning::Nothing => String::new(),
            Meaning::OnlyNegative => return Err(only_negative()),
            Meaning::NoWord => {
                let detail = "must have a letter or a digit to look for".to_owned();
                return Err(refuse("q", "no_word", detail));
            }
        };
        let filters =
            [&parameters.category, &parameters.brand, &parameters.attribute, &parameters.option];
        if filters.iter().map(|values| values.len()).sum::<usize>() > FILTERS_MAX {
            return Err(refuse("attribute", "too_many", format!("at most {FILTERS_MAX} filters")));
        }
        let limit = parameters.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(refuse("limit", "invalid_value", format!("from 1 to {LIMIT_MAX}")));
        }
        let page = parameters.page.unwrap_or(1);
        if page == 0 || page.saturating_mul(limit) > DEPTH_MAX {
            let detail = format!("from 1, and no further than {DEPTH_MAX} hits");
            return Err(refuse("page", "invalid_value", detail));
        }
        let by_price = matches!(parameters.sort, Sort::Cheapest | Sort::Dearest);
        let priced = by_price || parameters.price_min.is_some() || parameters.price_max.is_some();
        if priced && parameters.currency.is_none() {
            let detail = "prices are compared in one currency: say which".to_owned();
            return Err(refuse("currency", "currency_required", detail));
        }
        Ok(Self {
            words,
            categories: parameters.category,
            brands: parameters.brand,
            attributes: pairs("attribute", parameters.attribute)?,
            options: pairs("option", parameters.option)?,
            currency: parameters.currency.map(|currency| currency.to_string()),
            price_min: parameters.price_min,
            price_max: parameters.price_max,
            in_stock: parameters.in_stock,
            facets: parameters.facets.unwrap_or(true),
            sort: parameters.sort,
            page,
            limit,
        })
    }
}

/// What words come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Nothing: they stand in every text, or nothing was asked.
    Nothing,
    /// There are signs, and no word among them that any text is found by.
    NoWord,
    /// They only say what not to find: each stands behind a minus.
    OnlyNegative,
    /// They say what to find.
    Something,
}

fn meaning(words: &str) -> Meaning {
    let mut rest = words.trim_start();
    let mut meaning = if rest.is_empty() { Meaning::Nothing } else { Meaning::NoWord };
    while !rest.is_empty() {
        let word = rest.strip_prefix('-').unwrap_or(rest);
        let is_negative = word.len() < rest.len();
        let end = match word.strip_prefix('"') {
            Some(phrase) => phrase.find('"').map(|end| end + 2),
            None => word.find(char::is_whitespace),
        };
        let (word, after) = word.split_at(end.unwrap_or(word.len()));
        let word = word.trim_matches(|letter: char| !letter.is_alphanumeric()).to_lowercase();
        if !word.is_empty() && is_negative {
            meaning = Meaning::OnlyNegative;
        } else if !word.is_empty() && !STOP_WORDS.contains(&word.as_str()) {
            return Meaning::Something;
        } else if !word.is_empty() && meaning == Meaning::NoWord {
            meaning = Meaning::Nothing;
        }
        rest = after.trim_start();
    }
    meaning
}

/// Refuses to look for everything but something.
pub(super) fn only_negative() -> Problem {
    refuse("q", "only_negative", "must say what to find, not only what not".to_owned())
}

fn pairs(parameter: &str, texts: Vec<String>) -> Result<OneOf, Problem> {
    let mut pairs = OneOf::new();
    for text in texts {
        match pair(&text) {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                pairs.entry(name).or_default().insert(value.to_owned());
            }
            _ => return Err(refuse(parameter, "invalid_value", "must be name:value".to_owned())),
        }
    }
    Ok(pairs)
}

/// The name before the first colon that has no backslash before it, and the value as it stands.
fn pair(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            ':' => return Some((name, &text[at + 1..])),
            '\\' => match letters.next_if(|(_, next)| matches!(next, ':' | '\\')) {
                Some((_, escaped)) => name.push(escaped),
                None => name.push(letter),
            },
            _ => name.push(letter),
        }
    }
    None
}

fn refuse(parameter: &str, code: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_query", "a parameter of the query is wrong")
        .parameter(parameter, code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_a_colon() {
        for (text, expected) in [
            ("colour:red", Some(("colour", "red"))),
            (r"made\:in:PT", Some(("made:in", "PT"))),
            (r"a\\:b\:c", Some((r"a\", r"b\:c"))),
            (r"a\b:c", Some((r"a\b", "c"))),
            (r"a\:b", None),
            ("a", None),
        ] {
            let expected = expected.map(|(name, value)| (name.to_owned(), value));
            assert_eq!(pair(text), expected, "{text}");
        }
    }

    #[test]
    fn a_query_is_bounded_in_characters() {
        let asked =
            |q: String| Question::try_from(Parameters { q: Some(q), ..Parameters::default() });
        assert!(asked("ш".repeat(QUERY_CHARACTERS_MAX)).is_ok());
        assert!(asked("ш".repeat(QUERY_CHARACTERS_MAX + 1)).is_err());
    }

    #[test]
    fn words_come_to_something_or_not() {
        for words in ["-red", "-red -blue", "-\"red bag\" -x", "-\"red", "!! -red -", "the -red"] {
            assert_eq!(meaning(words), Meaning::OnlyNegative, "{words}");
        }
        for words in ["", "  ", "the", "Of THE,", "\"the\"", "!! the"] {
            assert_eq!(meaning(words), Meaning::Nothing, "{words}");
        }
        for signs in ["-", "!!", "...", "👜", "???", "\"\"", "\u{fffd}", "- -!"] {
            assert_eq!(meaning(signs), Meaning::NoWord, "{signs}");
            let asked = Parameters { q: Some(signs.to_owned()), ..Parameters::default() };
            assert!(Question::try_from(asked).is_err(), "{signs} does not find everything");
        }
        for words in ["red -blue", "-red blue", "-\"red bag\" blue", "a-b", "-\"a\"b", "the red"] {
            assert_eq!(meaning(words), Meaning::Something, "{words}");
        }
    }

    fn settings() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../projector/search-settings.json")).unwrap()
    }

    #[test]
    fn the_stop_words_are_those_of_meilisearch() {
        assert_eq!(settings()["stopWords"], serde_json::json!(STOP_WORDS));
    }

    /// All but what options of one variant are found by.
    #[test]
    fn meilisearch_shows_what_a_hit_is_said_to_have() {
        let hit = schemars::schema_for!(domain::page::search::Document);
        let members: Vec<&String> =
            hit.as_value()["properties"].as_object().unwrap().keys().collect();
        let shown: Vec<String> =
            serde_json::from_value(settings()["displayedAttributes"].clone()).unwrap();
        assert_eq!(shown.iter().collect::<BTreeSet<_>>(), members.into_iter().collect());
    }
}
