//! Payments: one document each.

use domain::payment::document::{self, Document};
use sqlx::types::Uuid;

use crate::documents::document_projection;

document_projection! {
    Payments, version 7;
    table "payments_rows", key Uuid "uuid";
    stream Payment(id) => id.0;
    documents Document, by document::fold;
    columns "order_id" "uuid", "method" "text", "status" "text";
    from "amount" "json":
        "amount" = "(f.amount->>'amount')::numeric",
        "currency" = "f.amount->>'currency'";
    from "pending" "json": "unknown" = "coalesce((f.pending->>'unknown')::boolean, false)";
    from "to_remit" "json": "to_remit" = "(f.to_remit->>'amount')::numeric > 0";
    from "dispute" "json": "dispute" = "f.dispute->>'stage'";
}
