//! Order histories: recorded once, at their own times and prices, whatever interrupts them; and
//! nothing of today's shop is touched.

use std::time::Duration;

use event_store::read;
use import::import;
use serde_json::json;
use sqlx::PgPool;

use super::people::{people_of, run_with};
use super::{assert_left_out, data, file, kinds, log, of_kind, orders, products, run};

const SLICE: &str = "superstore-slice.csv";

#[sqlx::test(migrations = "../migrations")]
async fn a_history_is_recorded_once_in_the_order_of_time(db: PgPool) {
    let report = run(&db, orders(data(SLICE))).await;
    assert_eq!((report.exit_code(), report.rows()), (0, 293), "{:?}", report.reasons());
    let found = kinds(&db).await;
    for kind in ["order.placed", "order.completed", "payment.collected", "fulfilment.delivered"] {
        assert_eq!(found[kind], 121, "{kind}");
    }
    let others = found.keys().find(|kind| {
        !["order.", "payment.", "fulfilment."].iter().any(|part| kind.starts_with(part))
    });
    assert_eq!(others, None, "no product, no SKU, no cart and no stock");
    let placed = of_kind(&db, "order.placed").await;
    let lines: usize = placed.iter().map(|order| order["lines"].as_array().unwrap().len()).sum();
    assert_eq!(lines, 290, "the same product twice is one line");
    assert!(placed.iter().all(|order| order["recorded"] == json!(true)));
    assert!(!found.contains_key("order.cancelled"));

    let before = log(&db).await;
    assert!(before.is_sorted_by_key(|(.., at, _)| *at));
    let placed = before.iter().find(|(_, _, kind, _, _)| kind == "order.placed").unwrap();
    assert_eq!(placed.3.to_rfc3339(), "2014-03-01T00:00:00+00:00");
    for (.., data) in &before {
        let data = data.to_string();
        assert!(!data.contains("Private Person") && !data.contains("Henderson"), "{data}");
    }
    let again = run(&db, orders(data(SLICE))).await;
    assert_eq!((again.exit_code(), again.commands().accepted), (0, 0));
    assert_eq!(log(&db).await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_interrupted_import_ends_as_if_it_had_not_been(db: PgPool) {
    let far = async {
        while read::head(&db).await.unwrap() < 700 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        _ = import(orders(data(SLICE)), db.clone(), None) => panic!("it was to be interrupted"),
        () = far => {}
    }
    let report = run(&db, orders(data(SLICE))).await;
    assert_eq!((report.exit_code(), report.rows_skipped()), (0, 0), "{:?}", report.reasons());

    let name = format!("whole_{}", uuid::Uuid::now_v7().simple());
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(r#"CREATE DATABASE "{name}""#)))
        .execute(&db)
        .await
        .unwrap();
    let options = (*db.connect_options()).clone().database(&name);
    let whole = PgPool::connect_with(options).await.unwrap();
    sqlx::migrate!("../migrations").run(&whole).await.unwrap();
    run(&whole, orders(data(SLICE))).await;
    assert_eq!(log(&db).await, log(&whole).await);
    whole.close().await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(r#"DROP DATABASE "{name}" WITH (FORCE)"#)))
        .execute(&db)
        .await
        .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn every_order_pays_its_own_price(db: PgPool) {
    let history = "Order ID,Order Date,Ship Date,Customer ID,Product ID,Product Name,Category,\
                   Sub-Category,Quantity,Sales\n\
                   1,3/1/2014,3/2/2014,C1,P1,Pen,Office,Pens,3,10\n\
                   2,3/1/2014,3/13/2014,C2,P1,Pen,Office,Pens,1,5.00\n\
                   3,3/1/2014,,C1,P1,Pencil,Office,Pens,2,8\n\
                   3,3/1/2014,,C1,P1,Pen,Office,Pens,1,2.50\n";
    let report = run(&db, orders(file(history))).await;
    assert_eq!(report.exit_code(), 0, "{:?}", report.reasons());
    let told = report.to_string();
    assert!(!told.contains("moved the sum"), "three pens for 10 cost 10: {told}");
    assert!(told.contains("month first, as on line 3"), "{told}");
    assert!(told.contains("1 orders stay open"), "{told}");
    let placed = of_kind(&db, "order.placed").await;
    let totals: Vec<&str> =
        placed.iter().map(|order| order["total"]["amount"].as_str().unwrap()).collect();
    assert_eq!(totals, ["10.00", "5.00", "10.50"]);
    assert_eq!(placed[0]["customer_id"], placed[2]["customer_id"]);
    assert_ne!(placed[0]["customer_id"], placed[1]["customer_id"]);
    let line = &placed[2]["lines"][0];
    assert_eq!((&line["quantity"], &line["unit_price"]["amount"]), (&json!(3), &json!("3.50")));
    assert_eq!(placed[2]["lines"].as_array().unwrap().len(), 1);
    let found = kinds(&db).await;
    assert_eq!((found["order.confirmed"], found["order.completed"]), (3, 2));
}

#[sqlx::test(migrations = "../migrations")]
async fn rows_that_cannot_be_used_cost_no_others(db: PgPool) {
    let history = "Order ID,Order Date,Ship Date,Customer ID,Product ID,Quantity,Sales\n\
                   1,2014-01-03,2014-01-04,C,P1,1,1\n\
                   1,2014-01-03,2014-01-04,C,P2,none,1\n\
                   2,2014-01-03,2014-01-01,C,P1,1,1\n\
                   ,2014-01-03,2014-01-04,C,P1,1,1\n\
                   3,soon,2014-01-04,C,P1,1,1\n\
                   4,2014-01-03,2014-01-04,C,P1,1,-1\n\
                   5,2014-01-03,2014-01-04,C,P1,1,1\n\
                   5,2014-01-05,2014-01-06,C,P2,1,1\n\
                   6,2014-01-03,2014-01-04,C,,1,1\n\
                   7,2014-01-03,2014-01-04,C,P1,2000000,1\n";
    let report = run(&db, orders(file(history))).await;
    assert_eq!(report.exit_code(), 2);
    assert_left_out(
        &report,
        &[
            (3, "'none' is not a whole number"),
            (4, "before it was ordered"),
            (5, "no order id"),
            (6, "'soon' is not a date"),
            (7, "less than nothing"),
            (9, "another date"),
            (10, "no product id"),
            (11, "from 1 to 1000000"),
        ],
    );
    assert!(report.to_string().contains("2 orders are without rows that were left out"));
    assert_eq!(kinds(&db).await["order.completed"], 2);

    let nothing = run(&db, orders(file("Order ID,Date,SKU,Qty,Price\n1,x,x,x,x\n"))).await;
    assert_eq!(nothing.exit_code(), 1);
    let other = import(orders(file("Name,Price\na,b\n")), db.clone(), None).await.unwrap_err();
    assert!(other.to_string().contains("no column for Order Date and"), "{other}");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_that_was_imported_otherwise_is_kept(db: PgPool) {
    let head = "Order ID,Order Date,Product ID,Quantity,Unit Price,Currency\n";
    run(&db, orders(file(format!("{head}1,2014-01-03,P1,1,5,EUR\n")))).await;
    let before = log(&db).await.len();
    let changed = format!("{head}1,2014-01-03,P1,2,5,EUR\n2,2014-01-02,P1,2,5,EUR\n");
    let report = run(&db, orders(file(changed))).await;
    assert_left_out(&report, &[(2, "imported before, with other contents")]);
    let added: Vec<_> = log(&db).await.into_iter().skip(before).collect();
    assert!(added.iter().any(|(_, _, kind, _, _)| kind == "order.placed"));
    assert_eq!(of_kind(&db, "order.placed").await.len(), 2);
}

#[sqlx::test(migrations = "../migrations")]
async fn orders_of_the_catalogue_sell_its_products(db: PgPool) {
    let catalogue = "Handle,Title,SKU,Price,Barcode\nbag,Bag,BAG,20,123\nmug,Mug,MUG,9,\n";
    run(&db, products(file(catalogue))).await;
    // Of an export's several rows an order, only the first speaks of the order.
    let history = "Name,Email,Created at,Fulfilled at,Currency,Lineitem quantity,Lineitem name,\
                   Lineitem price,Lineitem sku,Lineitem discount,Cancelled at\n\
                   #1001,a@example.com,2024-01-15 10:22:33 -0500,2024-01-16 09:00:00 -0500,EUR,2,\
                   Bag,18.00,BAG,1.00,\n\
                   #1001,a@example.com,,,,1,Mug,8,MUG,0,\n\
                   #1002,b@example.com,2024-01-15 11:00:00 -0500,,EUR,1,Old thing,3,,0,\n\
                   #1003,b@example.com,2024-01-15 11:00:00 -0500,,EUR,1,Bag,3,BAG,0,2024-01-16\n";
    let before = log(&db).await.len();
    let report = run_with(&db, &people_of(&db), orders(file(history))).await;
    assert_left_out(&report, &[(5, "cancelled")]);
    let placed = of_kind(&db, "order.placed").await;
    assert_eq!(placed[0]["total"], json!({"amount": "43.00", "currency": "EUR"}));
    assert_eq!(placed[0]["lines"][0]["title"], "Bag");
    let bag = &of_kind(&db, "sku.assigned").await[0]["product_id"];
    assert_eq!(&placed[0]["lines"][0]["product_id"], bag);
    assert!(!format!("{:?}", log(&db).await).contains("example.com"));
    // Neither what a bag costs today nor how many there are is changed.
    for (stream, ..) in log(&db).await.into_iter().skip(before) {
        let kind = stream.split('-').next().unwrap().to_owned();
        assert!(["order", "payment", "fulfilment"].contains(&kind.as_str()), "{stream}");
    }
}
