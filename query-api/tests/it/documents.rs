//! Single documents: as stored, cached by version, guarded where they are about people.

use axum::http::StatusCode;
use identity::Guard;
use service::config::Secret;
use sqlx::PgPool;

use crate::support::Shop;

#[sqlx::test(migrations = "../migrations")]
async fn a_document_is_served_as_stored_and_known_by_its_version(db: PgPool) {
    let shop = Shop::open(&db).await;
    let id = shop.put_product(7, "Tote", "draft", 0).await;
    let path = format!("/v1/products/{id}");
    let first = shop.get(&path).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.headers["content-type"], "application/json");
    assert_eq!(first.headers["etag"], "\"3.1\"");
    assert_eq!(first.json()["title"], "Tote");
    for known in ["\"3.1\"", "W/\"3.1\"", "\"1.1\", \"3.1\"", "*"] {
        let again = shop.ask(&path, &[("if-none-match", known)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{known}");
        assert_eq!((again.text.as_str(), &again.headers["etag"]), ("", &first.headers["etag"]));
    }
    let changed = shop.ask(&path, &[("if-none-match", "\"2.1\"")]).await;
    assert_eq!(changed.status, StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn another_build_is_another_document(db: PgPool) {
    let shop = Shop::open(&db).await;
    let path = format!("/v1/products/{}", shop.put_product(7, "Tote", "published", 0).await);
    let tag = shop.get(&path).await.headers["etag"].to_str().unwrap().to_owned();
    sqlx::raw_sql(
        "INSERT INTO projection_builds (projection, build, version) VALUES ('products', 2, 2);
         UPDATE products_rows SET build = 2, document = '{\"title\": \"Tote\", \"new\": true}';
         UPDATE projections SET active_build = 2 WHERE name = 'products'",
    )
    .execute(&db)
    .await
    .unwrap();
    let rebuilt = shop.ask(&path, &[("if-none-match", &tag)]).await;
    assert_eq!((rebuilt.status, &rebuilt.json()["new"]), (StatusCode::OK, &true.into()));
    assert_eq!(rebuilt.headers["etag"], "\"3.2\"", "whose version is what commands ask for");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_changes_its_tag_with_its_payments(db: PgPool) {
    let shop = Shop::open(&db).await;
    let id = shop.put_order(1, "pending", 10.0, 0).await;
    let path = format!("/v1/orders/{id}");
    assert_eq!(shop.get(&path).await.headers["etag"], "\"2.9.1\"");
    sqlx::query("UPDATE orders_rows SET position = 12").execute(&db).await.unwrap();
    let paid = shop.ask(&path, &[("if-none-match", "\"2.9.1\"")]).await;
    assert_eq!(
        (paid.status, &paid.headers["etag"]),
        (StatusCode::OK, &"\"2.12.1\"".parse().unwrap())
    );
}

/// Lists and weak tags are what caches send; a tag may come compressed on the way.
#[sqlx::test(migrations = "../migrations")]
async fn a_tag_is_found_in_a_list_and_weakened(db: PgPool) {
    let shop = Shop::open(&db).await;
    let path = format!("/v1/orders/{}", shop.put_order(1, "pending", 10.0, 0).await);
    let known = ["\"x\", W/\"2.9.1\"", "W/\"1.1.1\",\"2.9.1\"", "\"a,b\", \"2.9.1\""];
    for known in known {
        let again = shop.ask(&path, &[("if-none-match", known)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED, "{known}");
    }
    let two = [("if-none-match", "\"x\""), ("if-none-match", "W/\"2.9.1\"")];
    assert_eq!(shop.ask(&path, &two).await.status, StatusCode::NOT_MODIFIED);
    for unknown in ["\"x\", W/\"2.9.2\"", "2.9.1", "\"2.9\"", "w/\"2.9.1\""] {
        let whole = shop.ask(&path, &[("if-none-match", unknown)]).await;
        assert_eq!(whole.status, StatusCode::OK, "{unknown}");
    }
}

/// It is served out of its order's document, under a tag of its own.
#[sqlx::test(migrations = "../migrations")]
async fn a_parcel_is_read_by_itself(db: PgPool) {
    let shop = Shop::open(&db).await;
    let order = shop.put_order(1, "confirmed", 10.0, 0).await;
    let [first, second] = [7, 8].map(uuid::Uuid::from_u128);
    let created = |parcel: uuid::Uuid| {
        let lines =
            serde_json::json!({"order_id": order, "lines": [{"sku": "TOTE", "quantity": 1}]});
        (format!("fulfilment-{parcel}"), "fulfilment.created", lines)
    };
    let packed = serde_json::json!({"order_id": order});
    let position = shop
        .append(&[
            created(first),
            created(second),
            (format!("fulfilment-{second}"), "fulfilment.packed", packed),
        ])
        .await;
    let parcels = format!(
        r#"{{"id":"{order}","version":2,"fulfilments":[{{"id":"{first}","version":1,"position":1}},
            {{"id":"{second}","version":2,"position":3,"status":"packed"}}]}}"#
    );
    sqlx::query("UPDATE orders_rows SET document = $1::json")
        .bind(parcels)
        .execute(&db)
        .await
        .unwrap();
    let path = format!("/v1/fulfilments/{second}");
    let read = shop.get(&path).await;
    assert_eq!((read.status, &read.json()["status"]), (StatusCode::OK, &"packed".into()));
    assert_eq!(read.headers["etag"], "\"2.1\"");
    let again = shop.ask(&path, &[("if-none-match", "\"2.1\"")]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    // As fresh as was asked: the orders have not come so far, and then they have.
    let fresh = format!("{path}?min_position={position}");
    let behind = shop.ask(&fresh, &[("prefer", "wait=0")]).await;
    assert_eq!(
        (behind.status, behind.code()),
        (StatusCode::GATEWAY_TIMEOUT, "projection_behind".into())
    );
    shop.advance("orders", position).await;
    assert_eq!(shop.get(&fresh).await.text, read.text);
    let past = shop.get(&format!("{path}?as_of=2")).await;
    assert_eq!(
        (&past.json()["status"], &past.headers["etag"]),
        (&"created".into(), &"\"1\"".parse().unwrap())
    );
    // One that its order does not show, and one of an order that is not there.
    let third = uuid::Uuid::from_u128(9);
    shop.append(&[created(third)]).await;
    for id in [third, uuid::Uuid::from_u128(10)] {
        assert_eq!(shop.get(&format!("/v1/fulfilments/{id}")).await.code(), "not_found");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_not_there_is_not_found_and_what_cannot_be_is_refused(db: PgPool) {
    let shop = Shop::open(&db).await;
    let nil = uuid::Uuid::nil();
    for path in ["products", "carts", "orders", "payments", "fulfilments"] {
        let missing = shop.get(&format!("/v1/{path}/{nil}")).await;
        assert_eq!((missing.status, missing.code()), (StatusCode::NOT_FOUND, "not_found".into()));
        let wrong = shop.get(&format!("/v1/{path}/seven")).await;
        assert_eq!(wrong.code(), "invalid_path");
        let unknown = shop.get(&format!("/v1/{path}/{nil}?colour=red")).await;
        assert_eq!(unknown.code(), "invalid_query");
        assert_eq!(unknown.json()["errors"][0]["code"], "unknown_parameter");
    }
    let upper = "0192C0DE-0000-7000-8000-000000000000";
    for other in
        [upper, "0192c0de000070008000000000000000", "urn:uuid:0192c0de-0000-7000-8000-000000000000"]
    {
        for path in ["products", "orders", "streams/order"] {
            let spelled = shop.get(&format!("/v1/{path}/{other}")).await;
            assert_eq!(spelled.code(), "invalid_path", "one address a document: {other}");
        }
    }
    let both = shop.get(&format!("/v1/carts/{nil}?as_of=0&min_position=0")).await;
    assert_eq!(both.json()["errors"][0]["code"], "contradicts_as_of");
    assert_eq!(shop.get("/v1/stock/TOTE").await.code(), "not_found");
    assert_eq!(shop.get("/v1/stock/a%20b").await.code(), "invalid_path");
    assert_eq!(shop.get("/v1/stock/a%00b").await.code(), "invalid_path");
}

#[sqlx::test(migrations = "../migrations")]
async fn the_token_guards_what_is_about_people_and_the_engine(db: PgPool) {
    let shop =
        Shop::with(&db, |settings| settings.guard = Guard::with_token(&Secret::from("s3cret")))
            .await;
    let nil = uuid::Uuid::nil();
    for guarded in [
        format!("/v1/carts/{nil}"),
        format!("/v1/orders/{nil}"),
        format!("/v1/orders/{nil}/history"),
        format!("/v1/payments/{nil}"),
        "/v1/locations".into(),
        "/v1/locations/depot".into(),
        "/v1/stock?short=true".into(),
        format!("/v1/fulfilments/{nil}"),
        format!("/v1/streams/cart/{nil}"),
        "/v1/orders".into(),
        "/v1/payments".into(),
        "/v1/sales".into(),
        "/v1/events".into(),
        "/v1/projections".into(),
    ] {
        assert_eq!(shop.get(&guarded).await.status, StatusCode::UNAUTHORIZED, "{guarded}");
        let told = shop.ask(&guarded, &[("authorization", "Bearer s3cret")]).await;
        assert_ne!(told.status, StatusCode::UNAUTHORIZED, "{guarded}");
    }
    for open in ["/v1/products", "/v1/stock", "/v1/search", "/live", "/ready", "/metrics"] {
        assert_eq!(shop.get(open).await.status, StatusCode::OK, "{open}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_about_people_is_for_private_caches_only(db: PgPool) {
    let shop = Shop::open(&db).await;
    let product = format!("/v1/products/{}", shop.put_product(1, "Tote", "published", 0).await);
    let order = format!("/v1/orders/{}", shop.put_order(1, "pending", 10.0, 0).await);
    for (path, caches) in [
        (product.as_str(), "no-cache"),
        ("/v1/products", "no-cache"),
        (order.as_str(), "private, no-cache"),
        ("/v1/orders", "private, no-cache"),
    ] {
        assert_eq!(shop.get(path).await.headers["cache-control"], caches, "{path}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn without_the_token_only_what_is_published_now_is_shown(db: PgPool) {
    let shop =
        Shop::with(&db, |settings| settings.guard = Guard::with_token(&Secret::from("s3cret")))
            .await;
    let draft = shop.put_product(1, "Tote", "draft", 0).await;
    let archived = shop.put_product(2, "Tote", "archived", 0).await;
    let published = shop.put_product(3, "Tote", "published", 0).await;
    let one = |id: &str| format!("/v1/products/{id}");
    for (path, status) in [
        (one(&draft), StatusCode::NOT_FOUND),
        (one(&archived), StatusCode::NOT_FOUND),
        (one(&published), StatusCode::OK),
        ("/v1/products?status=published".into(), StatusCode::OK),
        ("/v1/products?status=draft".into(), StatusCode::UNAUTHORIZED),
        ("/v1/products?status=archived".into(), StatusCode::UNAUTHORIZED),
        ("/v1/products?status=any".into(), StatusCode::UNAUTHORIZED),
        (format!("{}?as_of=0", one(&published)), StatusCode::UNAUTHORIZED),
        ("/v1/stock/TOTE?as_of=0".into(), StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(shop.get(&path).await.status, status, "{path}");
        let wrong = shop.ask(&path, &[("authorization", "Bearer guess")]).await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{path}");
        let told = shop.ask(&path, &[("authorization", "Bearer s3cret")]).await;
        let expected = if path.contains("as_of") { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(told.status, expected, "{path}");
    }
    assert_eq!(shop.get("/v1/products").await.ids(), [published]);
}

#[sqlx::test(migrations = "../migrations")]
async fn ready_without_meilisearch_but_not_without_migrations(db: PgPool) {
    let shop = Shop::open(&db).await;
    assert_eq!(shop.get("/ready").await.status, StatusCode::OK);
    let health = shop.get("/health").await;
    assert_eq!(health.json()["status"], "degraded");
    sqlx::query("DELETE FROM _sqlx_migrations").execute(&db).await.unwrap();
    // What was found is everybody's for a second.
    let noticed = async {
        while shop.get("/ready").await.status != StatusCode::SERVICE_UNAVAILABLE {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), noticed).await.expect("not ready");
}
