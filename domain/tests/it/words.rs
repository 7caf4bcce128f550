//! The words that everything is made of: what parses, what does not, and what comes back.

use domain::Category;
use domain::stream::{SLOTS, slot_of};
use domain::text::{Label, MediaUrl, Note, Prose, Token};
use domain::{Currency, Location, Money, Options, Quantity, Sku, StreamId};
use proptest::prelude::*;
use serde_json::json;

use kit::*;

fn parses<T: std::str::FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

#[test]
fn skus_fit_in_urls_and_subjects() {
    for good in ["A", "TOTE-BRN", "a.b_c:d+e*f", "...", &"x".repeat(64)] {
        assert!(parses::<Sku>(good), "{good}");
    }
    for bad in ["", " ", ".", "..", "A B", "a/b", "a?b", "a#b", "a%b", "a\\b", "a\"b", "é", "a\n"]
    {
        assert!(!parses::<Sku>(bad), "{bad:?}");
    }
    assert!(!parses::<Sku>(&"x".repeat(65)));
}

#[test]
fn texts_are_bounded_in_bytes_and_have_no_control_characters() {
    assert!(!parses::<Label>("two\nlines"));
    assert!(!parses::<Label>("\0"));
    for end in ["\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"] {
        let two = format!("Tote{end}bag");
        assert!(!parses::<Label>(&two) && !parses::<Note>(&two), "{two:?}");
        assert!(!parses::<Label>(&format!("Tote{end}")), "{two:?}");
    }
    assert!(parses::<Prose>("two\u{2028}lines"));
    assert!(parses::<Note>(&"x".repeat(512)));
    assert!(!parses::<Note>(&"x".repeat(513)));
    assert!(parses::<Prose>("two\r\n\tlines"));
    assert!(!parses::<Prose>("\u{7}"));
    assert!(!parses::<Prose>(&"x".repeat(65_537)));
    assert!(parses::<Prose>(&"щ".repeat(65_536)), "whichever script they are of");
    assert!(!parses::<Prose>(&"щ".repeat(65_537)));
    assert!(" \u{200b}\n".parse::<Prose>().unwrap().is_blank());
    assert!(!"<p></p>".parse::<Prose>().unwrap().is_blank());
    assert!(parses::<Location>("depot-1_a.b"));
    assert!(parses::<Location>("..."));
    for bad in ["depot 1", ".", ".."] {
        assert!(!parses::<Location>(bad), "{bad}");
    }
    assert!(parses::<Token>("tok_success"));
    assert!(!parses::<Token>("tok success"));
}

#[test]
fn options_keep_their_order_and_name_each_once() {
    let read = |json: serde_json::Value| serde_json::from_value::<Options>(json);
    let of = |name: &str| json!({"name": name, "value": "x"});
    let both = json!([of("Size"), of("Colour")]);
    let options = read(both.clone()).unwrap();
    assert_eq!(options.as_slice()[0].name, label("Size"));
    assert_eq!(serde_json::to_value(&options).unwrap(), both);

    assert!(read(json!([of("Size"), of("Colour"), of("Size")])).is_err());
    assert!(read(json!({"Size": "x"})).is_err());
    let many = |count: usize| json!((0..count).map(|n| of(&n.to_string())).collect::<Vec<_>>());
    assert!(read(many(Options::COUNT_MAX)).is_ok());
    assert!(read(many(Options::COUNT_MAX + 1)).is_err());
}

#[test]
fn a_label_is_as_long_in_every_script() {
    for letter in ["a", "é", "ж", "ก", "あ", "👜"] {
        assert!(parses::<Label>(&letter.repeat(Label::CHARACTERS_MAX)), "{letter}");
        assert!(!parses::<Label>(&letter.repeat(Label::CHARACTERS_MAX + 1)), "{letter}");
    }
    assert_eq!("👜".repeat(Label::CHARACTERS_MAX).len(), Label::BYTES_MAX);
}

#[test]
fn a_label_has_something_to_see() {
    for blank in
        ["   ", "\u{a0}", "\u{200b}", "\u{feff}", "\u{3164}", "\u{3000}\u{2060}", "\u{2800}"]
    {
        assert!(!parses::<Label>(blank), "{blank:?}");
    }
    for mark in ["\u{fff9}", "\u{fffa}\u{fffb}", "\u{13430}", " \u{1343f}"] {
        assert!(!parses::<Label>(mark) && !parses::<Note>(mark), "{mark:?}");
        assert!(mark.parse::<Prose>().unwrap().is_blank(), "{mark:?}");
        assert!(parses::<Label>(&format!("{mark}a")), "{mark:?}");
    }
    for seen in ["Sac à main 👜", " .", "👨\u{200d}👩\u{200d}👧", "\u{200f}ש", "น้ำ", "ㅤa"]
    {
        assert!(parses::<Label>(seen), "{seen:?}");
    }
}

#[test]
fn urls_lead_to_pages_and_pictures_only() {
    assert!(parses::<MediaUrl>("https://shop.example/tote.jpg?v=1"));
    assert!(parses::<MediaUrl>("http://localhost:8080/a"));
    for bad in ["javascript:alert(1)", "data:text/html,x", "/tote.jpg", "https://a b", "", "https:"]
    {
        assert!(!parses::<MediaUrl>(bad), "{bad}");
    }
}

#[test]
fn quantities_run_from_one_to_a_million() {
    assert!(Quantity::try_from(0).is_err());
    assert_eq!(units(1).get(), 1);
    assert_eq!(i64::from(units(1_000_000)), 1_000_000);
    assert!(Quantity::try_from(1_000_001).is_err());
    assert!(serde_json::from_value::<Quantity>(json!(-1)).is_err());
    assert!(serde_json::from_value::<Quantity>(json!("1")).is_err());
    assert!(serde_json::from_value::<Quantity>(json!(1.5)).is_err());
}

#[test]
fn currencies_are_iso_4217_in_capitals() {
    for (code, decimals) in [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)] {
        let currency = currency(code);
        assert_eq!((currency.code(), currency.decimals()), (code, decimals));
        assert_eq!(currency.to_string(), code);
    }
    for bad in ["eur", "EURO", "", "ZZZ", "XAU", "XXX", " EUR"] {
        assert!(!parses::<Currency>(bad), "{bad}");
    }
    assert!(currency("EUR") < currency("USD"));
}

fn read(amount: &str, code: &str) -> Result<Money, serde_json::Error> {
    serde_json::from_value(json!({ "amount": amount, "currency": code }))
}

fn written(money: Money) -> serde_json::Value {
    serde_json::to_value(money).expect("money can be written")
}

#[test]
fn money_is_written_with_its_currencys_decimals() {
    for (given, code, shown) in [
        ("19.99", "EUR", "19.99"),
        ("19.9", "EUR", "19.90"),
        ("19", "EUR", "19.00"),
        ("19.9900", "EUR", "19.99"),
        ("0", "EUR", "0.00"),
        ("-0", "EUR", "0.00"),
        ("-0.00", "EUR", "0.00"),
        ("500", "JPY", "500"),
        ("500.000", "JPY", "500"),
        ("1.234", "KWD", "1.234"),
        ("1000000000000", "EUR", "1000000000000.00"),
    ] {
        let money = read(given, code).expect(given);
        assert_eq!(written(money), json!({ "amount": shown, "currency": code }));
        assert_eq!(money.to_string(), format!("{shown} {code}"));
    }
}

#[test]
fn one_amount_is_bounded_by_another() {
    let (less, more) = (eur("1.99"), eur("2.00"));
    for (one, other) in [(less, more), (more, less), (less, less)] {
        assert_eq!(one.at_most(other), if one == other { one } else { less });
        assert_eq!(one.at_least(other), if one == other { one } else { more });
    }
}

#[test]
fn money_that_is_none_is_refused() {
    for (amount, code) in [
        ("19.999", "EUR"),
        ("0.5", "JPY"),
        ("-0.01", "EUR"),
        ("1000000000000.01", "EUR"),
        ("99999999999999999999999999999", "EUR"),
        ("0.00000000000000000000000000001", "EUR"),
        ("", "EUR"),
        (" 1", "EUR"),
        ("1e3", "EUR"),
        ("1,5", "EUR"),
        ("1_000", "EUR"),
        ("+1", "EUR"),
        ("NaN", "EUR"),
        ("1", "eur"),
    ] {
        assert!(read(amount, code).is_err(), "{amount} {code}");
    }
    let number = json!({ "amount": 19.99, "currency": "EUR" });
    assert!(serde_json::from_value::<Money>(number).is_err());
    let more = json!({ "amount": "1", "currency": "EUR", "rate": "2" });
    assert!(serde_json::from_value::<Money>(more).is_err());
}

#[test]
fn sums_stay_in_their_currency_and_bounds() {
    assert_eq!(eur("0.10").plus(eur("0.20")), Some(eur("0.30")));
    assert_eq!(eur("1.00").plus(money("1", "JPY")), None);
    assert_eq!(eur("1.00").minus(money("1", "JPY")), None);
    assert_eq!(eur("1.00").minus(eur("1.01")), None);
    assert_eq!(eur("1.00").minus(eur("1.00")), Some(Money::zero(currency("EUR"))));
    let most = eur("1000000000000");
    assert_eq!(most.plus(eur("0.01")), None);
    assert_eq!(most.times(Quantity::UNITS_MAX), None);
    assert_eq!(eur("19.99").times(3), Some(eur("59.97")));
    assert!(eur("19.99").times(0).is_some_and(Money::is_zero));
}

/// Never change these: the slot stands in every stored event.
#[test]
fn slots_are_pinned() {
    let order = "01920003-0000-0000-0000-000000000001";
    for (key, slot) in SLOTS_PINNED.into_iter().chain([(order, ORDER_SLOT)]) {
        assert_eq!(slot_of(key), slot, "{key}");
    }
    assert_eq!(StreamId::Order(order_id(1)).slot(), Some(ORDER_SLOT));
    assert_eq!(StreamId::Stock(sku(TOTE)).slot(), StreamId::Sku(sku(TOTE)).slot());
    let payment: StreamId = format!("payment-{order}").parse().unwrap();
    assert_eq!(payment.slot(), None, "that of its order, which its name does not say");
}

// CRC-32 (IEEE) of the key, modulo 256; `123456789` is the checksum's own test vector 0xCBF43926.
const SLOTS_PINNED: [(&str, u16); 4] =
    [("", 0x00), ("123456789", 0x26), ("a", 0x43), ("TOTE-BRN", 0x11)];
const ORDER_SLOT: u16 = 0x9a;

#[test]
fn streams_have_their_category_in_their_name() {
    let name = "order-01920003-0000-0000-0000-000000000001";
    assert_eq!(StreamId::Order(order_id(1)).to_string(), name);
    assert_eq!(name.parse(), Ok(StreamId::Order(order_id(1))));
    assert_eq!("stock-TOTE-BRN".parse(), Ok(StreamId::Stock(sku(TOTE))));
    for bad in ["", "order", "order-", "order-7", "sku-", "sku-a b", "Order-A", "return-7", "-a"] {
        assert!(!parses::<StreamId>(bad), "{bad}");
    }
}

fn any_sku() -> impl Strategy<Value = Sku> {
    "[A-Za-z0-9!$&'()*+,.:;<=>@^_`{|}~\\[\\]-]{1,64}"
        .prop_filter("a step in a path", |text| text != "." && text != "..")
        .prop_map(|text| sku(&text))
}

fn any_stream() -> impl Strategy<Value = StreamId> {
    let key = prop_oneof![
        any::<u128>().prop_map(|id| uuid::Uuid::from_u128(id).to_string()),
        any_sku().prop_map(String::from),
    ];
    let category = prop::sample::select(Category::ALL);
    (category, key).prop_filter_map("not a key", |(category, key)| StreamId::of(category, &key))
}

proptest! {
    #[test]
    fn a_stream_is_found_by_its_name(stream in any_stream()) {
        prop_assert_eq!(stream.to_string().parse(), Ok(stream.clone()));
        prop_assert_eq!(StreamId::of(stream.category(), &stream.key()), Some(stream));
    }

    #[test]
    fn no_text_makes_parsing_panic(text in ".{0,80}") {
        if let Ok(stream) = text.parse::<StreamId>() {
            prop_assert_eq!(stream.to_string().parse(), Ok(stream));
        }
        let _ = read(&text, "EUR");
        let _ = text.parse::<Currency>();
    }

    #[test]
    fn an_id_is_never_taken_for_a_card(id in any::<u128>()) {
        // All digits, as it is seldom.
        let digits: u128 = format!("{id:032x}").chars().fold(0, |all, c| {
            all << 4 | u128::from(c.to_digit(16).expect("hex") % 10)
        });
        for id in [id, digits].map(uuid::Uuid::from_u128) {
            prop_assert!(parses::<Token>(&format!("{id}:1")), "{}", id);
            prop_assert!(parses::<Token>(&id.simple().to_string()), "{}", id);
            prop_assert!(parses::<Note>(&format!("returned parcel {id}")), "{}", id);
        }
    }

    #[test]
    fn slots_stay_within_their_number(key in ".{0,80}") {
        prop_assert!(slot_of(&key) < SLOTS);
    }

    #[test]
    fn money_comes_back_as_it_was_written(cents in 0..=100_000_000_000_000_u64) {
        let money = eur(&format!("{}.{:02}", cents / 100, cents % 100));
        let back: Money = serde_json::from_value(written(money)).expect("money");
        prop_assert_eq!(back, money);
        prop_assert_eq!(written(back), written(money));
    }

    #[test]
    fn what_was_added_can_be_taken_away(one in 0..1_000_000_u64, other in 0..1_000_000_u64) {
        let of = |cents: u64| eur(&format!("{}.{:02}", cents / 100, cents % 100));
        let sum = of(one).plus(of(other)).expect("small");
        prop_assert_eq!(sum, of(one + other));
        prop_assert_eq!(sum.minus(of(other)), Some(of(one)));
    }
}
