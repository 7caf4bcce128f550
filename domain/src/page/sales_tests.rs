//! Sales: what is taken off which day, once.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde_json::json;

use super::sales;
use super::tests::{O, ORDER, PAYMENT, Story, bought, cancelled, eur, given, lines, money, paying};
use crate::Seen;

fn day(story: &Story) -> sales::Document {
    let (mut days, mut ledger) = (BTreeMap::new(), sales::Ledger::default());
    for seen in story.seen() {
        sales::fold(&mut days, &mut ledger, &seen);
    }
    assert_eq!(days.len(), 1, "{days:?}");
    days.into_values().next().unwrap()
}

/// All ways to mix some streams that keep each one's order.
fn mixed(streams: &[&[usize]]) -> Vec<Vec<usize>> {
    if streams.iter().all(|stream| stream.is_empty()) {
        return vec![vec![]];
    }
    let mut ways = vec![];
    for (number, stream) in streams.iter().enumerate() {
        let Some((first, rest)) = stream.split_first() else { continue };
        let mut others = streams.to_vec();
        others[number] = rest;
        for mut way in mixed(&others) {
            way.insert(0, *first);
            ways.push(way);
        }
    }
    ways
}

/// Whatever the log's order is, and a day lies between any two events: folded in any other order
/// that keeps each stream's own, the days are the same.
#[test]
fn days_do_not_depend_on_the_order_of_streams() {
    const OTHER_PAYMENT: &str = "payment-00000000-0000-7000-8000-000000000014";
    let confirmed = json!({ "payment_id": &PAYMENT[8..], "total": eur("100.00"), "units": 4 });
    let refunded = |amount| json!({ "order_id": O, "amount": eur(amount) });
    let Story(story) = given(ORDER, "order.confirmed", confirmed)
        .and(ORDER, "order.cancelled", cancelled())
        .and(PAYMENT, "payment.refunded", refunded("30.00"))
        .and(PAYMENT, "payment.refunded", refunded("20.00"))
        .and(OTHER_PAYMENT, "payment.refunded", refunded("10.00"));
    let ways = mixed(&[&[0, 1], &[2, 3], &[4]]);
    assert_eq!(ways.len(), 30);
    for log in &ways {
        let fold = |way: &[usize]| {
            let (mut days, mut ledger) = (BTreeMap::new(), sales::Ledger::default());
            for which in way {
                let (stream, version, at, event) = &story[*which];
                let place = log.iter().position(|known| known == which).unwrap() as i64;
                let occurred_at = *at + TimeDelta::days(place);
                let (version, position) = (*version, place + 1);
                let seen = Seen { stream, version, position, occurred_at, event };
                sales::fold(&mut days, &mut ledger, &seen);
            }
            days
        };
        let days = fold(log);
        assert_eq!(days.len(), 5);
        let net: Decimal = days.values().map(|day| day.net.amount).sum();
        assert!(net.is_zero(), "what was cancelled is off, once: {log:?}");
        for way in &ways {
            assert_eq!(fold(way), days, "{way:?} of {log:?}");
        }
    }
}

#[test]
fn a_day_takes_an_order_off_once() {
    let sold = money(paying(bought()), "payment.captured", "100.00");
    let document = day(&sold);
    assert_eq!((document.id.as_str(), document.orders, document.units), ("2026-03-01-EUR", 1, 4));
    assert_eq!(document.net.amount.to_string(), "100.00");

    let refunded_first =
        money(sold, "payment.refunded", "30.00").and(ORDER, "order.cancelled", cancelled());
    let document = day(&money(refunded_first, "payment.refunded", "70.00"));
    assert_eq!(document.gross.amount.to_string(), "100.00");
    assert_eq!(document.cancelled.amount.to_string(), "100.00");
    assert_eq!(document.refunded.amount.to_string(), "100.00");
    assert!(document.net.amount.is_zero());
}

#[test]
fn goods_and_their_money_are_taken_off_once_and_goodwill_beside_them() {
    let sold = money(paying(bought()), "payment.captured", "100.00");
    let back = json!({ "return_id": &PAYMENT[8..], "lines": lines(1), "amount": eur("25.00") });
    let returned =
        money(sold.and(ORDER, "order.units_returned", back), "payment.refunded", "25.00");
    let document = day(&returned);
    assert_eq!(document.net.amount.to_string(), "75.00");
    let document = day(&money(returned, "payment.refunded", "5.00"));
    assert_eq!(document.net.amount.to_string(), "70.00");
    assert_eq!(document.returned.amount.to_string(), "25.00");
    assert_eq!(document.refunded.amount.to_string(), "30.00");
}

#[test]
fn what_had_not_come_back_stays_sold() {
    let sold = money(paying(bought()), "payment.captured", "100.00");
    let back = json!({ "return_id": &PAYMENT[8..], "lines": lines(2), "amount": eur("50.00") });
    let less =
        json!({ "return_id": &PAYMENT[8..], "not_back": lines(1), "regained": eur("25.00") });
    let story = sold.and(ORDER, "order.units_returned", back);
    let put_right = story.and(ORDER, "order.return_corrected", less);
    let document = day(&put_right);
    assert_eq!(document.returned.amount.to_string(), "25.00");
    assert_eq!(document.net.amount.to_string(), "75.00");
    let more = json!({ "return_id": &PAYMENT[8..], "back": lines(1), "amount": eur("25.00") });
    let document = day(&put_right.and(ORDER, "order.return_corrected", more));
    assert_eq!(document.net.amount.to_string(), "50.00");
}

#[test]
fn what_was_lost_and_is_handed_over_after_all_was_sold() {
    const PARCEL: &str = "00000000-0000-7000-8000-000000000015";
    let confirmed = json!({ "payment_id": &PAYMENT[8..], "total": eur("100.00"), "units": 4 });
    let closed = |outcome, money: &str, found| {
        let lines = json!([{ "sku": "TOTE-S", "quantity": 1 }]);
        json!({ "fulfilment_id": PARCEL, "outcome": outcome, "lines": lines, money: eur("25.00"),
                "found": found })
    };
    let story = given(ORDER, "order.confirmed", confirmed).and(
        ORDER,
        "order.fulfilment_closed",
        closed("lost", "amount", false),
    );
    let sums = |story: &Story| {
        let day = day(story);
        [day.gross, day.returned, day.net].map(|sum| sum.amount.to_string())
    };
    assert_eq!(sums(&story), ["100.00", "25.00", "75.00"]);
    let found = closed("delivered", "regained", true);
    let story = story.and(ORDER, "order.fulfilment_closed", found);
    assert_eq!(sums(&story), ["100.00", "0.00", "100.00"]);
}

#[test]
fn what_was_paid_twice_and_given_back_was_sold_once() {
    let sold = || money(paying(bought()), "payment.captured", "100.00");
    let beyond = json!({ "payment_id": &PAYMENT[8..], "amount": eur("100.00") });
    let twice = sold().and(ORDER, "order.overpaid", beyond.clone());
    let day_of = |story: &Story| day(story).net.amount.to_string();
    assert_eq!(day_of(&twice), "100.00");
    let twice = money(twice, "payment.refunded", "100.00");
    assert_eq!(day_of(&twice), "100.00");
    // Goodwill is taken off as ever.
    assert_eq!(day_of(&money(twice, "payment.refunded", "30.00")), "70.00");

    // Lost, given back, found, and paid again.
    let lost = money(sold(), "payment.refunded", "100.00");
    assert_eq!(day_of(&lost), "0.00");
    let again = money(lost, "payment.captured", "100.00").and(ORDER, "order.overpaid", beyond);
    assert_eq!(day_of(&again), "100.00");
}

#[test]
fn what_came_before_the_order_was_certain_pays_for_it() {
    let early = json!({ "payment_id": &PAYMENT[8..], "amount": eur("40.00") });
    let confirmed = json!({ "payment_id": &PAYMENT[8..], "total": eur("100.00"), "units": 4,
                            "prepaid": eur("40.00") });
    let story = given(ORDER, "order.overpaid", early).and(ORDER, "order.confirmed", confirmed);
    let all_back = money(story, "payment.refunded", "100.00");
    assert!(day(&all_back).net.amount.is_zero());
}

/// Only a dispute that is lost takes money off; on its own day it is put back where it is won.
#[test]
fn what_the_bank_takes_back_was_not_earned() {
    let dispute = |stage: &str| {
        let (amount, reference) = (eur("40.00"), "dp_1");
        json!({ "order_id": O, "reference": reference, "amount": amount, "stage": stage })
    };
    let sums = |story: &Story| {
        let day = day(story);
        [day.charged_back, day.net].map(|sum| sum.amount.to_string())
    };
    let sold = money(paying(bought()), "payment.captured", "100.00");
    let opened = sold.and(PAYMENT, "payment.disputed", dispute("opened"));
    assert_eq!(sums(&opened), ["0.00", "100.00"]);
    let lost = opened.and(PAYMENT, "payment.disputed", dispute("lost"));
    assert_eq!(sums(&lost), ["40.00", "60.00"]);
    let again = json!({ "order_id": O, "what": "dispute", "amount": eur("40.00"),
                        "reference": "dp_1" });
    let won = lost.and(PAYMENT, "payment.disputed", dispute("won")).and(
        PAYMENT,
        "payment.restored",
        again,
    );
    assert_eq!(sums(&won), ["0.00", "100.00"]);
}

#[test]
fn what_was_not_given_back_is_not_taken_off() {
    let sold = money(paying(bought()), "payment.captured", "100.00");
    let back = money(sold, "payment.refunded", "50.50");
    let corrected = |before, amount| {
        let (before, amount) = (eur(before), eur(amount));
        json!({ "order_id": O, "before": before, "amount": amount, "reason": "typed" })
    };
    let sums = |story: &Story| {
        let day = day(story);
        [day.refunded, day.net].map(|sum| sum.amount.to_string())
    };
    let less = back.and(PAYMENT, "payment.refund_corrected", corrected("50.50", "5.05"));
    assert_eq!(sums(&less), ["5.05", "94.95"]);
    let more = less.and(PAYMENT, "payment.refund_corrected", corrected("5.05", "60.00"));
    assert_eq!(sums(&more), ["60.00", "40.00"]);
}
