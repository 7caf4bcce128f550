//! The projections. A new one is a file here and a line in [`ALL`].

mod carts;
mod orders;
mod payments;
mod products;
mod sales;
mod search;
mod stock;

use crate::projection::Projection;

/// Every projection.
pub static ALL: [&Projection; 7] = [
    &products::PROJECTION,
    &stock::PROJECTION,
    &carts::PROJECTION,
    &orders::PROJECTION,
    &payments::PROJECTION,
    &sales::PROJECTION,
    &search::PROJECTION,
];

/// The one that is also sent to Meilisearch.
pub static SEARCH: &Projection = &search::PROJECTION;

/// The projection of a name.
pub fn find(name: &str) -> Option<&'static Projection> {
    ALL.into_iter().find(|projection| projection.name == name)
}
