//! `fields`: of a document what was asked for.

use axum::http::StatusCode;
use query_api::described;
use query_api::fields::FieldNames;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Shop;

/// Orders that have something below them.
async fn with_lines(shop: &Shop) {
    let document = "UPDATE orders_rows SET document = json_build_object(
        'id', id, 'version', 2, 'number', 7, 'status', status,
        'lines', json_build_array(
            json_build_object('sku', 'A', 'quantity', 1, 'options',
                              '[{\"name\": \"size\", \"value\": \"L\"}]'::json),
            json_build_object('sku', 'B', 'quantity', 2)))";
    sqlx::query(document).execute(&shop.db).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn lists_and_reads_show_what_was_asked_for(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(shop.put_order(n, "pending", f64::from(n), n).await);
    }
    with_lines(&shop).await;
    let wanted = |id: &str| json!({"id": id, "lines": [{"sku": "A"}, {"sku": "B"}]});
    let one = shop.get(&format!("/v1/orders/{}?fields=lines.sku,id", ids[0])).await;
    assert_eq!((one.status, one.json()), (StatusCode::OK, wanted(&ids[0])));
    // In the order of the document, and so on each page.
    assert_eq!(one.text.find("\"id\""), Some(1), "{}", one.text);
    let mut path = "/v1/orders?limit=1&sort=created_at&fields=id,lines.sku".to_owned();
    for id in &ids {
        let page = shop.get(&path).await;
        assert_eq!(page.json()["items"], json!([wanted(id)]), "{path}");
        if let Some(link) = page.headers.get("link") {
            path = link.to_str().unwrap()[1..].split('>').next().unwrap().to_owned();
        }
    }
    for (fields, lines) in [
        (
            "lines",
            json!([{"sku": "A", "quantity": 1, "options": [{"name": "size", "value": "L"}]},
                         {"sku": "B", "quantity": 2}]),
        ),
        ("lines.options.value", json!([{"options": [{"value": "L"}]}, {}])),
    ] {
        let one = shop.get(&format!("/v1/orders/{}?fields={fields}", ids[0])).await;
        assert_eq!(one.json(), json!({ "lines": lines }), "{fields}");
    }
    // Nothing was asked for.
    let whole = shop.get(&format!("/v1/orders/{}?fields=", ids[0])).await;
    assert_eq!(whole.text, shop.get(&format!("/v1/orders/{}", ids[0])).await.text);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_cut_has_a_tag_of_its_own(db: PgPool) {
    let shop = Shop::open(&db).await;
    let path = format!("/v1/orders/{}", shop.put_order(1, "pending", 1.0, 0).await);
    with_lines(&shop).await;
    let tag = async |path: &str| {
        let answer = shop.get(path).await;
        let tag = answer.headers["etag"].to_str().unwrap().to_owned();
        let again = shop.ask(path, &[("if-none-match", &tag)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{path}");
        assert!(tag.starts_with("\"2."), "the version that commands ask for comes first: {tag}");
        tag
    };
    let (id, lines) = (format!("{path}?fields=id"), format!("{path}?fields=lines.sku"));
    let tags = [tag(&path).await, tag(&id).await, tag(&lines).await];
    assert!(tags[0] != tags[1] && tags[1] != tags[2] && tags[2] != tags[0], "{tags:?}");
    let other = shop.ask(&id, &[("if-none-match", &tags[0])]).await;
    assert_eq!(other.status, StatusCode::OK);
    // What is not shown may change: what is shown is what it was.
    sqlx::query("UPDATE orders_rows SET position = 12").execute(&db).await.unwrap();
    assert_eq!((tag(&id).await, tag(&path).await == tags[0]), (tags[1].clone(), false));
}

/// What there is to ask for is known by what is said of the documents.
#[sqlx::test(migrations = "../migrations")]
async fn what_no_document_has_is_refused_by_name(db: PgPool) {
    let shop = Shop::open(&db).await;
    let document = described::document();
    let paths = document["paths"].as_object().unwrap();
    let parameters = |path: &str| paths[path]["get"]["parameters"].as_array().unwrap().clone();
    let takes = |path: &&String| parameters(path).iter().any(|it| it["name"] == "fields");
    let taking: Vec<&String> = paths.keys().filter(takes).collect();
    assert_eq!(taking.len(), 17, "{taking:?}");
    for path in taking {
        let known = |name: &str| {
            let names = FieldNames::try_from(name.to_owned()).unwrap();
            described::fields(path, &names).is_ok()
        };
        assert!(known("id") && !known("ids") && !known("id.below"), "{path}");
        let id = uuid::Uuid::nil().to_string();
        let place = path.replace("{id}", &id).replace("{sku}", "A").replace("{code}", "main");
        for fields in ["id,nothing", "id,", ".", "id,,id", &["id"; 65].join(","), "a.b.c.d.e.f.g"] {
            let refused = shop.get(&format!("{place}?fields={fields}")).await;
            assert_eq!(
                (refused.status, refused.code()),
                (StatusCode::BAD_REQUEST, "invalid_query".into()),
                "{place} {fields}"
            );
            assert_eq!(refused.json()["errors"][0]["parameter"], "fields");
            assert!(!refused.text.contains("nothing\""), "{}", refused.text);
        }
    }
    for (path, name) in [
        ("/v1/orders", "payments.amount.currency"),
        ("/v1/orders/{id}", "returns.received.location"),
        ("/v1/products", "variants.prices.amount"),
        ("/v1/carts/{id}", "lines.today.available"),
        ("/v1/stock/{sku}", "or_more"),
        ("/v1/stock", "on_hand"),
        ("/v1/search", "variants.sku"),
    ] {
        let names = FieldNames::try_from(name.to_owned()).unwrap();
        assert!(described::fields(path, &names).is_ok(), "{path} has {name}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn the_past_is_cut_too(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.append(&[crate::support::cart_created(1), crate::support::line_added(1, "TOTE", 2)]).await;
    let path = format!("/v1/carts/{}?as_of=2", uuid::Uuid::from_u128(1));
    let cut = shop.get(&format!("{path}&fields=lines.quantity,version")).await;
    let wanted: Value = json!({"version": 2, "lines": [{"quantity": 2}]});
    assert_eq!(cut.json(), wanted);
    assert_ne!(cut.headers["etag"], shop.get(&path).await.headers["etag"]);
}
