//! Order files as different shops export them: what their columns are called, which facts stand on
//! an order's first row only, which orders brought no money.

use import::{Report, TableError};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{assert_left_out, file, kinds, of_kind, orders, run};

const SHOP: &str = "Name,Created at,Fulfilled at,Financial Status,Currency,Subtotal,Shipping,\
                    Discount Amount,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,\
                    Lineitem fulfillment status,Cancelled at\n";

fn totals(placed: &[Value]) -> Vec<&str> {
    placed.iter().map(|order| order["total"]["amount"].as_str().unwrap()).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_first_row_speaks_for_the_whole_order(db: PgPool) {
    let history = "#1,2024-01-15,2024-01-16,paid,EUR,,,,1,Bag,10,BAG,fulfilled,\n\
                   #1,,,,,,,,2,Mug,4,MUG,fulfilled,\n\
                   #2,2024-01-15,2024-01-17,paid,EUR,,,,1,Bag,10,BAG,fulfilled,\n\
                   #2,,,,,,,,2,Mug,4,MUG,pending,\n";
    let report = run(&db, orders(file(format!("{SHOP}{history}")))).await;
    assert_eq!(report.exit_code(), 0, "{:?}", report.reasons());
    let told = report.to_string();
    assert!(told.contains("1 orders stay open"), "{told}");
    assert!(told.contains("shipping are not recorded"), "{told}");
    let found = kinds(&db).await;
    assert_eq!((found["order.completed"], found["payment.collected"]), (1, 2));
    let parcels = of_kind(&db, "fulfilment.created").await;
    let lines = |parcel: &Value| parcel["lines"].as_array().unwrap().len();
    assert_eq!(parcels.iter().map(lines).collect::<Vec<_>>(), [2, 1]);
}

#[sqlx::test(migrations = "../migrations")]
async fn orders_that_brought_no_money_are_left_out_whole(db: PgPool) {
    let history = "#1,2024-01-15,,refunded,EUR,,,,1,Bag,10,BAG,,\n\
                   #1,,,,,,,,2,Mug,4,MUG,,\n\
                   #2,2024-01-15,,voided,EUR,,,,1,Bag,10,BAG,,\n\
                   #3,2024-01-15,,Pending,EUR,,,,1,Bag,10,BAG,,\n\
                   #4,2024-01-15,,expired,EUR,,,,1,Bag,10,BAG,,\n\
                   #5,2024-01-15,,partially_refunded,EUR,,,,1,Bag,10,BAG,,\n\
                   #6,,,,,,,,2,Mug,4,MUG,,\n\
                   #6,2024-01-15,,paid,EUR,,,,1,Bag,10,BAG,,2024-01-16\n\
                   #6,,,,,,,,1,Cup,4,CUP,,\n";
    let report = run(&db, orders(file(format!("{SHOP}{history}")))).await;
    assert_left_out(
        &report,
        &[
            (2, "refunded"),
            (3, "refunded"),
            (4, "voided"),
            (5, "pending"),
            (6, "expired"),
            (8, "cancelled"),
            (9, "cancelled"),
            (10, "cancelled"),
        ],
    );
    let remarks = report.remarks();
    assert!(remarks.len() == 1 && remarks[0].0 == 7, "{remarks:?}");
    assert!(remarks[0].1.contains("partially_refunded"), "{remarks:?}");
    assert_eq!(kinds(&db).await["order.placed"], 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn discounts_of_orders_are_spread_or_told(db: PgPool) {
    // One is spread; one is in the lines already; one has a line missing; one is too much; one
    // leaves the lines above the subtotal.
    let history = "#1,2024-01-15,,paid,EUR,20.00,,10.00,1,A,10,A,,\n\
                   #1,,,,,,,,1,B,10,B,,\n\
                   #1,,,,,,,,1,C,10,C,,\n\
                   #2,2024-01-16,,paid,EUR,30,,5,1,A,30,A,,\n\
                   #3,2024-01-17,,paid,EUR,30,,5,1,A,30,A,,\n\
                   #3,,,,,,,,none,B,10,B,,\n\
                   #4,2024-01-18,,paid,EUR,,,50,1,A,30,A,,\n\
                   #5,2024-01-19,,paid,EUR,28,,1,1,A,30,A,,\n";
    let report = run(&db, orders(file(format!("{SHOP}{history}")))).await;
    assert_left_out(&report, &[(7, "not a whole number")]);
    let told = report.to_string();
    for part in [
        "discounts of 11.00 EUR on 2 orders were spread over their lines",
        "discounts of 55.00 EUR on 2 orders were not taken off",
        "the lines of 1 orders do not come to their subtotals: +1.00 EUR",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let placed = of_kind(&db, "order.placed").await;
    assert_eq!(totals(&placed), ["20.00", "30.00", "30.00", "30.00", "29.00"]);
    let prices: Vec<&str> = placed[0]["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["unit_price"]["amount"].as_str().unwrap())
        .collect();
    assert_eq!(prices, ["6.67", "6.67", "6.66"], "what is left over is on the last");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_ledger_of_invoices_is_understood(db: PgPool) {
    let ledger = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,\
                  Country\n\
                  536365,85123A,WHITE HANGING HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom\n\
                  536365,71053,WHITE METAL LANTERN,6,12/1/2010 8:27,3.39,17850,United Kingdom\n\
                  536370,POST,POSTAGE,3,12/1/2010 8:45,18,12583,France\n\
                  C536379,85123A,WHITE HANGING HEART,-1,12/13/2010 9:41,2.55,14527,United Kingdom\n\
                  536414,22139,,56,12/1/2010 11:52,0,,United Kingdom\n\
                  536415,71053,WHITE METAL LANTERN,1,12/1/2010 11:53,3.39,,United Kingdom\n";
    let report = run(&db, orders(file(ledger))).await;
    assert_left_out(&report, &[(4, "'POST' is a fee"), (5, "'-1' units are a return")]);
    let placed = of_kind(&db, "order.placed").await;
    assert_eq!(totals(&placed), ["35.64", "0.00", "3.39"]);
    assert!(placed[0]["customer_id"].is_string() && placed[2]["customer_id"].is_null());
    assert_eq!(placed[0]["lines"][0]["title"], "WHITE HANGING HEART");
    assert!(report.to_string().contains("month first, as on line 5"), "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn headers_and_separators_may_differ(db: PgPool) {
    let heads = [
        "order_id;order.date;SKU;Product-Name;QTY;Sales",
        "Order #\tOrder Date\tstock_code\tdescription\tquantity\tLine Total",
        "TransactionID,Transaction Date,product_id,ProductName,Quantity,sales",
        "Invoice,InvoiceDate,StockCode,Description,Quantity,Sales Amount",
    ];
    for (number, head) in heads.into_iter().enumerate() {
        let row = format!("\n{number};2014-01-0{};P{number};Caf\u{e9};2;\"7.50\"\n", number + 1);
        let separator = if head.contains(';') {
            ";"
        } else if head.contains('\t') {
            "\t"
        } else {
            ","
        };
        let text = format!("{head}{}", row.replace(';', separator));
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
        let report = run(&db, orders(file(&bytes))).await;
        assert_eq!(report.exit_code(), 0, "{head}: {:?}", report.reasons());
    }
    let placed = of_kind(&db, "order.placed").await;
    assert_eq!(totals(&placed), ["7.50"; 4]);
    assert!(placed.iter().all(|order| order["lines"][0]["title"] == "Café"));
}

/// What the orders of a file cost, and its remarks.
async fn cost(db: &PgPool, text: &str) -> (Vec<Value>, Report) {
    let before = of_kind(db, "order.placed").await.len();
    let report = run(db, orders(file(text))).await;
    assert_eq!(report.exit_code(), 0, "{:?}", report.reasons());
    (of_kind(db, "order.placed").await.split_off(before), report)
}

#[sqlx::test(migrations = "../migrations")]
async fn what_may_be_thousands_is_decided_or_remarked(db: PgPool) {
    let head = "Order ID,Date,SKU,Qty,Unit Price,Currency\n";
    let (placed, report) = cost(&db, &format!("{head}1,2014-01-03,P1,1,1.299,BHD\n")).await;
    assert_eq!(totals(&placed), ["1.299"]);
    let remarks = report.remarks();
    assert!(remarks.len() == 1 && remarks[0].0 == 2, "{remarks:?}");
    assert!(remarks[0].1.contains("'1.299' is read with three decimals"), "{remarks:?}");

    let prices = "2,2014-01-03,P1,1,1.290,EUR\n3,2014-01-03,P1,1,1.29,EUR\n\
                  4,2014-01-03,P2,1,1.299,BHD\n5,2014-01-03,P2,1,\"1,299\",BHD\n";
    let (placed, report) = cost(&db, &format!("{head}{prices}")).await;
    assert_eq!(totals(&placed), ["1.29", "1.29", "1.299", "1299.000"]);
    assert_eq!(report.remarks(), []);
    let told = "amounts such as that on line 2 were read with a decimal point, as line 3 tells";
    assert!(report.to_string().contains(told), "{report}");

    let (placed, report) = cost(
        &db,
        "Order ID;Date;SKU;Qty;Sales;Currency\n6;2014-01-03;P1;1.000;1.299;EUR\n\
         7;2014-01-04;P1;1;12,5;EUR\n8;2014-01-05;P2;1;12,500;TND\n",
    )
    .await;
    assert_eq!(totals(&placed), ["1299.00", "12.50", "12.500"]);
    assert_eq!(placed[0]["lines"][0]["quantity"], 1000);
    let told = "quantities such as that on line 2 were read with a decimal comma, as line 3 tells";
    assert!(report.remarks().is_empty() && report.to_string().contains(told), "{report}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_row_is_read_in_the_currency_of_its_order(db: PgPool) {
    // The second row of an order does not name its currency, and the first may be left out.
    let history = "#1,2024-01-15,,paid,JPY,,,,1,A,12.500,A,,\n\
                   #1,,,,,,,,1,B,\"1,500\",B,,\n\
                   #2,2024-01-16,,paid,EUR,,,,1,A,9.50,A,,\n\
                   #2,,,,,,,,1,B,1.000,B,,\n";
    let (placed, report) = cost(&db, &format!("{SHOP}{history}")).await;
    assert_eq!(totals(&placed), ["14000", "10.50"]);
    assert_eq!(placed[0]["total"]["currency"], "JPY");
    assert_eq!(report.remarks(), []);

    let history = "#3,2024-01-15,,paid,JPY,,,,none,A,12.500,A,,\n\
                   #3,2024-01-15,,,,,,,1,B,1.500,B,,\n";
    let report = run(&db, orders(file(format!("{SHOP}{history}")))).await;
    assert_left_out(&report, &[(2, "not a whole number")]);
    let placed = of_kind(&db, "order.placed").await;
    assert_eq!(placed[2]["total"], json!({"amount": "1500", "currency": "JPY"}));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_first_line_may_name_the_separator(db: PgPool) {
    let files = [
        "sep=;\r\nOrder ID;Date, local;Order Date;SKU;Qty;Sales\r\n1;;2014-01-03;A;1;7,50\r\n",
        "Order ID|Order Date|SKU|Qty|Sales\n2|2014-01-04|A, B|1|7,50\n",
    ];
    for text in files {
        let (placed, _) = cost(&db, text).await;
        assert_eq!(totals(&placed), ["7.50"], "{text}");
    }
    let report = run(&db, orders(file("sep=|\nOrder ID|Date|SKU|Qty|Sales\nx|y|z|1|1\n"))).await;
    assert_left_out(&report, &[(3, "'y' is not a date")]);
}

#[test]
fn a_file_that_is_too_large_says_where_to_split_it() {
    let told = TableError::TooLarge.to_string();
    assert!(told.contains("64 MiB") && told.contains("between products"), "{told}");
}
