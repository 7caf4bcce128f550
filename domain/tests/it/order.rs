//! Orders called off, by a person or by the clock, at every point of the payment's and the
//! parcels' lives.

use domain::order::{self, CancelReason, Cancelled, HOLD_PROLONGED_MAX, NoteAdded, ParcelOutcome};
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
    let (order_id, amount, reason) = (order_id(1), eur(amount), None);
    of_payment(1, Requested { order_id, operation, amount, request, reason })
}

/// The facts of a cancelled order whose payment came to this.
fn called_off(committed: bool, payment: Fact) -> Vec<Fact> {
    let mut facts = vec![cancelled(requested(), committed)];
    facts.extend(released(committed));
    facts.push(payment);
    facts
}

fn waiting_for_the_customer() -> Shop {
    let url = "https://bank.example/confirm".parse().expect("a URL");
    paying().done(record(1, 1, Verdict::ActionRequired { reference: None, url }))
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
fn an_order_does_not_expire_while_the_gateway_is_asked_but_for_a_bound() {
    for shop in [paying(), paying().done(record(1, 1, Verdict::Unknown))] {
        shop.when(expire(1)).then_refused("payment_request_in_flight");
        let at = hour(1) + HOLD_PROLONGED_MAX;
        let bound = to_order(1, domain::command::order::Command::Expire { at });
        let facts = [cancelled(CancelReason::Expired, false)].into_iter().chain(released(false));
        shop.when(bound).then(facts);
    }
}

#[test]
fn an_order_is_cancelled_while_the_gateway_is_asked_and_its_answer_undone() {
    let shop = paying();
    shop.when(cancel(1)).then([cancelled(requested(), false)].into_iter().chain(released(false)));
    let late = shop.done(cancel(1)).decide(&record(1, 1, was_authorized())).expect("an answer");
    assert_eq!(late.last(), Some(&asked(Operation::Void, "50.50", 2)));
    let shop = authorized().done(capture(1, None)).done(cancel(1));
    let late = shop.decide(&record(1, 2, was_captured())).expect("an answer");
    assert_eq!(late.last(), Some(&asked(Operation::Refund, "50.50", 3)));
}

#[test]
fn what_is_paid_after_it_expired_is_reserved_anew_or_given_back() {
    let at = hour(1) + HOLD_PROLONGED_MAX;
    let expired = paying().done(to_order(1, domain::command::order::Command::Expire { at }));
    let late = expired.clone().done(record(1, 1, was_authorized()));
    sent(late.done(capture(1, None)).done(record(1, 2, was_captured())));

    // The last purse was sold meanwhile.
    let gone = expired.done(create_cart(2)).done(add(2, PURSE, 4)).done(check_out(2, 2));
    let late = gone.decide(&record(1, 1, was_authorized())).expect("an answer");
    assert_eq!(late.last(), Some(&asked(Operation::Void, "50.50", 2)));
    assert_eq!(late.len(), 2, "{late:?}");
}

#[test]
fn a_payment_waiting_for_the_customer_is_called_off() {
    let reason = note("the order was not paid this way");
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

    // What was taken of an authorisation goes back, and then the rest is let go.
    let ten = Some(eur("10.00"));
    let partly = authorized().done(capture(1, ten)).done(record(1, 2, was_captured()));
    partly.when(cancel(1)).then(called_off(true, asked(Operation::Refund, "10.00", 3)));
    let facts = partly.done(cancel(1)).decide(&record(1, 3, was_refunded())).expect("an answer");
    assert_eq!(facts.last(), Some(&asked(Operation::Void, "40.50", 4)));

    let rest = captured().done(refund(1, ten)).done(record(1, 3, was_refunded()));
    rest.when(cancel(1)).then(called_off(true, asked(Operation::Refund, "40.50", 4)));
}

#[test]
fn a_refunded_payment_needs_no_undoing() {
    let shop = captured().done(refund(1, None)).done(record(1, 3, was_refunded()));
    let facts = [cancelled(requested(), true)].into_iter().chain(released(true));
    shop.when(cancel(1)).then(facts);
}

#[test]
fn cash_that_was_due_is_given_up() {
    let uncollected = of_payment(1, Uncollected { order_id: order_id(1), reason: None });
    on_delivery().when(cancel(1)).then(called_off(true, uncollected));
}

#[test]
fn open_parcels_are_cancelled_with_the_order() {
    let parcel = of_parcel(1, fulfilment::Cancelled { order_id: order_id(1) });
    let planned = authorized().done(plan(1, 1, &[]));
    let (outcome, amount) = (ParcelOutcome::Cancelled, None);
    for shop in [planned.clone(), planned.done(pack(1))] {
        let lines = of(&[(PURSE, 1), (TOTE, 2)]);
        let fulfilment_id = parcel_id(1);
        let closed = order::FulfilmentClosed {
            again: vec![],
            fulfilment_id,
            outcome,
            lines,
            amount,
            found: false,
            regained: None,
        };
        let off = called_off(true, asked(Operation::Void, "50.50", 2));
        let mut facts = vec![of_order(1, closed), off[0].clone(), parcel.clone()];
        facts.extend_from_slice(&off[1..]);
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
    sent(authorized()).done(deliver(1)).when(cancel(1)).then_refused("order_completed");
}

/// A purse turns out to be broken after the totes have left.
#[test]
fn what_has_not_left_is_called_off_and_its_money_goes_back() {
    let part = |shop: Shop| shop.done(plan(1, 1, &[(TOTE, 2)])).done(pack(1)).done(ship(1));
    let units_cancelled = order::UnitsCancelled {
        lines: of(&[(PURSE, 1)]),
        reason: note("changed my mind"),
        amount: eur("10.50"),
        was_confirmed: true,
    };
    let one = Released { order_id: order_id(1), parts: parts(&[("depot", 1)]), committed: true };
    let facts = || vec![of_order(1, units_cancelled.clone()), of_stock(PURSE, one.clone())];
    let mut paid = facts();
    paid.push(asked(Operation::Refund, "10.50", 3));
    part(captured()).when(cancel(1)).then(paid);
    part(authorized()).when(cancel(1)).then(facts());
    // The last delivery completes what is left of the order, and no more is taken than that.
    let shop = part(authorized()).done(cancel(1)).done(deliver(1));
    shop.when(cancel(1)).then_refused("order_completed");
    shop.when(capture(1, Some(eur("40.01")))).then_refused("amount_too_large");
    shop.when(capture(1, None)).then([asked(Operation::Capture, "40.00", 2)]);
    // What is set aside beyond that is let go once it is taken.
    let rest = shop.done(capture(1, None)).decide(&record(1, 2, was_captured()));
    assert_eq!(rest.expect("an answer").last(), Some(&asked(Operation::Void, "10.50", 3)));
    // Delivered first, it completes the order to call off the rest.
    let delivered = part(captured()).done(deliver(1)).decide(&cancel(1)).expect("it is called off");
    assert!(delivered.contains(&of_order(1, order::Completed {})), "{delivered:?}");
}

/// Of two of one kind one is broken: it is called off by its name, or as all that has not left.
#[test]
fn one_of_two_of_a_kind_is_called_off_after_the_other_has_left() {
    let bought = empty_cart().done(add(1, TOTE, 2)).done(check_out(1, 1)).done(pay_by_card(1, 1));
    let taken = bought.done(record(1, 1, was_authorized())).done(capture(1, None));
    let taken = taken.done(record(1, 2, was_captured()));
    let part = taken.done(plan(1, 1, &[(TOTE, 1)])).done(pack(1)).done(ship(1));
    let released =
        || Released { order_id: order_id(1), parts: parts(&[("depot", 1)]), committed: true };
    for (cancel, reason) in
        [(cancel(1), "changed my mind"), (cancel_units(1, &[(TOTE, 1)]), "broken")]
    {
        let (lines, reason) = (of(&[(TOTE, 1)]), note(reason));
        let (amount, was_confirmed) = (eur("20.00"), true);
        let off = order::UnitsCancelled { lines, reason, amount, was_confirmed };
        part.when(cancel.clone()).then([
            of_order(1, off),
            of_stock(TOTE, released()),
            asked(Operation::Refund, "20.00", 3),
        ]);
        let shop = part.clone().done(cancel);
        let delivered = shop.decide(&deliver(1)).expect("the other is there");
        assert_eq!(delivered.last(), Some(&of_order(1, order::Completed {})));
        shop.done(deliver(1)).when(cancel_units(1, &[(TOTE, 1)])).then_refused("order_completed");
    }
    let two = cancel_units(1, &[(TOTE, 2)]);
    part.when(two).then_refused("nothing_left_to_send");
}

#[test]
fn units_are_called_off_line_by_line_and_all_that_fall_short_are_named() {
    let shop = placed();
    let left = |text, wanted, left| order::UnitsLeft { sku: sku(text), wanted, left };
    let short = vec![left(PURSE, 2, 1), left(TOTE, 3, 2)];
    shop.when(cancel_units(1, &[(TOTE, 3), (PURSE, 2)]))
        .then_refused_with(order::Error::NothingLeft(short));
    let shop = shop.done(cancel_units(1, &[(TOTE, 1)]));
    let shop = shop.done(pay_by_card(1, 1));
    // 30.50 is owed now, and asked for.
    let shop = shop.done(record(1, 1, was_authorized()));
    shop.when(capture(1, None)).then([asked(Operation::Capture, "30.50", 2)]);
    let planned = shop.done(plan(1, 1, &[(TOTE, 1)]));
    let packed = planned.done(pack(1));
    packed.when(cancel_units(1, &[(TOTE, 1)])).then_refused("order_packed");
    packed.done(call_off(1)).done(cancel_units(1, &[(TOTE, 1)]));
}

#[test]
fn calling_off_the_last_unit_calls_off_the_order() {
    let facts = authorized().decide(&cancel_units(1, &[(TOTE, 2), (PURSE, 1)])).expect("it is");
    assert!(
        facts.iter().any(|(_, event)| matches!(
            event,
            domain::Event::Order(order::Event::Cancelled(cancelled)) if cancelled.units == 0
        )),
        "{facts:?}"
    );
    assert_eq!(facts.last(), Some(&asked(Operation::Void, "50.50", 2)));
}

#[test]
fn a_line_is_made_smaller_and_never_larger() {
    let line = |text: &str, quantity| {
        let reason = note("too many");
        to_order(
            1,
            domain::command::order::Command::ShrinkLine { sku: sku(text), quantity, reason },
        )
    };
    let shop = authorized();
    shop.when(line(TOTE, 3)).then_refused("order_line_cannot_grow");
    shop.when(line("NONE", 0)).then_refused("order_line_not_found");
    shop.when(line(TOTE, 2)).then_nothing();
    let shop = shop.done(line(TOTE, 1)).done(line(PURSE, 0));
    shop.when(line(PURSE, 1)).then_refused("order_line_cannot_grow");
    shop.when(capture(1, None)).then([asked(Operation::Capture, "20.00", 2)]);
    sent(shop).done(deliver(1)).when(line(TOTE, 0)).then_refused("order_completed");
}

#[test]
fn an_order_goes_elsewhere_until_some_of_it_is_packed() {
    let address_id = domain::AddressId(new_id());
    let change = || to_order(1, domain::command::order::Command::ChangeAddress { address_id });
    placed().when(change()).then([of_order(1, order::AddressChanged { address_id })]);
    let planned = authorized().done(change()).done(plan(1, 1, &[])).done(change());
    // Its label says where to.
    let packed = planned.done(pack(1));
    packed.when(change()).then_refused("order_packed");
    packed.done(call_off(1)).done(change());
    sent(authorized()).when(change()).then_refused("order_already_shipped");
    placed().done(cancel(1)).when(change()).then_refused("order_cancelled");
}

#[test]
fn notes_are_written_about_an_order_however_far_it_has_come() {
    let called = || add_note(1, "called, will pick it up on Friday");
    let added = || of_order(1, NoteAdded { note: note("called, will pick it up on Friday") });
    given([]).when(called()).then_refused("order_not_found");
    let shops =
        [placed(), authorized(), sent(authorized()).done(deliver(1)), placed().done(cancel(1))];
    for shop in shops {
        // Twice is two notes, and nothing is asked of anybody.
        shop.when(called()).then([added()]);
        shop.done(called()).when(called()).then([added()]);
    }
}

#[test]
fn an_order_has_so_many_notes() {
    let mut shop = placed();
    for _ in 0..order::NOTES_MAX {
        shop = shop.done(add_note(1, "called again"));
    }
    shop.when(add_note(1, "called again")).then_refused("too_many_order_notes");
    shop.done(cancel(1));
}

#[test]
fn the_rest_can_be_called_off_once_all_that_left_is_back() {
    let shop = on_delivery().done(plan(1, 1, &[(TOTE, 1)])).done(pack(1)).done(ship(1));
    let shop = shop.done(fail(1)).done(give_back(1));
    let one = Released { order_id: order_id(1), parts: parts(&[("depot", 1)]), committed: true };
    // The tote that came back is off already.
    let (reason, was_confirmed, total, units) = (requested(), true, eur("30.50"), 2);
    shop.when(cancel(1)).then([
        of_order(1, Cancelled { reason, was_confirmed, total, units }),
        of_stock(TOTE, one.clone()),
        of_stock(PURSE, one),
        of_payment(1, Uncollected { order_id: order_id(1), reason: None }),
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
