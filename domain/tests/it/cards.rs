//! Cards' numbers: where they are refused, and what looks like one and is none.

use domain::text::{Label, Note, Prose, Token};
use domain::{Location, Sku};
use proptest::prelude::*;

fn parses<T: std::str::FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

/// The numbers are those that gateways give out for tests.
#[test]
fn card_numbers_are_no_tokens_and_stand_in_no_texts() {
    for card in [
        "4242424242424242",
        "378282246310005",
        "30569309025904",
        "2223003122003222",
        "5555555555554444",
        "6011000990139424",
        "3566002020360505",
        "6205500000000000004",
    ] {
        assert!(!parses::<Token>(card), "{card}");
        assert!(!parses::<Token>(&format!("card:{card};12/30")), "{card}");
        assert!(!parses::<Note>(&format!("she paid with {card}, she says")), "{card}");
        assert!(!parses::<Label>(&format!("Tote for {card}")), "{card}");
        // Among ids, so few digits are rather an article's number.
        let among_ids = card.len() > 14;
        assert_eq!(parses::<Sku>(card), !among_ids, "{card}");
        assert_eq!(parses::<Sku>(&format!("TOTE-{card}")), !among_ids, "{card}");
        assert_eq!(parses::<Location>(card), !among_ids, "{card}");
        assert_eq!(parses::<Prose>(&format!("<p>Call me.\n{card}</p>")), !among_ids, "{card}");
    }
    for grouped in [
        "4242 4242 4242 4242",
        "4242-4242-4242-4242 12/30",
        "no 3782 822463 10005",
        "4242.4242.4242.4242",
        "4242  4242\u{a0}4242/4242",
        "4242_4242_4242_4242",
    ] {
        assert!(!parses::<Note>(grouped), "{grouped}");
        assert!(!parses::<Label>(grouped), "{grouped}");
        assert!(!parses::<Prose>(grouped), "{grouped}");
    }
    for grouped in ["4242-4242-4242-4242", "3782-822463-10005", "A:4242_4242.4242-4242"] {
        assert!(!parses::<Sku>(grouped), "{grouped}");
    }
    // One digit off; an article's number; too short; a time; the id of a payment; what gateways
    // make.
    for other in [
        "4242424242424241",
        "4006381333023",
        "424242424242",
        "1764213341234",
        "pm_1MqLiJLkdIwHu7ixUEgbFdYF",
        "sandbox:01920003-0000-7424-8242-424242424242:1",
        "42424242-4242-4242-8242-424242424242",
        "8MC585209K746392H",
        // A parcel's number that begins and ends as a card's, whose have more digits.
        "612345678901231",
    ] {
        assert!(parses::<Token>(other), "{other}");
        assert!(parses::<Note>(other), "{other}");
        assert!(parses::<Label>(other), "{other}");
        assert!(parses::<Prose>(other), "{other}");
        assert!(parses::<Sku>(&other.replace(':', "-")), "{other}");
        assert!(parses::<Location>(&other.replace(':', "-")), "{other}");
    }
}

/// So many digits that begin like that, noughts, and the last one by Luhn.
fn numbered(begin: &str, count: usize) -> String {
    let digits = format!("{begin:0<width$}", width = count - 1);
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// The first and the last numbers of each.
#[test]
fn every_network_is_known_and_as_many_digits_as_its_cards_have() {
    let networks = [
        (&["34", "37"][..], &[15][..]),
        (&["36", "38", "39", "300", "305"], &[14, 16, 17, 18, 19]),
        (&["3528", "3589", "4", "49", "50", "56", "69"], &[16, 17, 18, 19]),
        (&["51", "55", "2221", "2720"], &[16]),
        // Of none.
        (&["0", "1", "2220", "2721", "306", "33", "3527", "3590", "70", "99"], &[]),
    ];
    for (begins, digits) in networks {
        for (begin, count) in begins.iter().flat_map(|begin| (12..=20).map(move |n| (begin, n))) {
            let number = numbered(begin, count);
            assert_eq!(parses::<Token>(&number), !digits.contains(&count), "{number}");
        }
    }
}

/// `digits` with the last one that GS1 puts behind them.
fn gs1(digits: &str) -> String {
    let weighed = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(digit - b'0') * if place % 2 == 0 { 3 } else { 1 });
    let last = (10 - weighed.sum::<u32>() % 10) % 10;
    format!("{digits}{last}")
}

/// What is printed on goods: EAN-8, UPC, EAN-13, and the 14 digits of a case.
fn article() -> impl Strategy<Value = String> {
    prop_oneof!["[0-9]{7}", "[0-9]{11}", "[0-9]{12}", "[0-9]{13}"].prop_map(|digits| gs1(&digits))
}

/// What carriers print on parcels, also across borders. One of them gives out 15 digits whatever
/// they begin with; those that begin as American Express does are left out.
fn parcel() -> impl Strategy<Value = String> {
    prop_oneof![
        "1Z[0-9A-Z]{6}[0-9]{10}",
        "9[0-9]{21}",
        "[0-9]{12}",
        "([0-24-9][0-9]|3[0-35689])[0-9]{13}",
        "JJD[0-9]{18}",
        "00340[0-9]{15}",
        "[0-2][0-9]{13}",
        "[A-Z]{2}[0-9]{9}[A-Z]{2}",
    ]
}

/// What devices, books and programs number by.
fn other() -> impl Strategy<Value = String> {
    let uuid = any::<u128>().prop_map(uuid::Uuid::from_u128);
    prop_oneof![
        "(01|35|86)[0-9]{13}",
        "97[89][0-9]{10}-[0-9]{5}",
        "89[0-9]{17}",
        "17[0-9]{17}",
        uuid.clone().prop_map(|id| id.to_string()),
        uuid.prop_map(|id| id.simple().to_string()),
        "[A-Z]{3}-[0-9]{2}-[0-9]{4}-[0-9]{3}",
    ]
}

fn taken(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(parses::<Sku>(text), "{text}");
    prop_assert!(parses::<Sku>(&format!("{text}-XL")), "{text}");
    prop_assert!(parses::<Prose>(&format!("<li>{text}</li>\n<li>{text}</li>")), "{text}");
    Ok(())
}

proptest! {
    #[test]
    fn articles_have_their_number_as_sku_and_barcode(article in article()) {
        taken(&article)?;
        // One in ten cases whose number begins as a Diners card would do is refused.
        prop_assert!(article.len() == 14 || parses::<Label>(&article), "{}", article);
    }

    #[test]
    fn parcels_have_their_number(parcel in parcel()) {
        taken(&parcel)?;
        prop_assert!(parses::<Label>(&parcel), "{}", parcel);
    }

    #[test]
    fn ids_are_no_cards(other in other()) {
        taken(&other)?;
        prop_assert!(parses::<Label>(&other), "{}", other);
    }
}
