//! Money that came without a gateway is booked as it came, whatever was owed: what is over is to be
//! given back.

use domain::Command as Any;
use domain::command::payment::Command;
use domain::order::{Overpaid, OverpaidCorrected, Status};
use domain::payment::{Collected, CollectionCorrected};

use kit::*;

use super::payment::{ask, collect, refund_by_hand};
use super::told::{order, pay};

fn came(amount: &str) -> Fact {
    of_payment(1, Collected { order_id: order_id(1), amount: eur(amount) })
}

fn beyond(amount: &str) -> Fact {
    of_order(1, Overpaid { payment_id: payment_id(1), amount: eur(amount) })
}

fn correct(amount: &str) -> Any {
    ask(Command::CorrectCollection { amount: eur(amount), reason: note("typed"), at: hour(0) })
}

fn corrected(before: &str, amount: &str) -> Fact {
    let (order_id, before, amount) = (order_id(1), eur(before), eur(amount));
    of_payment(1, CollectionCorrected { order_id, before, amount, reason: note("typed") })
}

#[test]
fn an_invoice_that_is_paid_twice_is_booked_twice() {
    let shop = placed().done(pay_elsewhere(1, 1)).done(collect(Some("50.50")));
    shop.when(collect(None)).then_refused("payment_wrong_state");
    shop.when(collect(Some("50.50"))).then([came("50.50"), beyond("50.50")]);
    let shop = shop.done(collect(Some("50.50")));
    assert_eq!(order(&shop).overpaid, Some(eur("50.50")));
    let shop = shop.done(refund_by_hand(Some("50.50")));
    assert_eq!(pay(&shop, 1).terms.expect("begun").kept(), eur("50.50"));
}

#[test]
fn a_cent_more_is_booked_and_put_right() {
    let shop = sent(on_delivery()).done(deliver(1));
    shop.when(collect(Some("50.51"))).then([came("50.51"), beyond("0.01")]);
    let shop = shop.done(collect(Some("50.50")));
    shop.when(correct("50.51")).then([corrected("50.50", "50.51"), beyond("0.01")]);
    let less = OverpaidCorrected { payment_id: payment_id(1), amount: eur("0.01") };
    let shop = shop.done(correct("50.51"));
    shop.when(correct("50.50")).then([corrected("50.51", "50.50"), of_order(1, less)]);
}

/// The courier took it for a purse that was not taken, or before anybody told that it was there.
#[test]
fn cash_is_booked_whatever_has_become_of_the_goods() {
    let on_its_way = sent(on_delivery());
    let refused = on_its_way.clone().done(fail(1)).done(give_back(1));
    assert_eq!(order(&refused).status, Status::Cancelled);
    for shop in [on_delivery(), on_its_way, refused] {
        shop.when(collect(Some("50.50"))).then([came("50.50")]);
        shop.done(collect(Some("50.50"))).done(refund_by_hand(None));
    }
    let some = sent(on_delivery()).done(hand_over(1, &[(TOTE, 1)])).done(give_back(1));
    some.done(collect(Some("50.50"))).done(refund_by_hand(Some("30.50")));
}

#[test]
fn it_must_be_money() {
    let shop = sent(on_delivery()).done(deliver(1)).done(collect(Some("50.50")));
    shop.when(collect(Some("999999999949.51"))).then_refused("amount_too_large");
    shop.clone().done(collect(Some("999999999949.50")));
    shop.clone().done(correct("1000000000000.00"));
    shop.when(collect(Some("0.00"))).then_refused("invalid_amount");
    let yen = ask(Command::Collect { amount: Some(money("1", "JPY")), at: hour(0) });
    shop.when(yen).then_refused("invalid_amount");
    sent(captured())
        .done(deliver(1))
        .when(collect(Some("1.00")))
        .then_refused("payment_wrong_state");
}
