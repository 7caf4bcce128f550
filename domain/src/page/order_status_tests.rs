//! What has come of paying an order by several payments.

use serde_json::json;

use super::order::{self, PaymentStatus as Paid};
use super::tests::{O, ORDER, PAYMENT, Story, bought, eur, money, paying};

/// Another payment of the same order.
const SECOND: &str = "payment-00000000-0000-7000-8000-000000000005";

fn status(story: &Story) -> Paid {
    story.then(order::fold).payment_status
}

fn captured() -> Story {
    money(paying(bought()), "payment.captured", "100.00")
}

fn second(story: Story) -> Story {
    let created = json!({ "order_id": O, "method": "card", "amount": eur("100.00") });
    story.and(SECOND, "payment.created", created)
}

fn authorized(story: Story) -> Story {
    let authorized = json!({ "order_id": O, "request": 1, "amount": eur("100.00"),
                             "reference": "ref", "expires_at": "2026-03-08T00:00:00Z" });
    second(story).and(SECOND, "payment.authorized", authorized)
}

fn taken(story: Story, amount: &str) -> Story {
    let of = json!({ "order_id": O, "request": 2, "amount": eur(amount) });
    authorized(story).and(SECOND, "payment.captured", of)
}

fn lost(story: Story) -> Story {
    let lost = json!({ "order_id": O, "reference": "dp_1", "amount": eur("100.00"),
                       "stage": "lost" });
    story.and(PAYMENT, "payment.disputed", lost)
}

#[test]
fn what_was_paid_twice_and_given_back_once_is_paid() {
    let twice = taken(captured(), "100.00");
    assert_eq!(status(&twice), Paid::Paid);
    let once = money(twice, "payment.refunded", "100.00");
    let document = once.then(order::fold);
    assert_eq!((document.payment_status, document.paid), (Paid::Paid, document.owed));
    // In part, as long as too much is left.
    let part = money(taken(captured(), "100.00"), "payment.refunded", "40.00");
    assert_eq!(status(&part), Paid::Paid);
    let more = money(part, "payment.refunded", "60.00");
    let goodwill = json!({ "order_id": O, "request": 3, "amount": eur("5.00") });
    let less = more.and(SECOND, "payment.refunded", goodwill);
    assert_eq!(status(&less), Paid::PartiallyRefunded);
    // Of one payment that took too much.
    let reported = json!({ "order_id": O, "operation": "capture", "amount": eur("20.00"),
                           "reference": "ch_9" });
    let beyond = captured().and(PAYMENT, "payment.reported", reported);
    assert_eq!(status(&money(beyond, "payment.refunded", "20.00")), Paid::Paid);
}

#[test]
fn what_is_paid_anew_is_not_what_was_given_back_before() {
    let back = || money(captured(), "payment.refunded", "100.00");
    assert_eq!(status(&back()), Paid::Refunded);
    for gone in [back(), lost(captured())] {
        assert_eq!(status(&second(gone)), Paid::Awaiting);
    }
    for gone in [back(), lost(captured())] {
        assert_eq!(status(&authorized(gone)), Paid::Authorized);
    }
    for gone in [back(), lost(captured())] {
        assert_eq!(status(&taken(gone, "40.00")), Paid::PartiallyPaid);
    }
    for gone in [back(), lost(captured())] {
        assert_eq!(status(&taken(gone, "100.00")), Paid::Paid);
    }
    let failed = || json!({ "order_id": O, "reason": "declined" });
    let again = second(back()).and(SECOND, "payment.failed", failed());
    assert_eq!(status(&again), Paid::Refunded);
    let again = second(lost(captured())).and(SECOND, "payment.failed", failed());
    assert_eq!(status(&again), Paid::ChargedBack);
}

/// The price of what was called off before it was sent is given back, not too much.
#[test]
fn what_is_given_back_of_the_price_is_a_refund() {
    let off = json!({ "lines": [{ "sku": "TOTE-S", "quantity": 1 }], "reason": "broken",
                      "amount": eur("25.00"), "was_confirmed": true });
    let fewer = captured().and(ORDER, "order.units_cancelled", off);
    assert_eq!(status(&fewer), Paid::Paid);
    assert_eq!(status(&money(fewer, "payment.refunded", "25.00")), Paid::PartiallyRefunded);
}
