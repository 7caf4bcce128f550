//! Goods that come back after they were delivered.

use domain::Money;
use domain::command::return_::Command;
use domain::order::{self, ReturnClosed, ReturnOpened, UnitsLeft, UnitsReturned};
use domain::payment::{Operation, Requested as Asked};
use domain::return_::{
    Approved, Arrival, Closed, Disposal, Received, Rejected, Requested, Withdrawn,
};
use domain::stock::{self, Source};

use kit::*;

use super::told::{asks, order as order_of, settle};

fn delivered() -> Shop {
    sent(captured()).done(deliver(1))
}

fn approved() -> Shop {
    delivered().done(request_return(1, 1, &[(TOTE, 2)])).done(approve(1))
}

fn receive_written_off(lines: &[(&str, u32)]) -> domain::Command {
    let lost = |units: order::Units| Arrival {
        sku: units.sku,
        quantity: units.quantity,
        disposal: Disposal::WrittenOff,
    };
    to_return(
        1,
        Command::Receive { lines: of(lines).into_iter().map(lost).collect(), withheld: None },
    )
}

fn refund_of(amount: &str, request: u32) -> Fact {
    let (order_id, operation, amount) = (order_id(1), Operation::Refund, eur(amount));
    of_payment(1, Asked { order_id, operation, amount, request, reason: None })
}

fn returned(lines: &[(&str, u32)], amount: &str) -> Fact {
    let (return_id, lines, amount) = (return_id(1), of(lines), eur(amount));
    of_order(1, UnitsReturned { return_id, lines, amount, withheld: None })
}

#[test]
fn delivered_units_may_be_announced_once() {
    let shop = delivered();
    let (order_id, lines, reason) = (order_id(1), of(&[(TOTE, 2)]), note("does not fit"));
    shop.when(request_return(1, 1, &[(TOTE, 2)])).then([
        of_return(1, Requested { order_id, lines: lines.clone(), reason }),
        of_order(1, ReturnOpened { return_id: return_id(1), lines }),
    ]);
    let left = |wanted, left| UnitsLeft { sku: sku(TOTE), wanted, left };
    let too_many = |wanted, of| order::Error::NothingToReturn(vec![left(wanted, of)]);
    shop.when(request_return(1, 1, &[(TOTE, 3)])).then_refused_with(too_many(3, 2));
    shop.when(request_return(1, 1, &[])).then_refused("return_names_nothing");
    let shop = shop.done(request_return(1, 1, &[(TOTE, 1)]));
    shop.when(request_return(2, 1, &[(TOTE, 2)])).then_refused_with(too_many(2, 1));
    shop.when(request_return(1, 1, &[(TOTE, 1)])).then_refused("return_already_exists");
    sent(captured()).when(request_return(1, 1, &[(TOTE, 1)])).then_refused("nothing_to_return");
    given([]).when(request_return(1, 1, &[(TOTE, 1)])).then_refused("order_not_found");
}

#[test]
fn what_arrives_goes_into_stock_and_is_paid_back() {
    let shop = approved();
    let (order_id, return_id) = (order_id(1), return_id(1));
    let quantity = units(1);
    let disposal = Disposal::Stored(place("depot"));
    let lines = vec![Arrival { sku: sku(TOTE), quantity, disposal }];
    let source = Source::Return { order_id, return_id };
    shop.when(take_back(1, &[(TOTE, 1)])).then([
        of_stock(
            TOTE,
            stock::Received {
                location: place("depot"),
                sellable: true,
                quantity,
                source,
                of_another: false,
            },
        ),
        of_return(1, Received { order_id, lines, withheld: None }),
        returned(&[(TOTE, 1)], "20.00"),
        refund_of("20.00", 3),
    ]);
    // The other follows while the gateway is being asked: it is paid back with the answer.
    let shop = shop.done(take_back(1, &[(TOTE, 1)])).done(take_back(1, &[(TOTE, 1)]));
    let facts = shop.decide(&record(1, 3, was_refunded())).expect("an answer");
    assert_eq!(facts.last(), Some(&refund_of("20.00", 4)));
    shop.when(take_back(1, &[(TOTE, 1)])).then_refused("nothing_to_return");
}

#[test]
fn what_is_worth_nothing_is_written_off_and_paid_back_all_the_same() {
    let facts = approved().decide(&receive_written_off(&[(TOTE, 2)])).expect("it arrives");
    assert!(!facts.iter().any(|(_, event)| matches!(event, domain::Event::Stock(_))), "{facts:?}");
    assert_eq!(facts.last(), Some(&refund_of("40.00", 3)));
}

#[test]
fn what_is_worth_less_by_now_is_paid_back_in_part() {
    let worn = |amount| take_back_worn(1, &[(TOTE, 2)], amount);
    let facts = approved().decide(&worn(eur("15.00"))).expect("it arrives");
    let (return_id, lines) = (return_id(1), of(&[(TOTE, 2)]));
    let (amount, withheld) = (eur("25.00"), Some(eur("15.00")));
    let smaller = of_order(1, UnitsReturned { return_id, lines, amount, withheld });
    assert!(facts.contains(&smaller), "{facts:?}");
    assert_eq!(facts.last(), Some(&refund_of("25.00", 3)));
    let shop = approved().done(worn(eur("15.00"))).done(record(1, 3, was_refunded()));
    assert_eq!(order_of(&shop).owed(), Some(eur("25.50")));
    assert_eq!(asks(&shop, settle()), []);
    // What is given back beyond that is goodwill, and is not taken again.
    let kind = shop.done(refund(1, Some(eur("15.00")))).done(record(1, 4, was_refunded()));
    assert_eq!(asks(&kind, settle()), []);

    let all = approved().done(worn(eur("40.00")));
    assert_eq!(asks(&all, settle()), []);
    let (withheld, worth) = (eur("40.01"), eur("40.00"));
    let too_much = order::Error::WithheldTooMuch { withheld, worth };
    approved().when(worn(withheld)).then_refused_with(too_much);
    let dollars = Money::new("1.00".parse().unwrap(), currency("USD")).unwrap();
    approved().when(worn(dollars)).then_refused("invalid_amount");
    let plain = approved().decide(&take_back(1, &[(TOTE, 2)])).expect("it arrives");
    approved().when(worn(eur("0.00"))).then(plain);
}

#[test]
fn one_sku_may_come_back_in_several_conditions() {
    let arrival = |disposal| Arrival { sku: sku(TOTE), quantity: units(1), disposal };
    let stored = |at| arrival(Disposal::Stored(place(at)));
    let lines = vec![stored("depot"), stored("shop")];
    approved().done(to_return(1, Command::Receive { lines, withheld: None }));
    let lines = vec![arrival(Disposal::WrittenOff), stored("shop"), stored("shop")];
    approved()
        .when(to_return(1, Command::Receive { lines, withheld: None }))
        .then_refused("nothing_to_return");
    let nothing = to_return(1, Command::Receive { lines: vec![], withheld: None });
    approved().when(nothing).then_refused("return_names_nothing");
}

#[test]
fn what_does_not_come_may_be_announced_again() {
    let shop = approved().done(take_back(1, &[(TOTE, 1)]));
    let (order_id, return_id, lines) = (order_id(1), return_id(1), of(&[(TOTE, 1)]));
    shop.when(close_return(1))
        .then([of_return(1, Closed { order_id }), of_order(1, ReturnClosed { return_id, lines })]);
    let shop = shop.done(close_return(1));
    shop.when(close_return(1)).then_nothing();
    shop.when(take_back(1, &[(TOTE, 1)])).then_refused("return_wrong_state");
    shop.when(request_return(2, 1, &[(TOTE, 2)])).then_refused("nothing_to_return");
    shop.done(request_return(2, 1, &[(TOTE, 1)]));
}

#[test]
fn a_return_is_decided_once() {
    let order_id = order_id(1);
    let shop = delivered().done(request_return(1, 1, &[(TOTE, 1)]));
    shop.when(take_back(1, &[(TOTE, 1)])).then_refused("return_wrong_state");
    shop.when(approve(1)).then([of_return(1, Approved { order_id })]);
    shop.clone().done(approve(1)).when(approve(1)).then_nothing();
    let reject = || to_return(1, Command::Reject { reason: note("worn") });
    shop.when(reject()).then([
        of_return(1, Rejected { order_id, reason: note("worn") }),
        of_order(1, ReturnClosed { return_id: return_id(1), lines: of(&[(TOTE, 1)]) }),
    ]);
    let rejected = shop.done(reject());
    rejected.when(reject()).then_nothing();
    // Another reason is told, and the goods stay what they were.
    let stained = to_return(1, Command::Reject { reason: note("stained") });
    rejected.when(stained).then([of_return(1, Rejected { order_id, reason: note("stained") })]);
    rejected.when(approve(1)).then_refused("return_wrong_state");
    rejected.done(request_return(2, 1, &[(TOTE, 1)]));
    // It came, and is not accepted.
    approved().done(reject()).done(request_return(2, 1, &[(TOTE, 2)]));
    approved().done(take_back(1, &[(TOTE, 1)])).when(reject()).then_refused("return_wrong_state");
    for command in [approve(9), take_back(9, &[(TOTE, 1)]), close_return(9)] {
        delivered().when(command).then_refused("return_not_found");
    }
}

/// Those that came to their end make room.
#[test]
fn an_order_has_so_many_open_returns() {
    let many = order::RETURNS_MAX as u128;
    let mut shop = catalogue().done(record_order(1, &[(TOTE, 300, "300.00")]));
    shop = sent(shop.done(pay_elsewhere(1, 1))).done(deliver(1));
    for n in 1..=many {
        shop = shop.done(request_return(n, 1, &[(TOTE, 1)]));
    }
    let another = request_return(many + 1, 1, &[(TOTE, 1)]);
    shop.when(another.clone()).then_refused("too_many_returns");
    shop.done(withdraw(1)).done(another);
}

/// But not for ever: each of them stays in the order's document.
#[test]
fn who_announces_and_withdraws_in_a_loop_is_stopped() {
    let mut shop = delivered();
    let all = u128::from(order::RETURNS_EVER_MAX);
    let loops = all - 1;
    for n in 1..=loops {
        shop = shop.done(request_return(n, 1, &[(TOTE, 1)])).done(withdraw(n));
    }
    let shop = shop.done(request_return(all, 1, &[(TOTE, 1)])).done(approve(all));
    let another = request_return(all + 1, 1, &[(PURSE, 1)]);
    shop.when(another.clone()).then_refused("too_many_returns");
    // What was announced before may still come.
    let shop = shop.done(take_back(all, &[(TOTE, 1)])).done(close_return(all));
    shop.when(another).then_refused("too_many_returns");
}

#[test]
fn a_return_is_withdrawn_while_nothing_of_it_came() {
    let order_id = order_id(1);
    let asked = || delivered().done(request_return(1, 1, &[(TOTE, 1)]));
    let kept = [
        of_return(1, Withdrawn { order_id }),
        of_order(1, ReturnClosed { return_id: return_id(1), lines: of(&[(TOTE, 1)]) }),
    ];
    for shop in [asked(), asked().done(approve(1))] {
        shop.when(withdraw(1)).then(kept.clone());
        let shop = shop.done(withdraw(1));
        shop.when(withdraw(1)).then_nothing();
        for command in [approve(1), take_back(1, &[(TOTE, 1)]), close_return(1)] {
            shop.when(command).then_refused("return_wrong_state");
        }
        assert_eq!(asks(&shop, settle()), [], "the money stays");
        // Whoever changes their mind once more announces the goods anew.
        shop.done(request_return(2, 1, &[(TOTE, 2)]));
    }
    let came = approved().done(take_back(1, &[(TOTE, 1)]));
    let reject = to_return(1, Command::Reject { reason: note("worn") });
    for shop in [came.clone(), came.done(close_return(1)), asked().done(reject)] {
        shop.when(withdraw(1)).then_refused("return_wrong_state");
    }
    delivered().when(withdraw(9)).then_refused("return_not_found");
}

#[test]
fn cash_for_what_comes_back_is_paid_out_by_hand() {
    let shop = sent(on_delivery()).done(deliver(1));
    let collect = domain::command::payment::Command::Collect { amount: None, at: hour(0) };
    let shop = shop.done(to_payment(1, collect)).done(request_return(1, 1, &[(PURSE, 1)]));
    let facts = shop.clone().done(approve(1)).decide(&take_back(1, &[(PURSE, 1)]));
    let asked = |(stream, _): &Fact| matches!(stream, domain::StreamId::Payment(_));
    assert!(!facts.expect("it arrives").iter().any(asked), "nobody can be asked");
    shop.done(approve(1)).done(take_back(1, &[(PURSE, 1)])).done(refund(1, Some(eur("10.50"))));
}

#[test]
fn goods_are_put_somewhere_or_written_off() {
    let read = |json: &str| serde_json::from_str::<Arrival>(json);
    for wrong in [
        r#"{"sku":"A","quantity":1}"#,
        r#"{"sku":"A","quantity":1,"location":"main","written_off":true}"#,
        r#"{"sku":"A","quantity":1,"location":"main","disposal":"stored"}"#,
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
    let stored = Disposal::Stored(place("main"));
    let arrival = |disposal| Arrival { sku: sku("A"), quantity: units(1), disposal };
    let json = r#"{"sku":"A","quantity":1,"location":"main"}"#;
    assert_eq!(read(json).expect("an arrival"), arrival(stored));
    let json = r#"{"sku":"A","quantity":1,"written_off":true}"#;
    assert_eq!(read(json).expect("an arrival"), arrival(Disposal::WrittenOff));
}
