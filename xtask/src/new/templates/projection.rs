//! One document a damson.

use domain::damson::document::{self, Document};
use sqlx::types::Uuid;

use crate::documents::document_projection;

document_projection! {
    Quince, version 1;
    table "quince_rows", key Uuid "uuid";
    stream Damson(id) => id.0;
    documents Document, by document::fold;
}
