//! What was told wrongly and put right, as it is read.

use serde_json::json;

use super::order::{self, FulfilmentStatus, Status};
use super::tests::{O, ORDER, PARCEL, Story, bought, ends, leaves, lines, money, parcel, paying};

fn delivered() -> Story {
    let story = money(paying(bought()), "payment.captured", "100.00");
    let story = leaves(parcel(story, PARCEL, 4), PARCEL, 4);
    ends(story, PARCEL, 4, ("fulfilment.delivered", "delivered"))
        .and(ORDER, "order.completed", json!({}))
}

fn not_delivered(story: Story, kind: &str) -> Story {
    let corrected = json!({ "fulfilment_id": &PARCEL[11..], "lines": lines(4) });
    let told = json!({ "order_id": O, "reason": "never came" });
    story.and(PARCEL, kind, told).and(ORDER, "order.delivery_corrected", corrected)
}

#[test]
fn a_parcel_that_was_not_delivered_is_not_shown_as_such() {
    let document = not_delivered(delivered(), "fulfilment.delivery_failed").then(order::fold);
    assert_eq!((document.status, document.completed_at), (Status::Confirmed, None));
    assert_eq!(document.fulfilment_status, FulfilmentStatus::Fulfilled);
    let of = document.lines[0].progress;
    assert_eq!((of.moving, of.delivered, document.owed), (4, 0, document.total));
    assert_eq!(document.fulfilments[0].delivered, []);

    let closed = json!({ "fulfilment_id": &PARCEL[11..], "outcome": "lost", "lines": lines(4),
                         "amount": { "amount": "100.00", "currency": "EUR" } });
    let off = json!({ "reason": "undeliverable", "was_confirmed": true, "units": 0,
                      "total": { "amount": "0.00", "currency": "EUR" } });
    let document = not_delivered(delivered(), "fulfilment.lost")
        .and(ORDER, "order.fulfilment_closed", closed)
        .and(ORDER, "order.cancelled", off)
        .then(order::fold);
    assert_eq!(document.fulfilment_status, FulfilmentStatus::Lost);
    assert_eq!((document.to_refund, document.fulfilments[0].delivered.len()), (document.total, 0));
}
