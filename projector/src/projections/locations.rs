//! Locations: one document each.

use domain::location::document::{self, Document};

use crate::documents::document_projection;

document_projection! {
    Locations, version 1;
    table "locations_rows", key String "text";
    stream Location(code) => code.to_string();
    documents Document, by document::fold;
    columns "sellable" "boolean";
}
