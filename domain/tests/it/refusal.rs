//! Codes are for ever: clients act on them.

use domain::Refusal;
use domain::refusal::Kind;
use domain::{cart, fulfilment, order, payment, product, stock};

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
    let sku = || crate::scene::sku("A");
    assert_eq!(kind(product::Error::DuplicateSku(sku()).into()), Kind::Invalid);
    let error = stock::Error::NothingToAdjust;
    assert_eq!(kind(Refusal::Stock { sku: sku(), error }), Kind::Invalid);
}

#[test]
fn refusals_of_stock_name_the_sku() {
    let error = stock::Error::WouldGoNegative { available: 2 };
    let refusal = Refusal::Stock { sku: crate::scene::sku("A"), error };
    let text = "SKU A: only 2 units at this location are free to be taken away";
    assert_eq!(refusal.to_string(), text);
}
