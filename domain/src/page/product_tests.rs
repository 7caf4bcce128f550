//! Products as readers see them: by themselves, and as a search finds them.

use serde_json::json;

use super::tests::{O, P, eur, given, product_stream, tote};
use super::{html, search};
use crate::page::search_keys::BY_VARIANT;
use crate::product::document as product;
use crate::stock::document as stock;

#[test]
fn a_product_has_its_changes_and_variants() {
    let change = json!({ "title": "Big tote", "brand": null });
    let document = tote()
        .and(&product_stream(), "product.changed", change)
        .and(&product_stream(), "product.variant_removed", json!({ "sku": "TOTE-S" }))
        .then(product::fold);
    assert_eq!(document.details.title.as_str(), "Big tote");
    assert_eq!(document.details.brand, None);
    assert_eq!(document.variants.len(), 1);
    assert_eq!(document.status, product::Status::Published);
    assert_eq!((document.version, document.position), (6, 6));
    assert!(document.created_at < document.updated_at);
}

#[test]
fn a_product_shows_what_became_of_it_and_its_prices() {
    let priced = json!({ "sku": "TOTE-S", "prices": [eur("9.99")] });
    let archived = tote().and(&product_stream(), "product.prices_set", priced).and(
        &product_stream(),
        "product.archived",
        json!({ "skus": "free" }),
    );
    let document = archived.then(product::fold);
    assert_eq!((document.status, document.skus_freed), (product::Status::Archived, true));
    assert_eq!(serde_json::to_value(&document.variants[0].prices).unwrap(), json!([eur("9.99")]));
    assert!(!document.variants[0].options.is_empty());
    let document =
        archived.and(&product_stream(), "product.restored", json!({})).then(product::fold);
    assert_eq!((document.status, document.skus_freed), (product::Status::Draft, false));
}

/// What a product sells and was never there is none, not nothing.
#[test]
fn stock_begins_when_a_product_takes_the_sku() {
    let took = given("sku-TOTE-S", "sku.assigned", json!({ "product_id": P }));
    let none = took.then(stock::fold);
    assert_eq!((none.id.as_str(), none.version, none.on_hand), ("TOTE-S", 0, 0));
    assert_eq!((none.available, none.locations.len()), (0, 0));
    let came = json!({ "location": "main", "sellable": true, "quantity": 3,
                       "source": { "delivery": {} } });
    let some = took.and("stock-TOTE-S", "stock.received", came);
    let document = some.then(stock::fold);
    assert_eq!((document.version, document.available), (1, 3));
    assert_eq!(document.created_at, document.updated_at, "as those fold it who know no more");
    // What becomes of the SKU then is not the stock's.
    let other = some.and("sku-TOTE-S", "sku.released", json!({ "product_id": P }));
    let other = other.and("sku-TOTE-S", "sku.assigned", json!({ "product_id": O }));
    assert_eq!(other.then(stock::fold), document);
}

#[test]
fn a_search_document_has_facets_prices_and_plain_text() {
    let document = tote().then(search::fold);
    let json = serde_json::to_value(&document).unwrap();
    assert_eq!(json["category_levels"], json!({ "lvl0": "Bags", "lvl1": "Bags > Totes" }));
    assert_eq!(json["price"], json!({ "EUR": 19.99 }));
    assert_eq!(json["price_max"], json!({ "EUR": 29.99 }));
    assert_eq!(json["options"], json!({ "Size": ["M", "S"] }));
    assert_eq!(json["description"], "Soft leather");
    assert_eq!(json["image"], "https://example.com/tote.jpg");
    assert!(json.get("media").is_none());
    assert!(document.listed());
    let dearer = json!({ "sku": "TOTE-M", "prices": [eur("39.99")] });
    let dearer = tote().and(&product_stream(), "product.prices_set", dearer).then(search::fold);
    assert_eq!(serde_json::to_value(&dearer.price_max).unwrap(), json!({ "EUR": 39.99 }));
    assert_eq!(dearer.options, document.options);

    let archived = json!({ "skus": "keep" });
    for (kind, data) in [("product.archived", archived), ("product.unpublished", json!({}))] {
        let gone = tote().and(&product_stream(), kind, data);
        assert!(!gone.then(search::fold).listed());
        let back = gone.and(&product_stream(), "product.published", json!({}));
        assert!(back.then(search::fold).listed());
    }
}

#[test]
fn a_product_is_found_by_its_names_as_they_are_folded() {
    let document = tote().then(search::fold);
    let keys = [
        "attribute\tmaterial\tleather",
        "brand\tacme",
        "category\tbags",
        "category\ttotes",
        "option\tSize\tm",
        "option\tSize\ts",
        BY_VARIANT,
    ];
    assert_eq!(document.keys().iter().collect::<Vec<_>>(), keys.each_ref());
    assert_eq!(document.title_key(), "tote");
}

#[test]
fn only_coming_into_stock_and_going_out_of_it_is_news() {
    let mut document = tote().then(search::fold);
    let sku = "TOTE-S".parse().unwrap();
    assert!(!document.in_stock);
    assert!(document.set_in_stock(&sku, true, 9));
    assert!(!document.set_in_stock(&sku, true, 10));
    assert!(document.in_stock);
    assert_eq!(document.position, 9);

    let received = json!({ "location": "north", "quantity": 2, "sellable": true,
                           "source": { "delivery": {} } });
    let released = json!({ "order_id": O, "parts": [{ "location": "north", "quantity": 1 }],
                           "committed": false });
    let mut known = search::Availability::default();
    for (_, _, _, event) in given("sku-TOTE-S", "sku.assigned", json!({ "product_id": P }))
        .and("stock-TOTE-S", "stock.received", received)
        .and("stock-TOTE-S", "stock.released", released)
        .0
    {
        known.evolve(&event);
    }
    assert_eq!((known.units, known.product_id.unwrap().to_string().as_str()), (3, P));
    let gone = given("sku-TOTE-S", "sku.released", json!({ "product_id": P }));
    let policy = gone.and("stock-TOTE-S", "stock.policy_set", json!({ "backorder_max": 7 }));
    for (_, _, _, event) in policy.0 {
        known.evolve(&event);
    }
    assert_eq!((known.units, known.product_id, known.backorder_max), (3, None, 7));
}

#[test]
fn html_becomes_text() {
    let cases = [
        ("<p>One</p><p>two</p>", "One two"),
        ("a < b &amp; c > d", "a < b & c > d"),
        ("<style>p { color: red }</style>shown<script>hidden()</script>", "shown"),
        ("&amp;lt; stays", "&lt; stays"),
        ("cut <b off", "cut"),
        ("<!-- a > b -->seen", "seen"),
    ];
    for (given, then) in cases {
        assert_eq!(html::strip(given), then, "{given}");
    }
}
