//! Orders called off, by a person or by the clock, at every point of the payment's and the
//! parcels' lives.

use domain::order::{CancelReason, Cancelled};
use domain::payment::{Failed, Operation, Requested, Uncollected, Verdict};
use domain::stock::Released;
use domain::{Command, StreamId, fulfilment};

use kit::*;

fn cancelled(reason: CancelReason, was_confirmed: bool) -> Fact {
    of_order(1, Cancelled { reason, was_confirmed, total: eur("50.50"), units: 3 })
}

fn requested() -> CancelReason {
    CancelReason::Requested(note("changed my mind"))
}

/// Both lines' units go back on sale.
fn released(committed: bool) -> [Fact; 2] {
    let of =
        |count| Released { order_id: order_id(1), parts: parts(&[("depot", count)]), committed };
    [of_stock(TOTE, of(2)), of_stock(PURSE, of(1))]
}

fn asked(operation: Operation, amount: &str, request: u32) -> Fact {
    of_payment(1, Requested { order_id: order_id(1), operation, amount: eur(amount), request })
}

/// The facts of a cancelled order whose payment came to this.
fn called_off(committed: bool, payment: Fact) -> Vec<Fact> {
    let mut facts = vec![cancelled(requested(), committed)];
    facts.extend(released(committed));
    facts.push(payment);
    facts
}

fn void_in_flight() -> Shop {
    authorized().done(to_payment(1, domain::command::payment::Command::Void))
}

fn waiting_for_the_customer() -> Shop {
    let url = "https://bank.example/confirm".parse().expect("a URL");
    paying().done(record(1, 1, Verdict::ActionRequired(url)))
}

#[test]
fn an_unpaid_order_is_cancelled_or_expires() {
    let with = |reason| [cancelled(reason, false)].into_iter().chain(released(false));
    placed().when(cancel(1)).then(with(requested()));
    placed().when(expire(1)).then(with(CancelReason::Expired));
}

#[test]
fn cancelling_and_expiring_again_gives_nothing() {
    let shop = placed().done(cancel(1));
    shop.when(cancel(1)).then_nothing();
    shop.when(expire(1)).then_nothing();
}

#[test]
fn a_confirmed_order_does_not_expire() {
    authorized().when(expire(1)).then_nothing();
    on_delivery().when(expire(1)).then_nothing();
}

#[test]
fn what_was_never_placed_is_not_found() {
    given([]).when(cancel(9)).then_refused("order_not_found");
    given([]).when(expire(9)).then_refused("order_not_found");
}

#[test]
fn while_the_gateway_is_asked_an_order_can_be_neither_cancelled_nor_expired() {
    let unknown = |shop: Shop, request| shop.done(record(1, request, Verdict::Unknown));
    for shop in [paying(), unknown(paying(), 1)] {
        shop.when(cancel(1)).then_refused("payment_request_in_flight");
        shop.when(expire(1)).then_refused("payment_request_in_flight");
    }
    let capturing = authorized().done(capture(1, None));
    for shop in [capturing.clone(), unknown(capturing, 2), void_in_flight()] {
        shop.when(cancel(1)).then_refused("payment_request_in_flight");
    }
}

#[test]
fn a_payment_waiting_for_the_customer_is_called_off() {
    let reason = note("the order was cancelled");
    let failed = of_payment(1, Failed { order_id: order_id(1), reason });
    let shop = waiting_for_the_customer();
    shop.when(cancel(1)).then(called_off(false, failed.clone()));
    let mut facts = called_off(false, failed);
    facts[0] = cancelled(CancelReason::Expired, false);
    shop.when(expire(1)).then(facts);
}

#[test]
fn an_authorised_payment_is_voided() {
    let void = asked(Operation::Void, "50.50", 2);
    authorized().when(cancel(1)).then(called_off(true, void));
}

#[test]
fn a_captured_payment_is_refunded() {
    let all = asked(Operation::Refund, "50.50", 3);
    captured().when(cancel(1)).then(called_off(true, all));

    let ten = Some(eur("10.00"));
    let partly = authorized().done(capture(1, ten)).done(record(1, 2, succeeded()));
    partly.when(cancel(1)).then(called_off(true, asked(Operation::Refund, "10.00", 3)));

    let rest = captured().done(refund(1, ten)).done(record(1, 3, succeeded()));
    rest.when(cancel(1)).then(called_off(true, asked(Operation::Refund, "40.50", 4)));
}

#[test]
fn a_refunded_payment_needs_no_undoing() {
    let shop = captured().done(refund(1, None)).done(record(1, 3, succeeded()));
    let facts = [cancelled(requested(), true)].into_iter().chain(released(true));
    shop.when(cancel(1)).then(facts);
}

#[test]
fn cash_that_was_due_is_given_up() {
    let uncollected = of_payment(1, Uncollected { order_id: order_id(1) });
    on_delivery().when(cancel(1)).then(called_off(true, uncollected));
}

#[test]
fn cash_that_was_collected_stands_against_cancelling() {
    // A history no command makes any more: collected before anything was delivered.
    let collected = domain::payment::Collected { order_id: order_id(1), amount: eur("50.50") };
    let mut shop = on_delivery();
    shop.evolve(&of_payment(1, collected));
    shop.when(cancel(1)).then_refused("order_already_shipped");
}

#[test]
fn open_parcels_are_cancelled_with_the_order() {
    let parcel = of_parcel(1, fulfilment::Cancelled { order_id: order_id(1) });
    let planned = authorized().done(plan(1, 1, &[]));
    for shop in [planned.clone(), planned.done(pack(1))] {
        let mut facts = called_off(true, asked(Operation::Void, "50.50", 2));
        facts.insert(1, parcel.clone());
        shop.when(cancel(1)).then(facts);
        // The parcel knows, and calling it off once more is nothing new.
        shop.clone().done(cancel(1)).when(call_off(1)).then_nothing();
        shop.done(cancel(1)).when(ship(1)).then_refused("fulfilment_wrong_state");
    }
}

#[test]
fn a_parcel_called_off_before_does_not_matter() {
    let shop = authorized().done(plan(1, 1, &[])).done(call_off(1));
    shop.when(cancel(1)).then(called_off(true, asked(Operation::Void, "50.50", 2)));
}

#[test]
fn what_has_left_cannot_be_called_back() {
    let on_its_way = sent(authorized());
    for shop in [on_its_way.clone(), on_its_way.done(fail(1))] {
        shop.when(cancel(1)).then_refused("order_already_shipped");
    }
    let part = |shop: Shop| shop.done(plan(1, 1, &[(TOTE, 1)])).done(pack(1)).done(ship(1));
    part(authorized()).when(cancel(1)).then_refused("order_already_shipped");
    part(authorized()).done(deliver(1)).when(cancel(1)).then_refused("order_already_shipped");
    sent(authorized()).done(deliver(1)).when(cancel(1)).then_refused("order_completed");
}

#[test]
fn the_rest_can_be_called_off_once_all_that_left_is_back() {
    let shop = on_delivery().done(plan(1, 1, &[(TOTE, 1)])).done(pack(1)).done(ship(1));
    let shop = shop.done(fail(1)).done(give_back(1));
    let one = Released { order_id: order_id(1), parts: parts(&[("depot", 1)]), committed: true };
    shop.when(cancel(1)).then([
        cancelled(requested(), true),
        of_stock(TOTE, one.clone()),
        of_stock(PURSE, one),
        of_payment(1, Uncollected { order_id: order_id(1) }),
    ]);
}

#[test]
fn a_cancelled_order_takes_nothing_more() {
    let shop = authorized().done(cancel(1));
    shop.when(plan(1, 1, &[])).then_refused("order_cancelled");
    shop.when(pay_by_card(2, 1)).then_refused("order_cancelled");
    // The void was declined: the authorisation stands, and nobody may draw on it.
    let shop = shop.done(record(1, 2, declined()));
    shop.when(capture(1, None)).then_refused("order_cancelled");
    shop.done(to_payment(1, domain::command::payment::Command::Void));
}

#[test]
fn a_command_names_its_stream_and_its_subject() {
    let command: Command = check_out(1, 2);
    assert_eq!(command.target(), StreamId::Cart(cart_id(1)));
    assert_eq!(command.subject(), StreamId::Order(order_id(2)));
    assert_eq!(cancel(2).target(), StreamId::Order(order_id(2)));
    assert_eq!(pay_by_card(3, 2).subject(), StreamId::Payment(payment_id(3)));
    assert_eq!(pack(4).subject(), StreamId::Fulfilment(parcel_id(4)));
}
