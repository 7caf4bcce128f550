//! One sale, from command to search result, as every kind of user sees it.

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::stack::{PATIENCE, Stack};

/// Polls the search until it finds something; the push to Meilisearch follows the projection.
async fn search(stack: &Stack, query: &str) -> Value {
    for _ in 0..PATIENCE.as_millis() / 100 {
        let found: Value =
            serde_json::from_str(&stack.text(&format!("/v1/search?q={query}")).await).unwrap();
        if found["hits"].as_array().is_some_and(|hits| !hits.is_empty()) {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("nothing found for {query}: {}", stack.text(&format!("/v1/search?q={query}")).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_sale_goes_from_command_to_search_result(db: PgPool) {
    let mut stack = Stack::start(&db).await;
    let product = stack.sell("TOTE", "Leather tote", 10).await;
    let found = search(&stack, "leathr").await;
    assert_eq!(found["hits"][0]["id"], product.as_str(), "{found}");

    let cart = stack.accept("/v1/carts", json!({"currency": "EUR"})).await;
    let cart = cart["id"].as_str().unwrap();
    let line = json!({"sku": "TOTE", "quantity": 2});
    stack.accept(&format!("/v1/carts/{cart}/lines"), line).await;
    let order = stack.accept(&format!("/v1/carts/{cart}/checkout"), json!({})).await;
    let id = order["id"].as_str().unwrap();
    let path = format!("/v1/orders/{id}");
    let read = stack.get(&path, &order["position"]).await;
    assert_eq!(read["status"], "pending", "a reader always sees its own last write: {read}");
    assert_eq!(read["total"], json!({"amount": "39.98", "currency": "EUR"}));

    let pay = json!({"order_id": id, "method": "card", "token": "tok_timeout"});
    let payment = stack.accept("/v1/payments", pay).await;
    let payment = payment["id"].as_str().unwrap();
    // The gateway's first answer is lost; asking again under the same key settles it.
    stack.until(&path, "the order", "/status", "confirmed").await;
    let parcel = stack.accept("/v1/fulfilments", json!({"order_id": id})).await;
    let parcel = parcel["id"].as_str().unwrap();
    for step in ["pack", "ship"] {
        stack.accept(&format!("/v1/fulfilments/{parcel}/{step}"), json!({})).await;
    }
    // Its label is printed later.
    let label = json!({"carrier": "DHL", "tracking": "JD01"});
    let labelled = stack.accept(&format!("/v1/fulfilments/{parcel}/ship"), label).await;
    let found = stack.get("/v1/orders?tracking=jd01", &labelled["position"]).await;
    assert_eq!(found["items"][0]["fulfilments"][0]["tracking"], "JD01", "{found}");
    // Nobody asks for the money: it is taken because the goods have left.
    stack.until(&format!("/v1/payments/{payment}"), "the payment", "/status", "captured").await;
    let delivered = format!("/v1/fulfilments/{parcel}/deliver");
    let delivered = stack.accept(&delivered, json!({})).await;
    let read = stack.get(&path, &delivered["position"]).await;
    assert_eq!(read["status"], "completed", "{read}");

    let stock = stack.get("/v1/stock/TOTE", &delivered["position"]).await;
    assert_eq!(stock["available"], 8, "{stock}");
    let events = stack.text("/v1/events?after=0").await;
    let types: Vec<String> = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().into())
        .collect();
    for expected in ["order.placed", "payment.outcome_unknown", "payment.captured", "stock.shipped"]
    {
        assert!(types.iter().any(|found| found == expected), "{expected} in {types:?}");
    }
    let history = stack.text(&format!("/v1/streams/order/{id}")).await;
    assert!(history.contains("order.completed"), "{history}");
    // What the gateway did stands in its own books, once each.
    let booked: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sandbox_gateway").fetch_one(&db).await.unwrap();
    assert_eq!(booked, 2, "one authorisation, one capture");

    // Asked to stop, every program ends by itself and well.
    for program in stack.commands.iter_mut().chain(&mut stack.projectors) {
        program.signal("TERM");
        assert!(program.wait().unwrap().success());
    }
    stack.query.signal("TERM");
    assert!(stack.query.wait().unwrap().success());
}
