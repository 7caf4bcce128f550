//! When money is taken and let go, that nothing leaves unpaid, and cash.

use domain::command::payment::Command;
use domain::order::PaymentMethod;
use domain::payment::{
    CapturePolicy, Collected, Expired, Finding, Operation, Refunded, Remitted, Resolved, Start,
    Uncollected, Verdict, Voided, WriteOff,
};
use domain::{Command as Any, State, StreamId};

use crate::payment::{ask, asked, collect, ended, remit, taken};
use crate::told::asks;
use crate::unsecured::unsecured;

use kit::*;

#[test]
fn money_is_taken_when_its_policy_says() {
    let begun = |capture| {
        let shop = placed().done(pay_by_card_as(1, 1, capture));
        shop.done(record(1, 1, was_authorized()))
    };
    let asks = |shop: &Shop, command: Any| {
        let facts = shop.decide(&command).expect("an answer");
        let asked = facts.into_iter().filter_map(|(_, event)| match event {
            domain::Event::Payment(domain::payment::Event::Requested(asked)) => {
                Some((asked.operation, asked.amount))
            }
            _ => None,
        });
        asked.collect::<Vec<_>>()
    };
    let taken = |amount| vec![(Operation::Capture, eur(amount))];

    let shop = placed().done(pay_by_card_as(1, 1, CapturePolicy::AtOnce));
    assert_eq!(asks(&shop, record(1, 1, was_authorized())), taken("50.50"));

    let parcel = |shop: Shop| shop.done(plan(1, 1, &[(TOTE, 2)])).done(pack(1));
    let shop = parcel(begun(CapturePolicy::AtShipment));
    assert_eq!(asks(&shop, ship(1)), taken("40.00"), "as much as has left");
    let shop = shop.done(ship(1)).done(plan(2, 1, &[])).done(pack(2)).done(ship(2));
    // The rest left while the gateway was being asked: it is taken with the answer.
    assert_eq!(asks(&shop, record(1, 2, was_captured())), taken("10.50"));

    assert_eq!(asks(&parcel(begun(CapturePolicy::ByHand)), ship(1)), []);
}

#[test]
fn goodwill_is_not_taken_again() {
    let shop = placed().done(pay_by_card_as(1, 1, CapturePolicy::AtShipment));
    let shop = shop.done(record(1, 1, was_authorized()));
    let shop = shop.done(plan(1, 1, &[(PURSE, 1)])).done(pack(1)).done(ship(1));
    let shop = shop.done(record(1, 2, was_captured())).done(refund(1, Some(eur("3.00"))));
    let facts = shop.decide(&record(1, 3, was_refunded())).unwrap();
    assert_eq!(facts.len(), 1, "it was refunded, and nothing is asked: {facts:?}");
    let shop = shop.done(record(1, 3, was_refunded())).done(deliver(1));
    // The rest is taken as a whole, and what is not needed then is let go.
    let shop = shop.done(plan(2, 1, &[])).done(pack(2));
    let shop = shop.done(ship(2)).done(record(1, 4, was_captured())).done(deliver(2));
    let State::Payment(payment) = shop.state(&StreamId::Payment(payment_id(1))) else { panic!() };
    assert_eq!(payment.in_flight, None);
    assert_eq!(payment.terms.unwrap().kept(), eur("47.50"));
}

#[test]
fn a_gateway_that_takes_money_once_takes_all_with_the_first_parcel() {
    let start = Start {
        method: PaymentMethod::Card,
        gateway: Some(gateway("once")),
        token: Some(token("tok_success")),
        capture: CapturePolicy::AtShipment,
        once: true,
        return_url: None,
    };
    let shop = placed().done(ask(Command::Start { order_id: order_id(1), start }));
    let shop = shop.done(record(1, 1, was_authorized()));
    let shop = shop.done(plan(1, 1, &[(TOTE, 1)])).done(pack(1)).done(ship(1));
    shop.when(record(1, 2, was_captured())).then([taken("50.50", 2, true)]);
}

#[test]
fn voiding_leaves_the_order_for_another_payment_when_the_gateway_has_done_it() {
    let void = || ask(Command::Void);
    authorized().when(void()).then([asked(Operation::Void, "50.50", 2)]);
    let shop = authorized().done(void());
    let voided = of_payment(1, Voided { order_id: order_id(1), request: Some(2) });
    let facts = [voided, ended(1), unsecured(hour(0))];
    shop.when(record(1, 2, Verdict::Voided)).then(facts);
    shop.done(record(1, 2, Verdict::Voided)).when(void()).then_nothing();
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
    sent(authorized()).done(deliver(1)).when(void()).then_refused("order_already_shipped");
    let part = authorized().done(plan(1, 1, &[(TOTE, 1)])).done(pack(1)).done(ship(1));
    part.when(void()).then_refused("order_already_shipped");
}

#[test]
fn nothing_leaves_that_is_not_secured() {
    let packed = |shop: Shop| shop.done(plan(1, 1, &[])).done(pack(1));
    let voiding = packed(authorized()).done(ask(Command::Void));
    voiding.when(ship(1)).then_refused("order_not_secured");
    voiding.clone().done(record(1, 2, declined())).done(ship(1));
    voiding.done(record(1, 2, Verdict::Voided)).when(ship(1)).then_refused("order_not_secured");

    let refunded = packed(captured()).done(refund(1, None)).done(record(1, 3, was_refunded()));
    refunded.when(ship(1)).then_refused("order_not_secured");
    // Goodwill does not stand against the rest.
    let goodwill = packed(captured()).done(refund(1, Some(eur("5.00"))));
    goodwill.done(record(1, 3, was_refunded())).done(ship(1));
}

#[test]
fn what_lapsed_after_the_first_parcel_is_paid_anew_before_the_second() {
    let shop = authorized().done(plan(1, 1, &[(TOTE, 2)])).done(pack(1)).done(ship(1));
    let lapsed = of_payment(1, Expired { order_id: order_id(1) });
    shop.when(lapse(1)).then([lapsed, ended(1)]);
    let shop = shop.done(lapse(1)).done(plan(2, 1, &[])).done(pack(2));
    shop.when(ship(2)).then_refused("order_not_secured");
    let shop = shop.done(pay_by_card(2, 1)).done(record(2, 1, was_authorized())).done(ship(2));
    shop.done(capture(2, None));
}

#[test]
fn what_was_taken_of_a_lapsed_authorisation_stands() {
    let part = authorized().done(capture(1, Some(eur("20.50")))).done(record(1, 2, was_captured()));
    let lapsed = of_payment(1, Expired { order_id: order_id(1) });
    part.when(lapse(1)).then([lapsed, unsecured(hour(2))]);
    let shop = part.done(lapse(1));
    // The rest is paid by another.
    let shop = shop.done(pay_by_card(2, 1)).done(record(2, 1, was_authorized()));
    sent(shop.done(capture(2, None)).done(record(2, 2, was_captured())));
}

#[test]
fn only_an_idle_authorisation_lapses() {
    authorized().done(capture(1, None)).when(lapse(1)).then_refused("payment_request_in_flight");
    for shop in [captured(), on_delivery()] {
        shop.when(lapse(1)).then_nothing();
    }
    given([]).when(lapse(1)).then_refused("payment_not_found");
}

fn handed_over(amount: &str, written_off: Option<WriteOff>) -> Remitted {
    Remitted { order_id: order_id(1), amount: eur(amount), written_off }
}

/// A fee, or a loss, would else be waited for for ever.
#[test]
fn what_the_courier_keeps_is_written_off() {
    let collected = sent(on_delivery()).done(deliver(1)).done(collect(None));
    let kept = |amount| WriteOff { amount: eur(amount), reason: note("the courier's fee") };
    let remit = |amount: Option<&str>, kept| {
        ask(Command::Remit { amount: amount.map(eur), written_off: Some(kept) })
    };
    let facts = [of_payment(1, handed_over("48.00", Some(kept("2.50"))))];
    collected.when(remit(Some("48.00"), kept("2.50"))).then(facts.clone());
    collected.when(remit(None, kept("2.50"))).then(facts);
    collected.when(remit(Some("48.01"), kept("2.50"))).then_refused("amount_too_large");
    collected.when(remit(None, kept("50.51"))).then_refused("amount_too_large");
    collected.when(remit(None, kept("0.00"))).then_refused("invalid_amount");
    let lost = [of_payment(1, handed_over("0.00", Some(kept("50.50"))))];
    collected.when(remit(None, kept("50.50"))).then(lost);
    let done = collected.done(remit(None, kept("2.50")));
    done.when(super::payment::remit()).then_nothing();
    done.when(remit(None, kept("0.01"))).then_refused("amount_too_large");
}

#[test]
fn cash_is_collected_at_the_door_and_handed_over() {
    let (order_id, amount) = (order_id(1), eur("50.50"));
    let delivered = sent(on_delivery()).done(deliver(1));
    delivered.when(collect(None)).then([of_payment(1, Collected { order_id, amount })]);
    delivered.when(remit()).then_refused("payment_wrong_state");
    let collected = delivered.done(collect(None));
    collected.when(collect(None)).then_refused("payment_wrong_state");
    collected.when(remit()).then([of_payment(1, handed_over("50.50", None))]);
    let remitted = collected.done(remit());
    remitted.when(remit()).then_nothing();
    // A customer who sends it back gets their money by hand.
    let (request, reference, reason) = (None, None, None);
    let refunded = Refunded { order_id, request, amount, reference, reason };
    remitted.when(refund(1, None)).then([of_payment(1, refunded)]);
}

#[test]
fn cash_is_collected_for_what_was_handed_over() {
    let shop = on_delivery().done(plan(1, 1, &[(TOTE, 2)])).done(pack(1)).done(ship(1));
    let shop = shop.done(plan(2, 1, &[])).done(pack(2)).done(ship(2)).done(deliver(1));
    let (order_id, forty) = (order_id(1), eur("40.00"));
    shop.when(collect(None)).then([of_payment(1, Collected { order_id, amount: forty })]);
    let shop = shop.done(collect(Some("30.00"))).done(collect(None));
    shop.when(collect(None)).then_refused("amount_too_large");
    // The other parcel came back: nothing more is due, and the payment is done.
    let shop = shop.done(fail(2)).done(give_back(2));
    shop.when(collect(None)).then_refused("payment_wrong_state");
    shop.done(remit());
}

#[test]
fn cash_is_not_collected_for_what_was_not_delivered() {
    let on_its_way = sent(on_delivery());
    let back = on_its_way.clone().done(fail(1)).done(give_back(1));
    for shop in [on_delivery(), on_its_way.clone(), on_its_way.done(fail(1))] {
        shop.when(collect(None)).then_refused("order_not_delivered");
    }
    // All of it is back: there is nothing to wait for.
    back.when(collect(None)).then_refused("order_cancelled");
    let card: Shop = sent(captured()).done(deliver(1));
    card.when(collect(None)).then_refused("payment_wrong_state");
    given([]).when(collect(None)).then_refused("payment_not_found");
}

#[test]
fn cash_that_is_refused_at_the_door_is_given_up() {
    let refuse = || ask(Command::Uncollect { reason: note("refused at the door"), at: hour(0) });
    let reason = Some(note("refused at the door"));
    let given_up = of_payment(1, Uncollected { order_id: order_id(1), reason });
    let shop = sent(on_delivery()).done(fail(1));
    shop.when(refuse()).then([given_up, ended(1)]);
    let shop = shop.done(refuse());
    shop.when(refuse()).then_nothing();
    // It comes back, or is paid in another way.
    shop.clone().done(give_back(1));
    shop.done(pay_by_card(2, 1));
    captured().when(refuse()).then_refused("payment_wrong_state");
}

/// A gateway that gives back by several refunds of its own may stop half-way.
#[test]
fn a_person_finds_that_only_a_part_was_given_back() {
    let part = |amount| Finding::Done {
        reference: Some(token("re_1")),
        expires_at: None,
        amount: Some(eur(amount)),
    };
    let note = || note("as the gateway's list says, Ann");
    let resolve = |amount| {
        ask(Command::Resolve { request: 3, finding: part(amount), note: note(), at: hour(0) })
    };
    let asked = captured().done(refund(1, Some(eur("12.00")))).done(record(1, 3, Verdict::Unknown));
    asked.when(resolve("12.01")).then_refused("amount_too_large");
    asked.when(resolve("0.00")).then_refused("invalid_amount");
    let (order_id, request) = (order_id(1), Some(3));
    let (reference, reason) = (Some(token("re_1")), None);
    let refunded = Refunded { order_id, request, amount: eur("8.00"), reference, reason };
    let resolved = Resolved { order_id, request: 3, note: note() };
    asked.when(resolve("8.00")).then([of_payment(1, resolved), of_payment(1, refunded)]);
    // An authorisation is whole or none.
    let shop = paying().done(record(1, 1, Verdict::Unknown));
    let whole = Command::Resolve { request: 1, finding: part("8.00"), note: note(), at: hour(0) };
    shop.when(ask(whole)).then_refused("invalid_amount");
}

#[test]
fn a_gateway_is_asked_so_often_and_no_more() {
    let mut shop = authorized();
    for request in 2..=domain::payment::REQUESTS_MAX {
        shop = shop.done(capture(1, None)).done(record(1, request, declined()));
    }
    shop.when(capture(1, None)).then_refused("too_many_payment_requests");
    // What cannot be asked for any more does not keep the order from being called off.
    assert_eq!(asks(&shop, cancel(1)), []);
}
