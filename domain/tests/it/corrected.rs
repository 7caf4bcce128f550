//! What was said to be collected, handed over or given back, by mistake, and put right.

use domain::Command as Any;
use domain::command::payment::Command;
use domain::order::{OverpaidCorrected, PaymentEnded};
use domain::payment::{
    Collected, CollectionCorrected, Operation, RefundCorrected, RemittanceCorrected, Report, Stage,
    Status, Uncollected, WriteOff,
};

use kit::*;

use super::payment::{ask, collect, refund_by_hand, remit};
use super::told::{asks, order, pay, settle};

fn correct(payment: u128, amount: &str) -> Any {
    let reason = note("the desk typed another");
    to_payment(payment, Command::CorrectCollection { amount: eur(amount), reason, at: hour(0) })
}

fn corrected(payment: u128, before: &str, amount: &str) -> Fact {
    let (order_id, before, amount) = (order_id(1), eur(before), eur(amount));
    let reason = note("the desk typed another");
    of_payment(payment, CollectionCorrected { order_id, before, amount, reason })
}

/// All of an order for 50.50 at the door.
fn delivered() -> Shop {
    sent(on_delivery()).done(deliver(1))
}

fn status(shop: &Shop) -> Option<Status> {
    pay(shop, 1).status()
}

#[test]
fn less_was_collected_than_was_told() {
    let shop = delivered().done(collect(None));
    shop.when(correct(1, "19.00")).then([corrected(1, "50.50", "19.00")]);
    let shop = shop.done(correct(1, "19.00"));
    shop.when(correct(1, "19.00")).then_nothing();
    assert_eq!(status(&shop), Some(Status::PartiallyCollected));
    assert_eq!(order(&shop).owed(), Some(eur("50.50")));
    shop.when(refund(1, Some(eur("19.01")))).then_refused("amount_too_large");
    let order_id = order_id(1);
    shop.when(collect(None)).then([of_payment(1, Collected { order_id, amount: eur("31.50") })]);
    let handed_over = shop.done(remit());
    assert_eq!(pay(&handed_over, 1).terms.expect("begun").remitted, eur("19.00"));

    // It was another order's.
    let none = delivered().done(collect(None)).done(correct(1, "0.00"));
    assert_eq!(status(&none), Some(Status::CodPending));
    none.when(correct(1, "5.00")).then_refused("payment_wrong_state");
    none.done(collect(None));
}

#[test]
fn more_was_collected_than_was_told() {
    let shop = delivered().done(collect(Some("19.00")));
    shop.when(correct(1, "50.50")).then([corrected(1, "19.00", "50.50")]);
    assert_eq!(status(&shop.done(correct(1, "50.50"))), Some(Status::Collected));
}

#[test]
fn what_was_there_is_not_denied() {
    let remitted = ask(Command::Remit { amount: Some(eur("20.00")), written_off: None });
    for seen in [remitted, refund(1, Some(eur("20.00")))] {
        let shop = delivered().done(collect(None)).done(seen);
        shop.when(correct(1, "19.99")).then_refused("amount_too_small");
        shop.done(correct(1, "20.00"));
    }
    delivered().when(correct(1, "19.00")).then_refused("payment_wrong_state");
    sent(captured()).done(deliver(1)).when(correct(1, "19.00")).then_refused("payment_wrong_state");
    let yen = Command::CorrectCollection {
        amount: money("19", "JPY"),
        reason: note("typed"),
        at: hour(0),
    };
    delivered().done(collect(None)).when(ask(yen)).then_refused("invalid_amount");
    delivered().when(correct(9, "19.00")).then_refused("payment_not_found");
}

#[test]
fn what_was_given_up_stays_so() {
    let uncollect = ask(Command::Uncollect { reason: note("would not pay"), at: hour(0) });
    let shop = delivered().done(collect(Some("19.00"))).done(uncollect);
    let less = shop.clone().done(correct(1, "9.00"));
    assert_eq!(pay(&less, 1).stage, Stage::Done, "nothing more is expected");
    let payment_id = payment_id(1);
    shop.when(correct(1, "0.00"))
        .then([corrected(1, "19.00", "0.00"), of_order(1, PaymentEnded { payment_id })]);
    let none = shop.done(correct(1, "0.00"));
    assert_eq!(status(&none), Some(Status::Uncollected));
    none.done(pay_on_delivery(2, 1));
}

/// A card that was given up is charged beside a transfer, which had been booked for more than came.
#[test]
fn what_was_never_taken_was_not_paid_twice() {
    let left = paying().done(ask(Command::Abort { reason: note("by transfer"), at: hour(0) }));
    let booked = left
        .done(pay_elsewhere(2, 1))
        .done(to_payment(2, Command::Collect { amount: None, at: hour(0) }));
    let charged = Report::Captured { amount: eur("50.50"), reference: token("late") };
    let shop = booked.done(report(1, charged));
    assert_eq!(order(&shop).overpaid, Some(eur("50.50")));
    let (payment_id, amount) = (payment_id(2), eur("50.00"));
    let less = of_order(1, OverpaidCorrected { payment_id, amount });
    // Nor is the rest asked for, which the card has paid.
    let done = of_payment(2, Uncollected { order_id: order_id(1), reason: None });
    shop.when(correct(2, "0.50")).then([corrected(2, "50.50", "0.50"), done, less]);
    assert_eq!(order(&shop.done(correct(2, "0.50"))).overpaid, Some(eur("0.50")));
}

fn remitted(amount: &str, written_off: Option<&str>) -> Any {
    let (amount, written_off) = (eur(amount), written_off.map(eur));
    ask(Command::CorrectRemittance { amount, written_off, reason: note("counted again") })
}

fn given_back(amount: &str) -> Any {
    ask(Command::CorrectRefund {
        amount: eur(amount),
        reason: note("one transfer came back"),
        at: hour(0),
    })
}

#[test]
fn another_amount_was_handed_over_than_was_told() {
    let shop = delivered().done(collect(None)).done(remit());
    let corrected = |before: [&str; 2], after: [&str; 2]| {
        let ([before, written_off_before], [amount, written_off]) =
            (before.map(eur), after.map(eur));
        let (order_id, reason) = (order_id(1), note("counted again"));
        let told = RemittanceCorrected {
            order_id,
            before,
            amount,
            written_off_before,
            written_off,
            reason,
        };
        [of_payment(1, told)]
    };
    shop.when(remitted("50.51", None)).then_refused("amount_too_large");
    shop.when(remitted("48.00", None)).then(corrected(["50.50", "0.00"], ["48.00", "0.00"]));
    let shop = shop.done(remitted("48.00", None));
    shop.when(remitted("48.00", None)).then_nothing();
    assert_eq!(pay(&shop, 1).terms.expect("begun").to_remit(), eur("2.50"));
    assert_eq!(status(&shop), Some(Status::Collected));
    // What was written off as a fee is handed over after all.
    let fee = WriteOff { amount: eur("2.50"), reason: note("a fee") };
    let shop = shop.done(ask(Command::Remit { amount: None, written_off: Some(fee) }));
    shop.when(remitted("50.50", None)).then_refused("amount_too_large");
    shop.when(remitted("0.00", Some("50.51"))).then_refused("amount_too_large");
    let all = corrected(["48.00", "2.50"], ["50.50", "0.00"]);
    shop.when(remitted("50.50", Some("0.00"))).then(all);
    // Less was collected: that is said once it is said that less was handed over.
    shop.when(correct(1, "19.00")).then_refused("amount_too_small");
    shop.done(remitted("19.00", Some("0.00"))).done(correct(1, "19.00"));
}

#[test]
fn another_amount_was_given_back_by_hand_than_was_told() {
    let shop = delivered().done(collect(None)).done(refund_by_hand(Some("50.50")));
    let corrected = |before: &str, amount: &str| {
        let (order_id, before, amount) = (order_id(1), eur(before), eur(amount));
        of_payment(
            1,
            RefundCorrected { order_id, before, amount, reason: note("one transfer came back") },
        )
    };
    shop.when(given_back("5.05")).then([corrected("50.50", "5.05")]);
    let shop = shop.done(given_back("5.05"));
    shop.when(given_back("5.05")).then_nothing();
    assert_eq!(status(&shop), Some(Status::PartiallyRefunded));
    shop.when(given_back("50.51")).then_refused("amount_too_large");
    shop.when(given_back("50.50")).then([corrected("5.05", "50.50")]);
    let none = shop.done(given_back("0.00"));
    assert_eq!(status(&none), Some(Status::Collected));
    none.when(given_back("5.00")).then_refused("payment_wrong_state");
    none.done(correct(1, "19.00"));
}

/// What is owed back after all is asked of the gateway; what the gateway gave back stands.
#[test]
fn what_was_not_given_back_by_hand_is_given_back_by_the_gateway() {
    let off = sent(captured()).done(fail(1)).done(give_back(1)).done(record(1, 3, declined()));
    let shop = off.done(refund_by_hand(None));
    assert_eq!(asks(&shop, settle()), []);
    let asked = [(Operation::Refund, "50.50".to_owned())];
    assert_eq!(asks(&shop, given_back("0.00")), asked);
    let by_gateway = sent(captured()).done(refund(1, Some(eur("5.00"))));
    let by_gateway = by_gateway.done(record(1, 3, was_refunded()));
    by_gateway.when(given_back("1.00")).then_refused("payment_wrong_state");
    by_gateway.when(remitted("1.00", None)).then_refused("payment_wrong_state");
    let both = by_gateway.done(refund_by_hand(Some("20.00"))).done(given_back("2.00"));
    assert_eq!(pay(&both, 1).terms.expect("begun").refunded, eur("7.00"));
    let yen =
        Command::CorrectRefund { amount: money("19", "JPY"), reason: note("typed"), at: hour(0) };
    both.when(ask(yen)).then_refused("invalid_amount");
}
