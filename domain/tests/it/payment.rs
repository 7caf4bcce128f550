//! Payments: what is asked of the gateway, what its answers do to the order, and cash.

use domain::command::payment::Command;
use domain::command::product as products;
use domain::order::{CancelReason, Cancelled, Confirmed, PaymentMethod, PaymentStarted};
use domain::payment::{
    ActionRequired, Authorized, Captured, Collected, CollectionDue, Created, Expired, Failed,
    Operation, OutcomeUnknown, Refunded, Remitted, RequestFailed, Requested, Verdict, Voided,
};
use domain::stock::{Committed, Released};
use domain::{Command as Any, Money, payment};

use kit::*;

fn asked(operation: Operation, amount: &str, request: u32) -> Fact {
    of_payment(1, Requested { order_id: order_id(1), operation, amount: eur(amount), request })
}

fn captured_fact(amount: Money) -> Fact {
    of_payment(1, Captured { order_id: order_id(1), amount })
}

fn confirmed() -> Fact {
    of_order(1, Confirmed { payment_id: payment_id(1), total: eur("50.50"), units: 3 })
}

fn committed() -> [Fact; 2] {
    let of = |count| Committed { order_id: order_id(1), parts: parts(&[("depot", count)]) };
    [of_stock(TOTE, of(2)), of_stock(PURSE, of(1))]
}

/// The order called off for this reason, and its units on sale again.
fn called_off(reason: CancelReason, was_confirmed: bool) -> [Fact; 3] {
    let of = |count| Released {
        order_id: order_id(1),
        parts: parts(&[("depot", count)]),
        committed: was_confirmed,
    };
    [
        of_order(1, Cancelled { reason, was_confirmed, total: eur("50.50"), units: 3 }),
        of_stock(TOTE, of(2)),
        of_stock(PURSE, of(1)),
    ]
}

fn ask(command: Command) -> Any {
    to_payment(1, command)
}

fn bank() -> Verdict {
    Verdict::ActionRequired("https://bank.example/confirm".parse().expect("a URL"))
}

#[test]
fn a_card_payment_asks_for_an_authorisation_of_the_total() {
    let method = PaymentMethod::Card;
    placed().when(pay_by_card(1, 1)).then([
        of_payment(
            1,
            Created {
                order_id: order_id(1),
                method,
                amount: eur("50.50"),
                token: Some(token("tok_success")),
            },
        ),
        asked(Operation::Authorize, "50.50", 1),
        of_order(1, PaymentStarted { payment_id: payment_id(1), method }),
    ]);
}

#[test]
fn cash_on_delivery_confirms_at_once() {
    let method = PaymentMethod::CashOnDelivery;
    let (order_id, amount) = (order_id(1), eur("50.50"));
    let mut facts = vec![
        of_payment(1, Created { order_id, method, amount, token: None }),
        of_payment(1, CollectionDue { order_id, amount }),
        of_order(1, PaymentStarted { payment_id: payment_id(1), method }),
        confirmed(),
    ];
    facts.extend(committed());
    placed().when(pay_on_delivery(1, 1)).then(facts);
}

#[test]
fn an_order_is_paid_once_and_only_while_it_waits() {
    paying().when(pay_by_card(1, 1)).then_refused("payment_already_exists");
    paying().when(pay_by_card(2, 1)).then_refused("payment_already_started");
    paying().when(pay_on_delivery(2, 1)).then_refused("payment_already_started");
    authorized().when(pay_by_card(2, 1)).then_refused("order_not_pending");
    placed().done(cancel(1)).when(pay_by_card(1, 1)).then_refused("order_cancelled");
    given([]).when(pay_by_card(1, 1)).then_refused("order_not_found");
}

#[test]
fn a_card_pays_no_nothing_but_cash_does() {
    let free = variant(TOTE, &[eur("0.00")]);
    let shop = empty_cart()
        .done(to_product(1, products::Command::SetVariant(free)))
        .done(add(1, TOTE, 1))
        .done(check_out(1, 1));
    shop.when(pay_by_card(1, 1)).then_refused("invalid_amount");
    let shop = sent(shop.done(pay_on_delivery(1, 1))).done(deliver(1));
    shop.done(ask(Command::Collect)).done(ask(Command::Remit));
}

#[test]
fn an_authorisation_confirms_the_order_and_commits_its_units() {
    let authorized = Authorized {
        order_id: order_id(1),
        amount: eur("50.50"),
        reference: token("auth_1"),
        expires_at: hour(168),
    };
    let mut facts = vec![of_payment(1, authorized), confirmed()];
    facts.extend(committed());
    paying().when(record(1, 1, succeeded())).then(facts);
}

#[test]
fn a_declined_card_calls_the_order_off() {
    let failed = Failed { order_id: order_id(1), reason: note("insufficient funds") };
    let facts = [of_payment(1, failed)].into_iter();
    let shop = paying();
    shop.when(record(1, 1, declined()))
        .then(facts.chain(called_off(CancelReason::PaymentFailed, false)));
    shop.done(record(1, 1, declined())).when(pay_by_card(2, 1)).then_refused("order_cancelled");
}

#[test]
fn a_customer_confirms_at_their_bank() {
    let url = "https://bank.example/confirm".parse().expect("a URL");
    let shop = paying();
    shop.when(record(1, 1, bank()))
        .then([of_payment(1, ActionRequired { order_id: order_id(1), url })]);
    let shop = shop.done(record(1, 1, bank()));
    shop.when(ask(Command::CompleteAction)).then([asked(Operation::Authorize, "50.50", 2)]);
    let shop = shop.done(ask(Command::CompleteAction));
    shop.when(ask(Command::CompleteAction)).then_refused("payment_request_in_flight");
    shop.clone().done(record(1, 2, succeeded())).done(capture(1, None));
    shop.done(record(1, 2, declined())).when(cancel(1)).then_nothing();
    authorized().when(ask(Command::CompleteAction)).then_refused("payment_wrong_state");
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
    shop.done(record(1, 1, succeeded())).done(capture(1, None));
}

#[test]
fn a_late_answer_to_a_settled_request_changes_nothing() {
    let shop = captured();
    for verdict in [succeeded(), declined(), bank(), Verdict::Unknown] {
        shop.when(record(1, 1, verdict.clone())).then_nothing();
        shop.when(record(1, 2, verdict.clone())).then_nothing();
        shop.when(record(1, 3, verdict.clone())).then_refused("payment_request_not_found");
        shop.when(record(1, 0, verdict)).then_refused("payment_request_not_found");
    }
}

#[test]
fn a_late_answer_does_not_settle_another_request() {
    let shop = authorized().done(capture(1, None));
    for verdict in [succeeded(), declined(), bank(), Verdict::Unknown] {
        shop.when(record(1, 1, verdict)).then_nothing();
    }
    shop.when(record(1, 2, succeeded())).then([captured_fact(eur("50.50"))]);
}

#[test]
fn capturing_takes_all_or_some() {
    let shop = authorized();
    shop.when(capture(1, None)).then([asked(Operation::Capture, "50.50", 2)]);
    let some = Some(eur("20.50"));
    shop.when(capture(1, some)).then([asked(Operation::Capture, "20.50", 2)]);

    let part = shop.done(capture(1, some));
    part.when(record(1, 2, succeeded())).then([captured_fact(eur("20.50"))]);
    let part = part.done(record(1, 2, succeeded()));
    part.when(capture(1, None)).then([asked(Operation::Capture, "30.00", 3)]);
    part.when(capture(1, Some(eur("30.01")))).then_refused("amount_too_large");
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
fn a_refused_request_leaves_things_as_they_were() {
    let reason = note("insufficient funds");
    let failed = |operation| RequestFailed { order_id: order_id(1), operation, reason };
    let shop = authorized().done(capture(1, None));
    shop.when(record(1, 2, declined())).then([of_payment(1, failed(Operation::Capture))]);
    shop.when(record(1, 2, bank())).then_refused("payment_wrong_state");
    shop.done(record(1, 2, declined())).when(capture(1, None)).then([asked(
        Operation::Capture,
        "50.50",
        3,
    )]);
}

#[test]
fn refunding_gives_back_all_or_some_but_never_more_than_was_taken() {
    let shop = captured();
    shop.when(refund(1, None)).then([asked(Operation::Refund, "50.50", 3)]);
    let some = Some(eur("10.00"));
    let part = shop.done(refund(1, some));
    let refunded = Refunded { order_id: order_id(1), amount: eur("10.00") };
    part.when(record(1, 3, succeeded())).then([of_payment(1, refunded)]);
    let part = part.done(record(1, 3, succeeded()));
    part.when(refund(1, Some(eur("40.51")))).then_refused("amount_too_large");
    let whole = part.done(refund(1, None)).done(record(1, 4, succeeded()));
    whole.when(refund(1, None)).then_refused("payment_wrong_state");
}

#[test]
fn refunds_after_a_partial_capture_stop_at_what_was_captured() {
    let shop = authorized().done(capture(1, Some(eur("20.00")))).done(record(1, 2, succeeded()));
    shop.when(refund(1, Some(eur("20.01")))).then_refused("amount_too_large");
    let shop = shop.done(refund(1, Some(eur("5.00")))).done(record(1, 3, succeeded()));
    // Once money went back, no more is taken.
    shop.when(capture(1, None)).then_refused("payment_wrong_state");
    shop.when(refund(1, None)).then([asked(Operation::Refund, "15.00", 4)]);
    authorized().when(refund(1, None)).then_refused("payment_wrong_state");
}

#[test]
fn voiding_calls_the_order_off_when_the_gateway_has_done_it() {
    let void = || ask(Command::Void);
    authorized().when(void()).then([asked(Operation::Void, "50.50", 2)]);
    let shop = authorized().done(void());
    let voided = of_payment(1, Voided { order_id: order_id(1) });
    let facts = [voided].into_iter().chain(called_off(CancelReason::PaymentVoided, true));
    shop.when(record(1, 2, succeeded())).then(facts);
    shop.done(record(1, 2, succeeded())).when(void()).then_nothing();
}

#[test]
fn only_an_authorisation_is_voided() {
    let void = || ask(Command::Void);
    captured().when(void()).then_refused("payment_wrong_state");
    on_delivery().when(void()).then_refused("payment_wrong_state");
    paying().when(void()).then_refused("payment_request_in_flight");
    given([]).when(void()).then_refused("payment_not_found");
}

#[test]
fn what_was_earned_is_not_voided() {
    let void = || ask(Command::Void);
    sent(authorized()).when(void()).then_refused("order_already_shipped");
    sent(authorized()).done(fail(1)).when(void()).then_refused("order_already_shipped");
    sent(authorized()).done(deliver(1)).when(void()).then_refused("order_completed");
    let part = authorized().done(plan(1, 1, &[(TOTE, 1)])).done(pack(1)).done(ship(1));
    part.when(void()).then_refused("order_already_shipped");
}

#[test]
fn nothing_leaves_while_its_authorisation_is_being_voided() {
    let shop = authorized().done(plan(1, 1, &[])).done(pack(1)).done(ask(Command::Void));
    shop.when(ship(1)).then_refused("payment_request_in_flight");
    shop.clone().done(record(1, 2, declined())).done(ship(1));
    shop.done(record(1, 2, succeeded())).when(ship(1)).then_refused("fulfilment_wrong_state");
}

#[test]
fn a_lapsed_authorisation_calls_the_order_off() {
    let expire = || ask(Command::Expire);
    let lapsed = || of_payment(1, Expired { order_id: order_id(1) });
    let shop = authorized();
    let off = called_off(CancelReason::AuthorizationExpired, true);
    shop.when(expire()).then([lapsed()].into_iter().chain(off));
    shop.done(expire()).when(expire()).then_nothing();
    // What has left cannot be called back: the end of the authorisation is noted all the same.
    sent(authorized()).when(expire()).then([lapsed()]);
    sent(authorized()).done(deliver(1)).when(expire()).then([lapsed()]);
}

#[test]
fn only_an_idle_authorisation_lapses() {
    let expire = || ask(Command::Expire);
    authorized().done(capture(1, None)).when(expire()).then_refused("payment_request_in_flight");
    for shop in [paying(), captured(), on_delivery()] {
        shop.when(expire()).then_nothing();
    }
    given([]).when(expire()).then_refused("payment_not_found");
}

#[test]
fn an_authorisation_for_an_order_that_is_off_goes_back_at_once() {
    // A history no command makes any more: called off while the gateway was being asked.
    let gone = Cancelled {
        reason: CancelReason::Expired,
        was_confirmed: false,
        total: eur("50.50"),
        units: 3,
    };
    let mut shop = paying();
    shop.evolve(&of_order(1, gone));
    let authorized = Authorized {
        order_id: order_id(1),
        amount: eur("50.50"),
        reference: token("auth_1"),
        expires_at: hour(168),
    };
    shop.when(record(1, 1, succeeded()))
        .then([of_payment(1, authorized), asked(Operation::Void, "50.50", 2)]);
}

#[test]
fn cash_is_collected_at_the_door_and_handed_over() {
    let (order_id, amount) = (order_id(1), eur("50.50"));
    let delivered = sent(on_delivery()).done(deliver(1));
    delivered.when(ask(Command::Collect)).then([of_payment(1, Collected { order_id, amount })]);
    delivered.when(ask(Command::Remit)).then_refused("payment_wrong_state");
    let collected = delivered.done(ask(Command::Collect));
    collected.when(ask(Command::Collect)).then_nothing();
    collected.when(ask(Command::Remit)).then([of_payment(1, Remitted { order_id, amount })]);
    let remitted = collected.done(ask(Command::Remit));
    remitted.when(ask(Command::Remit)).then_nothing();
    remitted.when(refund(1, None)).then_refused("payment_wrong_state");
}

#[test]
fn cash_is_not_collected_for_what_was_not_delivered() {
    let collect = || ask(Command::Collect);
    let on_its_way = sent(on_delivery());
    let back = on_its_way.clone().done(fail(1)).done(give_back(1));
    for shop in [on_delivery(), on_its_way.clone(), on_its_way.done(fail(1)), back] {
        shop.when(collect()).then_refused("order_not_delivered");
    }
    let card: Shop = sent(captured()).done(deliver(1));
    card.when(collect()).then_refused("payment_wrong_state");
    given([]).when(collect()).then_refused("payment_not_found");
}

#[test]
fn commands_to_a_payment_never_begun_are_refused() {
    for command in [Command::CompleteAction, Command::Remit] {
        given([]).when(ask(command)).then_refused("payment_not_found");
    }
    given([]).when(record(1, 1, succeeded())).then_refused("payment_not_found");
    given([]).when(refund(1, None)).then_refused("payment_not_found");
}

#[test]
fn a_payment_is_called_off_or_given_up_once() {
    let after = |facts: &[payment::Event]| {
        let mut payment = payment::Payment::default();
        for event in facts {
            payment.evolve(event);
        }
        payment
    };
    let (order_id, amount) = (order_id(1), eur("1.00"));
    let method = PaymentMethod::CashOnDelivery;
    let created: payment::Event = Created { order_id, method, amount, token: None }.into();
    let failed = Failed { order_id, reason: note("gone") }.into();
    let uncollected = payment::Uncollected { order_id }.into();
    assert_eq!(after(&[created.clone(), failed]).abort(note("gone")), Ok(vec![]));
    let given_up = after(&[created.clone(), uncollected]);
    assert_eq!(given_up.uncollect(), Ok(vec![]));
    assert!(given_up.abort(note("gone")).is_err());
    assert!(after(&[created]).uncollect().is_err());
}
