//! Codes are for ever: clients act on them. And how a refusal is stored is too: a retry reads it.

use std::collections::BTreeSet;

use domain::cart::Obstacle;
use domain::refusal::{CheckoutError, Kind, OfSku, OfferError, RefusedLine};
use domain::{Refusal, cart, fulfilment, order, payment, product, return_, sku, stock};
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
    for now in [product::Error::Archived.into(), cart::Error::Empty.into()] {
        assert_eq!(kind(now), Kind::Conflict);
    }
    let sku = || kit::sku("A");
    assert_eq!(kind(product::Error::DuplicateSku(sku()).into()), Kind::Invalid);
    let error = stock::Error::NothingToAdjust;
    assert_eq!(kind(stock::Refusal { sku: sku(), error }.into()), Kind::Invalid);
}

#[test]
fn refusals_of_stock_name_the_sku() {
    let error = stock::Error::WouldGoNegative { available: 2 };
    let refusal = Refusal::from(stock::Refusal { sku: kit::sku("A"), error });
    let text = "SKU A: only 2 units at this location are free to be taken away";
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
        E::TooMany("variants".into()).into(),
        E::DuplicateSku(sku()).into(),
        E::DuplicateCurrency(sku()).into(),
        E::LastVariant.into(),
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
        E::WouldGoNegative { available: 2 },
        E::TooMany,
        E::TooManyLocations,
        E::NothingToAdjust,
        E::AlreadyReserved,
        E::NotHeld,
    ];
    errors.map(|error| of_sku(error).into()).into()
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
    let line = |problem| RefusedLine { line: 0, sku: kit::sku("A"), problem };
    vec![
        E::AlreadyExists.into(),
        E::NotFound.into(),
        E::CheckedOut.into(),
        E::Abandoned.into(),
        E::OfAnother.into(),
        E::Empty.into(),
        E::NoSuchLine.into(),
        E::TooManyLines.into(),
        E::TooManyUnits.into(),
        CheckoutError::Refused(lines.map(line).into()).into(),
        Refusal::VersionMismatch { expected: 3, actual: 5 },
    ]
}

fn of_orders() -> Vec<Refusal> {
    use order::Error as E;
    let left = || order::UnitsLeft { sku: kit::sku("A"), wanted: 2, left: 1 };
    let errors = [
        E::AlreadyExists,
        E::NotFound,
        E::TotalOutOfBounds,
        E::NotPending,
        E::NotConfirmed,
        E::PaymentOpen,
        E::NothingDue,
        E::TooManyPayments,
        E::NotSecured { owed: kit::eur("2.00"), secured: kit::eur("1.00") },
        E::Completed,
        E::Cancelled,
        E::AlreadyShipped,
        E::AddressUsed,
        E::NotDelivered,
        E::NothingLeft(vec![left()]),
        E::LineCannotGrow { sku: kit::sku("A"), has: 1 },
        E::NoSuchLine,
        E::AllPlanned,
        E::FulfilmentExists,
        E::NoSuchFulfilment,
        E::TooManyFulfilments,
        E::NothingToReturn(vec![left()]),
        E::TooManyReturns,
        E::NoSuchReturn,
    ];
    errors.map(Refusal::from).into()
}

fn of_payments_and_parcels() -> Vec<Refusal> {
    use fulfilment::Error as F;
    use payment::Error as E;
    use return_::Error as R;
    let action = || "be captured".to_owned();
    vec![
        E::AlreadyExists.into(),
        E::NotFound.into(),
        E::RequestInFlight.into(),
        E::NoSuchRequest.into(),
        E::WrongState { status: payment::Status::Voided, action: action() }.into(),
        E::TooMuch { at_most: kit::eur("1.00") }.into(),
        E::BadAmount.into(),
        E::WrongAnswer.into(),
        E::TooManyRequests.into(),
        F::AlreadyExists.into(),
        F::NotFound.into(),
        F::WrongState { status: "packed".into(), action: action() }.into(),
        F::TooManyAttempts.into(),
        R::AlreadyExists.into(),
        R::NotFound.into(),
        R::WrongState { status: return_::Status::Closed, action: action() }.into(),
        R::NothingNamed.into(),
        R::TooManyArrivals.into(),
    ]
}

#[test]
fn every_refusal_is_stored_and_told_as_its_snapshot_says() {
    let all = [of_products(), of_stock(), of_carts(), of_orders(), of_payments_and_parcels()];
    let all: Vec<Refusal> = all.into_iter().flatten().collect();
    let told: BTreeSet<&str> = all.iter().map(|refusal| refusal.code().0).collect();
    let known: BTreeSet<&str> = Refusal::codes().map(|(code, _)| code).collect();
    assert_eq!(told, known);
    let seen: Vec<String> = all
        .iter()
        .map(|refusal| {
            let stored = serde_json::to_value(refusal).expect("refusals can be stored");
            let read: Refusal = serde_json::from_value(stored.clone()).expect("and read");
            assert_eq!(read, *refusal);
            let (code, kind) = refusal.code();
            json!([code, format!("{kind:?}"), refusal.to_string(), stored]).to_string()
        })
        .collect();
    insta::with_settings!({
        prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "refusals"
    }, {
        insta::assert_snapshot!("all", seen.join("\n"));
    });
}
