//! `/v1/payments`

use domain::PaymentId;
use domain::payment::Status;
use domain::payment::document::{self, Document};
use uuid::Uuid;

use crate::list::list;
use crate::listing::{CREATED, Sort, word};
use crate::one::resource;

resource! {
    /// A payment.
    Payment = "payment", of Payments in "payments";
    stream Payment(PaymentId);
    document Document, by document::fold;
}

const NEWEST: Sort = Sort::down("payments -", CREATED);

list! {
    /// Which payments.
    Payments of Payments in "payments", sorted NEWEST;
    /// Of this order.
    order_id: Uuid, "order_id =";
    /// Where they stand.
    status: Status, "status =" => word;
}
