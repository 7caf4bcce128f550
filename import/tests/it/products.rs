//! Product files as shops export them, changed and imported again.

use import::{Args, Report};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{assert_left_out, data, file, kinds, log, of_kind, products, run};

#[sqlx::test(migrations = "../migrations")]
async fn real_exports_are_brought_in_once(db: PgPool) {
    let apparel = run(&db, products(data("apparel.csv"))).await;
    assert_eq!((apparel.exit_code(), apparel.rows_skipped()), (0, 0), "{:?}", apparel.reasons());
    let home = run(&db, products(data("home-and-garden.csv"))).await;
    assert_eq!((home.exit_code(), home.rows_skipped()), (0, 0), "{:?}", home.reasons());
    let found = kinds(&db).await;
    assert_eq!(found["product.created"], found["product.published"]);
    assert_eq!(found["product.variant_set"], found["sku.assigned"]);

    let created = of_kind(&db, "product.created").await;
    let pot = created.iter().find(|product| product["title"] == "Clay Plant Pot").unwrap();
    assert_eq!(pot["brand"], "Company 123");
    assert_eq!(pot["category"], json!(["Outdoor"]));
    assert_eq!(pot["attributes"], json!({"tags": "Pot, Plants"}));
    assert_eq!(pot["media"].as_array().unwrap().len(), 2);
    let variants = of_kind(&db, "product.variant_set").await;
    let large = variants.iter().find(|variant| variant["sku"] == "clay-plant-pot-Large").unwrap();
    assert_eq!(large["options"], json!([{"name": "Size", "value": "Large"}]));
    assert_eq!(large["prices"], json!([{"amount": "15.99", "currency": "EUR"}]));
    let received = of_kind(&db, "stock.received").await;
    assert!(received.iter().any(|event| event["quantity"] == 3 && event["location"] == "main"));

    let before = log(&db).await;
    run(&db, products(data("apparel.csv"))).await;
    let again = run(&db, products(data("home-and-garden.csv"))).await;
    assert_eq!(again.commands().accepted, 0);
    assert!(again.commands().replayed > 0, "inventory is not received twice");
    assert_eq!(log(&db).await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_changed_file_changes_what_differs(db: PgPool) {
    let first = "Handle,Title,Vendor,Option1 Name,Option1 Value,SKU,Price,Inventory quantity\n\
                 bag,Bag,Ann,Size,S,B-S,10,5\nbag,,,,M,B-M,11,5\ncup,Cup,Ann,,,CUP,3,\n";
    let second = "Handle,Title,Vendor,Option1 Name,Option1 Value,SKU,Price,Inventory quantity\n\
                  bag,Big bag,Ann,Size,S,B-S,12,7\nbag,,,,L,B-L,13,1\ncup,Cup,Ann,,,CUP,3,\n";
    run(&db, products(file(first))).await;
    let before = log(&db).await.len();
    let report = run(&db, products(file(second))).await;
    assert_eq!(report.exit_code(), 0);
    let told = report.to_string();
    assert!(told.contains("variant B-M of 'Big bag' was removed"), "{told}");
    let added: Vec<_> = log(&db).await.into_iter().skip(before).collect();
    let kinds: Vec<&str> = added.iter().map(|(_, _, kind, _, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "product.changed",
            "product.prices_set",
            "product.variant_set",
            "sku.assigned",
            "product.variant_removed",
            "sku.released",
            "stock.received",
        ]
    );
    assert_eq!(added[0].4, json!({"title": "Big bag"}));
    assert_eq!(added[6].0, "stock-B-L", "what was received once is not received again");

    // Back again: what the file says counts, not what was once imported.
    run(&db, products(file(first))).await;
    let prices = of_kind(&db, "product.prices_set").await;
    let last = prices.iter().rev().find(|variant| variant["sku"] == "B-S").unwrap();
    assert_eq!(last["prices"][0]["amount"], "10.00");
    assert_eq!(of_kind(&db, "stock.received").await.len(), 3);
}

#[sqlx::test(migrations = "../migrations")]
async fn newer_exports_and_other_encodings_are_understood(db: PgPool) {
    let newer = "URL handle;Title;Description;Product category;Type;Tags;Status;\
                 Published on online store;SKU;Price;Compare-at price;Inventory quantity;\
                 Product image URL;Image alt text\r\n\
                 tasche;Ledertasche f\u{fc}r Z\u{fc}rich;\"<p>Zeile\r\nzwei</p>\";Bags > Totes;\
                 Tote;colour:red, new, colour:blue;active;TRUE;T-1;1.299,00 \u{20ac};1500;2;\
                 https://example.com/ein bild.jpg;Tasche\r\n\
                 alt;Altes;;;;;archived;TRUE;T-2;5;;1;;\r\n\
                 neu;Neues;;;;;draft;;T-3;5;;;;\r\n";
    let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(newer);
    let report = run(&db, products(file(&bytes))).await;
    assert_eq!(report.exit_code(), 0, "{:?}", report.reasons());
    let created = of_kind(&db, "product.created").await;
    assert_eq!(created[0]["title"], "Ledertasche für Zürich");
    assert_eq!(created[0]["description"], "<p>Zeile\r\nzwei</p>");
    assert_eq!(created[0]["category"], json!(["Bags", "Totes"]));
    let attributes = json!({"colour": "red, blue", "tags": "new", "type": "Tote"});
    assert_eq!(created[0]["attributes"], attributes);
    assert_eq!(created[0]["media"][0]["url"], "https://example.com/ein%20bild.jpg");
    let variants = of_kind(&db, "product.variant_set").await;
    assert_eq!(variants[0]["prices"], json!([{"amount": "1299.00", "currency": "EUR"}]));
    let found = kinds(&db).await;
    assert_eq!((found["product.published"], found["product.archived"]), (1, 1));
    assert_eq!(found["stock.received"], 1, "what is withdrawn is not received");
}

#[sqlx::test(migrations = "../migrations")]
async fn rows_that_cannot_be_used_are_told_by_line(db: PgPool) {
    let awkward = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,\
                   Variant Inventory Qty,Published,Image Src\n\
                   ,No handle,,,A,1,,,\n\
                   shirt,Shirt,Size,S,S 1/2,10,-3,Yes,\n\
                   shirt,,,M,SH-M,cheap,,,\n\
                   shirt,,,L,SH-L,9.999,,,\n\
                   shirt,,,XL,,\"1,299.00\",4,,not a picture\n\
                   shirt,,,,,,,,https://example.com/b.jpg\n\
                   hat,Hat,,,SH-M,5,,perhaps,\n\
                   cap,Cap,,,SH-M,5,,1,\n\
                   untitled,,,,U-1,5,,,\n\
                   untitled,,,,U-2,5,,,\n\
                   free,Free,,,FREE,,,true,\n\
                   a,b,c,d,e,f,g,h,i,j,k\n\
                   sock,Sock,,,SOCK,1,,true,\n";
    let report = run(&db, products(file(awkward))).await;
    assert_eq!(report.exit_code(), 2);
    assert_left_out(
        &report,
        &[
            (2, "no handle"),
            (4, "'cheap' is not a price"),
            (5, "no more decimals than its currency has"),
            (9, "on line 8 already"),
            (10, "no title"),
            (11, "no title"),
            (13, "11 fields"),
        ],
    );
    let remarks = |part: &str| report.remarks().iter().filter(|(_, r)| r.contains(part)).count();
    assert_eq!(remarks("'-3' units was not received"), 1);
    assert_eq!(remarks("'S 1/2' is written S-1-2-"), 1);
    assert_eq!(remarks("no web address"), 1);
    assert_eq!(remarks("Published 'perhaps' is not known"), 1);
    assert_eq!(remarks("has no price"), 1);
    let found = kinds(&db).await;
    assert_eq!((found["product.created"], found["product.published"]), (4, 2));
    let variants = of_kind(&db, "product.variant_set").await;
    assert!(variants.iter().any(|variant| variant["sku"] == "shirt-XL"));
    assert_eq!(run(&db, products(file(awkward))).await.commands().accepted, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_another_product_sells_is_refused_until_it_is_free(db: PgPool) {
    let holder = "Handle,Title,SKU,Price,Inventory quantity\none,One,SAME,1,0\n";
    let other = "Handle,Title,SKU,Price,Inventory quantity\ntwo,Two,SAME,1,2\n";
    run(&db, products(file(holder))).await;
    for _ in 0..2 {
        let report = run(&db, products(file(other))).await;
        assert_eq!(report.exit_code(), 1);
        assert_left_out(&report, &[(2, "another product has SKU SAME")]);
    }
    let gone = "Handle,Title,SKU,Price,Status\none,One,SAME,1,archived\n";
    run(&db, products(file(gone))).await;
    let report = run(&db, products(file(other))).await;
    assert_eq!((report.exit_code(), report.rows_skipped()), (0, 0), "{:?}", report.reasons());
    assert_eq!(of_kind(&db, "product.published").await.len(), 2);
    assert_eq!(run(&db, products(file(other))).await.commands().accepted, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_withdrawn_comes_back(db: PgPool) {
    let of = |status: &str, sku: &str| {
        format!("Handle,Title,SKU,Price,Status\none,One,KEPT,1,{status}\none,,{sku},2,\n")
    };
    for status in ["active", "archived", "active", "draft", "active"] {
        let report = run(&db, products(file(of(status, "ALSO")))).await;
        assert_eq!((report.exit_code(), report.rows_skipped()), (0, 0), "{:?}", report.reasons());
    }
    let history: Vec<String> = log(&db).await.into_iter().map(|(_, _, kind, _, _)| kind).collect();
    let told = history.iter().filter(|kind| kind.starts_with("product.")).skip(4);
    let told: Vec<&str> = told.map(String::as_str).collect();
    assert_eq!(
        told,
        [
            "product.archived",
            "product.restored",
            "product.published",
            "product.unpublished",
            "product.published",
        ]
    );

    // While it is away another product takes one of its SKUs, which its own file lists no more.
    run(&db, products(file(of("archived", "ALSO")))).await;
    let other = "Handle,Title,SKU,Price\ntwo,Two,ALSO,1\n";
    assert_eq!(run(&db, products(file(other))).await.exit_code(), 0);
    let report = run(&db, products(file(of("active", "ALSO")))).await;
    let reason = "another product has SKU ALSO";
    assert_left_out(&report, &[(2, reason), (3, reason)]);
    let report = run(&db, products(file(of("active", "NEW")))).await;
    assert_eq!((report.exit_code(), report.rows_skipped()), (0, 0), "{:?}", report.reasons());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_goes_off_sale_may_lose_its_last_price(db: PgPool) {
    let first = "Handle,Title,SKU,Price,Status\none,One,OLD,1,active\ntwo,Two,TWO,1,active\n";
    run(&db, products(file(first))).await;
    let second = "Handle,Title,SKU,Price,Status\none,One,NEW,,draft\ntwo,Two,TWO,,draft\n";
    let report = run(&db, products(file(second))).await;
    assert_eq!((report.exit_code(), report.rows_skipped()), (0, 0), "{:?}", report.reasons());
    assert_eq!(of_kind(&db, "product.unpublished").await.len(), 2);
    assert_eq!(run(&db, products(file(second))).await.commands().accepted, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn an_archived_row_frees_its_sku_for_one_below_it(db: PgPool) {
    let both = "Handle,Title,SKU,Price,Status\nold,Old,SAME,1,archived\nnew,New,SAME,2,active\n";
    for _ in 0..2 {
        let report = run(&db, products(file(both))).await;
        assert_eq!((report.exit_code(), report.rows_skipped()), (0, 0), "{:?}", report.reasons());
    }
    assert_eq!(of_kind(&db, "product.published").await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_left_of_a_sku_keeps_other_products_from_it(db: PgPool) {
    let holder = "Handle,Title,SKU,Price,Inventory quantity\none,One,SAME,1,2\n";
    run(&db, products(file(holder))).await;
    let gone = "Handle,Title,SKU,Price,Status\none,One,SAME,1,archived\n";
    run(&db, products(file(gone))).await;
    let other = "Handle,Title,SKU,Price,Inventory quantity\ntwo,Two,SAME,1,2\n";
    let report = run(&db, products(file(other))).await;
    assert_eq!(report.exit_code(), 1);
    assert_left_out(&report, &[(2, "2 units of the product that had this SKU are there")]);
}

/// The prices of a product file's variants, in the order of the file, and what is said of it.
async fn prices(db: &PgPool, currency: &str, text: &str) -> (Vec<String>, Report) {
    let before = of_kind(db, "product.variant_set").await.len();
    let currency = currency.parse().unwrap();
    let args = Args::Products { file: file(text), currency, location: "main".parse().unwrap() };
    let report = run(db, args.clone()).await;
    assert_eq!((report.exit_code(), report.rows_skipped()), (0, 0), "{:?}", report.reasons());
    assert_eq!(run(db, args).await.commands().accepted, 0, "twice is once");
    let variants = of_kind(db, "product.variant_set").await.split_off(before);
    let amount = |variant: &Value| variant["prices"][0]["amount"].as_str().unwrap().to_owned();
    (variants.iter().map(amount).collect(), report)
}

#[sqlx::test(migrations = "../migrations")]
async fn round_prices_are_not_a_thousand_times_too_low(db: PgPool) {
    let head = "Handle;Title;SKU;Price;Inventory quantity\n";
    let pesos = format!("{head}a1;A;A1;12.000;\na2;A;A2;1.250.000;\n");
    let (found, report) = prices(&db, "CLP", &pesos).await;
    assert_eq!((found, report.remarks().len()), (vec!["12000".into(), "1250000".into()], 0));
    let yen = format!("{head}a3;A;A3;¥12,500;\na4;A;A4;980;\n");
    let (found, report) = prices(&db, "JPY", &yen).await;
    assert_eq!((found, report.remarks().len()), (vec!["12500".into(), "980".into()], 0));

    let german = format!("{head}a5;A;A5;1.000;1.000\na6;A;A6;4,99;2\n");
    let (found, report) = prices(&db, "EUR", &german).await;
    assert_eq!((found, report.remarks().len()), (vec!["1000.00".into(), "4.99".into()], 0));
    let told = report.to_string();
    assert!(
        told.contains("amounts such as that on line 2 were read with a decimal comma"),
        "{told}"
    );
    let received = of_kind(&db, "stock.received").await;
    assert!(received.iter().any(|event| event["quantity"] == 1000), "{received:?}");

    // The price before tells too.
    let compared = "Handle;Title;SKU;Price;Compare-at price\na7;A;A7;1.000;1.299,00\n";
    assert_eq!(prices(&db, "EUR", compared).await.0, ["1000.00"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn prices_that_nothing_decides_are_remarked(db: PgPool) {
    let head = "sep=;\nHandle;Title;SKU;Price;Inventory quantity\n";
    let dinars = format!("{head}b1;B;B1;12,500;\nb2;B;B2;0,500;\n");
    let (found, report) = prices(&db, "TND", &dinars).await;
    assert_eq!((found, report.remarks().len()), (vec!["12.500".into(), "0.500".into()], 0));

    let doubtful = format!("{head}b3;B;B3;12,500;\nb4;B;B4;8.250;1.000\n");
    let (found, report) = prices(&db, "TND", &doubtful).await;
    assert_eq!(found, ["12500.000", "8.250"]);
    let why = "no other number of the file tells";
    let remarks = [
        (3, format!("the amount '12,500' is read as thousands, not with three decimals: {why}")),
        (4, format!("the amount '8.250' is read with three decimals, not as thousands: {why}")),
        (4, format!("the quantity '1.000' is read as 1, not 1000: {why}")),
    ];
    assert_eq!(report.remarks(), remarks);

    let round = "Handle|Title|SKU|Price\nb5|B|B5|1.000\n";
    let (found, report) = prices(&db, "EUR", round).await;
    assert_eq!(found, ["1.00"]);
    assert!(report.remarks()[0].1.contains("'1.000' is read with three decimals"), "{report}");
}
