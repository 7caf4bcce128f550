//! Parcels: one document each, as it also stands in that of its order.

use domain::fulfilment::document::{self, Document};
use sqlx::types::Uuid;

use crate::documents::document_projection;

document_projection! {
    Fulfilments, version 3;
    table "fulfilments_rows", key Uuid "uuid";
    stream Fulfilment(id) => id.0;
    documents Document, by document::fold;
    columns "order_id" "uuid", "status" "text", "location" "text";
}
