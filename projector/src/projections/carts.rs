//! Carts: one document each.

use domain::cart::document::{self, Document};
use sqlx::types::Uuid;

use crate::documents::document_projection;

document_projection! {
    Carts, version 5;
    table "carts_rows", key Uuid "uuid";
    stream Cart(id) => id.0;
    documents Document, by document::fold;
    columns "status" "text", "customer_id" "uuid";
}
