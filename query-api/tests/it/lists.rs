//! Lists: every filter, every order, and pages that neither lose nor double a row.

use axum::http::StatusCode;
use query_api::listing::PAGE_BYTES_MAX;
use sqlx::PgPool;

use crate::support::{Answer, Shop};

/// Walks a list to its end by its `Link` headers.
async fn walk(shop: &Shop, path: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut path = path.to_owned();
    loop {
        let page = shop.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.text);
        ids.extend(page.ids());
        let next = page.json()["next"].as_str().map(str::to_owned);
        let Some(next) = next else {
            assert!(!page.headers.contains_key("link"));
            return ids;
        };
        let link = page.headers["link"].to_str().unwrap();
        let target = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
        assert!(target.contains(&format!("cursor={next}")));
        target.clone_into(&mut path);
        assert!(ids.len() < 1000, "a list without an end");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_hold_every_row_once_in_every_order(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut made = Vec::new();
    for n in 1..=23 {
        // Many share a minute and a title, so that the id has to decide.
        let title = format!("Tote \"{}\" ü", n % 4);
        made.push(shop.put_product(n, &title, "published", n % 5).await);
    }
    made.sort();
    for sort in ["created_at", "-created_at", "title", "-title"] {
        for limit in [1, 4, 23, 200] {
            let mut seen = walk(&shop, &format!("/v1/products?limit={limit}&sort={sort}")).await;
            let backwards = walk(&shop, &format!("/v1/products?sort={sort}")).await;
            assert_eq!(seen, backwards, "{sort} {limit}");
            seen.sort();
            assert_eq!(seen, made, "{sort} {limit}");
        }
    }
    let up = walk(&shop, "/v1/products?sort=created_at&limit=3").await;
    let mut down = walk(&shop, "/v1/products?sort=-created_at&limit=3").await;
    down.reverse();
    assert_eq!(up, down);
}

/// Whoever asks in which language gets its order, on each page; and the order is the engine's own,
/// for keys are bytes that no library of the server's compares.
#[sqlx::test(migrations = "../migrations")]
async fn products_by_title_are_in_the_order_of_a_language(db: PgPool) {
    let shop = Shop::open(&db).await;
    let titles = ["Tote 10", "Tote 9", "Öl", "Zebra", "Ärla", "chata", "hora", "cukr", "apple"];
    let mut ids = Vec::new();
    for (n, title) in (1..).zip(titles) {
        ids.push(shop.put_product(n, title, "published", n).await);
    }
    let all = "apple Ärla chata cukr hora Öl Tote_9 Tote_10 Zebra";
    for (locale, wanted) in [
        ("", all),
        ("&locale=", all),
        ("&locale=de", all),
        ("&locale=sv", "apple chata cukr hora Tote_9 Tote_10 Zebra Ärla Öl"),
        ("&locale=sv-FI", "apple chata cukr hora Tote_9 Tote_10 Zebra Ärla Öl"),
        ("&locale=tlh", all),
        ("&locale=cs", "apple Ärla cukr hora chata Öl Tote_9 Tote_10 Zebra"),
    ] {
        let wanted: Vec<String> = wanted.split(' ').map(|title| title.replace('_', " ")).collect();
        let title = |id: &String| titles[ids.iter().position(|known| known == id).unwrap()];
        for limit in [1, 4, 9] {
            let path = format!("/v1/products?sort=title&limit={limit}{locale}");
            let seen = walk(&shop, &path).await;
            assert_eq!(seen.iter().map(title).collect::<Vec<_>>(), wanted, "{path}");
            let mut down = walk(&shop, &path.replace("=title", "=-title")).await;
            down.reverse();
            assert_eq!(down, seen, "{path}");
        }
    }
    // A cursor is one of its order, which languages may share.
    let first = shop.get("/v1/products?sort=title&limit=1&locale=de").await.json();
    let cursor = first["next"].as_str().unwrap();
    let next = async |locale: &str| {
        shop.get(&format!("/v1/products?sort=title&limit=1&locale={locale}&cursor={cursor}")).await
    };
    assert_eq!(next("fr").await.status, StatusCode::OK);
    assert_eq!(next("sv").await.code(), "invalid_cursor");
    assert_eq!(next("svenska_i_Finland").await.json()["errors"][0]["parameter"], "locale");
}

/// One that is not rebuilt yet has no keys: products are there all the same, each once.
#[sqlx::test(migrations = "../migrations")]
async fn products_without_keys_are_listed_too(db: PgPool) {
    let shop = Shop::open(&db).await;
    for n in 1..=5 {
        shop.put_product(n, "Tote", "published", n).await;
    }
    sqlx::query("UPDATE products_rows SET title_keys = '{}'").execute(&db).await.unwrap();
    assert_eq!(walk(&shop, "/v1/products?sort=title&limit=2&locale=ja").await.len(), 5);
}

/// The same everywhere, also after an update of the system's locales, whatever case the titles are
/// in.
#[sqlx::test(migrations = "../migrations")]
async fn products_by_title_are_in_no_server_s_order(db: PgPool) {
    let shop = Shop::open(&db).await;
    let titles = ["zebra", "Éclair", "apple", "Apple", "eclair", "Zoo", "a-b", "ab"];
    let mut ids = Vec::new();
    for (n, title) in (1..).zip(titles) {
        ids.push(shop.put_product(n, title, "published", n).await);
    }
    let expected = [6, 7, 2, 3, 4, 1, 0, 5].map(|n| ids[n].clone());
    assert_eq!(walk(&shop, "/v1/products?sort=title&limit=3").await, expected);
    let mut backwards = walk(&shop, "/v1/products?sort=-title&limit=3").await;
    backwards.reverse();
    assert_eq!(backwards, expected);
}

#[sqlx::test(migrations = "../migrations")]
async fn no_index_of_a_read_model_depends_on_the_locale(db: PgPool) {
    let found: Vec<String> = sqlx::query_scalar(
        "SELECT indexrelid::regclass::text FROM pg_index
         WHERE indrelid::regclass::text LIKE '%\\_rows'
           AND (SELECT oid FROM pg_collation WHERE collname = 'default')
               = ANY(indcollation::oid[])",
    )
    .fetch_all(&db)
    .await
    .unwrap();
    assert_eq!(found, Vec::<String>::new());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_page_of_large_documents_ends_early_and_loses_none(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut made = Vec::new();
    for n in 1..=25 {
        made.push(shop.put_product(n, "Tote", "published", n).await);
    }
    let large = "UPDATE products_rows
                 SET document = json_build_object('id', id, 'text', repeat('x', 300000))";
    sqlx::query(large).execute(&db).await.unwrap();
    let first = shop.get("/v1/products?limit=200&sort=created_at").await;
    assert_eq!(first.ids().len(), PAGE_BYTES_MAX.div_ceil(300_050));
    assert!(first.headers.contains_key("link"));
    assert_eq!(walk(&shop, "/v1/products?limit=200&sort=created_at").await, made);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_that_comes_in_front_shifts_no_page(db: PgPool) {
    let shop = Shop::open(&db).await;
    for n in 1..=6 {
        shop.put_product(n, "Tote", "published", n).await;
    }
    let first = shop.get("/v1/products?limit=3").await;
    shop.put_product(99, "Newcomer", "published", 99).await;
    let cursor = first.json()["next"].as_str().unwrap().to_owned();
    let second = shop.get(&format!("/v1/products?limit=3&cursor={cursor}")).await;
    let mut seen = [first.ids(), second.ids()].concat();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6);
}

#[sqlx::test(migrations = "../migrations")]
async fn products_are_filtered_and_drafts_shown_only_when_asked_for(db: PgPool) {
    let shop = Shop::open(&db).await;
    for n in 1..=12 {
        let status = ["draft", "published", "archived"][n as usize % 3];
        shop.put_product(n, "Tote", status, n).await;
    }
    let count = async |path: &str| walk(&shop, path).await.len();
    assert_eq!(count("/v1/products").await, 4);
    assert_eq!(count("/v1/products?status=draft").await, 4);
    assert_eq!(count("/v1/products?status=any&limit=5").await, 12);
    assert_eq!(count("/v1/products?status=any&brand=Acme").await, 6);
    assert_eq!(count("/v1/products?status=any&category=Totes").await, 4);
    assert_eq!(count("/v1/products?status=any&category=Bags&brand=Acme&limit=2").await, 6);
    assert_eq!(count("/v1/products?status=any&category=Nothing").await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn products_are_found_by_id_sku_and_barcode(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut ids = Vec::new();
    for n in 1..=4 {
        ids.push(shop.put_product(n, "Tote", "published", n).await);
    }
    sqlx::query(
        "UPDATE products_rows SET skus = ARRAY['S-' || position, 'T-' || position],
                                  barcodes = ARRAY['400000' || position]",
    )
    .execute(&db)
    .await
    .unwrap();
    let found =
        async |query: &str| walk(&shop, &format!("/v1/products?sort=created_at&{query}")).await;
    assert_eq!(found("sku=T-2").await, ids[1..2]);
    assert_eq!(found("sku=T-2&sku=S-3").await, ids[1..3]);
    assert_eq!(found("barcode=4000004").await, ids[3..]);
    assert_eq!(found("sku=T-2&barcode=4000004").await, [] as [&str; 0]);
    assert_eq!(found("sku=NONE").await, [] as [&str; 0]);
    let both = found(&format!("id={}&id={}&limit=1", ids[0], ids[2])).await;
    assert_eq!(both, [ids[0].as_str(), ids[2].as_str()]);

    let many = "sku=A&".repeat(201);
    let refused = shop.get(&format!("/v1/products?{many}")).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (400, "invalid_query".into()));
    assert_eq!(refused.json()["errors"][0]["code"], "too_many");
    assert_eq!(shop.get("/v1/products?id=seven").await.code(), "invalid_query");
}

#[sqlx::test(migrations = "../migrations")]
async fn orders_are_filtered_and_sorted(db: PgPool) {
    let shop = Shop::open(&db).await;
    for n in 1..=10_u32 {
        let status = if n.is_multiple_of(2) { "confirmed" } else { "pending" };
        shop.put_order(n, status, 100.0 - f64::from(n / 2), n).await;
    }
    let count = async |path: &str| walk(&shop, path).await.len();
    assert_eq!(count("/v1/orders?limit=3").await, 10);
    assert_eq!(count("/v1/orders?status=confirmed&limit=2").await, 5);
    assert_eq!(count("/v1/orders?payment_status=awaiting&fulfilment_status=unfulfilled").await, 10);
    assert_eq!(count("/v1/orders?payment_status=paid").await, 0);
    let customer = uuid::Uuid::from_u128(1);
    assert_eq!(count(&format!("/v1/orders?customer_id={customer}&limit=1")).await, 3);
    let range = "created_from=2026-01-01T02:03:00+02:00&created_before=2026-01-01T00:06:00Z";
    assert_eq!(count(&format!("/v1/orders?{range}")).await, 3);
    assert_eq!(count("/v1/orders?currency=USD").await, 0);
    let owing =
        "UPDATE orders_rows SET number = round(100 - total), to_refund = 5 WHERE total > 97";
    sqlx::query(owing).execute(&db).await.unwrap();
    assert_eq!(count("/v1/orders?number=2").await, 2);
    assert_eq!(count("/v1/orders?number=77").await, 0);
    assert_eq!(count("/v1/orders?to_refund=true&limit=2").await, 5);
    assert_eq!(count("/v1/orders?to_refund=false&status=confirmed").await, 3);
    let up = walk(&shop, "/v1/orders?sort=total&limit=3").await;
    let mut down = walk(&shop, "/v1/orders?sort=-total&limit=4").await;
    down.reverse();
    assert_eq!((up.len(), &up), (10, &down));
}

#[sqlx::test(migrations = "../migrations")]
async fn stock_locations_payments_and_sales_are_listed_too(db: PgPool) {
    let shop = Shop::open(&db).await;
    sqlx::raw_sql(
        "INSERT INTO stock_rows (build, id, document, position, version, on_hand, available,
             created_at, updated_at)
             SELECT 1, 'SKU-' || n, json_build_object('id', 'SKU-' || n), 1, 1, n, n, now(), now()
             FROM generate_series(1, 9) n;
         UPDATE stock_rows SET low = on_hand <= 3, short = greatest(2 - on_hand, 0);
         INSERT INTO locations_rows (build, id, document, position, version, sellable,
             created_at, updated_at)
             SELECT 1, 'L-' || n, json_build_object('id', 'L-' || n), 1, 1, n < 4, now(), now()
             FROM generate_series(1, 5) n;
         INSERT INTO payments_rows (build, id, document, position, version, order_id, method,
             status, amount, currency, created_at, updated_at)
             SELECT 1, ('0000000000000000000000000000000' || n)::uuid,
             json_build_object('id', n::text), 1, 1,
             ('0000000000000000000000000000000' || n % 2)::uuid, 'card', 'captured', n, 'EUR',
             now(), now() FROM generate_series(1, 9) n;
         INSERT INTO fulfilments_rows (build, id, document, position, version, order_id, status,
             location, created_at, updated_at)
             SELECT 1, id, document, 1, 1, order_id,
             CASE WHEN amount < 4 THEN 'packed' ELSE 'shipped' END,
             CASE WHEN amount < 3 THEN 'depot' WHEN amount < 6 THEN 'shop' END, created_at, now()
             FROM payments_rows;
         INSERT INTO returns_rows (build, id, document, position, version, order_id, status,
             created_at, updated_at)
             SELECT 1, id, document, 1, 1, order_id,
             CASE WHEN amount < 3 THEN 'requested' ELSE 'closed' END, created_at, now()
             FROM payments_rows;
         UPDATE payments_rows SET unknown = amount <= 2, to_remit = amount > 6,
             dispute = CASE WHEN amount = 3 THEN 'opened' WHEN amount = 4 THEN 'won' END;
         INSERT INTO sales_rows (build, id, document, position, version, day, currency,
             created_at, updated_at)
             SELECT 1, d || '-' || c, json_build_object('id', d || '-' || c), 1, 1, d::date, c,
             now(), now()
             FROM unnest(ARRAY['2026-03-01', '2026-03-02', '2026-03-03']) d,
                  unnest(ARRAY['EUR', 'PKR']) c;",
    )
    .execute(&db)
    .await
    .unwrap();
    let count = async |path: &str| walk(&shop, path).await.len();
    assert_eq!(count("/v1/stock?limit=2").await, 9);
    assert_eq!(count("/v1/stock?sku=SKU-1&sku=SKU-3&sku=nope").await, 2);
    assert_eq!(count("/v1/stock?available_max=4&limit=3").await, 4);
    assert_eq!(count("/v1/stock?low=true").await, 3);
    assert_eq!(count("/v1/stock?short=true").await, 1);
    assert_eq!(count("/v1/stock?short=false&low=true&limit=1").await, 2);
    assert_eq!(count("/v1/locations?limit=2").await, 5);
    assert_eq!(count("/v1/locations?sellable=false").await, 2);
    assert_eq!(count("/v1/payments?limit=2").await, 9);
    assert_eq!(count("/v1/payments?unknown=true").await, 2);
    assert_eq!(count("/v1/payments?dispute=opened").await, 1);
    assert_eq!(count("/v1/payments?to_remit=true").await, 3);
    let order = uuid::Uuid::from_u128(1);
    assert_eq!(count(&format!("/v1/payments?order_id={order}&status=captured")).await, 5);
    assert_eq!(count("/v1/fulfilments?limit=2").await, 9);
    assert_eq!(count("/v1/fulfilments?status=packed&sort=created_at&limit=1").await, 3);
    assert_eq!(count(&format!("/v1/fulfilments?order_id={order}&status=packed")).await, 2);
    assert_eq!(count("/v1/fulfilments?location=shop&limit=2").await, 3);
    assert_eq!(count("/v1/fulfilments?location=shop&status=packed").await, 1);
    assert_eq!(count("/v1/returns?limit=4&sort=-created_at").await, 9);
    assert_eq!(count("/v1/returns?status=requested").await, 2);
    assert_eq!(count(&format!("/v1/returns?order_id={order}")).await, 5);
    assert_eq!(count("/v1/sales?limit=1").await, 6);
    assert_eq!(count("/v1/sales?from=2026-03-02&to=2026-03-03&currency=PKR").await, 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_list_is_refused_by_name(db: PgPool) {
    let shop = Shop::open(&db).await;
    for n in 1..=2 {
        shop.put_product(n, "Tote", "published", n).await;
    }
    let refused = |answer: &Answer| answer.json()["errors"][0]["parameter"].clone();
    for (path, parameter) in [
        ("/v1/products?limit=0", "limit"),
        ("/v1/products?limit=201", "limit"),
        ("/v1/products?limit=-1", "limit"),
        ("/v1/products?sort=price", "sort"),
        ("/v1/products?min_position=x", "min_position"),
        ("/v1/orders?status=sold", "status"),
        ("/v1/orders?number=four", "number"),
        ("/v1/orders?to_refund=all", "to_refund"),
        ("/v1/orders?created_from=yesterday", "created_from"),
        ("/v1/orders?customer_id=7", "customer_id"),
        ("/v1/orders?currency=EURO", "currency"),
        ("/v1/sales?from=2026-13-01", "from"),
        ("/v1/payments?filter=x", "filter"),
        ("/v1/fulfilments?status=sent", "status"),
        ("/v1/returns?status=sent", "status"),
    ] {
        let answer = shop.get(path).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "invalid_query".into())
        );
        assert_eq!(refused(&answer), parameter, "{}", answer.text);
    }
    // What is empty is not there in some places, and something else in others: docs/api.
    for path in ["/v1/products?min_position=&fields=&locale=", "/v1/orders?number=&to_refund="] {
        assert_eq!(shop.get(path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(shop.get("/v1/products?brand=").await.ids(), [] as [&str; 0]);
    for path in ["/v1/products?status=", "/v1/products?limit="] {
        assert_eq!(shop.get(path).await.code(), "invalid_query", "{path}");
    }
    assert_eq!(shop.get("/v1/products?cursor=x").await.code(), "invalid_cursor");
    // A cursor of one order is none of another.
    let cursor = shop.get("/v1/products?limit=1").await.json()["next"].as_str().unwrap().to_owned();
    let other = shop.get(&format!("/v1/products?sort=title&cursor={cursor}")).await;
    assert_eq!(other.code(), "invalid_cursor");
    let other = shop.get(&format!("/v1/orders?cursor={cursor}")).await;
    assert_eq!(other.code(), "invalid_cursor");
}
