//! What shoppers are told of the events of their orders: a list of what is shown. What is not in
//! it is not shown, also of what events will be able to say one day.
//!
//! It leaves out who did something and why they say they did, whom a gateway is and what it was
//! asked, where in the shop goods lie, what those who work here write for each other, and what
//! passes between the shop and others. Why an order is off or a return was refused, its document
//! says as far as that is for them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::fields::Fields;

/// Units, by SKU.
const UNITS: [&str; 2] = ["lines.sku", "lines.quantity"];

/// Units that are sent again.
const AGAIN: [&str; 2] = ["again.sku", "again.quantity"];

/// Each type of event that they are told of, with the members of its payload that they see.
const TOLD: &[(&str, &[&[&str]])] = &[
    ("order.placed", &[PLACED]),
    ("order.assigned", &[&["customer_id"]]),
    ("order.payment_started", &[&["payment_id", "method"]]),
    ("order.payment_ended", &[&["payment_id"]]),
    ("order.hold_prolonged", &[&["reserved_until"]]),
    ("order.confirmed", &[&["payment_id", "total", "units"]]),
    ("order.unsecured", &[&["payment_id", "reserved_until"]]),
    ("order.secured", &[&["payment_id"]]),
    ("order.address_changed", &[&["address_id"]]),
    ("order.fulfilment_planned", &[&["fulfilment_id"], &UNITS]),
    ("order.fulfilment_shipped", &[&["fulfilment_id"], &UNITS]),
    (
        "order.fulfilment_closed",
        &[&["fulfilment_id", "outcome", "amount", "regained"], &UNITS, &AGAIN],
    ),
    ("order.units_delivered", &[&["fulfilment_id", "regained"], &UNITS]),
    ("order.delivery_corrected", &[&["fulfilment_id"], &UNITS]),
    ("order.units_cancelled", &[&["amount"], &UNITS]),
    ("order.return_opened", &[&["return_id"], &UNITS]),
    ("order.units_returned", &[&["return_id", "amount", "withheld"], &UNITS]),
    (
        "order.return_corrected",
        &[
            &["return_id", "amount", "regained", "withheld_before", "withheld"],
            &["not_back.sku", "not_back.quantity", "back.sku", "back.quantity"],
        ],
    ),
    ("order.return_closed", &[&["return_id"], &UNITS]),
    ("order.completed", &[]),
    ("order.cancelled", &[&["total", "units"]]),
    ("order.reinstated", &[]),
    ("order.overpaid", &[&["payment_id", "amount"]]),
    ("order.overpaid_corrected", &[&["payment_id", "amount"]]),
    ("payment.created", &[&["method", "amount"]]),
    ("payment.assigned", &[&["customer_id"]]),
    // The address at their bank is the document's, while it is good for something.
    ("payment.action_required", &[]),
    ("payment.authorized", &[&["amount", "expires_at"]]),
    ("payment.captured", &[&["amount"]]),
    ("payment.voided", &[]),
    ("payment.expired", &[]),
    ("payment.refunded", &[&["amount"]]),
    ("payment.refund_corrected", &[&["before", "amount"]]),
    ("payment.failed", &[]),
    ("payment.reported", &[&["operation", "amount"]]),
    ("payment.disputed", &[&["amount", "stage"]]),
    ("payment.restored", &[&["what", "amount"]]),
    ("payment.collection_due", &[&["amount"]]),
    ("payment.collected", &[&["amount"]]),
    ("payment.collection_corrected", &[&["before", "amount"]]),
    ("payment.uncollected", &[]),
    ("fulfilment.created", &[&UNITS]),
    ("fulfilment.packed", &[]),
    ("fulfilment.shipped", &[&["carrier", "tracking"]]),
    ("fulfilment.tracking_set", &[&["carrier", "tracking"]]),
    ("fulfilment.delivered", &[]),
    ("fulfilment.partly_delivered", &[&UNITS]),
    ("fulfilment.delivery_failed", &[]),
    ("fulfilment.returned_to_sender", &[&["send_again"], &UNITS]),
    ("fulfilment.lost", &[]),
    ("fulfilment.cancelled", &[]),
    ("return.requested", &[&UNITS]),
    ("return.approved", &[]),
    ("return.rejected", &[]),
    ("return.withdrawn", &[]),
    ("return.received", &[&["withheld.amount"], &UNITS]),
    ("return.receipt_corrected", &[&["before.sku", "before.quantity", "withheld"], &UNITS]),
    ("return.closed", &[]),
];

const PLACED: &[&str] = &[
    "cart_id",
    "customer_id",
    "guest_id",
    "address_id",
    "lines.sku",
    "lines.product_id",
    "lines.title",
    "lines.variant_title",
    "lines.options",
    "lines.quantity",
    "lines.unit_price",
    "lines.total",
    "total",
    "reserved_until",
];

static BY_TYPE: LazyLock<BTreeMap<&str, Fields>> = LazyLock::new(|| {
    let fields = |members: &[&[&'static str]]| members.concat().into_iter().collect();
    TOLD.iter().map(|(kind, members)| (*kind, fields(members))).collect()
});

/// The types of events that are told.
pub fn types() -> Vec<String> {
    TOLD.iter().map(|(kind, _)| (*kind).to_owned()).collect()
}

/// What is told of the payload of an event; nothing where the event is not.
pub fn payload(kind: &str) -> Option<&'static Fields> {
    BY_TYPE.get(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outline::Outline;

    /// A new kind of event is not shown before somebody thought about it, here or above.
    const UNTOLD: [&str; 7] = [
        "order.note_added",
        "payment.outcome_unknown",
        "payment.remittance_corrected",
        "payment.remitted",
        "payment.request_failed",
        "payment.requested",
        "payment.resolved",
    ];

    #[test]
    fn each_event_of_an_order_is_told_or_is_not_on_purpose() {
        let of_orders = ["order.", "payment.", "fulfilment.", "return."];
        let types = domain::Event::types().map(|(name, _)| name);
        let mut known: Vec<&str> =
            types.filter(|name| of_orders.iter().any(|of| name.starts_with(of))).collect();
        let mut decided: Vec<&str> = TOLD.iter().map(|(kind, _)| *kind).chain(UNTOLD).collect();
        known.sort_unstable();
        decided.sort_unstable();
        assert_eq!(decided, known);
    }

    #[test]
    fn each_member_that_is_told_is_one_of_its_event() {
        let schemas = crate::events::schemas();
        let all = schemas["$defs"].as_object().unwrap();
        for (kind, members) in TOLD {
            let event = all.values().find(|it| it["properties"]["type"]["const"] == *kind);
            let payload = Outline::of(&event.unwrap()["properties"]["data"], &schemas);
            for name in members.concat() {
                assert!(payload.has(name), "{kind} has no {name}");
            }
        }
    }
}
