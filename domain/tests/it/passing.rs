//! Refusals that stop holding: what was refused is allowed once something else has happened, so
//! that none of them is kept under its key.

use domain::Command as Any;
use domain::command::payment::Command;
use domain::command::product as products;
use domain::product::SkusOfArchived;

use kit::*;

/// Refused so, by a refusal that passes; allowed after all this.
#[track_caller]
fn passes(shop: Shop, command: &Any, code: &str, then: impl IntoIterator<Item = Any>) {
    let no = shop.decide(command).expect_err("it is refused at first");
    let (said, kind) = no.code();
    assert_eq!((said, kind.passes()), (code, true), "{command:?}");
    then.into_iter().fold(shop, Shop::done).done(command.clone());
}

#[test]
fn carts_are_filled_emptied_and_opened_again() {
    passes(empty_cart(), &check_out(1, 1), "cart_empty", [add(1, TOTE, 1)]);
    let again = [cancel(1), reopen(1)];
    passes(placed(), &add(1, TOTE, 1), "cart_checked_out", again.clone());
    passes(placed(), &check_out(1, 2), "cart_checked_out", again);
}

#[test]
fn products_come_back_and_skus_are_given_up() {
    let publish = || publish(1);
    let archive = |skus| to_product(1, products::Command::Archive(skus));
    let archived = catalogue().done(archive(SkusOfArchived::Keep));
    let restore = || to_product(1, products::Command::Restore);
    passes(archived, &publish(), "product_archived", [restore()]);
    let bare = given([]).done(create_product(1, vec![]));
    let set =
        |price: &str| to_product(1, products::Command::SetVariant(variant("NEW", &[eur(price)])));
    passes(bare, &publish(), "nothing_to_sell", [set("5.00")]);
    let remove = to_product(1, products::Command::RemoveVariant(sku(TOTE)));
    passes(catalogue(), &remove, "last_variant", [set("5.00")]);
    let other = create_product(3, vec![variant("NEW", &[eur("5.00")])]);
    let removed = to_product(1, products::Command::RemoveVariant(sku("NEW")));
    passes(catalogue().done(set("5.00")), &other, "sku_taken", [removed]);
}

#[test]
fn more_is_taken_and_what_was_told_is_put_right() {
    let taken =
        |amount: &str, request| [capture(1, Some(eur(amount))), record(1, request, was_captured())];
    let part = taken("10.00", 2).into_iter().fold(authorized(), Shop::done);
    passes(part, &refund(1, Some(eur("20.00"))), "amount_too_large", taken("40.50", 3));
    let ask = |command| to_payment(1, command);
    let collect = ask(Command::Collect { amount: Some(eur("50.50")), at: hour(0) });
    let remit = |amount| ask(Command::Remit { amount, written_off: None });
    let cash = on_delivery().done(collect).done(remit(None));
    let reason = || note("typed");
    let amount = eur("10.00");
    let less = ask(Command::CorrectCollection { amount, reason: reason(), at: hour(0) });
    let remitted = Command::CorrectRemittance { amount, written_off: None, reason: reason() };
    passes(cash, &less, "amount_too_small", [ask(remitted)]);
    let back = report(
        1,
        domain::payment::Report::Refunded { amount: eur("50.50"), reference: token("re_1") },
    );
    passes(captured(), &pay_on_delivery(2, 1), "order_paid", [back]);
}

#[test]
fn parcels_come_back_and_turn_out_not_to_have_been_handed_over() {
    let again = [fail(1), send_again(1, "depot")];
    let sent = || sent(captured());
    passes(sent(), &cancel(1), "order_already_shipped", again.clone());
    let address_id = domain::AddressId(uuid::Uuid::from_u128(7));
    let elsewhere = to_order(1, domain::command::order::Command::ChangeAddress { address_id });
    passes(sent(), &elsewhere, "order_already_shipped", again.clone());
    passes(sent().done(deliver(1)), &cancel(1), "order_completed", again.clone());
    let paid = kit::sent(authorized());
    let void = to_payment(1, Command::Void);
    passes(paid, &void, "order_already_shipped", again);
}

#[test]
fn what_is_off_is_paid_late_or_turns_up() {
    let late = to_order(1, domain::command::order::Command::Expire { at: hour(2) });
    let expired = paying().done(late);
    passes(expired, &capture(1, None), "order_cancelled", [record(1, 1, was_authorized())]);
    let lost = sent(captured()).done(lose(1));
    passes(lost, &pay_on_delivery(2, 1), "order_cancelled", [deliver(1)]);
}

/// The state of a payment, a parcel or a return, as it was told, is not for ever.
#[test]
fn what_was_told_turns_out_otherwise() {
    let failed = paying().done(record(1, 1, declined()));
    let late =
        domain::payment::Report::Authorized { reference: token("auth_9"), expires_at: hour(168) };
    passes(failed, &capture(1, None), "payment_wrong_state", [report(1, late)]);
    let lost = sent(captured()).done(lose(1));
    let some = hand_over(1, &[(TOTE, 1)]);
    passes(lost, &fail(1), "fulfilment_wrong_state", [some]);
    let back = sent(captured()).done(deliver(1)).done(request_return(1, 1, &[(TOTE, 1)]));
    let back = back.done(approve(1)).done(take_back(1, &[(TOTE, 1)]));
    passes(back, &withdraw(1), "return_wrong_state", [correct_receipt(1, &[], None)]);
}
