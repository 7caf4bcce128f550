//! What was told wrongly and put right, as it is read.

use serde_json::json;

use super::order::{self, FulfilmentStatus, Status};
use super::tests::{
    O, ORDER, PARCEL, PAYMENT, Story, bought, ends, eur, leaves, lines, money, parcel, paying,
};
use crate::payment::document as payment;
use crate::payment::{REFUNDS_SHOWN_MAX, Refund};
use crate::return_::Status::{Approved, Received};

fn delivered() -> Story {
    let story = money(paying(bought()), "payment.captured", "100.00");
    let story = leaves(parcel(story, PARCEL, 4), PARCEL, 4);
    ends(story, PARCEL, 4, ("fulfilment.delivered", "delivered")).and(
        ORDER,
        "order.completed",
        json!({}),
    )
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

#[test]
fn a_return_shows_what_really_came() {
    const BACK: &str = "return-00000000-0000-7000-8000-000000000021";
    let id = &BACK[7..];
    let arrived =
        |quantity: u32| json!([{ "sku": "TOTE-S", "quantity": quantity, "location": "returns" }]);
    let asked = json!({ "order_id": O, "lines": lines(3), "reason": "too small" });
    let worn = json!({ "amount": eur("10.00"), "reason": "worn" });
    let came = json!({ "return_id": id, "lines": lines(2), "amount": eur("40.00"),
                       "withheld": eur("10.00") });
    let story = delivered()
        .and(BACK, "return.requested", asked)
        .and(ORDER, "order.return_opened", json!({ "return_id": id, "lines": lines(3) }))
        .and(BACK, "return.approved", json!({ "order_id": O }))
        .and(
            BACK,
            "return.received",
            json!({ "order_id": O, "lines": arrived(2), "withheld": worn }),
        )
        .and(ORDER, "order.units_returned", came);
    let told = json!({ "order_id": O, "before": arrived(2), "lines": arrived(1),
                       "withheld": eur("5.00"), "reason": "counted again" });
    let less = json!({ "return_id": id, "not_back": lines(1), "regained": eur("20.00"),
                       "withheld_before": eur("10.00"), "withheld": eur("5.00") });
    let story = story.and(BACK, "return.receipt_corrected", told).and(
        ORDER,
        "order.return_corrected",
        less,
    );
    let document = story.then(order::fold);
    let of = document.lines[0].progress;
    assert_eq!((of.delivered, of.returning, of.returned), (4, 2, 1));
    let money = |it: crate::Money| it.amount().to_string();
    assert_eq!((money(document.owed), money(document.withheld)), ("80.00".into(), "5.00".into()));
    let back = &document.returns[0];
    assert_eq!((back.status, back.amount.map(money)), (Received, Some("20.00".into())));
    assert_eq!((back.received[0].quantity.get(), back.withheld.len()), (1, 1));
    assert_eq!(back.withheld[0].reason.to_string(), "counted again");

    let none = json!({ "order_id": O, "before": arrived(1), "lines": [], "withheld": eur("0.00"),
                       "reason": "of another order" });
    let none_back = json!({ "return_id": id, "not_back": lines(1), "regained": eur("20.00"),
                            "withheld_before": eur("5.00") });
    let document = story
        .and(BACK, "return.receipt_corrected", none)
        .and(ORDER, "order.return_corrected", none_back)
        .then(order::fold);
    let back = &document.returns[0];
    assert_eq!((back.status, back.amount.map(money)), (Approved, Some("0.00".into())));
    assert_eq!((back.received.len(), back.withheld.len()), (0, 0));
    assert_eq!(document.owed, document.total);
}

fn shown(story: &Story) -> Vec<(String, Option<String>, bool)> {
    let told = |it: &Refund| {
        (it.amount.amount().to_string(), it.reason.as_ref().map(ToString::to_string), it.by_hand)
    };
    story.then(payment::fold).refunds.iter().map(told).collect()
}

#[test]
fn a_payment_says_what_was_given_back_and_why() {
    let of = |amount: &str, reason: Option<&str>, by_hand: bool| {
        (amount.to_owned(), reason.map(ToOwned::to_owned), by_hand)
    };
    let by_hand =
        |amount, reason| json!({ "order_id": O, "amount": eur(amount), "reason": reason });
    let answered = |amount, name| {
        json!({ "order_id": O, "request": 3, "amount": eur(amount), "reference": name,
                "reason": "worn" })
    };
    let told = json!({ "order_id": O, "operation": "refund", "amount": eur("3.00"),
                       "reference": "re_1" });
    // The webhook comes first, and the answer tells why.
    let story = money(paying(bought()), "payment.captured", "100.00")
        .and(PAYMENT, "payment.reported", told)
        .and(PAYMENT, "payment.refunded", answered("0.00", "re_1"))
        .and(PAYMENT, "payment.refunded", answered("4.00", "re_2"))
        .and(PAYMENT, "payment.refunded", by_hand("5.00", "late"))
        .and(PAYMENT, "payment.refunded", by_hand("6.00", "later"));
    let [first, second] = [of("3.00", Some("worn"), false), of("4.00", Some("worn"), false)];
    let hands = [of("5.00", Some("late"), true), of("6.00", Some("later"), true)];
    assert_eq!(shown(&story), [vec![first.clone(), second.clone()], hands.into()].concat());
    let once = json!({ "order_id": O, "before": eur("11.00"), "amount": eur("6.00"),
                       "reason": "once" });
    let story = story.and(PAYMENT, "payment.refund_corrected", once);
    assert_eq!(story.then(payment::fold).refunded_by_hand.amount().to_string(), "6.00");
    assert_eq!(shown(&story), [first.clone(), second, of("6.00", Some("once"), true)]);
    let failed = json!({ "order_id": O, "what": "refund", "amount": eur("4.00"),
                         "reference": "re_2" });
    let story = story.and(PAYMENT, "payment.restored", failed);
    assert_eq!(shown(&story), [first, of("6.00", Some("once"), true)]);
    let cents = (0..REFUNDS_SHOWN_MAX)
        .fold(story, |story, _| story.and(PAYMENT, "payment.refunded", by_hand("0.01", "a cent")));
    assert_eq!(shown(&cents).len(), REFUNDS_SHOWN_MAX);
}
