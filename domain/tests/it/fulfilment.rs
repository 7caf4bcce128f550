//! Parcels, and what they do to the order, its stock and its payment.

use domain::Quantity;
use domain::command::fulfilment::Command;
use domain::fulfilment::{
    ATTEMPTS_MAX, Cancelled, Created, Delivered, DeliveryFailed, Lost, Packed, ReturnedToSender,
    Shipped, TrackingSet,
};
use domain::order::{
    self, CancelReason, Completed, FULFILMENTS_EVER_MAX, FULFILMENTS_MAX, FulfilmentClosed,
    FulfilmentPlanned, FulfilmentShipped, ParcelOutcome, UnitsLeft,
};
use domain::payment::{Operation, Requested, Uncollected};
use domain::stock::{self, Received};

use kit::*;

use crate::told::sent_with;

fn closed(parcel: u128, outcome: ParcelOutcome, lines: &[(&str, u32)], less: Option<&str>) -> Fact {
    let (fulfilment_id, lines, amount) = (parcel_id(parcel), of(lines), less.map(eur));
    let (again, found, regained) = (vec![], false, None);
    of_order(1, FulfilmentClosed { fulfilment_id, outcome, lines, again, amount, found, regained })
}

/// What is in a parcel of the whole order.
const ALL: [(&str, u32); 2] = [(PURSE, 1), (TOTE, 2)];

fn left(text: &str, from: &[(&str, u32)]) -> Fact {
    let (order_id, fulfilment_id) = (order_id(1), parcel_id(1));
    of_stock(
        text,
        stock::Shipped { order_id, fulfilment_id, parts: parts(from), held: parts(from) },
    )
}

fn came_back(text: &str, parcel: u128, count: u32) -> Fact {
    let (order_id, fulfilment_id) = (order_id(1), parcel_id(parcel));
    let source = stock::Source::Parcel { order_id, fulfilment_id, again: false };
    let (location, quantity) = (place("returns"), units(count));
    of_stock(text, Received { location, sellable: false, quantity, source, of_another: false })
}

fn undeliverable() -> Fact {
    // Unit by unit it was taken off before.
    let (was_confirmed, total, units) = (true, eur("0.00"), 0);
    let reason = CancelReason::Undeliverable;
    of_order(1, order::Cancelled { reason, was_confirmed, total, units })
}

fn returned() -> Fact {
    let (order_id, send_again) = (order_id(1), false);
    let lines = arrivals(&[(PURSE, 1, Some("returns")), (TOTE, 2, Some("returns"))]);
    of_parcel(1, ReturnedToSender { order_id, lines, send_again })
}

#[test]
fn a_parcel_holds_all_that_is_left_unless_told() {
    let facts = |lines: &[(&str, u32)]| {
        let (fulfilment_id, lines) = (parcel_id(1), of(lines));
        [
            of_order(1, FulfilmentPlanned { fulfilment_id, lines: lines.clone() }),
            of_parcel(1, Created { order_id: order_id(1), lines, location: Some(place("depot")) }),
        ]
    };
    let shop = authorized();
    shop.when(plan(1, 1, &[])).then(facts(&ALL));
    shop.when(plan(1, 1, &[(TOTE, 1)])).then(facts(&[(TOTE, 1)]));
    // The same SKU named twice is one line of both.
    shop.when(plan(1, 1, &[(TOTE, 1), (TOTE, 1)])).then(facts(&[(TOTE, 2)]));
}

#[test]
fn a_parcel_holds_no_more_than_was_ordered() {
    let shop = authorized();
    let too_many =
        |wanted, left| order::Error::NothingLeft(vec![UnitsLeft { sku: sku(TOTE), wanted, left }]);
    shop.when(plan(1, 1, &[(TOTE, 3)])).then_refused_with(too_many(3, 2));
    shop.when(plan(1, 1, &[(TOTE, 1), (TOTE, 2)])).then_refused_with(too_many(3, 2));
    let most = Quantity::UNITS_MAX;
    let twice = plan(1, 1, &[(TOTE, most), (TOTE, most)]);
    shop.when(twice).then_refused_with(too_many(2 * most, 2));
    shop.when(plan(1, 1, &[("NONE", 1)])).then_refused("nothing_left_to_send");

    let shop = shop.done(plan(1, 1, &[(TOTE, 1)]));
    shop.when(plan(2, 1, &[(TOTE, 2)])).then_refused_with(too_many(2, 1));
    let shop = shop.done(plan(2, 1, &[]));
    shop.when(plan(3, 1, &[])).then_refused("order_fully_planned");
    // A parcel called off gives its units back to the plan.
    shop.done(call_off(1)).done(plan(3, 1, &[(TOTE, 1)]));
}

#[test]
fn a_parcel_needs_a_confirmed_order_and_an_unused_id() {
    placed().when(plan(1, 1, &[])).then_refused("order_not_confirmed");
    given([]).when(plan(1, 1, &[])).then_refused("order_not_found");
    let shop = authorized().done(plan(1, 1, &[(TOTE, 1)]));
    shop.when(plan(1, 1, &[])).then_refused("fulfilment_already_exists");
    sent(authorized()).done(deliver(1)).when(plan(2, 1, &[])).then_refused("order_completed");
    // The id of another order's parcel.
    let mut shop = authorized();
    shop.evolve(&of_parcel(1, Created { order_id: order_id(7), lines: vec![], location: None }));
    shop.when(plan(1, 1, &[])).then_refused("fulfilment_already_exists");
}

#[test]
fn an_order_has_so_many_parcels() {
    let mut shop = authorized();
    for n in 0..FULFILMENTS_MAX as u128 {
        let fulfilment_id = parcel_id(100 + n);
        shop.evolve(&of_order(1, FulfilmentPlanned { fulfilment_id, lines: vec![] }));
    }
    shop.when(plan(1, 1, &[])).then_refused("too_many_fulfilments");
}

#[test]
fn parcels_that_were_called_off_take_no_place_until_there_are_very_many() {
    let mut shop = authorized();
    for n in 0..FULFILMENTS_EVER_MAX as u128 - 1 {
        shop = shop.done(plan(100 + n, 1, &[])).done(call_off(100 + n));
    }
    let last = shop.done(plan(1, 1, &[]));
    last.done(call_off(1)).when(plan(2, 1, &[])).then_refused("too_many_fulfilments");
}

#[test]
fn a_parcel_is_packed_once() {
    let shop = authorized().done(plan(1, 1, &[]));
    shop.when(ship(1)).then_refused("fulfilment_wrong_state");
    shop.when(pack(1)).then([of_parcel(1, Packed { order_id: order_id(1) })]);
    shop.done(pack(1)).when(pack(1)).then_nothing();
}

#[test]
fn shipping_takes_the_units_out_of_stock_once() {
    let shop = authorized().done(plan(1, 1, &[])).done(pack(1));
    let carrier = Some(label("DHL"));
    let location = Some(place("depot"));
    let shipped = Shipped { order_id: order_id(1), location, carrier, tracking: None };
    shop.when(ship(1)).then([
        of_parcel(1, shipped),
        left(PURSE, &[("depot", 1)]),
        left(TOTE, &[("depot", 2)]),
        of_order(1, FulfilmentShipped { fulfilment_id: parcel_id(1), lines: of(&ALL) }),
    ]);
    let shop = shop.done(ship(1));
    shop.when(ship(1)).then_nothing();
    shop.when(pack(1)).then_refused("fulfilment_wrong_state");
    shop.when(call_off(1)).then_refused("fulfilment_wrong_state");
    shop.when(give_back(1)).then_refused("fulfilment_wrong_state");
}

fn labelled(carrier: Option<&str>, tracking: Option<&str>) -> domain::Command {
    let (carrier, tracking) = (carrier.map(label), tracking.map(label));
    to_parcel(1, Command::Ship { carrier, tracking })
}

#[test]
fn a_number_that_comes_later_or_is_put_right_is_told() {
    let set = |carrier: &str, tracking: &str| {
        let (carrier, tracking) = (Some(label(carrier)), Some(label(tracking)));
        of_parcel(1, TrackingSet { order_id: order_id(1), carrier, tracking })
    };
    let shop = sent(authorized());
    shop.when(labelled(None, Some("JD01"))).then([set("DHL", "JD01")]);
    let shop = shop.done(labelled(None, Some("JD01")));
    shop.when(labelled(None, Some("JD01"))).then_nothing();
    // What is not named stays, also where nothing is.
    shop.when(labelled(Some("DHL"), None)).then_nothing();
    shop.when(labelled(None, None)).then_nothing();
    shop.when(labelled(Some("GLS"), None)).then([set("GLS", "JD01")]);
    shop.when(labelled(Some("GLS"), Some("G1"))).then([set("GLS", "G1")]);

    let failed = shop.clone().done(fail(1));
    let partly = shop.clone().done(hand_over(1, &[(TOTE, 1)]));
    let ends = [shop.clone().done(deliver(1)), shop.clone().done(lose(1)), failed.clone(), partly];
    for out in ends {
        out.when(labelled(None, Some("JD02"))).then([set("DHL", "JD02")]);
        out.when(labelled(Some("DHL"), Some("JD01"))).then_nothing();
        // That would be to send it again.
        out.when(labelled(None, None)).then_refused("fulfilment_wrong_state");
    }
    let back = failed.done(give_back(1));
    back.when(labelled(None, Some("JD02"))).then_refused("fulfilment_wrong_state");
    let packed = authorized().done(plan(1, 1, &[]));
    packed.when(labelled(None, Some("JD02"))).then_refused("fulfilment_wrong_state");
}

#[test]
fn what_was_delivered_whole_was_not_taken_in_part() {
    let shop = sent(authorized()).done(deliver(1));
    shop.when(hand_over(1, &ALL)).then_nothing();
    shop.when(hand_over(1, &[(TOTE, 2)])).then_refused("fulfilment_wrong_state");
    shop.when(hand_over(1, &[(TOTE, 3)])).then_refused("not_in_fulfilment");
    // All of it is what was taken at last, or that with what was taken before.
    let twice = sent(authorized()).done(hand_over(1, &[(TOTE, 1)])).done(deliver(1));
    twice.when(hand_over(1, &ALL)).then_nothing();
    twice.when(hand_over(1, &[(TOTE, 1), (PURSE, 1)])).then_nothing();
    twice.when(hand_over(1, &[(TOTE, 2)])).then_refused("fulfilment_wrong_state");
}

#[test]
fn what_is_known_of_a_lost_parcel_may_become_more() {
    let why = |text: &str| to_parcel(1, Command::Lose { reason: note(text), at: hour(0) });
    let lost = |text: &str| of_parcel(1, Lost { order_id: order_id(1), reason: note(text) });
    let shop = sent_with(captured(), 1, &[(TOTE, 2)]).done(why("not at the depot"));
    // What the order owes became less once.
    shop.when(why("the van burnt out")).then([lost("the van burnt out")]);
    let shop = shop.done(why("the van burnt out"));
    shop.when(why("the van burnt out")).then_nothing();
    shop.done(deliver(1));
}

#[test]
fn the_last_delivery_completes_the_order() {
    let delivered = of_parcel(1, Delivered { order_id: order_id(1) });
    let shop = sent(authorized());
    let all = closed(1, ParcelOutcome::Delivered, &ALL, None);
    shop.when(deliver(1)).then([delivered, all, of_order(1, Completed {})]);
    shop.done(deliver(1)).when(deliver(1)).then_nothing();

    let first = sent_with(authorized(), 1, &[(TOTE, 2)]);
    let delivered = of_parcel(1, Delivered { order_id: order_id(1) });
    let totes = closed(1, ParcelOutcome::Delivered, &[(TOTE, 2)], None);
    first.when(deliver(1)).then([delivered, totes]);
    let second = sent_with(first.done(deliver(1)), 2, &[]);
    let delivered = of_parcel(2, Delivered { order_id: order_id(1) });
    let purse = closed(2, ParcelOutcome::Delivered, &[(PURSE, 1)], None);
    second.when(deliver(2)).then([delivered, purse, of_order(1, Completed {})]);
}

#[test]
fn a_failed_delivery_is_tried_again() {
    let shop = sent(authorized());
    let failed =
        || of_parcel(1, DeliveryFailed { order_id: order_id(1), reason: note("nobody at home") });
    shop.when(fail(1)).then([failed()]);
    let shop = shop.done(fail(1));
    shop.when(fail(1)).then([failed()]);
    shop.clone().done(fail(1)).done(deliver(1));
    shop.clone().done(give_back(1));
    let mut tired = shop;
    (1..ATTEMPTS_MAX).for_each(|_| tired.evolve(&failed()));
    tired.when(fail(1)).then_refused("too_many_delivery_attempts");
    tired.done(deliver(1));
}

#[test]
fn a_lost_parcel_ends_and_is_paid_back() {
    let lost = of_parcel(1, Lost { order_id: order_id(1), reason: note("the van burnt out") });
    let shop = sent_with(captured(), 1, &[(TOTE, 2)]);
    let (order_id, operation, amount) = (order_id(1), Operation::Refund, eur("40.00"));
    let back = Requested { order_id, operation, amount, request: 3, reason: None };
    let totes = closed(1, ParcelOutcome::Lost, &[(TOTE, 2)], Some("40.00"));
    for shop in [shop.clone(), shop.done(fail(1))] {
        shop.when(lose(1)).then([lost.clone(), totes.clone(), of_payment(1, back.clone())]);
        let shop = shop.done(lose(1));
        shop.when(lose(1)).then_nothing();
        // The rest goes out.
        sent_with(shop, 2, &[]).done(deliver(2));
    }
    authorized().done(plan(1, 1, &[])).when(lose(1)).then_refused("fulfilment_wrong_state");
}

#[test]
fn when_everything_came_back_the_order_is_off_and_its_payment_undone() {
    let facts = |payment: Fact| {
        [
            came_back(PURSE, 1, 1),
            came_back(TOTE, 1, 2),
            returned(),
            closed(1, ParcelOutcome::Returned, &ALL, Some("50.50")),
            undeliverable(),
            payment,
        ]
    };
    let asked = |operation, request| {
        let (order_id, amount) = (order_id(1), eur("50.50"));
        of_payment(1, Requested { order_id, operation, amount, request, reason: None })
    };
    let cash = of_payment(1, Uncollected { order_id: order_id(1), reason: None });
    for (shop, payment) in [
        (authorized(), asked(Operation::Void, 2)),
        (captured(), asked(Operation::Refund, 3)),
        (on_delivery(), cash),
    ] {
        let shop = sent(shop).done(fail(1));
        shop.when(give_back(1)).then(facts(payment));
        shop.done(give_back(1)).when(give_back(1)).then_nothing();
    }
}

#[test]
fn a_lapsed_authorisation_needs_no_undoing() {
    let shop = sent(authorized()).done(lapse(1)).done(fail(1));
    shop.when(give_back(1)).then([
        came_back(PURSE, 1, 1),
        came_back(TOTE, 1, 2),
        returned(),
        closed(1, ParcelOutcome::Returned, &ALL, Some("50.50")),
        undeliverable(),
    ]);
}

#[test]
fn what_is_taken_while_the_last_parcel_comes_back_goes_back() {
    let shop = sent(authorized()).done(fail(1)).done(capture(1, None)).done(give_back(1));
    let (order_id, operation, amount) = (order_id(1), Operation::Refund, eur("50.50"));
    let back = Requested { order_id, operation, amount, request: 3, reason: None };
    let facts = shop.decide(&record(1, 2, was_captured())).expect("an answer");
    assert_eq!(facts.last(), Some(&of_payment(1, back)));
}

#[test]
fn some_delivered_and_some_back_completes_the_order() {
    let both = sent_with(sent_with(authorized(), 1, &[(TOTE, 2)]), 2, &[]);
    let back_first = both.clone().done(fail(1)).done(give_back(1));
    let delivered = of_parcel(2, Delivered { order_id: order_id(1) });
    let completed = of_order(1, Completed {});
    let purse = closed(2, ParcelOutcome::Delivered, &[(PURSE, 1)], None);
    back_first.when(deliver(2)).then([delivered, purse, completed.clone()]);
    let back_last = both.done(deliver(2)).done(fail(1));
    let lines = arrivals(&[(TOTE, 2, Some("returns"))]);
    let back = ReturnedToSender { order_id: order_id(1), lines, send_again: false };
    back_last.when(give_back(1)).then([
        came_back(TOTE, 1, 2),
        of_parcel(1, back),
        closed(1, ParcelOutcome::Returned, &[(TOTE, 2)], Some("40.00")),
        completed,
    ]);
}

#[test]
fn what_came_back_to_stay_goes_out_again_only_as_a_new_sale() {
    let shop = sent_with(authorized(), 1, &[(TOTE, 2)]).done(fail(1)).done(give_back(1));
    shop.when(plan(2, 1, &[(TOTE, 1)])).then_refused("nothing_left_to_send");
    shop.done(plan(2, 1, &[(PURSE, 1)]));
}

#[test]
fn a_parcel_is_called_off_before_it_leaves() {
    let planned = authorized().done(plan(1, 1, &[]));
    for shop in [planned.clone(), planned.done(pack(1))] {
        let cancelled = of_parcel(1, Cancelled { order_id: order_id(1) });
        let back_in_the_plan = closed(1, ParcelOutcome::Cancelled, &ALL, None);
        shop.when(call_off(1)).then([cancelled, back_in_the_plan]);
        let shop = shop.done(call_off(1));
        shop.when(call_off(1)).then_nothing();
        shop.when(pack(1)).then_refused("fulfilment_wrong_state");
        // The order stands: its units are planned anew.
        shop.done(plan(2, 1, &[])).done(pack(2)).done(ship(2)).done(deliver(2));
    }
}

#[test]
fn units_that_do_not_fit_where_they_come_back_to_are_put_elsewhere() {
    let shop = sent(captured()).done(fail(1));
    let room = stock::Adjusted {
        location: place("returns"),
        sellable: false,
        delta: stock::ON_HAND_MAX,
        reason: note("full"),
        short: vec![],
    };
    let mut full = shop;
    full.evolve(&of_stock(TOTE, room));
    full.when(give_back(1)).then_refused("stock_too_large");
    full.done(all_back_to(1, "depot"));
}

#[test]
fn a_parcel_never_planned_is_not_found() {
    for command in [pack(9), ship(9), deliver(9), fail(9), lose(9), give_back(9), call_off(9)] {
        authorized().when(command).then_refused("fulfilment_not_found");
    }
}

#[test]
fn an_order_closes_only_its_own_parcels() {
    let order = order::Order::default();
    let outcome = ParcelOutcome::Delivered;
    let closed = order.close_fulfilment(parcel_id(1), outcome);
    assert_eq!(closed, Err(order::Error::NotFound));

    let domain::State::Order(order) = authorized().state(&domain::StreamId::Order(order_id(1)))
    else {
        panic!("an order")
    };
    let closed = order.close_fulfilment(parcel_id(1), outcome);
    assert_eq!(closed, Err(order::Error::NoSuchFulfilment));
}
