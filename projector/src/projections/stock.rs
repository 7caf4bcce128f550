//! Stock: one document a SKU, from when a product takes it.

use domain::stock::document::{self, Document};

use crate::documents::document_projection;

document_projection! {
    Stock, version 5;
    table "stock_rows", key String "text";
    stream Stock beside Sku (sku) => sku.to_string();
    documents Document, by document::fold;
    columns "on_hand" "bigint", "available" "bigint", "low" "boolean", "short" "bigint";
}
