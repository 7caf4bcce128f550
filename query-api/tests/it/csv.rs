//! Lists as CSV, for who asks for that.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Shop;

/// An order as it is shown.
const ORDER: &str = include_str!("../../../domain/src/page/examples/order.json");

/// A page of orders as a spreadsheet opens it; whose they are decides who sees which, as ever.
#[sqlx::test(migrations = "../migrations")]
async fn orders_are_had_as_csv(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut whole: Value = serde_json::from_str(ORDER).unwrap();
    for n in 1..=3_u32 {
        let id = shop.put_order(n, "pending", 9.0, n).await;
        whole["id"] = json!(id);
        let put = "UPDATE orders_rows SET document = $2 WHERE id = $1::uuid";
        sqlx::query(put).bind(&id).bind(&whole).execute(&db).await.unwrap();
    }
    let csv = [("accept", "text/csv")];
    let page = shop.ask("/v1/orders?limit=2", &csv).await;
    assert_eq!(page.headers["content-type"], "text/csv; charset=utf-8; header=present");
    let lines: Vec<&str> = page.text.split("\r\n").collect();
    assert!(lines.len() == 4 && lines[0].starts_with("number,id,created_at,status"), "{lines:?}");
    // The rest is behind the link, and is as CSV too for who asks for that.
    let link = page.headers["link"].to_str().unwrap();
    let next = link.trim_start_matches('<').split('>').next().unwrap();
    let rest = shop.ask(next, &csv).await;
    assert_eq!(rest.text.split("\r\n").count(), 3);
    assert!(!rest.headers.contains_key("link"));
    let tag = page.headers["etag"].to_str().unwrap();
    let again = [csv[0], ("if-none-match", tag)];
    assert_eq!(shop.ask("/v1/orders?limit=2", &again).await.status, 304);
    for (query, name) in [("fields=id", "fields"), ("include=products", "include")] {
        let refused = shop.ask(&format!("/v1/orders?{query}"), &csv).await;
        assert_eq!(refused.json()["errors"][0]["parameter"], name, "{}", refused.text);
    }
    let json = shop.ask("/v1/orders", &[("accept", "text/html, */*;q=0.8")]).await;
    assert_eq!(json.headers["content-type"], "application/json");
    let neither = shop.ask("/v1/orders", &[("accept", "text/html")]).await;
    assert_eq!((neither.status.as_u16(), neither.code()), (406, "not_acceptable".to_owned()));
}
