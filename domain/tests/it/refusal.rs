//! Codes are for ever: clients act on them. And how a refusal is stored is too: a retry reads it.

use std::collections::BTreeSet;

use domain::cart::Obstacle;
use domain::refusal::{All, CheckoutError, Kind, MovedStream, OfSku, OfferError, RefusedLine};
use domain::{
    Refusal, RefusalRecord, cart, fulfilment, location, order, payment, product, return_, sku,
    stock,
};
use serde_json::json;

#[test]
fn a_version_that_has_moved_on_is_a_failed_precondition() {
    let refusal = Refusal::VersionMismatch { expected: 3, actual: 5 };
    assert_eq!(refusal.code(), ("version_mismatch", Kind::Precondition));
    assert_eq!(refusal.to_string(), "the version is 5, not 3");
}

#[test]
fn kinds_follow_what_the_caller_can_do_about_it() {
    let kind = |refusal: Refusal| refusal.code().1;
    for missing in [
        product::Error::NotFound.into(),
        cart::Error::NotFound.into(),
        order::Error::NotFound.into(),
        order::Error::NoSuchFulfilment.into(),
        payment::Error::NotFound.into(),
        fulfilment::Error::NotFound.into(),
    ] {
        assert_eq!(kind(missing), Kind::NotFound);
    }
    let nowhere = location::Error::Unknown(All(vec![kit::place("mian")]));
    for unknown in [nowhere.into(), of_sku(OfferError::UnknownSku).into()] {
        assert_eq!(kind(unknown), Kind::Unknown);
    }
    for now in [cart::Error::Abandoned.into(), order::Error::TooManyPayments.into()] {
        assert_eq!(kind(now), Kind::Conflict);
    }
    let sku = || kit::sku("A");
    assert_eq!(kind(product::Error::DuplicateSku(All(vec![sku()])).into()), Kind::Invalid);
    let stocks = |errors: &[stock::Error]| {
        All(errors.iter().map(|error| of_sku(error.clone())).collect()).into()
    };
    assert_eq!(kind(stocks(&[stock::Error::NothingToAdjust])), Kind::Invalid);
    // What it was refused with says whether it may pass.
    let parcel = |status| fulfilment::Error::WrongState { status, action: "leave".to_owned() };
    let back = |status| return_::Error::WrongState { status, action: "be closed".to_owned() };
    let kinds = [
        kind(order::Error::TooManyReturns { ever: false }.into()),
        kind(order::Error::TooManyReturns { ever: true }.into()),
        kind(parcel(fulfilment::Status::Packed).into()),
        kind(parcel(fulfilment::Status::Cancelled).into()),
        kind(back(return_::Status::Requested).into()),
        kind(back(return_::Status::Withdrawn).into()),
    ];
    assert_eq!(kinds, [Kind::Passing, Kind::Conflict].repeat(3)[..]);
    // All must pass for it to pass.
    let short = || stock::Error::OutOfStock { available: 0, wanted: 1 };
    assert_eq!(kind(stocks(&[short(), short()])), Kind::Passing);
    assert_eq!(kind(stocks(&[short(), stock::Error::NotHeld])), Kind::Conflict);
}

/// What descriptions say of each command: codes that there are, once.
#[test]
fn commands_are_refused_with_codes_that_there_are() {
    let known: BTreeSet<&str> = Refusal::codes().map(|(code, _)| code).collect();
    for (names, codes) in domain::command::refused::CODES {
        let own: BTreeSet<&str> = codes.iter().copied().collect();
        assert_eq!(own.len(), codes.len(), "{names:?} say one twice");
        assert!(own.is_subset(&known), "{names:?}: {:?}", own.difference(&known));
    }
}

/// Another program kept it, and nothing of it but its words means anything here.
#[test]
fn what_was_kept_is_told_whatever_has_become_of_the_enums() {
    let stored = r#"{"code":"quince_too_ripe","kind":"philosophical","detail":"wait no longer",
                     "figures":{"days":3},"concerns":[{"pointer":"/quinces/0","detail":"soft"}]}"#;
    let told: RefusalRecord = serde_json::from_str(stored).expect("a refusal");
    assert_eq!(told.code(), ("quince_too_ripe", Kind::Conflict));
    assert_eq!((told.to_string(), told.passes()), ("wait no longer".to_owned(), false));
    assert_eq!((&told.figures()["days"], told.concerns().len()), (&3.into(), 1));
    let least: RefusalRecord = serde_json::from_str(r#"{"code":"no"}"#).expect("a refusal");
    assert_eq!(least.code(), ("no", Kind::Conflict));
}

/// What may pass by itself, and nothing else: a try that is repeated long after its caller has gone
/// takes effect then.
#[test]
fn what_passes_by_itself_is_not_kept() {
    let passing: BTreeSet<&str> =
        Refusal::codes().filter(|(_, kind)| kind.passes()).map(|(code, _)| code).collect();
    let expected = [
        "amount_too_large",
        "amount_too_small",
        "cart_checked_out",
        "cart_empty",
        "cart_merge_refused",
        "cart_order_stands",
        "checkout_refused",
        "delivered_units_returned",
        "fulfilment_delivered",
        "fulfilment_wrong_state",
        "last_variant",
        "location_required",
        "not_for_sale",
        "not_priced_in_currency",
        "nothing_left_to_send",
        "nothing_to_return",
        "nothing_to_sell",
        "order_already_shipped",
        "order_cancelled",
        "order_completed",
        "order_not_confirmed",
        "order_not_delivered",
        "order_fully_planned",
        "order_not_due",
        "order_not_secured",
        "order_packed",
        "order_paid",
        "out_of_stock",
        "payment_already_started",
        "payment_request_in_flight",
        "payment_wrong_state",
        "product_archived",
        "return_wrong_state",
        "sku_taken",
        "stock_not_empty",
        "stock_not_there",
        "stock_of_another_product",
        "stock_would_go_negative",
        "too_many_cart_lines",
        "too_many_fulfilments",
        "too_many_returns",
        "unknown_location",
        "unknown_sku",
    ];
    assert_eq!(passing, BTreeSet::from(expected));
}

#[test]
fn refusals_of_stock_name_the_sku() {
    let error = stock::Error::WouldGoNegative { on_hand: 2 };
    let refusal = Refusal::from(All(vec![of_sku(error)]));
    let text = "SKU A: there are only 2 units at this location";
    assert_eq!(refusal.to_string(), text);
}

fn of_sku<E: std::fmt::Display>(error: E) -> OfSku<E> {
    OfSku { sku: kit::sku("A"), error }
}

fn of_products() -> Vec<Refusal> {
    use product::Error as E;
    let sku = || kit::sku("A");
    let taken = |text| sku::TakenSku { sku: kit::sku(text), product_id: kit::product_id(2) };
    vec![
        E::AlreadyExists.into(),
        E::NotFound.into(),
        E::Archived.into(),
        E::NothingToSell.into(),
        E::NoSuchVariant.into(),
        E::TooMany(All(vec!["variants", "media"])).into(),
        E::DuplicateSku(All(vec![sku(), kit::sku("B")])).into(),
        E::DuplicateCurrency(All(vec![sku()])).into(),
        E::TooManyPrices(All(vec![sku()])).into(),
        E::LastVariant.into(),
        E::Several(All(vec![E::TooMany(All(vec!["media"])), E::DuplicateSku(All(vec![sku()]))]))
            .into(),
        sku::Error::Taken(sku::TakenSkus(vec![taken("A"), taken("B")])).into(),
        of_sku(OfferError::UnknownSku).into(),
        of_sku(OfferError::NotForSale).into(),
        of_sku(OfferError::NotPriced(kit::currency("EUR"))).into(),
    ]
}

fn of_stock() -> Vec<Refusal> {
    use stock::Error as E;
    let errors = [
        E::OutOfStock { available: 2, wanted: 3 },
        E::WouldGoNegative { on_hand: 2 },
        E::TooMany,
        E::TooManyLocations,
        E::NothingToAdjust,
        E::SameLocation,
        E::AlreadyReserved,
        E::NotHeld,
        E::NotThere { on_hand: 2, wanted: 3 },
        E::NotSellable,
        E::NotEmpty { on_hand: 2, held: 1 },
        E::OfAnother { product_id: kit::product_id(3) },
        E::OthersThere { own: 1, wanted: 2 },
    ];
    let mut refusals: Vec<Refusal> = errors.map(|error| All(vec![of_sku(error)]).into()).into();
    let short = E::NotThere { on_hand: 2, wanted: 3 };
    refusals.push(All(vec![of_sku(short), of_sku(E::NotHeld)]).into());
    refusals
}

fn of_carts() -> Vec<Refusal> {
    use cart::Error as E;
    let lines = [
        Obstacle::UnknownSku,
        Obstacle::NotForSale,
        Obstacle::NotPricedInCurrency { currency: kit::currency("EUR") },
        Obstacle::PriceChanged { seen: kit::eur("1.00"), now: kit::eur("2.00") },
        Obstacle::OutOfStock { wanted: 3, available: 2 },
    ];
    for problem in &lines {
        assert_eq!(json!(problem)["code"], problem.code());
    }
    let misfit = |line, error| cart::Misfit { line, sku: kit::sku("A"), error };
    let line = |problem| RefusedLine { line: 0, sku: kit::sku("A"), problem };
    let moved = MovedStream { stream: "payment-7".into(), expected: 3, actual: 5 };
    vec![
        E::AlreadyExists.into(),
        E::NotFound.into(),
        E::CheckedOut.into(),
        E::OrderStands { order_id: kit::order_id(1) }.into(),
        E::OrderSent { order_id: kit::order_id(1) }.into(),
        E::Abandoned.into(),
        E::OfAnother.into(),
        E::Merged.into(),
        E::OtherCurrency.into(),
        E::DoNotFit(vec![misfit(0, E::TooManyUnits), misfit(2, E::TooManyLines)]).into(),
        E::Itself.into(),
        E::Empty.into(),
        E::NoSuchLine.into(),
        E::TooManyLines.into(),
        E::TooManyUnits.into(),
        CheckoutError::Refused(lines.map(line).into()).into(),
        Refusal::VersionMismatch { expected: 3, actual: 5 },
        Refusal::DocumentChanged(vec![moved]),
    ]
}

fn of_orders() -> Vec<Refusal> {
    use order::Error as E;
    let left = || order::UnitsLeft { sku: kit::sku("A"), wanted: 2, left: 1 };
    let errors = [
        E::AlreadyExists,
        E::NotFound,
        E::OfAnother,
        E::TotalOutOfBounds,
        E::NotPending,
        E::NotDue,
        E::NotConfirmed,
        E::PaymentOpen { payment_id: kit::payment_id(1) },
        E::NothingDue,
        E::TooManyPayments,
        E::NotSecured { owed: kit::eur("2.00"), secured: kit::eur("1.00") },
        E::Completed,
        E::Cancelled,
        E::AlreadyShipped,
        E::AddressUsed,
        E::Packed { fulfilment_ids: vec![domain::FulfilmentId(uuid::Uuid::nil())] },
        E::Earned,
        E::NotDelivered,
        E::NothingLeft(vec![left()]),
        E::LineCannotGrow { sku: kit::sku("A"), has: 1 },
        E::NoSuchLine,
        E::TooManyLines,
        E::AllPlanned,
        E::FulfilmentExists,
        E::NoSuchFulfilment,
        E::GivenUp,
        E::TooManyFulfilments { ever: true },
        E::TooManyFulfilments { ever: false },
        E::NothingToReturn(vec![left()]),
        E::CameBack(vec![left()]),
        E::WithheldElsewhere,
        E::WithheldTooMuch { withheld: kit::eur("2.00"), worth: kit::eur("1.00") },
        E::TooManyReturns { ever: true },
        E::TooManyReturns { ever: false },
        E::TooManyNotes,
        E::NoSuchReturn,
    ];
    errors.map(Refusal::from).into()
}

fn of_payments_and_parcels() -> Vec<Refusal> {
    use fulfilment::Error as F;
    use payment::Error as E;
    use return_::Error as R;
    let action = || "be captured".to_owned();
    let held = |at| {
        let (sku, location, quantity) = (kit::sku("A"), kit::place(at), kit::units(1));
        fulfilment::HeldAt { sku, location, quantity }
    };
    let wrong = |status, never| E::WrongState { status, action: action(), never };
    let left = || order::UnitsLeft { sku: kit::sku("A"), wanted: 2, left: 1 };
    vec![
        E::AlreadyExists.into(),
        E::NotFound.into(),
        E::RequestInFlight.into(),
        E::NoSuchRequest.into(),
        wrong(payment::Status::Collected, true).into(),
        wrong(payment::Status::RequiresAction, false).into(),
        E::TooMuch { at_most: kit::eur("1.00") }.into(),
        E::TooMuch { at_most: kit::eur("0.00") }.into(),
        E::TooLittle { at_least: kit::eur("1.00") }.into(),
        E::BadAmount.into(),
        E::WrongAnswer.into(),
        E::Unnamed.into(),
        E::TooManyRequests.into(),
        F::AlreadyExists.into(),
        F::NotFound.into(),
        F::WrongState { status: fulfilment::Status::Cancelled, action: action() }.into(),
        F::WrongState { status: fulfilment::Status::Packed, action: action() }.into(),
        F::Delivered.into(),
        F::NotInIt(vec![left()]).into(),
        F::LocationRequired(vec![held("depot"), held("shop")]).into(),
        F::TooManyArrivals.into(),
        F::TooManyAttempts.into(),
        R::AlreadyExists.into(),
        R::NotFound.into(),
        R::WrongState { status: return_::Status::Withdrawn, action: action() }.into(),
        R::WrongState { status: return_::Status::Requested, action: action() }.into(),
        R::NothingNamed.into(),
        R::TooManyArrivals.into(),
    ]
}

#[test]
fn every_refusal_is_stored_and_told_as_its_snapshot_says() {
    let all = [
        of_products(),
        of_stock(),
        of_carts(),
        of_orders(),
        of_payments_and_parcels(),
        crate::location::refusals(),
    ];
    let all: Vec<Refusal> = all.into_iter().flatten().collect();
    let told: BTreeSet<&str> = all.iter().map(|refusal| refusal.code().0).collect();
    let known: BTreeSet<&str> = Refusal::codes().map(|(code, _)| code).collect();
    assert_eq!(told, known);
    let seen: Vec<String> = all
        .iter()
        .map(|refusal| {
            let told = RefusalRecord::from(refusal);
            let stored = serde_json::to_value(&told).expect("refusals can be stored");
            let read: RefusalRecord = serde_json::from_value(stored.clone()).expect("and read");
            assert_eq!(read, told);
            assert_eq!((told.code(), told.to_string()), (refusal.code(), refusal.to_string()));
            stored.to_string()
        })
        .collect();
    insta::with_settings!({
        prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "refusals"
    }, {
        insta::assert_snapshot!("all", seen.join("\n"));
    });
}
