//! Returns: one document each, as it also stands in that of its order.

use domain::return_::document::{self, Document};
use sqlx::types::Uuid;

use crate::documents::document_projection;

document_projection! {
    Returns, version 2;
    table "returns_rows", key Uuid "uuid";
    stream Return(id) => id.0;
    documents Document, by document::fold;
    columns "order_id" "uuid", "status" "text";
}
