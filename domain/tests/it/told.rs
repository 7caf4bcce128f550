//! What gateways tell early, late, twice, or otherwise than they did before.

use domain::command::order::Command as Orders;
use domain::command::payment::Command;
use domain::order::{Order, PaymentMethod, Status};
use domain::payment::{
    CapturePolicy, DisputeStage, Finding, Operation, Payment, Report, Reported, Stage, Start,
    Verdict,
};
use domain::{Command as Any, Event, State, StreamId};

use kit::*;

use super::payment::ask;

pub fn pay(shop: &Shop, n: u128) -> Payment {
    match shop.state(&StreamId::Payment(payment_id(n))) {
        State::Payment(it) => it,
        other => panic!("{other:?}"),
    }
}

pub fn order(shop: &Shop) -> Order {
    match shop.state(&StreamId::Order(order_id(1))) {
        State::Order(it) => it,
        other => panic!("{other:?}"),
    }
}

pub fn settle() -> Any {
    to_order(1, Orders::Settle)
}

#[allow(clippy::needless_pass_by_value, reason = "as the kit's `when`")]
pub fn asks(shop: &Shop, command: Any) -> Vec<(Operation, String)> {
    let facts = shop.decide(&command).expect("accepted");
    let asked = facts.into_iter().filter_map(|(_, event)| match event {
        Event::Payment(domain::payment::Event::Requested(asked)) => {
            Some((asked.operation, asked.amount.amount().to_string()))
        }
        _ => None,
    });
    asked.collect()
}

fn bank() -> Verdict {
    let url = "https://bank.example/confirm".parse().expect("a URL");
    Verdict::ActionRequired { reference: Some(token("begun_1")), url }
}

fn captured_as(name: &str) -> Verdict {
    Verdict::Captured { reference: Some(token(name)), amount: None, fee: None }
}

fn told_captured(amount: &str, name: &str) -> Report {
    Report::Captured { amount: eur(amount), reference: token(name) }
}

fn told_refunded(amount: &str, name: &str) -> Report {
    Report::Refunded { amount: eur(amount), reference: token(name) }
}

fn told_authorized(name: &str) -> Report {
    Report::Authorized { reference: token(name), expires_at: hour(168) }
}

pub fn dispute(amount: &str, stage: DisputeStage) -> Report {
    Report::Disputed { reference: token("dp_1"), amount: eur(amount), stage }
}

pub fn sent_with(shop: Shop, parcel: u128, lines: &[(&str, u32)]) -> Shop {
    shop.done(plan(parcel, 1, lines)).done(pack(parcel)).done(ship(parcel))
}

fn abort() -> Any {
    ask(Command::Abort { reason: note("another card"), at: hour(0) })
}

pub fn collect(amount: &str) -> Any {
    ask(Command::Collect { amount: Some(eur(amount)), at: hour(0) })
}

/// Somebody captures in the dashboard while our capture is under way: the webhook comes first, then
/// Stripe says to our request "it is so already", with the same charge.
#[test]
fn a_capture_told_before_its_answer_counts_once() {
    let shop = authorized().done(capture(1, None)).done(report(1, told_captured("50.50", "ch_1")));
    let asked = asks(&shop, record(1, 2, captured_as("ch_1")));
    let shop = shop.done(record(1, 2, captured_as("ch_1")));
    assert_eq!(pay(&shop, 1).terms.unwrap().captured, eur("50.50"), "asked: {asked:?}");
}

#[test]
fn a_refund_told_before_its_answer_counts_once() {
    let shop = captured().done(refund(1, Some(eur("5.00"))));
    let shop = shop.done(report(1, told_refunded("5.00", "re_1")));
    let answer = Verdict::Refunded { reference: Some(token("re_1")), amount: None };
    let shop = shop.done(record(1, 3, answer));
    assert_eq!(pay(&shop, 1).terms.unwrap().refunded, eur("5.00"));
}

#[test]
fn a_webhook_tells_and_a_person_says_done() {
    let shop = authorized().done(capture(1, None)).done(record(1, 2, Verdict::Unknown));
    let shop = shop.done(report(1, told_captured("50.50", "ch_1")));
    let finding = Finding::Done { reference: Some(token("ch_1")), expires_at: None, amount: None };
    let (note, at) = (note("asked the bank"), hour(0));
    let asked = asks(&shop, ask(Command::Resolve { request: 2, finding, note, at }));
    assert_eq!(asked, [], "captured once, and told of once");
}

#[test]
fn captured_before_authorized_confirms_the_order() {
    let shop = paying().done(report(1, told_captured("50.50", "ch_1")));
    let late = shop.clone().done(report(1, told_authorized("auth_1")));
    assert_eq!(order(&late).status, Status::Confirmed, "webhooks in another order");
}

#[test]
fn captured_before_the_answer_leaves_nothing_open() {
    let shop = paying().done(report(1, told_captured("50.50", "ch_1")));
    let shop = shop.done(record(1, 1, was_authorized()));
    assert_eq!(pay(&shop, 1).stage, Stage::Done, "{:?}", pay(&shop, 1));
}

#[test]
fn captured_before_the_answer_and_cancelled_gives_the_money_back() {
    let shop = paying().done(report(1, told_captured("50.50", "ch_1")));
    let shop = shop.done(record(1, 1, was_authorized()));
    assert_eq!(asks(&shop, cancel(1)), [(Operation::Refund, "50.50".to_owned())]);
}

#[test]
fn captured_alone_is_paid() {
    let shop = paying().done(report(1, told_captured("50.50", "ch_1")));
    let again = shop.decide(&pay_by_card(2, 1)).map(|_| ()).map_err(|it| it.code().0);
    assert_eq!(order(&shop).status, Status::Confirmed, "and another payment: {again:?}");
}

/// The authorisation lapsed after the first parcel; the merchant takes it in the dashboard all the
/// same, as `PayPal` allows.
#[test]
fn money_taken_late_secures_the_second_parcel() {
    let shop = sent_with(authorized(), 1, &[(TOTE, 2)]).done(lapse(1));
    let shop = shop.done(report(1, told_captured("50.50", "ch_1")));
    assert_eq!(pay(&shop, 1).terms.unwrap().kept(), eur("50.50"));
    let shop = shop.done(plan(2, 1, &[])).done(pack(2));
    shop.when(pay_by_card(2, 1)).then_refused("order_paid");
    shop.done(ship(2));
}

#[test]
fn a_dispute_won_on_appeal_is_known() {
    let shop = sent(captured()).done(deliver(1));
    let shop = shop.done(report(1, dispute("50.50", DisputeStage::Lost)));
    let shop = shop.done(report(1, dispute("50.50", DisputeStage::Won)));
    assert_eq!(pay(&shop, 1).terms.unwrap().kept(), eur("50.50"));
}

#[test]
fn a_dispute_that_has_ended_is_not_begun_by_late_news() {
    let shop = sent(captured()).done(deliver(1));
    for end in [DisputeStage::Won, DisputeStage::Lost] {
        let shop = shop.clone().done(report(1, dispute("50.50", DisputeStage::Opened)));
        let shop = shop.done(report(1, dispute("50.50", end)));
        shop.when(report(1, dispute("50.50", DisputeStage::Opened))).then_nothing();
    }
}

#[test]
fn a_void_that_is_refused_does_not_keep_the_refund() {
    let shop = authorized().done(capture(1, Some(eur("20.00")))).done(record(1, 2, was_captured()));
    let mut shop = shop.done(cancel(1));
    let mut seen = vec![];
    for _ in 0..20 {
        let asked = pay(&shop, 1).in_flight.expect("something is asked");
        seen.push((asked.operation, asked.amount.amount().to_string()));
        shop = shop.done(record(1, asked.request, declined())).done(settle());
    }
    assert!(seen.iter().any(|(operation, _)| *operation == Operation::Refund), "{seen:?}");
}

#[test]
fn who_leaves_the_bank_for_another_card_keeps_the_order() {
    let shop = paying().done(record(1, 1, bank())).done(abort());
    let shop = shop.done(report(1, told_authorized("auth_1")));
    let shop = shop.done(record(1, 2, Verdict::Voided));
    assert_eq!(order(&shop).status, Status::Pending);
    shop.done(pay_by_card(2, 1));
}

#[test]
fn while_the_late_one_is_let_go_another_card_may_be_tried() {
    let shop = paying().done(record(1, 1, bank())).done(abort());
    let shop = shop.done(report(1, told_authorized("auth_1")));
    shop.done(pay_by_card(2, 1));
}

#[test]
fn taken_once_in_the_dashboard_is_done() {
    let start = Start {
        method: PaymentMethod::Card,
        gateway: Some(gateway("once")),
        token: Some(token("tok_success")),
        capture: CapturePolicy::ByHand,
        once: true,
        return_url: None,
    };
    let shop = placed().done(ask(Command::Start { order_id: order_id(1), start }));
    let shop = shop.done(record(1, 1, was_authorized()));
    let shop = shop.done(report(1, told_captured("20.00", "ch_1")));
    assert_eq!(pay(&shop, 1).stage, Stage::Done);
    shop.done(pay_by_card(2, 1));
}

#[test]
fn a_capture_under_way_while_units_are_called_off() {
    let shop = placed().done(pay_by_card_as(1, 1, CapturePolicy::AtOnce));
    let shop = shop.done(record(1, 1, was_authorized())).done(cancel_units(1, &[(TOTE, 1)]));
    assert_eq!(asks(&shop, record(1, 2, was_captured())), [(Operation::Refund, "20.00".into())]);
}

#[test]
fn an_edit_while_the_shopper_is_at_the_bank() {
    let shop =
        placed().done(pay_by_card_as(1, 1, CapturePolicy::AtOnce)).done(record(1, 1, bank()));
    let shop = shop.done(cancel_units(1, &[(TOTE, 1)]));
    let asked = asks(&shop, report(1, told_authorized("auth_1")));
    assert_eq!(asked, [(Operation::Capture, "30.50".into())]);
}

#[test]
fn a_goodwill_refund_under_way_while_all_is_called_off() {
    let shop = captured().done(refund(1, Some(eur("5.00")))).done(cancel(1));
    assert_eq!(asks(&shop, record(1, 3, was_refunded())), [(Operation::Refund, "45.50".into())]);
    assert_eq!(asks(&shop, record(1, 3, declined())), []);
    let shop = shop.done(record(1, 3, declined()));
    assert_eq!(asks(&shop, settle()), [(Operation::Refund, "50.50".into())]);
}

#[test]
fn a_dashboard_refund_beside_ours() {
    let shop = captured().done(cancel(1)).done(report(1, told_refunded("50.50", "re_9")));
    let shop = shop.done(record(1, 3, declined()));
    assert_eq!(asks(&shop, settle()), []);
}

#[test]
fn a_dispute_lost_while_a_refund_is_under_way() {
    let shop = captured().done(cancel(1)).done(report(1, dispute("50.50", DisputeStage::Lost)));
    assert_eq!(asks(&shop, record(1, 3, declined())), []);
    assert_eq!(asks(&shop.done(record(1, 3, declined())), settle()), []);
}

#[test]
fn a_refund_that_is_refused_does_not_keep_the_rest_set_aside() {
    let shop = authorized().done(capture(1, Some(eur("20.00")))).done(record(1, 2, was_captured()));
    let shop = shop.done(cancel(1));
    assert_eq!(pay(&shop, 1).in_flight.map(|asked| asked.operation), Some(Operation::Refund));
    // At once: what is still set aside is the shopper's.
    let shop = shop.done(record(1, 3, declined()));
    assert_eq!(pay(&shop, 1).in_flight.map(|asked| asked.operation), Some(Operation::Void));
    // A gateway that refuses both is asked again later, and for each in its turn.
    let shop = shop.done(record(1, 4, declined()));
    assert_eq!(pay(&shop, 1).in_flight, None);
    let shop = shop.done(settle());
    assert_eq!(pay(&shop, 1).in_flight.map(|asked| asked.operation), Some(Operation::Refund));
    let shop = shop.done(record(1, 5, declined())).done(settle());
    assert_eq!(pay(&shop, 1).in_flight.map(|asked| asked.operation), Some(Operation::Void));
}

#[test]
fn what_was_taken_of_a_payment_that_was_given_up_pays_for_the_order() {
    let shop = paying().done(abort()).done(report(1, told_captured("50.50", "ch_1")));
    assert_eq!(order(&shop).status, Status::Confirmed);
    let shop = shop.done(record(1, 1, was_authorized()));
    assert_eq!(pay(&shop, 1).stage, Stage::Done);
    sent_with(shop, 1, &[]).done(deliver(1));
}

#[test]
fn what_is_set_aside_is_let_go_when_its_capture_is_refused_after_the_end() {
    let shop = sent_with(authorized(), 1, &[]).done(capture(1, Some(eur("5.00"))));
    let shop = shop.done(lose(1));
    assert_eq!(order(&shop).status, Status::Cancelled);
    let void = [(Operation::Void, "50.50".to_owned())];
    assert_eq!(asks(&shop, record(1, 2, declined())), void);
}

#[test]
fn it_is_let_go_too_when_its_capture_had_been_refused_before() {
    let some = || capture(1, Some(eur("5.00")));
    let shop = authorized().done(some()).done(record(1, 2, declined())).done(some());
    let shop = shop.done(cancel(1));
    assert_eq!(order(&shop).status, Status::Cancelled);
    let void = [(Operation::Void, "50.50".to_owned())];
    assert_eq!(asks(&shop, record(1, 3, declined())), void);
    // What is refused then is asked again later, not at once.
    let shop = shop.done(record(1, 3, declined()));
    assert_eq!(asks(&shop, record(1, 4, declined())), []);
}

/// A person said that it was not done, and it was.
#[test]
fn what_was_done_after_all_is_counted() {
    let answer =
        |name: &str| Verdict::Refunded { reference: Some(token(name)), amount: Some(eur("20.00")) };
    let resolve = |request, finding| {
        let (note, at) = (note("asked the bank, Ann"), hour(0));
        ask(Command::Resolve { request, finding, note, at })
    };
    let shop = captured().done(refund(1, Some(eur("20.00"))));
    let shop = shop.done(record(1, 3, Verdict::Unknown)).done(resolve(3, Finding::NotDone));
    let amount = eur("20.00");
    let (order_id, operation, reference) = (order_id(1), Operation::Refund, token("re_1"));
    let told = Reported { order_id, operation, amount, reference };
    shop.when(record(1, 3, answer("re_1"))).then([of_payment(1, told)]);
    let shop = shop.done(record(1, 3, answer("re_1")));
    shop.when(record(1, 3, answer("re_1"))).then_nothing();
    // Under another name it may be the same one: there is no room for it.
    let shop = shop.done(refund(1, None)).done(record(1, 4, was_refunded()));
    shop.when(record(1, 3, answer("re_2"))).then_nothing();
}

/// Two cards were tried, and the merchant takes the first in the dashboard.
#[test]
fn what_was_taken_beside_another_payment_pays_for_the_order() {
    let second = paying().done(abort()).done(pay_by_card(2, 1));
    let shop = second.clone().done(report(1, told_captured("50.50", "ch_1")));
    assert_eq!(order(&shop).status, Status::Confirmed);
    for verdict in [declined(), was_authorized()] {
        let shop = shop.clone().done(record(2, 1, verdict));
        assert_eq!((order(&shop).status, order(&shop).unsecured), (Status::Confirmed, false));
        sent_with(shop, 1, &[]).done(deliver(1));
    }
    // What the second set aside is for nothing; who is at their bank for it is called back.
    let void = [(Operation::Void, "50.50".to_owned())];
    assert_eq!(asks(&shop, record(2, 1, was_authorized())), void);
    let bank = second.done(record(2, 1, bank()));
    assert_eq!(asks(&bank, report(1, told_captured("50.50", "ch_1"))), void);
}

#[test]
fn what_was_taken_early_pays_for_what_is_left_of_the_order() {
    let part = paying().done(report(1, told_captured("10.50", "ch_1")));
    assert_eq!(order(&part).status, Status::Pending);
    let fewer = || cancel_units(1, &[(TOTE, 2)]);
    for verdict in [declined(), was_authorized()] {
        let known = part.clone().done(record(1, 1, verdict.clone())).done(fewer());
        let shop = part.clone().done(fewer());
        assert_eq!(order(&shop).status, Status::Confirmed);
        for shop in [known, shop.done(record(1, 1, verdict))] {
            assert_eq!(order(&shop).status, Status::Confirmed);
            shop.when(expire(1)).then_nothing();
            sent_with(shop, 1, &[]).done(deliver(1));
        }
    }
    // The rest of it was taken by another.
    let shop = part.done(abort()).done(pay_by_card(2, 1));
    let shop = shop.done(report(2, told_captured("20.00", "ch_2")));
    assert_eq!(order(&shop).status, Status::Pending);
    let shop = shop.done(cancel_units(1, &[(TOTE, 1)]));
    assert_eq!(order(&shop).status, Status::Confirmed);
}

/// Nobody is at a bank for a payment that they gave up while the gateway was being asked.
#[test]
fn a_payment_that_was_given_up_holds_no_units() {
    let given_up = || paying().done(abort());
    let void = [(Operation::Void, "50.50".to_owned())];
    let holds = |shop: &Shop, n, at| {
        let told = Command::Record { request: 1, verdict: bank(), at };
        let before = order(shop).reserved_until;
        order(&shop.clone().done(to_payment(n, told))).reserved_until != before
    };
    let late = hour(1) - chrono::TimeDelta::minutes(1);
    assert!(holds(&paying(), 1, late));
    assert!(!holds(&given_up(), 1, late));
    assert_eq!(asks(&given_up(), record(1, 1, bank())), void, "they are called back");
    // The second one is at its bank, the first is not.
    let second = given_up().done(pay_by_card(2, 1));
    assert!(!holds(&second, 1, late));
    assert!(holds(&second, 2, late));
    // Told again by a gateway that will not let go.
    let stays = given_up().done(record(1, 1, bank())).done(record(1, 2, declined()));
    let again = to_payment(1, Command::CompleteAction);
    let told = Command::Record { request: 3, verdict: bank(), at: late };
    let before = order(&stays).reserved_until;
    let shop = stays.done(again).done(to_payment(1, told));
    assert_eq!(order(&shop).reserved_until, before);
}
