//! `/v1/payments`

use domain::PaymentId;
use domain::payment::document::{self, Document};
use domain::payment::{DisputeStage, Status};
use uuid::Uuid;

use crate::list::list;
use crate::listing::{CREATED, Sort, word};
use crate::one::resource;

resource! {
    /// A payment.
    Payment = "payment", of Payments in "payments";
    stream Payment(PaymentId);
    document Document, by document::fold;
    past_is_theirs true;
}

const NEWEST: Sort = Sort::down("payments -", CREATED);

list! {
    /// Which payments.
    Payments of Payments in "payments", sorted NEWEST;
    /// Of this order.
    order_id: Uuid, "order_id =";
    /// Where they stand.
    status: Status, "status =" => word;
    /// Whether a gateway's answer was lost, and nobody knows yet what it did.
    unknown: bool, "unknown =";
    /// Whether cash that was collected is still to be handed over.
    to_remit: bool, "to_remit =";
    /// How far their latest dispute has come.
    dispute: DisputeStage, "dispute =" => word;
}
