//! Searching the catalogue: one request, two places that can answer it, one shape of answer.

pub mod breaker;
pub mod meili;
pub mod postgres;
pub mod request;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

/// Facets, their values, and how many hits have each.
pub type Facets = BTreeMap<String, BTreeMap<String, u64>>;

/// What a search found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// The documents of this page.
    pub hits: Vec<Box<RawValue>>,
    /// How many there are on all pages.
    pub total: u64,
    /// This page, from 1.
    pub page: u32,
    /// Hits on a page.
    pub limit: u32,
    /// How the hits spread.
    pub facets: Facets,
}
