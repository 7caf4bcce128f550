//! What may be asked of the search, and its bounds.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use domain::Currency;
use rust_decimal::Decimal;
use serde::Deserialize;
use service::Problem;

/// The longest query, in bytes.
pub const QUERY_BYTES_MAX: usize = 512;
/// The most hits on a page.
pub const LIMIT_MAX: u32 = 100;
/// No page reaches further than this many hits: who wants them all reads the list.
pub const DEPTH_MAX: u32 = 1_000;
/// The most values in all filters together.
pub const FILTERS_MAX: usize = 64;
const LIMIT_DEFAULT: u32 = 20;

/// The query string.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Words; none find everything.
    q: Option<String>,
    #[serde(default)]
    category: Vec<String>,
    #[serde(default)]
    brand: Vec<String>,
    /// `name:value`.
    #[serde(default)]
    attribute: Vec<String>,
    /// `name:value`.
    #[serde(default)]
    option: Vec<String>,
    currency: Option<Currency>,
    price_min: Option<Decimal>,
    price_max: Option<Decimal>,
    in_stock: Option<bool>,
    #[serde(default)]
    sort: Sort,
    page: Option<u32>,
    limit: Option<u32>,
    /// See [`crate::fresh`].
    pub min_position: Option<i64>,
}

/// The order of the hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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
pub struct Wanted {
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
    /// The order.
    pub sort: Sort,
    /// The page, from 1.
    pub page: u32,
    /// Hits on a page.
    pub limit: u32,
}

impl Wanted {
    /// Hits before this page.
    pub fn offset(&self) -> u32 {
        (self.page - 1) * self.limit
    }
}

impl TryFrom<Asked> for Wanted {
    type Error = Problem;

    fn try_from(asked: Asked) -> Result<Self, Problem> {
        let words = asked.q.unwrap_or_default().trim().to_owned();
        if words.len() > QUERY_BYTES_MAX {
            return Err(refuse("q", "too_long", format!("at most {QUERY_BYTES_MAX} bytes")));
        }
        let filters = [&asked.category, &asked.brand, &asked.attribute, &asked.option];
        if filters.iter().map(|values| values.len()).sum::<usize>() > FILTERS_MAX {
            return Err(refuse("attribute", "too_many", format!("at most {FILTERS_MAX} filters")));
        }
        let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(refuse("limit", "invalid_value", format!("from 1 to {LIMIT_MAX}")));
        }
        let page = asked.page.unwrap_or(1);
        if page == 0 || page.saturating_mul(limit) > DEPTH_MAX {
            let detail = format!("from 1, and no further than {DEPTH_MAX} hits");
            return Err(refuse("page", "invalid_value", detail));
        }
        let by_price = matches!(asked.sort, Sort::Cheapest | Sort::Dearest);
        let priced = by_price || asked.price_min.is_some() || asked.price_max.is_some();
        if priced && asked.currency.is_none() {
            let detail = "prices are compared in one currency: say which".to_owned();
            return Err(refuse("currency", "currency_required", detail));
        }
        Ok(Self {
            words,
            categories: asked.category,
            brands: asked.brand,
            attributes: pairs("attribute", asked.attribute)?,
            options: pairs("option", asked.option)?,
            currency: asked.currency.map(|currency| currency.to_string()),
            price_min: asked.price_min,
            price_max: asked.price_max,
            in_stock: asked.in_stock,
            sort: asked.sort,
            page,
            limit,
        })
    }
}

fn pairs(parameter: &str, texts: Vec<String>) -> Result<OneOf, Problem> {
    let mut pairs = OneOf::new();
    for text in texts {
        match text.split_once(':') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                pairs.entry(name.to_owned()).or_default().insert(value.to_owned());
            }
            _ => return Err(refuse(parameter, "invalid_value", "must be name:value".to_owned())),
        }
    }
    Ok(pairs)
}

fn refuse(parameter: &str, code: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_query", "a parameter of the query is wrong")
        .parameter(parameter, code, detail)
}
