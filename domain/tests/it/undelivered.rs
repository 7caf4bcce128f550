//! A parcel that was told to be handed over, and was not: by a wrong button, or because it never
//! came.

use domain::fulfilment::{DeliveryFailed, Lost};
use domain::order::{
    self, CancelReason, Completed, DeliveryCorrected, FulfilmentClosed, ParcelOutcome, Status,
    UnitsLeft,
};
use domain::payment::{Operation, Requested, Status as Paid};
use domain::{Refusal, State, StreamId, fulfilment};

use kit::*;

use super::payment::collect;
use super::told::{asks, order, pay, sent_with, settle};

/// All of an order for 50.50.
const ALL: [(&str, u32); 2] = [(PURSE, 1), (TOTE, 2)];

fn not_delivered(parcel: u128, lines: &[(&str, u32)]) -> Fact {
    let (fulfilment_id, lines) = (parcel_id(parcel), of(lines));
    of_order(1, DeliveryCorrected { fulfilment_id, lines })
}

fn lost(parcel: u128) -> Fact {
    of_parcel(parcel, Lost { order_id: order_id(1), reason: note("the van burnt out") })
}

fn closed_as_lost(parcel: u128, lines: &[(&str, u32)], less: &str) -> Fact {
    let (fulfilment_id, lines, amount) = (parcel_id(parcel), of(lines), Some(eur(less)));
    let (outcome, again, found, regained) = (ParcelOutcome::Lost, vec![], false, None);
    of_order(1, FulfilmentClosed { fulfilment_id, outcome, lines, again, amount, found, regained })
}

fn parcel(shop: &Shop) -> fulfilment::Fulfilment {
    match shop.state(&StreamId::Fulfilment(parcel_id(1))) {
        State::Fulfilment(it) => it,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_never_came_is_lost_and_paid_back() {
    let shop = sent(captured()).done(deliver(1));
    let reason = CancelReason::Undeliverable;
    let (was_confirmed, total, units) = (true, eur("0.00"), 0);
    let off = order::Cancelled { reason, was_confirmed, total, units };
    let (order_id, operation, amount) = (order_id(1), Operation::Refund, eur("50.50"));
    let back = Requested { order_id, operation, amount, request: 3, reason: None };
    shop.when(lose(1)).then([
        lost(1),
        not_delivered(1, &ALL),
        closed_as_lost(1, &ALL, "50.50"),
        of_order(1, off),
        of_payment(1, back),
    ]);
    let shop = shop.done(lose(1));
    shop.when(lose(1)).then_nothing();
    // The neighbour had it.
    let found = shop.done(record(1, 3, was_refunded())).done(deliver(1));
    assert_eq!(order(&found).status, Status::Completed);
    assert_eq!(order(&found).owed(), Some(eur("50.50")));
}

#[test]
fn of_two_parcels_one_never_came() {
    let two = sent_with(sent_with(captured(), 1, &[(TOTE, 2)]).done(deliver(1)), 2, &[]);
    let asked = [(Operation::Refund, "40.00".to_owned())];
    // The other is on its way, or there.
    assert_eq!(asks(&two, lose(1)), asked);
    assert_eq!(order(&two.clone().done(lose(1))).status, Status::Confirmed);
    let both = two.done(deliver(2));
    assert_eq!(asks(&both, lose(1)), asked);
    let facts = both.decide(&lose(1)).expect("accepted");
    assert!(facts.contains(&of_order(1, Completed {})), "{facts:?}");
    assert_eq!(order(&both.done(lose(1))).owed(), Some(eur("10.50")));
}

#[test]
fn a_wrong_button_moves_no_money() {
    let shop = sent(captured()).done(deliver(1));
    let failed = DeliveryFailed { order_id: order_id(1), reason: note("nobody at home") };
    shop.when(fail(1)).then([of_parcel(1, failed), not_delivered(1, &ALL)]);
    let failed = shop.clone().done(fail(1));
    assert_eq!(order(&failed).status, Status::Confirmed);
    assert_eq!(asks(&failed, settle()), []);
    assert_eq!(order(&failed.clone().done(deliver(1))), order(&shop));
    assert_eq!(asks(&failed, give_back(1)), [(Operation::Refund, "50.50".to_owned())]);
    // In parts, it is all of it that was not.
    let parts = sent(captured()).done(hand_over(1, &[(TOTE, 1)])).done(deliver(1)).done(fail(1));
    assert_eq!((parcel(&parts).lines, parcel(&parts).taken), (of(&ALL), vec![]));
    parts.done(hand_over(1, &ALL[..1])).done(give_back(1));
}

#[test]
fn cash_for_what_never_came_goes_back_by_hand() {
    let shop = sent(on_delivery()).done(deliver(1)).done(collect(None)).done(lose(1));
    assert_eq!(
        (order(&shop).owed(), pay(&shop, 1).status()),
        (Some(eur("0.00")), Some(Paid::Collected))
    );
    shop.done(refund(1, None));
}

#[test]
fn what_came_back_was_there() {
    let shop = sent(captured()).done(deliver(1)).done(request_return(1, 1, &[(PURSE, 1)]));
    let left = UnitsLeft { sku: sku(PURSE), wanted: 1, left: 0 };
    let refused = Err(Refusal::Order(order::Error::CameBack(vec![left])));
    for never in [lose(1), fail(1)] {
        assert_eq!(shop.decide(&never), refused);
        shop.clone().done(withdraw(1)).done(never);
    }
    let back = shop.done(approve(1)).done(take_back(1, &[(PURSE, 1)])).done(close_return(1));
    assert_eq!(back.decide(&lose(1)), refused);
}

/// What its customer sends back is a return, and is told so.
#[test]
fn what_was_handed_over_comes_back_as_a_return() {
    let shop = sent(captured()).done(deliver(1));
    let other = [all_back_to(1, "depot"), some_back(1, &[(TOTE, 1, None)], false)];
    for back in other.into_iter().chain([give_back(1), send_again(1, "depot")]) {
        shop.when(back).then_refused("fulfilment_delivered");
    }
    shop.clone().done(request_return(1, 1, &[(TOTE, 1)]));
    shop.done(fail(1)).done(give_back(1));
    // In part, the rest may come back as it was sent.
    sent(captured()).done(hand_over(1, &[(TOTE, 1)])).done(give_back(1));
}
