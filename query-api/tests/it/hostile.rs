//! Whatever a client sends, it is never our fault.

use axum::http::Uri;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use query_api::listing::link;
use query_api::resources::{order, payment, product, sales, stock};
use serde::de::DeserializeOwned;
use service::config::Secret;
use service::extract::parse;
use sqlx::PgPool;
use vault::Master;
use vault::index::WordIndex;

use crate::support::Shop;

/// Inputs tried on each place.
const CASES: usize = 150;

/// Every byte that is not a letter or digit, escaped.
fn escaped(bytes: &[u8]) -> String {
    let escape = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    bytes.iter().map(escape).collect()
}

/// Random bytes, and things that are nearly right.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let nearly = prop::sample::select(vec![
        "0",
        "-1",
        "9223372036854775807",
        "-9223372036854775808",
        "1e400",
        "NaN",
        "null",
        "\u{0}",
        "+262142-12-31T23:59:59Z",
        "-262143-01-01T00:00:00Z",
        "0000-00-00",
        "9999-12-31",
        "2026-01-01T00:00:60Z",
        "00000000-0000-0000-0000-000000000000",
        "EUR",
        "a:b",
        "'; --",
        "\"",
        "\\",
        "a & ! | <->",
        "%",
        "_",
        "published",
        "true",
        "99999999999999999999999999999",
        "WyJwcm9kdWN0cyAtIiwiMjAyNi0wMS0wMVQwMDowMDowMFoiLCJ4Il0",
    ]);
    prop_oneof![any::<Vec<u8>>(), nearly.prop_map(|text| text.as_bytes().to_vec())]
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_in_a_path_or_query_is_answered_with_our_own_fault(db: PgPool) {
    let master = Master::read(&Secret::from(Master::generate().as_str())).unwrap();
    let index = WordIndex::read(&Secret::from(master.index().told().as_str())).unwrap();
    let shop = Shop::with(&db, |settings| settings.index_key = Some(index.into())).await;
    shop.put_product(1, "Tote", "published", 1).await;
    let places = [
        "/v1/products?cursor=",
        "/v1/products?category=",
        "/v1/products?limit=",
        "/v1/products?sort=title&cursor=",
        "/v1/orders?cursor=",
        "/v1/orders?created_from=",
        "/v1/orders?customer_id=",
        "/v1/orders?currency=",
        "/v1/orders?sku=",
        "/v1/orders?tracking=",
        "/v1/orders?name=",
        "/v1/orders?email=",
        "/v1/orders?phone=",
        "/v1/stock?sku=",
        "/v1/stock?cursor=",
        "/v1/stock?available_max=",
        "/v1/sales?from=",
        "/v1/sales?cursor=",
        "/v1/payments?order_id=",
        "/v1/search?q=",
        "/v1/search?attribute=",
        "/v1/search?option=a:",
        "/v1/search?currency=EUR&price_min=",
        "/v1/search?page=",
        "/v1/search?brand=",
        "/v1/events?after=",
        "/v1/events?until=",
        "/v1/events?limit=",
        "/v1/events?types=",
        "/v1/carts/00000000-0000-0000-0000-000000000000?as_of=",
        "/v1/products/",
        "/v1/stock/",
        "/v1/streams/stock/",
        "/v1/streams/",
        "/v1/streams/cart/00000000-0000-0000-0000-000000000000?after=",
        "/v1/orders/00000000-0000-0000-0000-000000000000/history?after=",
        "/v1/projections?",
        "/v1/products?",
    ];
    let mut runner = TestRunner::default();
    for _ in 0..CASES {
        let bytes = hostile().new_tree(&mut runner).unwrap().current();
        for place in places {
            let path = format!("{place}{}", escaped(&bytes));
            let answer = shop.get(&path).await;
            assert!(!answer.status.is_server_error(), "{path}: {}", answer.text);
        }
    }
}

fn query() -> impl Strategy<Value = String> {
    let name = prop::sample::select(
        &["limit", "cursor", "status", "sort", "sku", "from", "currency", "min_position"][..],
    );
    // Any letter may be escaped: the name stays the same.
    let name =
        (name, any::<prop::sample::Index>(), any::<bool>()).prop_map(|(name, at, escape)| {
            let at = at.index(name.len());
            let letter = format!("%{:02x}", name.as_bytes()[at]);
            if escape {
                format!("{}{letter}{}", &name[..at], &name[at + 1..])
            } else {
                name.to_owned()
            }
        });
    let value = prop_oneof![
        hostile().prop_map(|bytes| escaped(&bytes)),
        "[0-9]{1,2}",
        Just("EUR".to_owned()),
        Just("any".to_owned()),
    ];
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("&"))
}

fn links_to_what_can_be_asked<T: DeserializeOwned>(uri: &Uri) {
    let asks = |uri: &Uri| parse::<T>(uri.query().unwrap_or_default()).is_ok();
    if asks(uri) {
        let link = link(uri, "cursor", "next").unwrap();
        let target = link.to_str().unwrap().trim_start_matches('<').split('>').next().unwrap();
        assert!(asks(&target.parse().unwrap()), "{uri} links to {target}");
    }
}

proptest! {
    #[test]
    fn a_list_links_to_a_page_that_can_be_asked_for(query in query()) {
        let uri: Uri = format!("/v1/list?{query}").parse().unwrap();
        links_to_what_can_be_asked::<product::Products>(&uri);
        links_to_what_can_be_asked::<order::Orders>(&uri);
        links_to_what_can_be_asked::<payment::Payments>(&uri);
        links_to_what_can_be_asked::<stock::Stocks>(&uri);
        links_to_what_can_be_asked::<sales::Sales>(&uri);
    }
}

#[test]
fn letters_beyond_ascii_are_escaped_in_a_link() {
    let uri: Uri = "/v1/stock?sku=A&sku=\u{29a}".parse().unwrap();
    let link = link(&uri, "cursor", "next").unwrap();
    let expected = "</v1/stock?sku=A&sku=%CA%9A&cursor=next>; rel=\"next\"";
    assert_eq!(link.to_str().unwrap(), expected);
}
