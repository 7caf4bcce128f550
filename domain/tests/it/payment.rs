//! Payments: what is asked of the gateway, what its answers do to the order, and cash.

use domain::Command as Any;
use domain::command::payment::{ACTION_HOLD, Command};
use domain::order::{Confirmed, HoldProlonged, PaymentEnded, PaymentMethod, PaymentStarted};
use domain::payment::{
    ActionRequired, Authorized, CapturePolicy, Captured, CollectionDue, Created, Failed, Finding,
    Operation, OutcomeUnknown, Refunded, RequestFailed, Requested, Resolved, Verdict,
};
use domain::stock::Committed;

use kit::*;

pub fn asked(operation: Operation, amount: &str, request: u32) -> Fact {
    let (order_id, amount, reason) = (order_id(1), eur(amount), None);
    of_payment(1, Requested { order_id, operation, amount, request, reason })
}

pub fn taken(amount: &str, request: u32, last: bool) -> Fact {
    let (order_id, amount) = (order_id(1), eur(amount));
    of_payment(1, Captured { order_id, request, amount, reference: None, fee: None, last })
}

fn given_back(amount: &str, request: u32) -> Fact {
    let (order_id, amount, request) = (order_id(1), eur(amount), Some(request));
    of_payment(1, Refunded { order_id, request, amount, reference: None, reason: None })
}

fn set_aside(request: u32) -> Fact {
    let request = Some(request);
    let (order_id, amount, expires_at) = (order_id(1), eur("50.50"), hour(168));
    let reference = token("auth_1");
    of_payment(1, Authorized { order_id, request, amount, reference, expires_at })
}

pub fn confirmed(payment: u128) -> Fact {
    let (payment_id, total) = (Some(payment_id(payment)), eur("50.50"));
    of_order(1, Confirmed { payment_id, total, units: 3, prepaid: None })
}

pub fn committed() -> [Fact; 2] {
    let of = |count| Committed { order_id: order_id(1), parts: parts(&[("depot", count)]) };
    [of_stock(TOTE, of(2)), of_stock(PURSE, of(1))]
}

pub fn ended(payment: u128) -> Fact {
    of_order(1, PaymentEnded { payment_id: payment_id(payment) })
}

pub fn ask(command: Command) -> Any {
    to_payment(1, command)
}

pub fn collect(amount: Option<&str>) -> Any {
    ask(Command::Collect { amount: amount.map(eur), at: hour(0) })
}

pub fn refund_by_hand(amount: Option<&str>) -> Any {
    ask(Command::Refund { amount: amount.map(eur), reason: None, by_hand: true, at: hour(0) })
}

pub fn remit() -> Any {
    ask(Command::Remit { amount: None, written_off: None })
}

fn bank() -> Verdict {
    let url = "https://bank.example/confirm".parse().expect("a URL");
    Verdict::ActionRequired { reference: Some(token("begun_1")), url }
}

fn abort() -> Any {
    ask(Command::Abort { reason: note("another card"), at: hour(0) })
}

#[test]
fn a_card_payment_asks_for_an_authorisation_of_what_is_owed() {
    let method = PaymentMethod::Card;
    let created = Created {
        order_id: order_id(1),
        customer_id: None,
        guest_id: None,
        method,
        gateway: Some(gateway("sandbox")),
        amount: eur("50.50"),
        capture: CapturePolicy::ByHand,
        once: false,
        token: Some(token("tok_success")),
        return_url: None,
    };
    placed().when(pay_by_card(1, 1)).then([
        of_payment(1, created),
        asked(Operation::Authorize, "50.50", 1),
        of_order(1, PaymentStarted { payment_id: payment_id(1), method }),
    ]);
}

#[test]
fn cash_on_delivery_confirms_at_once() {
    let method = PaymentMethod::CashOnDelivery;
    let (order_id, amount) = (order_id(1), eur("50.50"));
    let created = Created {
        order_id,
        customer_id: None,
        guest_id: None,
        method,
        gateway: None,
        amount,
        capture: CapturePolicy::ByHand,
        once: false,
        token: None,
        return_url: None,
    };
    let mut facts = vec![
        of_payment(1, created),
        of_payment(1, CollectionDue { order_id, amount }),
        of_order(1, PaymentStarted { payment_id: payment_id(1), method }),
        confirmed(1),
    ];
    facts.extend(committed());
    placed().when(pay_on_delivery(1, 1)).then(facts);
}

#[test]
fn an_order_has_one_living_payment() {
    paying().when(pay_by_card(1, 1)).then_refused("payment_already_exists");
    paying().when(pay_by_card(2, 1)).then_refused("payment_already_started");
    paying().when(pay_on_delivery(2, 1)).then_refused("payment_already_started");
    authorized().when(pay_by_card(2, 1)).then_refused("payment_already_started");
    captured().when(pay_by_card(2, 1)).then_refused("order_paid");
    placed().done(cancel(1)).when(pay_by_card(1, 1)).then_refused("order_cancelled");
    given([]).when(pay_by_card(1, 1)).then_refused("order_not_found");
}

#[test]
fn an_order_has_so_many_payments() {
    let mut shop = placed();
    for n in 1..=domain::order::PAYMENTS_MAX as u128 {
        shop = shop.done(pay_by_card(n, 1)).done(record(n, 1, declined()));
    }
    shop.when(pay_by_card(99, 1)).then_refused("too_many_payments");
    // What the courier or a bank has is the shop's to say all the same, for a while.
    for n in 101..=100 + domain::order::PAYMENTS_IN_CASH_MAX as u128 {
        let refused = Command::Uncollect { reason: note("refused at the door"), at: hour(0) };
        shop = shop.done(pay_on_delivery(n, 1)).done(to_payment(n, refused));
    }
    shop.when(pay_on_delivery(99, 1)).then_refused("too_many_payments");
    shop.when(pay_elsewhere(99, 1)).then_refused("too_many_payments");
}

#[test]
fn an_authorisation_confirms_the_order_and_commits_its_units() {
    let mut facts = vec![set_aside(1)];
    facts.extend(committed());
    facts.push(confirmed(1));
    paying().when(record(1, 1, was_authorized())).then(facts);
}

#[test]
fn a_declined_card_is_followed_by_another() {
    let failed = Failed { order_id: order_id(1), reason: note("insufficient funds") };
    paying().when(record(1, 1, declined())).then([of_payment(1, failed), ended(1)]);
    let shop = paying().done(record(1, 1, declined()));
    let shop = shop.done(pay_by_card(2, 1)).done(record(2, 1, was_authorized()));
    shop.done(capture(2, None));
    let cash = paying().done(record(1, 1, declined()));
    cash.done(pay_on_delivery(2, 1)).done(plan(1, 1, &[])).done(pack(1)).done(ship(1));
}

#[test]
fn a_customer_confirms_at_their_bank_while_their_units_are_held() {
    let url = "https://bank.example/confirm".parse().expect("a URL");
    let (order_id, reference) = (order_id(1), Some(token("begun_1")));
    let required = ActionRequired { order_id, request: 1, reference, url };
    // The order is held for an hour, which is longer than the bank is waited for.
    paying().when(record(1, 1, bank())).then([of_payment(1, required.clone())]);
    let at = hour(1) - chrono::TimeDelta::minutes(1);
    let late = ask(Command::Record { request: 1, verdict: bank(), at });
    let held = HoldProlonged { reserved_until: at + ACTION_HOLD };
    paying().when(late).then([of_payment(1, required), of_order(1, held)]);

    let shop = paying().done(record(1, 1, bank()));
    shop.when(ask(Command::CompleteAction)).then([asked(Operation::Authorize, "50.50", 2)]);
    let shop = shop.done(ask(Command::CompleteAction));
    shop.when(ask(Command::CompleteAction)).then_refused("payment_request_in_flight");
    shop.clone().done(record(1, 2, was_authorized())).done(capture(1, None));
    shop.done(record(1, 2, declined())).done(pay_by_card(2, 1));
    authorized().when(ask(Command::CompleteAction)).then_refused("payment_wrong_state");
}

#[test]
fn a_hold_is_not_prolonged_for_ever() {
    let at = hour(1) + domain::order::HOLD_PROLONGED_MAX;
    let late = ask(Command::Record { request: 1, verdict: bank(), at });
    let shop = paying().done(late);
    let far = ask(Command::Record { request: 2, verdict: bank(), at: hour(9) });
    let asked_again = shop.done(ask(Command::CompleteAction));
    let facts = asked_again.decide(&far).expect("an answer");
    assert!(!facts.iter().any(|(_, event)| matches!(event, domain::Event::Order(_))), "{facts:?}");
}

#[test]
fn a_customer_leaves_the_bank_for_another_card() {
    let shop = paying().done(record(1, 1, bank()));
    let (order_id, amount, reason) = (order_id(1), eur("50.50"), Some(note("another card")));
    let void = Requested { order_id, operation: Operation::Void, amount, request: 2, reason };
    shop.when(abort()).then([of_payment(1, void), ended(1)]);
    // At once, while the gateway is still being told.
    let shop = shop.done(abort()).done(pay_by_card(2, 1));
    let shop = shop.done(record(1, 2, Verdict::Voided)).done(record(2, 1, was_authorized()));
    shop.done(capture(2, None));
    captured().when(abort()).then_refused("payment_wrong_state");
    // Nor is a gateway waited for that does not answer. What it says in the end is let go.
    paying().when(abort()).then([ended(1)]);
    let shop = paying().done(abort());
    shop.when(abort()).then_nothing();
    let shop = shop.done(pay_on_delivery(2, 1));
    let late = [set_aside(1), asked(Operation::Void, "50.50", 2)];
    shop.when(record(1, 1, was_authorized())).then(late.clone());
    paying().done(abort()).when(record(1, 1, was_authorized())).then(late);
    paying().done(abort()).done(record(1, 1, declined())).done(pay_by_card(2, 1));
}

#[test]
fn an_authorisation_beside_another_payment_is_let_go() {
    let shop = paying().done(record(1, 1, bank())).done(abort()).done(pay_by_card(2, 1));
    let late =
        domain::payment::Report::Authorized { reference: token("auth_1"), expires_at: hour(168) };
    // The void that was asked for is still under way: it is waited for.
    let shop = shop.done(report(1, late));
    let shop = shop.done(record(1, 2, declined()));
    // What was refused is asked again by and by.
    let settle = to_order(1, domain::command::order::Command::Settle);
    shop.when(settle).then([asked(Operation::Void, "50.50", 3)]);
    let facts = shop.decide(&record(2, 1, was_authorized())).expect("an answer");
    assert_eq!(facts.last(), Some(&asked(Operation::Void, "50.50", 3)));
}

#[test]
fn an_unknown_outcome_is_noted_once_and_settled_under_the_same_request() {
    let operation = Operation::Authorize;
    let unknown = OutcomeUnknown { order_id: order_id(1), operation, request: 1 };
    let shop = paying();
    shop.when(record(1, 1, Verdict::Unknown)).then([of_payment(1, unknown)]);
    let shop = shop.done(record(1, 1, Verdict::Unknown));
    shop.when(record(1, 1, Verdict::Unknown)).then_nothing();
    shop.when(capture(1, None)).then_refused("payment_request_in_flight");
    shop.done(record(1, 1, was_authorized())).done(capture(1, None));
}

#[test]
fn a_person_settles_what_no_machine_can() {
    let resolve = |request, finding| {
        ask(Command::Resolve { request, finding, note: note("asked the bank, Ann"), at: hour(0) })
    };
    let done = |reference: Option<&str>| Finding::Done {
        reference: reference.map(token),
        expires_at: Some(hour(168)),
        amount: None,
    };
    let shop = paying();
    shop.when(resolve(1, done(Some("auth_1")))).then_refused("payment_request_not_found");
    let shop = shop.done(record(1, 1, Verdict::Unknown));
    shop.when(resolve(1, done(None))).then_refused("payment_finding_incomplete");
    shop.when(resolve(2, done(Some("auth_1")))).then_refused("payment_request_not_found");
    let resolved =
        Resolved { order_id: order_id(1), request: 1, note: note("asked the bank, Ann") };
    let mut facts = vec![of_payment(1, resolved.clone()), set_aside(1)];
    facts.extend(committed());
    facts.push(confirmed(1));
    shop.when(resolve(1, done(Some("auth_1")))).then(facts);
    let failed = Failed { order_id: order_id(1), reason: note("asked the bank, Ann") };
    let facts = [of_payment(1, resolved), of_payment(1, failed), ended(1)];
    shop.when(resolve(1, Finding::NotDone)).then(facts);
}

#[test]
fn a_late_answer_to_a_settled_request_changes_nothing() {
    let shop = captured();
    for verdict in [was_authorized(), declined(), bank(), Verdict::Unknown] {
        shop.when(record(1, 1, verdict.clone())).then_nothing();
        shop.when(record(1, 2, verdict.clone())).then_nothing();
        shop.when(record(1, 3, verdict.clone())).then_refused("payment_request_not_found");
        shop.when(record(1, 0, verdict)).then_refused("payment_request_not_found");
    }
}

#[test]
fn a_late_answer_does_not_settle_another_request() {
    let shop = authorized().done(capture(1, None));
    for verdict in [was_authorized(), declined(), bank(), Verdict::Unknown] {
        shop.when(record(1, 1, verdict)).then_nothing();
    }
    shop.when(record(1, 2, was_captured())).then([taken("50.50", 2, true)]);
    for verdict in [was_authorized(), bank(), Verdict::Voided, was_refunded()] {
        shop.when(record(1, 2, verdict)).then_refused("payment_wrong_answer");
    }
}

#[test]
fn capturing_takes_all_or_some() {
    let shop = authorized();
    shop.when(capture(1, None)).then([asked(Operation::Capture, "50.50", 2)]);
    let some = Some(eur("20.50"));
    shop.when(capture(1, some)).then([asked(Operation::Capture, "20.50", 2)]);

    let part = shop.done(capture(1, some));
    part.when(record(1, 2, was_captured())).then([taken("20.50", 2, false)]);
    let part = part.done(record(1, 2, was_captured()));
    part.when(capture(1, None)).then([asked(Operation::Capture, "30.00", 3)]);
    part.when(capture(1, Some(eur("30.01")))).then_refused("amount_too_large");
}

#[test]
fn a_refund_in_between_does_not_shut_out_the_rest() {
    let shop = authorized().done(capture(1, Some(eur("20.00")))).done(record(1, 2, was_captured()));
    shop.when(refund(1, Some(eur("20.01")))).then_refused("amount_too_large");
    let shop = shop.done(refund(1, Some(eur("5.00")))).done(record(1, 3, was_refunded()));
    shop.when(capture(1, Some(eur("30.50")))).then([asked(Operation::Capture, "30.50", 4)]);
    shop.when(refund(1, None)).then([asked(Operation::Refund, "15.00", 4)]);
    authorized().when(refund(1, None)).then_refused("payment_wrong_state");
}

#[test]
fn amounts_are_checked() {
    let shop = authorized();
    for act in [capture, refund] {
        let shop = if act(1, None) == capture(1, None) { shop.clone() } else { captured() };
        shop.when(act(1, Some(eur("0.00")))).then_refused("invalid_amount");
        shop.when(act(1, Some(money("1", "JPY")))).then_refused("invalid_amount");
        shop.when(act(1, Some(eur("50.51")))).then_refused("amount_too_large");
    }
}

#[test]
fn capturing_needs_an_authorisation() {
    paying().when(capture(1, None)).then_refused("payment_request_in_flight");
    captured().when(capture(1, None)).then_refused("payment_wrong_state");
    on_delivery().when(capture(1, None)).then_refused("payment_wrong_state");
    given([]).when(capture(1, None)).then_refused("payment_not_found");
}

#[test]
fn a_refused_request_leaves_things_as_they_were_and_is_asked_again_by_and_by() {
    let reason = note("insufficient funds");
    let (order_id, operation) = (order_id(1), Operation::Refund);
    let shop = captured().done(cancel(1));
    let failed = RequestFailed { order_id, operation, request: 3, reason };
    shop.when(record(1, 3, declined())).then([of_payment(1, failed)]);
    let shop = shop.done(record(1, 3, declined()));
    let settle = || to_order(1, domain::command::order::Command::Settle);
    shop.when(settle()).then([asked(Operation::Refund, "50.50", 4)]);
    let shop = shop.done(settle());
    shop.when(settle()).then_nothing();
    let shop = shop.done(record(1, 4, was_refunded()));
    shop.when(settle()).then_nothing();
}

#[test]
fn thirds_come_back_to_the_cent() {
    let mut shop = captured();
    for (request, amount) in [(3, "16.83"), (4, "16.83"), (5, "16.84")] {
        shop = shop.done(refund(1, Some(eur(amount))));
        let facts = shop.decide(&record(1, request, was_refunded())).expect("an answer");
        assert_eq!(facts[0], given_back(amount, request));
        shop = shop.done(record(1, request, was_refunded()));
    }
    shop.when(refund(1, Some(eur("0.01")))).then_refused("amount_too_large");
    shop.when(refund(1, None)).then_refused("amount_too_large");
}

#[test]
fn a_refund_keeps_its_reason() {
    let reason = Some(note("broken zip"));
    let (order_id, operation, amount) = (order_id(1), Operation::Refund, eur("5.00"));
    let (some, at, why) = (Some(amount), hour(0), reason.clone());
    let command = ask(Command::Refund { amount: some, reason: why, by_hand: false, at });
    let asked = Requested { order_id, operation, amount, request: 3, reason: reason.clone() };
    let shop = captured();
    shop.when(command.clone()).then([of_payment(1, asked)]);
    let (request, reference) = (Some(3), None);
    let back = of_payment(1, Refunded { order_id, request, amount, reference, reason });
    let shop = shop.done(command);
    shop.when(record(1, 3, was_refunded())).then([back.clone()]);
    // Though the answer was lost, and for this one alone.
    let late = shop.done(record(1, 3, Verdict::Unknown));
    late.when(record(1, 3, was_refunded())).then([back]);
    let next = late.done(record(1, 3, was_refunded())).done(refund(1, Some(amount)));
    next.when(record(1, 4, was_refunded())).then([given_back("5.00", 4)]);
}

#[test]
fn commands_to_a_payment_never_begun_are_refused() {
    for command in [ask(Command::CompleteAction), remit(), abort()] {
        given([]).when(command).then_refused("payment_not_found");
    }
    given([]).when(record(1, 1, was_authorized())).then_refused("payment_not_found");
    given([]).when(refund(1, None)).then_refused("payment_not_found");
}
