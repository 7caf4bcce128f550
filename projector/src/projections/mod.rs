//! The projections: one file each. A new one is a file, a `mod` line and a line in [`ALL`], at the
//! place that its read model has in [`ReadModel::ALL`].

mod carts;
mod fulfilments;
mod locations;
mod orders;
mod payments;
mod products;
mod returns;
mod sales;
mod search;
mod stock;

use domain::ReadModel;

use crate::projection::Projection;

/// Every projection: as many as there are read models, or this does not compile.
pub static ALL: [&Projection; ReadModel::ALL.len()] = [
    &products::PROJECTION,
    &stock::PROJECTION,
    &locations::PROJECTION,
    &carts::PROJECTION,
    &orders::PROJECTION,
    &payments::PROJECTION,
    &fulfilments::PROJECTION,
    &returns::PROJECTION,
    &sales::PROJECTION,
    &search::PROJECTION,
];

/// The one that is also sent to Meilisearch.
pub static SEARCH: &Projection = &search::PROJECTION;

/// The projection of a name.
pub fn find(name: &str) -> Option<&'static Projection> {
    ALL.into_iter().find(|projection| projection.name == name)
}

/// What is told whoever names one that there is not.
pub fn known() -> String {
    let names: Vec<&str> = ALL.iter().map(|known| known.name).collect();
    format!("there is {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_read_model_is_built_by_the_projection_in_its_place() {
        let built = ALL.map(|projection| projection.name);
        assert!(built.into_iter().eq(ReadModel::ALL.iter().map(|model| model.name())));
    }
}
